# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a VM may be migrated again, where to, and what follows the create."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import Record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import Act, Done, Refused, Wait
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.retry import (
    RetryObserved,
    RetryWish,
    backoff_seconds,
    known_record,
    next_retry_step,
    plan_migration,
)
from tests.unit.builders import NOW, a_condition, a_launcher, a_migration, a_state, a_vmi

WISH = RetryWish("team-a", "web-1")
LATER, OVER = NOW + timedelta(seconds=60), NOW


def a_mig(phase: str = "Failed", **more: Any) -> Migration:
    return Migration.from_object(a_migration(phase, **more))


def observed(*migrations: Migration, vmi: dict[str, Any] | None = None, **more: Any) -> RetryObserved:
    seen = {"places": ("dst-web-1", "node-c"), "hostnames": {"node-c": "node-c.example"}, "can_select": True, **more}
    return RetryObserved(
        migrations=migrations or (a_mig(),), vmi=Vmi.from_object(a_vmi() if vmi is None else vmi), **seen
    )


def step(seen: RetryObserved, *, wish: RetryWish = WISH, created: str = "", until: Any = LATER) -> Any:
    return next_retry_step(seen, wish=wish, created=created, until=until, now=NOW)


def test_failed_migration_is_repeated_and_the_scheduler_chooses() -> None:
    found = step(observed())

    assert isinstance(found, Act)
    assert (found.kind, found.subject, found.node) == ("create_migration", "web-1", "")


def test_cancelled_migration_that_is_gone_is_repeated() -> None:
    seen = replace(observed(), migrations=(), record=Record(last_act="cancel", last_at=NOW, retry_due=True))

    assert step(seen).kind == "create_migration"


def with_status(**status: Any) -> dict[str, Any]:
    return a_vmi(**status)


def with_condition(kind: str, status: str) -> dict[str, Any]:
    vmi = a_vmi()
    kept = [one for one in vmi["status"]["conditions"] if one["type"] != kind]
    vmi["status"]["conditions"] = [*kept, a_condition(kind, status, seconds=5, message="why")]
    return vmi


EVACUATED = with_status(evacuationNodeName="src-web-1")
MOVED = with_status(migrationState=a_state(started_seconds=90, ended_seconds=1))
TRIED = Record(attempts=3, last_act="retry", last_at=NOW - timedelta(seconds=5000))
REFUSALS: dict[str, tuple[RetryObserved, str]] = {
    "no VMI": (replace(observed(), vmi=None), "VMIMissing"),
    "VMI starts": (observed(vmi=with_status(phase="Scheduling")), "VMINotRunning"),
    "not migratable": (observed(vmi=with_condition("LiveMigratable", "False")), "NotLiveMigratable"),
    "evacuated": (observed(vmi=EVACUATED), "OwnedByController"),
    "hot-plug": (observed(vmi=with_condition("HotMemoryChange", "True")), "OwnedByController"),
    "volume update": (
        observed(a_mig(labels={"kubevirt.io/volume-update-migration": "web-1"})),
        "OwnedByController",
    ),
    "succeeded": (observed(a_mig("Succeeded")), "AlreadyMoved"),
    "another runs": (observed(a_mig("Running", vm="web-1", uid="other")), "MigrationActive"),
    "cap": (observed(record=TRIED), "AttemptLimitReached"),
    "backoff": (
        observed(record=replace(TRIED, attempts=2, last_at=NOW - timedelta(seconds=119))),
        "BackoffRunning",
    ),
    "no place": (observed(places=(), places_reason="0 of 3 nodes"), "NoPlace"),
    "place not judged": (observed(places=None), "PlacementUnseen"),
}


@pytest.mark.parametrize(("seen", "code"), REFUSALS.values(), ids=REFUSALS)
def test_retry_is_refused(seen: RetryObserved, code: str) -> None:
    found = step(seen)

    assert isinstance(found, Refused)
    assert found.code == code


def test_vm_that_cannot_be_migrated_says_why_and_nobody_can_insist() -> None:
    found = step(REFUSALS["not migratable"][0])

    assert (found.reason, found.can_accept) == ("The VM cannot be migrated: why", False)


def test_evacuation_of_a_node_that_the_vm_has_left_stands_in_nobodys_way() -> None:
    assert step(observed(vmi=with_status(evacuationNodeName="another"))).kind == "create_migration"


@pytest.mark.parametrize("code", ["NoPlace", "PlacementUnseen"])
def test_place_that_is_not_there_or_not_judged_can_be_insisted_on(code: str) -> None:
    seen = observed(places=() if code == "NoPlace" else None)

    assert step(seen, wish=replace(WISH, accepted=frozenset({code}))).kind == "create_migration"


