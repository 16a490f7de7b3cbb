# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy that only its figures show to be stuck is cancelled where they are read, and not where they are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.integration.acting import cancel, only

VM = {"namespace": "team-a", "vm": "db-1"}


@pytest.fixture(scope="module")
def reachable() -> Iterator[Cluster]:
    """A cluster whose API server reaches its pods."""
    with Cluster.start(audit=True, simulator=True, pods=True) as running:
        yield running


@pytest.mark.parametrize(
    ("progress", "state"), [("virt_handler", "planned"), ("none", "refused")], ids=["measured", "by times alone"]
)
def test_stalled_copy_is_known_by_its_figures_alone(reachable: Cluster, progress: str, state: str) -> None:
    reachable.reset()
    reachable.simulator.play("copy-not-converging")
    result = cancel(reachable, check_mode=True, progress=progress, **VM)

    entry = only(result)
    assert (entry["state"], entry["code"]) == (state, "" if state == "planned" else "NotStuck"), entry
    assert ("stalled" in next(gate["reason"] for gate in entry["gates"] if gate["gate"] == "stuck")) == (
        progress == "virt_handler"
    )
