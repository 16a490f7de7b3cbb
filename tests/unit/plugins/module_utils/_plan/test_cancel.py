# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes next in a cancel, phase by phase, and in which state it hangs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import Event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.cancel import (
    CANCEL_STATES,
    CancelObserved,
    CancelWish,
    next_cancel_step,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import Act, Done, Refused, Wait
from tests.unit.builders import NOW, PHASES, a_launcher, a_migration, a_state, a_vmi, ago, an_event

UID = "mig-web-1"
LATER, OVER = NOW + timedelta(seconds=60), NOW
BEFORE = ("", "Pending", "Scheduling", "Scheduled")
ON_TARGET = ("PreparingTarget", "TargetReady")


def a_wish(**more: Any) -> CancelWish:
    return CancelWish("team-a", f"kubevirt-migrate-vm-{UID}", more.pop("uid", UID), **more)


def observed(
    phase: str = "Running", *, state: dict[str, Any] | None = None, pod: dict[str, Any] | None = None, **more: Any
) -> CancelObserved:
    """The migration in `phase`, with the VMI's state where it was handed over; `vmi` None: it has none."""
    looked = {name: more.pop(name) for name in ("target_answers", "events", "can_stop_evacuation") if name in more}
    evacuation = more.pop("evacuation_node", None)
    status = {"evacuationNodeName": evacuation} if evacuation else {}
    handed = a_state(started_seconds=90 if phase == "Running" else None) if phase in (*ON_TARGET, "Running") else None
    vmi = Vmi.from_object(a_vmi(state=handed if state is None else state, **status))
    return CancelObserved(
        migration=Migration.from_object(a_migration(phase, **more)),
        vmi=vmi,
        target_pod=Pod.from_object(pod) if pod else None,
        **looked,
    )


def gone(state: dict[str, Any] | None = None) -> CancelObserved:
    return CancelObserved(migration=None, vmi=Vmi.from_object(a_vmi(state=state)))


def step(
    seen: CancelObserved, *, done: tuple[str, ...] = (), wish: CancelWish | None = None, until: Any = LATER
) -> Any:
    return next_cancel_step(seen, wish=wish or a_wish(), done=done, until=until, now=NOW)


DELETED = ("delete_migration",)


@pytest.mark.parametrize("phase", [*BEFORE, *ON_TARGET, "Running"], ids=lambda phase: phase or "unset")
def test_a_migration_is_deleted_by_its_uid_first(phase: str) -> None:
    found = step(observed(phase))

    assert isinstance(found, Act)
    assert (found.kind, found.subject, found.uid) == ("delete_migration", f"kubevirt-migrate-vm-{UID}", UID)


@pytest.mark.parametrize("phase", [*BEFORE, *ON_TARGET, "Running"], ids=lambda phase: phase or "unset")
def test_one_that_is_being_deleted_is_joined_and_not_deleted_again(phase: str) -> None:
    assert isinstance(step(observed(phase, deleted_seconds=5)), Wait)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "ended before the copy"),
        (a_state(migrationUid="another", completed=True), "ended before the copy"),
        (a_state(started_seconds=90, ended_seconds=1, failed=True, abortRequested=True), "aborted by the source node"),
        (a_state(started_seconds=1, ended_seconds=1, failed=True, failureReason="Target pod is down"), "Target pod"),
    ],
    ids=["never handed over", "state of an older one", "aborted", "target pod freed"],
)
def test_one_that_is_gone_after_its_deletion_is_cancelled(state: Any, said: str) -> None:
    found = step(gone(state), done=DELETED)

    assert isinstance(found, Done)
    assert found.state == "cancelled"
    assert said in found.reason


def test_success_that_came_first_is_said_and_not_called_cancelled() -> None:
    found = step(gone(a_state(started_seconds=90, ended_seconds=1)), done=DELETED)

    assert found == Done("succeeded", "It succeeded before the cancel could end it: the VM runs on its target.")


def test_another_migration_under_the_name_is_never_touched() -> None:
    seen = observed("Running", uid="a-later-one")

    assert step(seen) == Done("gone", "There is no such migration any more.")
    assert step(seen, done=DELETED).state == "cancelled"


@pytest.mark.parametrize(("phase", "state"), [("Succeeded", "succeeded"), ("Failed", "failed")], ids=str)
def test_one_that_has_ended_needs_no_act(phase: str, state: str) -> None:
    found = step(observed(phase))

    assert isinstance(found, Done)
    assert found.state == state


def test_post_copy_is_refused_whatever_is_accepted() -> None:
    seen = observed(state=a_state(started_seconds=90, mode="PostCopy"))
    found = step(seen, wish=a_wish(accepted=frozenset({"PostCopyActive"})))

    assert isinstance(found, Refused)
    assert (found.code, found.can_accept) == ("PostCopyActive", False)


