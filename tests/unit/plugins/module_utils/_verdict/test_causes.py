# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each cause: present with its evidence, absent, malformed, and where it could not be looked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import (
    CATALOGUE,
    ORDER,
    entry_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.explain import (
    CASE_CAUSES,
    ENDED_CAUSES,
    QUEUE_CAUSES,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import worlds
from tests.unit.builders import NAMESPACE, a_condition, a_handler, a_launcher, a_lease, a_node, a_starting_launcher, ago
from tests.unit.mangling import hide
from tests.unit.worlds import World, a_copy, a_failed, a_world, cause_of, evacuation, gaps_of, queue

Change = Callable[[World], Any]


@dataclass(frozen=True)
class Look:
    """How one cause is seen: `present` holds it, `absent` takes it away, `spoilt` makes it unreadable; `topics` are
    what must be hidden so that it cannot be looked for. `cures` is what time does; `value` stands in the evidence."""

    present: Callable[[], World]
    absent: Change
    cures: str
    value: str
    spoilt: Change | None = None
    topics: tuple[str, ...] = ()


def put(place: str, value: Any) -> Change:
    """Sets `migration.status.phase` and the like: the object's name in World, then keys."""
    name, *keys = place.split("/")

    def change(world: World) -> None:
        found = getattr(world, name)
        for key in keys[:-1]:
            found = found[int(key) if isinstance(found, list) else key]
        found[keys[-1]] = value

    return change


def in_pod(name: str, part: str, value: Any) -> Change:
    return lambda world: world.pod(name)["status"].update({part: value})


def with_pod(pod: dict[str, Any]) -> Change:
    """Another pod in place of the one of that name."""

    def change(world: World) -> None:
        name = pod["metadata"]["name"]
        world.pods = [*(one for one in world.pods if one["metadata"]["name"] != name), pod]

    return change


def with_node(node: dict[str, Any]) -> Change:
    def change(world: World) -> None:
        name = node["metadata"]["name"]
        world.nodes = [*(one for one in world.nodes if one["metadata"]["name"] != name), node]

    return change


def no_events(world: World) -> None:
    del world.events[1:]


def node_of(side: str, *, ready: Any, since: Any = "") -> Change:
    node = a_node(f"{side}-web-1")
    node["status"]["conditions"] = [{"type": "Ready", "status": ready, "lastTransitionTime": since or ago(400)}]
    return with_node(node)


PODS, EVENTS = f"pods/{NAMESPACE}", f"events/{NAMESPACE}"
LOOKS: dict[str, Look] = {
    "VirtControllerSilent": Look(
        worlds.silent_lease,
        absent=lambda world: setattr(world, "leases", [a_lease()]),
        cures="no",
        value="held by virt-controller-1",
        spoilt=put("leases/0/spec/renewTime", "long ago"),
        topics=("lease",),
    ),
    "SourceNodeDown": Look(
        lambda: worlds.node_down("src"),
        absent=node_of("src", ready="True"),
        cures="no",
        value="Unknown",
        spoilt=node_of("src", ready=5),
        topics=("nodes", "handlers"),
    ),
    "TargetNodeDown": Look(
        lambda: worlds.node_down("dst"),
        absent=node_of("dst", ready="True"),
        cures="no",
        value="Unknown",
        spoilt=node_of("dst", ready="False", since="long ago"),
        topics=("nodes", "handlers"),
    ),
    "LeftoverLauncherPod": Look(
        worlds.leftover,
        absent=in_pod("-old", "phase", "Failed"),
        cures="no",
        value="Running",
        topics=(PODS,),
    ),
    "ClusterLimitReached": Look(
        lambda: queue(a_copy(vm="one"), per_cluster=1),
        absent=put("kubevirt/spec/configuration", {}),
        cures="yes",
        value="1",
        spoilt=put("kubevirt/spec/configuration/migrations/parallelMigrationsPerCluster", "1"),
        topics=("queue",),
    ),
    "OutboundLimitReached": Look(
        lambda: queue(a_copy(vm="one"), outbound=1, node="src-one"),
        absent=put("vmi/status/nodeName", "elsewhere"),
        cures="yes",
        value="1",
        spoilt=put("kubevirt/spec/configuration/migrations/parallelOutboundMigrationsPerNode", 1.5),
        topics=("kubevirt",),
    ),
    "ResourceQuotaExceeded": Look(
        worlds.quota,
        absent=put("migration/status/conditions/0/status", "False"),
        cures="no",
        value="True",
    ),
    "SELinuxContextMissing": Look(
        worlds.selinux,
        absent=put("vmi/status/selinuxContext", "system_u"),
        cures="no",
        value="",
    ),
    "TargetPodUnschedulable": Look(
        worlds.unschedulable,
        absent=with_pod(a_starting_launcher(age_seconds=90)),
        cures="no",
        value="0/6 nodes are available: 6 Insufficient memory.",
        spoilt=lambda world: world.pod("-target")["metadata"].update(labels=5),
        topics=(PODS,),
    ),
    "ImagePullFailing": Look(
        worlds.image_pull,
        absent=with_pod(a_starting_launcher(age_seconds=130)),
        cures="maybe",
        value="ImagePullBackOff: it waits",
        topics=(EVENTS,),
    ),
    "VolumeAttachFailing": Look(
        worlds.volume,
        absent=no_events,
        cures="maybe",
        value='Multi-Attach error for volume "pvc-1" Volume is already used by pod(s)',
        spoilt=put("events/1/reason", 5),
        topics=(EVENTS,),
    ),
    "TargetHandlerDown": Look(
        lambda: worlds.handler_down("dst", phase="PreparingTarget"),
        absent=with_pod(a_handler("dst-web-1")),
        cures="no",
        value="False",
        spoilt=lambda world: world.pod("handler-dst-web-1")["metadata"].update(deletionTimestamp="x"),
        topics=("handlers",),
    ),
    "SourceHandlerDown": Look(
        lambda: worlds.handler_down("src"),
        absent=with_pod(a_handler("src-web-1")),
        cures="no",
        value="False",
        spoilt=lambda world: world.node("src-web-1")["metadata"].update(annotations=[]),
        topics=("handlers",),
    ),
    "TargetIsSourceNode": Look(
        worlds.same_node,
        absent=put("state/targetNode", "dst-web-1"),
        cures="no",
        value="src-web-1",
    ),
    "DeadlineNotEnforced": Look(
        lambda: a_copy(1410),
        absent=put("state/endTimestamp", ago(5)),
        cures="no",
        value="150",
    ),
    "PostCopyActive": Look(
        lambda: a_copy(1400, mode="PostCopy"),
        absent=put("state/mode", "PreCopy"),
        cures="yes",
        value="PostCopy",
    ),
    "CancelWaitsForPhase": Look(
        worlds.cancelled_target,
        absent=lambda world: world.migration["metadata"].pop("deletionTimestamp"),
        cures="maybe",
        value="being deleted",
    ),
    "CancelUnanswered": Look(
        worlds.cancel_unanswered,
        absent=put("state/endTimestamp", ago(5)),
        cures="no",
        value="true",
    ),
    "RecreatedByOwner": Look(
        lambda: evacuation(a_failed()),
        absent=put("vmi/status/evacuationNodeName", ""),
        cures="no",
        value="src-web-1",
    ),
}
SPOILT = {code: look for code, look in LOOKS.items() if look.spoilt}
HIDDEN = {code: look for code, look in LOOKS.items() if look.topics}


def test_every_cause_that_is_looked_for_stands_here_and_in_the_catalogue() -> None:
    looked_for = set(CASE_CAUSES) | set(QUEUE_CAUSES) | set(ENDED_CAUSES)

    assert looked_for == set(LOOKS) == set(ORDER) - {"Unknown"}


def test_catalogue_explains_only_codes_that_come_later() -> None:
    for entry in CATALOGUE:
        assert all(ORDER[code] > ORDER[entry.code] for code in entry.explains), entry.code


def test_code_that_is_not_in_the_catalogue_is_an_error() -> None:
    with pytest.raises(KeyError):
        entry_of("Gremlins")


@pytest.mark.parametrize("code", LOOKS)
def test_cause_is_found_with_its_evidence(code: str) -> None:
    cause = cause_of(LOOKS[code].present(), code)

    assert cause is not None
    assert (cause.code, cause.time_cures) == (code, LOOKS[code].cures)
    assert LOOKS[code].value in [seen.value for seen in cause.evidence]
    assert all(seen.object.count(" ") == 1 and seen.field for seen in cause.evidence)


@pytest.mark.parametrize("code", LOOKS)
def test_cause_is_one_plain_sentence_without_gaps(code: str) -> None:
    cause = cause_of(LOOKS[code].present(), code)

    assert cause is not None
    assert cause.summary.endswith(".")
    assert "  " not in cause.summary
    assert "None" not in cause.summary


@pytest.mark.parametrize("code", LOOKS)
def test_cause_is_absent_once_it_is_cured(code: str) -> None:
    world = LOOKS[code].present()
    LOOKS[code].absent(world)

    assert cause_of(world, code) is None
    assert code not in gaps_of(world)


@pytest.mark.parametrize("code", SPOILT)
def test_spoilt_cause_could_not_be_ruled_out(code: str) -> None:
    world = LOOKS[code].present()
    spoil = LOOKS[code].spoilt
    assert spoil is not None
    spoil(world)

    assert cause_of(world, code) is None
    assert world.first().verdict == "unknown"


@pytest.mark.parametrize("code", HIDDEN)
def test_hidden_cause_is_a_gap_with_its_rule(code: str) -> None:
    found = judge_snapshot(hide(LOOKS[code].present().snapshot(), LOOKS[code].topics))[0]

    gap = next(gap for gap in found.gaps if gap.code == code)
    assert gap.rules
    assert gap.sentence().startswith("not allowed to ")


def test_root_explains_what_follows_from_it() -> None:
    world = worlds.node_down("src")
    world.vmi["status"]["migrationState"]["startTimestamp"] = ago(1500)

    codes = {cause.code: cause.explains for cause in world.first().causes}

    assert codes["SourceNodeDown"] == ("SourceHandlerDown", "DeadlineNotEnforced")


@pytest.mark.parametrize("side", ["src", "dst"])
def test_node_that_does_not_exist_is_down(side: str) -> None:
    world = worlds.node_down(side)
    snapshot = world.snapshot()
    gone = snapshot.__class__(**{**snapshot.__dict__, "nodes": {**snapshot.nodes, f"{side}-web-1": None}})

    assert "does not exist any more" in judge_snapshot(gone)[0].causes[0].summary


@pytest.mark.parametrize(
    "change", [node_of("src", ready=""), node_of("src", ready="False", since=5)], ids=["no", "odd"]
)
def test_ready_pod_shows_that_its_node_lives(change: Change) -> None:
    world = a_copy(400)
    change(world)

    assert cause_of(world, "SourceNodeDown") is None


def test_handler_that_is_not_there_is_named_so() -> None:
    world = a_world("PreparingTarget", age_seconds=200)
    world.pods = [pod for pod in world.pods if pod["metadata"]["name"] != "virt-handler-dst-web-1"]
    with_node(a_node("dst-web-1", heartbeat_seconds=120))(world)

    cause = cause_of(world, "TargetHandlerDown")

    assert cause is not None
    assert "is not there; its last heartbeat was 120 s ago" in cause.summary


def test_handler_that_is_being_deleted_is_down() -> None:
    world = a_world("TargetReady", age_seconds=200)
    with_pod(a_handler("src-web-1", deleted_seconds=70))(world)

    assert world.first().verdict == "blocked"


@pytest.mark.parametrize("phase", ["Scheduled", "TargetReady", "Running"])
def test_target_handler_matters_only_while_the_target_is_prepared(phase: str) -> None:
    assert cause_of(worlds.handler_down("dst", phase=phase), "TargetHandlerDown") is None


@pytest.mark.parametrize("phase", ["Scheduled", "PreparingTarget"])
def test_source_handler_matters_only_from_target_ready_on(phase: str) -> None:
    assert cause_of(worlds.handler_down("src", phase=phase), "SourceHandlerDown") is None


def deleted_leftover() -> World:
    world = worlds.leftover()
    world.pod("-old")["metadata"]["deletionTimestamp"] = ago(500)
    return world


def on_a_silent_node() -> World:
    world = deleted_leftover()
    world.nodes.append(a_node("dst-web-1", ready="Unknown", since_seconds=500))
    return world


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (worlds.leftover, "is left over from an earlier migration"),
        (deleted_leftover, "being deleted, and has not ended"),
        (on_a_silent_node, "the kubelet of dst-web-1 does not answer"),
    ],
    ids=["lives", "deleted", "silent node"],
)
def test_leftover_pod_says_why_it_lives(build: Callable[[], World], words: str) -> None:
    cause = cause_of(build(), "LeftoverLauncherPod")

    assert cause is not None
    assert words in cause.summary


