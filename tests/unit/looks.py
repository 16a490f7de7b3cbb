# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each cause is seen: what holds it, what takes it away, what makes it unreadable and what must not be hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.unit import worlds
from tests.unit.builders import NAMESPACE, a_handler, a_lease, a_node, a_starting_launcher, ago
from tests.unit.worlds import World, a_copy, a_failed, evacuation, queue

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
    "FailingRepeatedly": Look(
        worlds.after_failures,
        absent=lambda world: world.migrations.pop(),
        cures="no",
        value="Target pod is down",
    ),
    "BadTargetNode": Look(
        worlds.bad_target,
        absent=lambda world: world.migrations.pop(),
        cures="no",
        value="Target pod is down",
    ),
    "LastAttemptFailed": Look(
        a_failed,
        absent=put("migration/status/phase", "Succeeded"),
        cures="maybe",
        value="Target pod is down",
    ),
}
