# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the collection's import path, and one running test cluster for those that ask for it.

The collection is imported under its full name, so some folder must hold it as ansible_collections/kubevirt_ops/
live_migration. LIVE_MIGRATION_COLLECTIONS names that folder; without it a temporary one with a link is made, and the
variable set, so that programs started by tests find the same one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.cluster.users import USERS

_ROOT = Path(__file__).parents[1]
_VARIABLE = "LIVE_MIGRATION_COLLECTIONS"


def _collections_folder() -> str:
    """The folder that has ansible_collections/kubevirt_ops/live_migration; a temporary one goes with this process."""
    given = os.environ.get(_VARIABLE, "")
    if given:
        return given
    folder = Path(tempfile.mkdtemp(prefix="live-migration-collections-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / "ansible_collections" / "kubevirt_ops" / "live_migration"
    link.parent.mkdir(parents=True)
    link.symlink_to(_ROOT)
    os.environ[_VARIABLE] = str(folder)
    return str(folder)


sys.path.insert(0, _collections_folder())


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running cluster with audit log and simulator, one for each test process. One that cannot start is an error."""
    with Cluster.start(audit=True, simulator=True) as running:
        given = rights_of_users(running)
        yield running
        # Rights outlive a reset: one that a test leaves to such a user makes another test fail, on some days.
        assert rights_of_users(running) == given


def rights_of_users(cluster: Cluster) -> set[str]:
    """The bindings that name one of the cluster's own users, by path."""
    found = set()
    for kind in ("clusterrolebindings", "rolebindings"):
        status, body = cluster.request("GET", f"/apis/rbac.authorization.k8s.io/v1/{kind}")
        assert status == 200, body
        for one in body["items"]:
            if any(subject["kind"] == "User" and subject["name"] in USERS for subject in one.get("subjects") or []):
                found.add(f"{kind}/{one['metadata'].get('namespace', '')}/{one['metadata']['name']}")
    return found