def test_target_of_another_active_migration_is_not_left_over() -> None:
    world = a_world(age_seconds=90)
    world.migrations.append(a_world("Scheduling").migration)
    world.migrations[1]["metadata"]["uid"] = "mig-web-1-old"
    world.pods.append(a_launcher("old"))

    assert cause_of(world, "LeftoverLauncherPod") is None


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_init_containers_image_counts_too(reason: str) -> None:
    world = a_world("Scheduling", age_seconds=300)
    waiting = {"name": "disk", "ready": False, "state": {"waiting": {"reason": reason}}}
    world.pod("-target")["status"]["initContainerStatuses"] = [waiting]

    cause = cause_of(world, "ImagePullFailing")

    assert cause is not None
    assert cause.evidence[0].field == "status.initContainerStatuses[disk].state.waiting"


def test_volume_that_was_attached_in_the_end_is_no_cause() -> None:
    world = worlds.volume(300)
    world.pod("-target")["status"]["containerStatuses"] = [
        {"name": "compute", "state": {"running": {"startedAt": ago(5)}}}
    ]

    assert cause_of(world, "VolumeAttachFailing") is None


def test_quota_names_which_one_and_what_it_said() -> None:
    cause = cause_of(worlds.quota(), "ResourceQuotaExceeded")

    assert cause is not None
    assert cause.names["quota"] == "compute"
    assert "exceeded quota: compute, requested: 9Gi" in cause.summary


