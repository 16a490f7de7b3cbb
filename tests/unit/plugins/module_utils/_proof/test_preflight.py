# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drain's figures say of the VMs that are not in them, or that they count although they would not move."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.preflight import render_drain
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import Grounds
from tests.unit.builders import NOW
from tests.unit.draining import Drain, a_guest, its_pod


def drained(*homeless: str) -> dict[str, Any]:
    """The drain of vm-1 and of VMs that select a node which is not there."""
    guests, pods = [a_guest(vm) for vm in homeless], [its_pod(vm, nodeSelector={"zone": "moon"}) for vm in homeless]
    for guest in guests:
        guest["spec"]["nodeSelector"] = {"zone": "moon"}
    drain = Drain(
        vmis=[a_guest("vm-1"), *guests],
        launchers=[its_pod("vm-1"), *pods],
        expected_bandwidth=64 * 2**20,
    )
    return render_drain(Grounds(Snapshot(read_at=NOW)), drain.judge())


def test_vms_without_a_place_are_named_beside_those_for_whom_one_was_found() -> None:
    names = [f"vm-{number}" for number in range(2, 9)]

    assert drained()["together"]["text"] == "A place for each of 1 was found; the scheduler may choose others."
    assert drained("vm-2", "vm-3")["together"]["text"] == (
        "A place for each of 1 was found; the scheduler may choose others. "
        "Not among them, as no place was found even alone: team-a/vm-2, team-a/vm-3."
    )
    assert drained(*names)["together"]["text"].endswith("team-a/vm-5, team-a/vm-6 and 2 more.")


def test_least_time_says_that_it_counts_vms_that_would_not_migrate() -> None:
    held, fine = drained("vm-2", "vm-3"), drained()

    assert held["least_seconds"] > fine["least_seconds"]
    assert held["arithmetic"].endswith(
        "; 2 of these would not migrate as things are, and the drain ends only when they have moved too"
    )
    assert "would not migrate" not in fine["arithmetic"]
