# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real definitions, and one API server that serves them for the whole session."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.contract.definitions import OURS, folder_from, load
from tests.contract.resources import Resource, resources_of


@pytest.fixture(scope="session")
def real_folder() -> Path:
    folder, reason, is_failure = folder_from(os.environ)
    if folder is None and is_failure:
        pytest.fail(reason)
    if folder is None:
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def real_definitions(real_folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """The real definitions of our kinds; a folder may hold more."""
    wanted = load(OURS)
    return {name: found for name, found in load(real_folder).items() if name in wanted}


@pytest.fixture(scope="session")
def real_server(real_folder: Path) -> Iterator[Cluster]:
    with Cluster.start(crds=real_folder, simulator=False) as server:
        yield server


@pytest.fixture(scope="session")
def resources(real_definitions: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Resource]:
    """Our kinds by name of their definition, as the real definitions have them."""
    return {name: resources_of(found)[0] for name, found in real_definitions.items()}
