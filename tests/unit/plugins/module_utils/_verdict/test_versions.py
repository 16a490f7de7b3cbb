# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt 1.3 to 1.9 and later: what a version does not have is absent, what nobody knows yet changes nothing.

Fields by version: KubeVirt's staging/src/kubevirt.io/api/core/v1/types.go at the tags v1.3.0 and v1.9.0.
"""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import render_migrations
from tests.unit.builders import a_migration
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, a_world, judged

# Of spec and status.migrationState what v1.3.0 has.
OLD_SPEC = {"vmiName"}
OLD_STATE = {
    *("startTimestamp", "endTimestamp", "targetNodeDomainReadyTimestamp", "targetNodeDomainDetected"),
    *("targetNodeAddress", "targetDirectMigrationNodePorts", "targetNode", "targetPod", "targetAttachmentPodUID"),
    *("sourceNode", "sourcePod", "completed", "failed", "abortRequested", "abortStatus", "failureReason"),
    *("migrationUid", "mode", "migrationPolicyName", "migrationConfiguration", "targetCPUSet", "targetNodeTopology"),
}
# It rests on what came with v1.4: the claim of the VM's persistent state. Another cluster's side is told by its phase.
LATER = {"persistent-state"}


def as_old(world: World) -> World:
    """The same as v1.3 would write it."""
    for migration in world.migrations:
        migration["spec"] = {key: value for key, value in migration["spec"].items() if key in OLD_SPEC}
    for item in (*world.migrations, *world.vmis):
        state = item["status"].get("migrationState")
        if state is not None:
            item["status"]["migrationState"] = {key: value for key, value in state.items() if key in OLD_STATE}
    if world.kubevirt is not None:
        world.kubevirt["status"]["observedKubeVirtVersion"] = "v1.3.1"
    return world


@pytest.mark.parametrize("name", [name for name in TABLE if name not in LATER])
def test_what_an_old_version_does_not_write_is_not_missed(name: str) -> None:
    build, verdict, cause = TABLE[name]
    assert judged(as_old(build())) == (verdict, cause)


@pytest.mark.parametrize("name", sorted(LATER))
def test_what_came_later_is_told_by_its_own_fields(name: str) -> None:
    build, verdict, cause = TABLE[name]
    assert judged(build()) == (verdict, cause)
    assert judged(as_old(build()))[1] != cause


def as_new(world: World) -> World:
    """The same with all that v1.9 adds, and with what no version has yet."""
    for migration in world.migrations:
        migration["spec"] |= {"priority": "user-triggered", "addedNodeSelector": {}, "someday": {"a": [1]}}
        migration["status"]["synchronizationAddresses"] = ["10.0.0.1:9185"]
        known = migration["status"].get("conditions") or []
        migration["status"]["conditions"] = [*known, {"type": "migrationSomeday", "status": "True"}]
    for vmi in world.vmis:
        vmi["status"] |= {"someday": True, "memory": {"memoryOverhead": "292Mi"}}
        if "migrationState" in vmi["status"]:
            side = {"node": "x", "pod": "y", "migrationUID": "z"}
            new = {"sourceState": side, "targetState": side, "migrationNetworkType": "Pod", "someday": [5]}
            vmi["status"]["migrationState"] |= new
            vmi["status"]["migrationState"]["migrationConfiguration"] |= {"maxDowntimeMs": 900, "experimental": {}}
    return world


@pytest.mark.parametrize("name", TABLE)
def test_what_a_newer_version_adds_changes_nothing(name: str) -> None:
    build, verdict, cause = TABLE[name]
    assert judged(as_new(build())) == (verdict, cause)


@pytest.mark.parametrize("age", [20, 4000])
def test_phase_that_is_not_known_is_named_as_found_and_not_judged(age: int) -> None:
    world = a_world("Pending", age_seconds=age)
    world.migrations = [a_migration("Teleporting", age_seconds=age)]
    (entry,) = render_migrations(world.judge())
    assert (entry["phase"], entry["verdict"], entry["seconds_in_phase"]) == ("Teleporting", "unknown", age)
    assert "status.phase 'Teleporting' is not a phase that is known here" in entry["summary"]


def test_mode_that_is_not_known_is_named_as_found_and_bounded_as_pre_copy() -> None:
    (entry,) = render_migrations(a_copy(60, mode="Warp").judge())
    assert (entry["mode"], entry["verdict"], entry["seconds_left"]) == ("Warp", "progressing", 1290)