def test_another_success_than_the_one_to_repeat_forbids_nothing() -> None:
    seen = observed(a_mig("Failed", uid="named", age_seconds=50), a_mig("Succeeded", uid="other", age_seconds=100))

    assert step(seen, wish=replace(WISH, after="named")).kind == "create_migration"


def test_gone_migration_of_which_the_vmi_says_that_it_succeeded_is_not_repeated() -> None:
    seen = replace(observed(vmi=MOVED), migrations=())

    assert step(seen, wish=replace(WISH, after="mig-web-1")).code == "AlreadyMoved"
    assert step(seen, wish=replace(WISH, after="another")).kind == "create_migration"


def test_backoff_says_when_and_ends_then() -> None:
    record = replace(TRIED, attempts=2, last_at=NOW - timedelta(seconds=119))

    assert step(observed(record=record)).next_allowed_at == NOW + timedelta(seconds=1)
    assert step(observed(record=replace(record, last_at=NOW - timedelta(seconds=120)))).kind == "create_migration"


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 0), (1, 60), (2, 120), (4, 480), (5, 900), (10_000, 900)], ids=str
)
def test_backoff_doubles_up_to_its_cap(attempts: int, seconds: int) -> None:
    assert backoff_seconds(attempts, first=60, longest=900) == seconds


def test_attempt_that_was_counted_and_never_made_is_made_now() -> None:
    begun = Record(attempts=3, last_act="retry", last_at=NOW - timedelta(seconds=5))
    made_since = observed(a_mig(age_seconds=3), record=begun)

    assert step(observed(a_mig(age_seconds=60), record=begun)).kind == "create_migration"
    assert step(made_since).code == "AttemptLimitReached"
    once = known_record(observed(a_mig(age_seconds=60), record=begun))
    assert known_record(observed(a_mig(age_seconds=60), record=once)) == once == begun.unmade()


def test_count_begins_anew_after_a_success() -> None:
    older = a_mig("Succeeded", uid="older", age_seconds=100)

    assert step(observed(older, a_mig(age_seconds=50), record=TRIED)).kind == "create_migration"


def test_cancelled_migration_is_waited_for() -> None:
    seen = observed(a_mig("Running", deleted_seconds=5))

    assert isinstance(step(seen), Wait)
    assert step(seen, until=OVER).code == "StillEnding"


def test_left_over_pod_is_waited_for_and_named() -> None:
    pods = (Pod.from_object(a_launcher()), Pod.from_object(a_launcher("target")))
    seen = observed(pods=pods)

    assert isinstance(step(seen), Wait)
    assert "virt-launcher-web-1-target to end on node dst-web-1" in step(seen, until=OVER).reason


def test_one_pod_alone_is_the_vm_itself_and_of_two_on_its_node_the_second_is_left_over() -> None:
    pod, beside = a_launcher(), a_launcher()
    beside["metadata"]["name"] = "beside"

    assert step(observed(pods=(Pod.from_object(pod),))).kind == "create_migration"
    both = observed(pods=(Pod.from_object(pod), Pod.from_object(beside)))
    assert "left-over pod beside to end on node src-web-1" in step(both).why


BAD = Record(bad_targets=("dst-web-1",))


def test_bad_target_is_avoided_by_the_best_other_node() -> None:
    assert step(observed(record=BAD)).node == "node-c"


def test_of_several_other_nodes_the_best_is_taken() -> None:
    hostnames = {"node-d": "d", "node-c": "c"}

    assert step(observed(record=BAD, places=("dst-web-1", "node-d", "node-c"), hostnames=hostnames)).node == "node-d"


def test_target_whose_pod_went_down_is_to_blame() -> None:
    failed = a_mig(state=a_state(started_seconds=1, failed=True, failureReason="Target pod is down"))

    assert step(observed(failed)).node == "node-c"


def test_target_is_not_to_blame_for_a_slow_copy() -> None:
    failed = a_mig(state=a_state(failed=True, failureReason="Live migration has been aborted"))

    assert step(observed(failed)).node == ""


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"can_select": False}, "AvoidNotSupported"),
        ({"can_select": None}, "AvoidNotSupported"),
        ({"vm_selector": {"kubernetes.io/hostname": "src-web-1"}}, "SelectorTaken"),
        ({"places": ("dst-web-1",)}, "NoPlace"),
        ({"hostnames": {}}, "NoPlace"),
    ],
    ids=["before 1.6", "schema not read", "VM selects itself", "no other place", "no label"],
)
def test_bad_target_that_cannot_be_avoided_is_refused(more: dict[str, Any], code: str) -> None:
    assert step(observed(record=BAD, **more)).code == code