def test_quota_without_its_event_is_still_a_cause() -> None:
    world = worlds.quota()
    no_events(world)

    assert world.first().causes[0].summary == "A ResourceQuota refuses the target pod."


@pytest.mark.parametrize("mode", ["PostCopy"])
def test_abort_of_post_copy_is_not_called_unanswered(mode: str) -> None:
    world = worlds.cancel_unanswered(300)
    world.state["mode"] = mode

    assert cause_of(world, "CancelUnanswered") is None


def made_by(world: World, annotation: str = "", label: str = "") -> World:
    metadata = world.migration["metadata"]
    metadata["annotations"] |= {annotation: ""} if annotation else {}
    metadata["labels"] |= {label: "web-1"} if label else {}
    return world


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ({"annotation": "kubevirt.io/workloadUpdateMigration"}, "the workload updater"),
        ({"label": "kubevirt.io/volume-update-migration"}, "the volume update"),
    ],
    ids=["workload update", "volume update"],
)
def test_owner_that_makes_it_again_is_named(owner: dict[str, str], words: str) -> None:
    cause = cause_of(made_by(a_failed(), **owner), "RecreatedByOwner")

    assert cause is not None
    assert words in cause.summary
    assert cause.confidence == "likely"


def followed() -> World:
    world = evacuation(a_failed())
    world.migrations.append(a_world("Running", age_seconds=3, uid="next").migration)
    return world