def test_copy_whose_mode_cannot_be_seen_is_refused() -> None:
    seen = CancelObserved(Migration.from_object(a_migration("Running")), vmi=None, vmi_seen=False)

    assert (step(seen).code, step(seen).can_accept) == ("PostCopyActive", False)
    # A VMI that is seen and says nothing of this copy leaves it as unknown.
    assert step(observed(state=a_state(migrationUid="another"))).code == "PostCopyActive"


def test_post_copy_that_began_after_the_deletion_is_waited_out() -> None:
    seen = observed(state=a_state(started_seconds=90, mode="PostCopy"), deleted_seconds=5)

    assert isinstance(step(seen), Wait)
    assert step(seen, until=OVER).code == "PostCopyActive"


EVACUATION = {"annotations": {"kubevirt.io/evacuationMigration": "src-web-1"}}
VOLUMES = {"labels": {"kubevirt.io/volume-update-migration": "web-1"}}
UPDATE = {"annotations": {"kubevirt.io/workloadUpdateMigration": ""}}


@pytest.mark.parametrize("owner", [EVACUATION, VOLUMES, UPDATE], ids=["evacuation", "volume update", "workload update"])
def test_one_that_its_owner_makes_again_is_refused(owner: dict[str, Any]) -> None:
    found = step(observed(**owner))

    assert isinstance(found, Refused)
    assert (found.code, found.can_accept) == ("OwnedByController", True)


def test_evacuation_is_stopped_before_its_migration_is_deleted() -> None:
    seen = observed(**EVACUATION, evacuation_node="src-web-1")
    wish = a_wish(stop_evacuation=True)
    first = step(seen, wish=wish)

    assert (first.kind, first.subject, first.node) == ("cancel_evacuation", "web-1", "src-web-1")
    assert step(seen, wish=wish, done=("cancel_evacuation",)).kind == "delete_migration"


def test_evacuation_that_is_over_needs_no_stop() -> None:
    assert step(observed(**EVACUATION), wish=a_wish(stop_evacuation=True)).kind == "delete_migration"


def test_cluster_without_the_subresource_says_what_to_do() -> None:
    seen = observed(**EVACUATION, evacuation_node="src-web-1", can_stop_evacuation=False)
    found = step(seen, wish=a_wish(stop_evacuation=True))

    assert found.code == "EvacuationNotStoppable"
    assert found.can_accept is False
    assert found.reason == (
        "Its evacuation cannot be stopped here: this KubeVirt has no evacuate/cancel subresource. Uncordon node "
        "src-web-1, or take the drain back, and cancel it then."
    )


@pytest.mark.parametrize("owner", [VOLUMES, UPDATE], ids=["volume update", "workload update"])
def test_stop_evacuation_stops_nothing_but_evacuations(owner: dict[str, Any]) -> None:
    assert step(observed(**owner), wish=a_wish(stop_evacuation=True)).code == "OwnedByController"


@pytest.mark.parametrize("phase", ON_TARGET, ids=str)
def test_target_pod_is_freed_after_the_deletion_where_that_was_asked(phase: str) -> None:
    seen = observed(phase, deleted_seconds=5, pod=a_launcher("target"))
    found = step(seen, wish=a_wish(free_target_pod=True))

    assert (found.kind, found.uid) == ("delete_target_pod", "pod-web-1-target")
    assert isinstance(step(seen), Wait)


ASKED = a_state(started_seconds=90, abortRequested=True)
WORDS: dict[str, tuple[CancelObserved, str, str]] = {
    "before the hand-off": (
        observed("Scheduling"),
        "KubeVirt ends it at once; the VM keeps running where it is.",
        "for KubeVirt to end it",
    ),
    "on the target": (
        observed("TargetReady"),
        "KubeVirt ends it once the copy runs, or the target pod has ended.",
        "for the copy to run or the target pod to end",
    ),
    "in the copy": (
        observed(),
        "KubeVirt then asks the source node to abort the copy; the VM keeps running there.",
        "for KubeVirt to ask for the abort",
    ),
    "once the abort is asked for": (
        observed(state=ASKED),
        "KubeVirt then asks the source node to abort the copy; the VM keeps running there.",
        "for the source node to abort the copy",
    ),
}


@pytest.mark.parametrize(("seen", "why", "waits"), WORDS.values(), ids=WORDS)
def test_act_and_wait_say_what_kubevirt_does_in_that_phase(seen: CancelObserved, why: str, waits: str) -> None:
    assert (step(seen).why, step(seen, done=DELETED).why) == (why, waits)