def test_accepted_risk_leaves_the_choice_to_the_scheduler() -> None:
    wish = replace(WISH, accepted=frozenset({"AvoidNotSupported"}))

    assert step(observed(record=BAD, can_select=False), wish=wish).node == ""


def test_migration_has_no_priority_and_selects_by_the_label_only_where_asked() -> None:
    assert plan_migration(WISH)["spec"] == {"vmiName": "web-1"}
    assert plan_migration(WISH, hostname="node-c.example")["spec"]["addedNodeSelector"] == {
        "kubernetes.io/hostname": "node-c.example"
    }


def test_migration_says_whose_it_is_and_what_nobody_said_is_left_out() -> None:
    assert plan_migration(WISH, actor="jo", holder="jo/1") == {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceMigration",
        "metadata": {
            "generateName": "live-migration-retry-",
            "namespace": "team-a",
            "labels": {"kubevirt.io/vmi-name": "web-1"},
            "annotations": {"live-migration.kubevirt-ops/actor": "jo", "live-migration.kubevirt-ops/holder": "jo/1"},
        },
        "spec": {"vmiName": "web-1"},
    }


@pytest.mark.parametrize(
    ("other_age", "withdrawn"), [(31, True), (30, True), (29, False)], ids=["older", "same", "younger"]
)
def test_own_migration_is_withdrawn_where_one_that_is_not_younger_is_unfinished(
    other_age: int, withdrawn: bool
) -> None:
    own = a_mig("Pending", uid="own", age_seconds=30)
    seen = observed(a_mig("Pending", uid="other", age_seconds=other_age), own)
    found = step(seen, created="own")

    assert isinstance(found, Act) is withdrawn
    if withdrawn:
        assert (found.kind, found.uid) == ("withdraw_migration", "own")


@pytest.mark.parametrize(
    ("phase", "wait_for", "state"),
    [
        ("Pending", "created", "created"),
        ("Pending", "running", ""),
        ("Running", "running", "running"),
        ("Running", "finished", ""),
        ("Succeeded", "finished", "succeeded"),
        ("Succeeded", "running", "succeeded"),
        ("Failed", "created", "failed"),
    ],
    ids=str,
)
def test_it_waits_as_asked(phase: str, wait_for: str, state: str) -> None:
    found = step(observed(a_mig(phase)), wish=replace(WISH, wait_for=wait_for), created="mig-web-1")

    assert (found.state if isinstance(found, Done) else "") == state


def test_waiting_ends() -> None:
    found = step(observed(a_mig("Pending")), wish=replace(WISH, wait_for="finished"), created="mig-web-1", until=OVER)

    assert (found.state, found.reason) == ("waiting", "It had not come so far within wait_timeout (phase Pending).")


def test_own_migration_that_is_gone_is_told_by_the_vmi() -> None:
    state = a_state(migrationUid="own", started_seconds=90, ended_seconds=1)
    seen = replace(observed(vmi=with_status(migrationState=state)), migrations=())

    assert step(seen, created="own").state == "succeeded"


ENDS: dict[str, tuple[RetryObserved, str, str]] = {
    "gone before the copy": (
        replace(observed(), migrations=()),
        "failed",
        "Its object is gone, and the VMI knows nothing of it: it ended before the copy.",
    ),
    "gone after it failed": (
        replace(observed(vmi=with_status(migrationState=a_state(failed=True))), migrations=()),
        "failed",
        "Its object is gone; the VMI says how it ended.",
    ),
    "failed before the copy": (
        observed(a_mig("Failed")),
        "failed",
        "It failed: KubeVirt recorded no reason, as it ended before the copy.",
    ),
    "failed in the copy": (
        observed(a_mig("Failed"), vmi=with_status(migrationState=a_state(failed=True, failureReason="it broke"))),
        "failed",
        "It failed: it broke.",
    ),
    "being cancelled": (observed(a_mig("Pending", deleted_seconds=1)), "withdrawn", "It is being cancelled."),
    "made": (observed(a_mig("Pending")), "created", "KubeVirt has the migration (phase Pending)."),
    "just made": (observed(a_mig("")), "created", "KubeVirt has the migration (phase unset)."),
}


@pytest.mark.parametrize(("seen", "state", "reason"), ENDS.values(), ids=ENDS)
def test_end_of_the_own_migration_is_told(seen: RetryObserved, state: str, reason: str) -> None:
    found = step(seen, created="mig-web-1")

    assert (found.state, found.reason) == (state, reason)
