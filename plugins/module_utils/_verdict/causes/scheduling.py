# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes that hold the target pod: no node, no image, no volume.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go; Kubernetes' kubelet and scheduler for the
reasons on the pod.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import pod as pod_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import vmi as vmi_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import seconds_between
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import (
    HOLD_SECONDS,
    Cause,
    Evidence,
    Gap,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.sightings import (
    events_unseen,
    is_still_tried,
    newest,
    pods_unseen,
    since_first,
    unreadable_event,
)

__all__ = [
    "find_hotplug_attachment_pending",
    "find_image_pull_failing",
    "find_pod_network_failing",
    "find_target_kubelet_silent",
    "find_target_pod_crashing",
    "find_target_pod_not_admitted",
    "find_target_pod_unschedulable",
    "find_volume_attach_failing",
]

PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
NETWORK_REASONS = ("FailedCreatePodSandBox", "NetworkNotReady")
REFUSED_REASONS = ("UnexpectedAdmissionError", "NodeAffinity", "NodeShutdown", "TopologyAffinityError")
SILENT_SECONDS = 300
_MOST_NODES = 3
_MOST_EVIDENCE = 10
VOLUME_REASONS = ("FailedAttachVolume", "FailedMount", "FailedMapVolume")


def find_target_pod_unschedulable(case: Case) -> Cause | Gap | None:
    """The scheduler found no node for the target pod: the pod's own condition carries the nodes' reasons."""
    if case.migration.phase not in ("Pending", "Scheduling"):
        return None
    gap = pods_unseen(case, "TargetPodUnschedulable") if case.migration.phase == "Scheduling" else None
    pod = case.target_pod
    if gap or pod is None:
        return gap or (
            _target_pod_missing(case, "TargetPodUnschedulable") if case.migration.phase == "Scheduling" else None
        )
    scheduled = pod.conditions.get("PodScheduled")
    if scheduled is None or scheduled.status != "False" or scheduled.reason != "Unschedulable":
        return None
    path = f"{pod_facts.CONDITIONS.list.path}[PodScheduled].message"
    seen = Evidence(pod.label, path, scheduled.message, scheduled.changed_at)
    reasons = scheduled.message.rstrip(".") or "the scheduler gives no reasons"
    summary = f"No node takes the target pod {pod.meta.name}: {reasons}.{_placement_words(case)}"
    since = scheduled.changed_at or pod.meta.created_at
    evidence = (seen, *_nodes_seen(case))
    return Cause("TargetPodUnschedulable", summary, "no", since, evidence, names=_pod_names(pod))


def _placement_words(case: Case) -> str:
    """What placement says of the nodes now; that it may not be what the scheduler said is said, not decided."""
    placement = case.placement
    if placement is None:
        return ""
    if not placement.possible:
        return f" Now {placement.summary}."
    names = ", ".join(placement.possible[:_MOST_NODES])
    more = f" and {len(placement.possible) - _MOST_NODES} more" if len(placement.possible) > _MOST_NODES else ""
    unjudged = f"; not judged: {'; '.join(placement.not_judged)}" if placement.not_judged else ""
    return (
        f" That is what the scheduler said last; by the rules that can be judged from here {names}{more} could take it"
        f" now ({placement.summary}{unjudged})."
    )


def _nodes_seen(case: Case) -> list[Evidence]:
    """The first reason of each node, where it shows in the node's object."""
    found = case.placement.excluded if case.placement is not None else ()
    return [Evidence(f"Node {one.node}", one.field, one.value) for one in found if one.field][:_MOST_EVIDENCE]


def _target_pod_missing(case: Case, code: str, /) -> Gap | None:
    """From Scheduling on there is one, so it could not be told as this migration's."""
    waited = seconds_between(case.migration.phase_since, case.now) or 0
    if waited < HOLD_SECONDS["no"] or case.migration.other_side == "target":
        return None
    return Gap(code, (), why="its target pod was not found")


def _pod_names(pod: Pod) -> dict[str, str]:
    return {"pod": pod.meta.name, "namespace": pod.meta.namespace, "node": pod.node}


def find_hotplug_attachment_pending(case: Case) -> Cause | Gap | None:
    """The target pod has started, and the pod that attaches the VM's hot-plugged volumes there has not, or there is
    none."""
    vmi, target = case.vmi, case.target_pod
    if case.migration.phase not in ("Pending", "Scheduling") or vmi is None or not vmi.hotplugged:
        return None
    gap = pods_unseen(case, "HotplugAttachmentPending", after=HOLD_SECONDS["maybe"])
    if gap or target is None or not _has_started(target):
        return gap
    unready = [pod for pod in case.attachment_pods if not _has_started(pod)]
    if any(_has_started(pod) for pod in case.attachment_pods):
        return None
    if any(pod.problems for pod in unready):
        return Gap("HotplugAttachmentPending", (), why=f"{unready[0].label}: {unready[0].problems[0]}")
    return _attachment_unready(case, target, unready[0]) if unready else _attachment_missing(case, target)


def _has_started(pod: Pod) -> bool:
    """Ready as KubeVirt means it (pkg/controller/controller.go IsPodReady): every container Ready, compute and the
    service mesh's proxy only started."""
    mains = [status for status in pod.containers if not status.path.startswith(pod_facts.INIT_STATUSES.path)]
    started = [
        status.running_since is not None if status.name in (pod_facts.COMPUTE, "istio-proxy") else status.ready
        for status in mains
    ]
    return pod.phase == "Running" and pod.meta.deleted_at is None and all(started)


def _attachment_unready(case: Case, target: Pod, pod: Pod) -> Cause:
    scheduled = pod.conditions.get("PodScheduled")
    waiting = next((status for status in pod.containers if status.waiting_reason), None)
    said = (waiting.waiting_reason if waiting else "") or (scheduled.message if scheduled else "")
    why = f": {said.rstrip('.')}" if said else ""
    summary = (
        f"Pod {pod.meta.name} has to attach the hot-plugged volumes ({_volumes(case)}) on {target.node or 'the target'}"
        f" and is not ready{why}."
    )
    seen = [Evidence(pod.label, pod_facts.PHASE.path, pod.phase, pod.meta.created_at)]
    if waiting is not None:
        seen.append(Evidence(pod.label, f"{waiting.path}.state.waiting", waiting.waiting_reason))
    names = {**_pod_names(target), "attachment": pod.meta.name}
    return Cause("HotplugAttachmentPending", summary, "maybe", pod.meta.created_at, tuple(seen), names=names)


def _attachment_missing(case: Case, target: Pod) -> Cause:
    """KubeVirt makes it in Pending once the target pod has started, and never later."""
    started = target.launcher_started_at or target.meta.created_at
    summary = (
        f"No pod attaches the hot-plugged volumes ({_volumes(case)}) on {target.node or 'the target'}, and KubeVirt"
        " waits for it."
    )
    seen = (
        Evidence(case.vmi_name, vmi_facts.HOTPLUG_PATH, _volumes(case)),
        Evidence(target.label, pod_facts.PHASE.path, target.phase, started),
    )
    names = _pod_names(target)
    return Cause("HotplugAttachmentPending", summary, "maybe", started, seen, confidence="likely", names=names)


def _volumes(case: Case) -> str:
    names = case.vmi.hotplugged if case.vmi else ()
    return ", ".join(names[:_MOST_NODES]) + (
        f" and {len(names) - _MOST_NODES} more" if len(names) > _MOST_NODES else ""
    )


def find_image_pull_failing(case: Case) -> Cause | Gap | None:
    """A container of the target pod waits because its image cannot be pulled."""
    gap = _starting_unseen(case, "ImagePullFailing")
    pod = case.target_pod
    if gap or pod is None or not _may_start(case):
        return gap
    waiting = next((status for status in pod.containers if status.waiting_reason in PULL_REASONS), None)
    if waiting is None:
        return None
    rules = case.snapshot.unseen_for("events", namespace=pod.meta.namespace)
    if rules and (seconds_between(_bound_at(pod), case.now) or 0) >= HOLD_SECONDS["maybe"]:
        return Gap("ImagePullFailing", rules, after_seconds=HOLD_SECONDS["maybe"])
    # The first failed pull is the oldest "Failed" event; without it the binding of the pod is the earliest moment.
    failed = [event for event in case.snapshot.events_about(pod.meta.uid) if event.reason == "Failed"]
    since = since_first(failed) or _bound_at(pod)
    text = f"{waiting.waiting_reason}: {waiting.waiting_message}".rstrip(": ")
    seen = Evidence(pod.label, f"{waiting.path}.state.waiting", text, since)
    summary = f"Container {waiting.name} of the target pod cannot be started on {pod.node}: {text.rstrip('.')}."
    return Cause("ImagePullFailing", summary, "maybe", since, (seen,), names=_pod_names(pod))


def _may_start(case: Case) -> bool:
    """Whether a target pod may be on its way: in Scheduling, and in Pending where there is one already, as KubeVirt
    stays there until hot-plugged volumes are attached."""
    phase = case.migration.phase
    return phase == "Scheduling" or (phase == "Pending" and case.target_pod is not None)


def _starting_unseen(case: Case, code: str) -> Gap | None:
    return pods_unseen(case, code, after=HOLD_SECONDS["maybe"]) if case.migration.phase == "Scheduling" else None


def _bound_at(pod: Pod) -> datetime | None:
    scheduled = pod.conditions.get("PodScheduled")
    return (scheduled.changed_at if scheduled else None) or pod.meta.created_at


def _pod_that_starts(case: Case, code: str) -> Pod | Gap | None:
    """The target pod that is bound and has not started, where its events may be read; else why there is none."""
    gap = _starting_unseen(case, code)
    pod = case.target_pod
    if gap or pod is None or not _may_start(case) or not pod.node or pod.phase != "Pending":
        return gap
    return events_unseen(case, code, after=HOLD_SECONDS["maybe"]) or pod


def find_volume_attach_failing(case: Case) -> Cause | Gap | None:
    """Events on the target pod say that a volume cannot be attached or mounted, and the pod has not started since."""
    pod = _pod_that_starts(case, "VolumeAttachFailing")
    if not isinstance(pod, Pod):
        return pod
    if _has_its_volumes(pod):
        return None
    events = [event for event in case.snapshot.events_about(pod.meta.uid) if event.reason in VOLUME_REASONS]
    last = newest(events)
    if last is None:
        return unreadable_event(case, "VolumeAttachFailing", uid=pod.meta.uid, after=HOLD_SECONDS["maybe"])
    since = since_first(events) or pod.meta.created_at
    seen = tuple(Evidence(pod.label, f"event {event.reason}", event.message, event.last_at) for event in events[:5])
    summary = f"A volume of the target pod cannot be used on {pod.node}: {last.message.rstrip('.')}."
    return Cause("VolumeAttachFailing", summary, "maybe", since, seen, names=_pod_names(pod))


def _has_its_volumes(pod: Pod) -> bool:
    """Whether what failed has succeeded since: the kubelet mounts every volume before it makes the sandbox, and pulls
    images after that."""
    sandbox = pod.conditions.get("PodReadyToStartContainers")
    return (sandbox is not None and sandbox.status == "True") or any(
        status.running_since or status.waiting_reason in PULL_REASONS for status in pod.containers
    )


def find_pod_network_failing(case: Case) -> Cause | Gap | None:
    """Events on the target pod say that its sandbox or its network cannot be made, and it has not started since."""
    pod = _pod_that_starts(case, "PodNetworkFailing")
    if not isinstance(pod, Pod):
        return pod
    events = [event for event in case.snapshot.events_about(pod.meta.uid) if event.reason in NETWORK_REASONS]
    last = newest(events)
    if last is None:
        return unreadable_event(case, "PodNetworkFailing", uid=pod.meta.uid, after=HOLD_SECONDS["maybe"])
    if _has_its_volumes(pod) or not is_still_tried(events, now=case.now):
        return None
    seen = Evidence(pod.label, f"event {last.reason}", last.message, last.last_at)
    summary = f"The target pod's network cannot be made on {pod.node}: {last.message.rstrip('.')}."
    since = since_first(events) or _bound_at(pod)
    return Cause("PodNetworkFailing", summary, "maybe", since, (seen,), names=_pod_names(pod))


def find_target_pod_crashing(case: Case) -> Cause | Gap | None:
    """The compute container of the target pod has ended, or is started again and again."""
    if not _may_start(case) and case.migration.phase not in ("Scheduled", "PreparingTarget", "TargetReady"):
        return None
    pod, gap = case.target_pod, pods_unseen(case, "TargetPodCrashing")
    if gap or pod is None:
        return gap or _target_pod_missing(case, "TargetPodCrashing")
    compute = next((status for status in pod.containers if status.name == pod_facts.COMPUTE), None)
    if compute is None or compute.exit_code is None or compute.running_since is not None:
        return None
    said = f": {compute.exit_message.rstrip('.')}" if compute.exit_message else ""
    seen = Evidence(pod.label, f"{compute.path}.state", compute.waiting_reason or "terminated", compute.ended_at)
    summary = f"The target launcher on {pod.node} ended with exit code {compute.exit_code}{said}."
    since = compute.ended_at or _bound_at(pod)
    # The log of the container that ended is the present one until the kubelet starts the next.
    names = _pod_names(pod) | ({"restarts": "yes"} if compute.waiting_reason else {})
    return Cause("TargetPodCrashing", summary, "no", since, (seen,), names=names)


def find_target_pod_not_admitted(case: Case) -> Cause | Gap | None:
    """The target's kubelet refused the pod: what the scheduler saw as free was not."""
    if case.migration.phase not in ("Pending", "Scheduling"):
        return None
    pod, gap = case.target_pod, pods_unseen(case, "TargetPodNotAdmitted")
    if gap or pod is None or pod.phase != "Failed":
        return gap
    if not pod.reason.startswith("OutOf") and pod.reason not in REFUSED_REASONS:
        return None
    seen = Evidence(pod.label, pod_facts.REASON.path, f"{pod.reason}: {pod.message}".rstrip(": "), _bound_at(pod))
    summary = f"The kubelet of {pod.node} refused the target pod: {pod.reason}."
    return Cause("TargetPodNotAdmitted", summary, "no", _bound_at(pod), (seen,), names=_pod_names(pod))


def _not_found(case: Case, node: str, /) -> str:
    return "" if case.snapshot.unseen_for("nodes") else f"Node {node} was not found"


def find_target_kubelet_silent(case: Case) -> Cause | Gap | None:
    """The pod is bound, and its kubelet has said nothing of it: no container status, and the node does not answer."""
    gap = pods_unseen(case, "TargetKubeletSilent") if case.migration.phase == "Scheduling" else None
    pod = case.target_pod
    if gap or pod is None or not _may_start(case):
        return gap
    if not pod.node or pod.containers or pod.is_finished:
        return None
    node = case.node(pod.node)
    if node is None:
        return Gap("TargetKubeletSilent", case.snapshot.unseen_for("nodes"), why=_not_found(case, pod.node))
    if node.problems:
        return Gap("TargetKubeletSilent", (), why=f"{node.label}: {node.problems[0]}")
    ready = node.conditions.get("Ready")
    beat = node.heartbeat_at
    old = beat is not None and case.now - beat > timedelta(seconds=SILENT_SECONDS)
    if (ready is None or ready.status == "True") and not old:
        return None
    seen = (
        Evidence(pod.label, pod_facts.STATUSES.path, "none", _bound_at(pod)),
        Evidence(node.label, "status.conditions[Ready].status", ready.status if ready else "", node.heartbeat_at),
    )
    is_ready = ready is not None and ready.status == "True"
    why = "virt-handler there has given no sign for 5 minutes" if is_ready else "the node does not answer"
    summary = f"The kubelet of {pod.node} has not taken up the target pod, and {why}."
    return Cause("TargetKubeletSilent", summary, "no", _bound_at(pod), seen, names=_pod_names(pod))