def test_target_pod_that_may_not_be_read_cannot_be_freed() -> None:
    seen = replace(observed("TargetReady"), pods_seen=False)
    found = step(seen, wish=a_wish(free_target_pod=True), done=DELETED)

    assert (found.code, found.can_accept) == ("TargetPodUnseen", False)


def with_deletion(pod: dict[str, Any]) -> dict[str, Any]:
    pod["metadata"]["deletionTimestamp"] = ago(5)
    return pod


@pytest.mark.parametrize(
    "seen",
    [
        observed("Running", deleted_seconds=5, pod=a_launcher("target")),
        observed("TargetReady", deleted_seconds=5, pod=a_launcher("target"), state=a_state(started_seconds=1)),
        observed("Scheduling", deleted_seconds=5, pod=a_launcher("target")),
        observed("TargetReady", deleted_seconds=5, pod=with_deletion(a_launcher("target"))),
        observed("TargetReady", deleted_seconds=5),
    ],
    ids=["copy runs", "copy has just begun", "not handed over", "pod is ending", "no pod"],
)
def test_target_pod_is_left_alone(seen: CancelObserved) -> None:
    assert isinstance(step(seen, wish=a_wish(free_target_pod=True)), Wait)


def failed_abort(why: str) -> tuple[Event, ...]:
    said = f"failed to set MigrationState in VMI status. :{why}"
    return (Event.from_object(an_event(UID, "FailedAbortMigration", said)),)


DEAD_API = 'Internal error occurred: failed calling webhook "virtualmachineinstances-mutator.kubevirt.io"'
ENDING = with_deletion(a_launcher("target"))
HANGS: dict[str, tuple[CancelObserved, str, str]] = {
    "controller silent before the copy": (observed("Pending"), "VirtControllerSilent", "virt-controller"),
    "target silent": (observed("PreparingTarget"), "CancelWaitsForPhase", "free_target_pod"),
    "pod on a dead node": (observed("TargetReady", pod=ENDING, target_answers=False), "TargetNodeDown", "Fence"),
    "pod that is slow": (observed("TargetReady", pod=ENDING, target_answers=True), "CancelWaitsForPhase", "not ended"),
    "source silent": (
        observed(state=a_state(started_seconds=90, abortRequested=True)),
        "CancelUnanswered",
        "virt-handler on src-web-1",
    ),
    "virt-api dead": (observed(events=failed_abort(DEAD_API)), "VirtApiUnavailable", "virt-api"),
    "abort refused": (observed(events=failed_abort("conflict")), "CancelUnanswered", "conflict"),
    "controller silent in the copy": (observed(), "VirtControllerSilent", "virt-controller"),
}


@pytest.mark.parametrize(("seen", "code", "said"), HANGS.values(), ids=HANGS)
def test_a_hang_is_named_when_waiting_is_over(seen: CancelObserved, code: str, said: str) -> None:
    found = step(seen, done=DELETED, until=OVER)

    assert isinstance(found, Done)
    assert (found.state, found.code) == ("hanging", code)
    assert said in found.reason


def test_orphan_is_said_at_once_as_no_wait_ends_it() -> None:
    seen = CancelObserved(Migration.from_object(a_migration("Scheduling", deleted_seconds=5)), vmi=None)

    assert step(seen).code == "CancelOrphaned"


def test_without_waiting_it_ends_with_the_request() -> None:
    assert step(observed(), done=DELETED, wish=a_wish(wait=False)).state == "requested"


@given(
    phase=st.sampled_from(("", *PHASES, "Failed", "WaitingForSync")),
    deleted=st.sampled_from([None, 5]),
    mode=st.sampled_from(["PreCopy", "Paused", "PostCopy"]),
    started=st.sampled_from([None, 90]),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_no_phase_and_no_wish_leads_in_a_circle(
    phase: str, deleted: int | None, mode: str, started: int | None, flags: tuple[bool, bool, bool]
) -> None:
    state = a_state(started_seconds=started, **({"mode": mode} if started else {}))
    seen = observed(phase, state=state, deleted_seconds=deleted, pod=a_launcher("target"), **EVACUATION)
    wish = a_wish(free_target_pod=flags[0], stop_evacuation=flags[1], wait=flags[2])
    done: list[str] = []
    while isinstance(found := step(seen, wish=wish, done=tuple(done), until=OVER), Act):
        assert found.kind not in done
        assert found.kind != "delete_target_pod" or started is None
        done.append(found.kind)

    assert isinstance(found, Refused) or found.state in CANCEL_STATES
    assert not (mode == "PostCopy" and started and deleted is None and done)