@pytest.mark.parametrize(
    "build",
    [a_failed, lambda: evacuation(a_world("Succeeded")), lambda: evacuation(a_copy()), followed],
    ids=["user's", "succeeded", "running", "followed"],
)
def test_one_that_nobody_makes_again(build: Callable[[], World]) -> None:
    assert cause_of(build(), "RecreatedByOwner") is None


def test_silent_controller_stands_before_what_it_causes() -> None:
    world = worlds.leftover(600)
    world.leases = [a_lease(renewed_seconds=500)]

    first = world.first().causes[0]

    assert (first.code, first.explains) == ("VirtControllerSilent", ("LeftoverLauncherPod",))


@pytest.mark.parametrize("seconds", [2**31, -(2**31), 2**62], ids=str)
def test_lease_of_any_length_can_be_judged(seconds: int) -> None:
    world = a_world(age_seconds=90)
    world.leases = [a_lease(renewed_seconds=600, lease_seconds=seconds)]

    assert (cause_of(world, "VirtControllerSilent") is not None) is (seconds < 0)


def test_condition_of_another_kind_says_nothing() -> None:
    world = a_world(age_seconds=50)
    world.migration["status"]["conditions"] = [a_condition("migrationBlockedByBackup", "True", seconds=50)]

    assert world.first().causes == ()
