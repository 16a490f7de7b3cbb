# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes that keep a migration Pending: pods, slots, quotas, the SELinux context.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go; what the API shows of each state was seen on
KubeVirt's own controllers (no condition and no event for limits, left-over pods and a missing SELinux context).
"""

from __future__ import annotations

import re

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    migration as migration_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    pod as pod_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    surroundings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    vmi as vmi_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import LABEL_HOST_MODEL, Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import LABEL_JOB_UID, Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import (
    Cause,
    Evidence,
    Gap,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Holder, Queue, Unclear
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.sightings import (
    events_unseen,
    is_still_tried,
    newest,
    pods_unseen,
    since_first,
    unreadable_event,
)

__all__ = [
    "find_cluster_limit_reached",
    "find_host_model_unknown",
    "find_leftover_launcher_pod",
    "find_limits_of_zero",
    "find_outbound_limit_reached",
    "find_pod_security_violation",
    "find_resource_quota_exceeded",
    "find_selinux_context_missing",
    "find_target_pod_creation_refused",
]

# What a target pod of a host-model VM is made to select; the pod keeps it when it is the source of the next migration.
_CPU_SELECTORS = ("cpu-model-migration.node.kubevirt.io/", "cpu-feature.node.kubevirt.io/")
# virt-controller's words for a target pod that was refused; the evacuation controller writes FailedCreate too.
_POD_WORDS = ("Error creating pod:", "failed to create target pod")
_QUOTA_NAME = re.compile(r"exceeded quota: ([a-z0-9.-]+)")


def find_leftover_launcher_pod(case: Case) -> Cause | Gap | None:
    """Another launcher pod of the VM has not ended, so KubeVirt makes no target pod (it says so in its log only)."""
    gap = pods_unseen(case, "LeftoverLauncherPod")
    if gap or case.migration.phase != "Pending" or case.target_pod is not None:
        return gap
    alive = [pod for pod in case.launchers if not pod.is_finished]
    running = _running_pod(case, alive)
    others = [pod for pod in alive if pod is not running and not _belongs_to_active(case, pod)]
    if len(alive) < 2 or not others:
        return None
    if running is None:
        # To call the VM's own pod left over would have somebody end the VM.
        return Gap("LeftoverLauncherPod", (), why="which of its launcher pods the VM runs in could not be told")
    pod = others[0]
    why = _why_it_lives(case, pod)
    seen = [Evidence(pod.label, pod_facts.PHASE.path, pod.phase, pod.meta.created_at)]
    if pod.meta.deleted_at:
        seen.append(Evidence(pod.label, pod_facts.META.deleted.path, "being deleted", pod.meta.deleted_at))
    summary = f"Pod {pod.meta.name} on {pod.node or 'no node'} is left over{why}: KubeVirt waits until it has ended."
    since = case.later(case.migration.phase_since, pod.meta.created_at)
    names = {"pod": pod.meta.name, "namespace": pod.meta.namespace, "node": pod.node}
    return Cause("LeftoverLauncherPod", summary, "no", since, tuple(seen), names=names)


def _running_pod(case: Case, alive: list[Pod]) -> Pod | None:
    """The pod that the VM runs in: the only one on the VMI's node, of several there the one that was recorded; None
    where that does not tell it."""
    here = [pod for pod in alive if pod.node and pod.node == case.source_node]
    return here[0] if len(here) == 1 else next((pod for pod in here if pod is case.source_pod), None)


def _belongs_to_active(case: Case, pod: Pod) -> bool:
    """Whether the pod is the target of a migration that has not ended."""
    job = pod.meta.labels.get(LABEL_JOB_UID)
    return any(other.meta.uid == job and not other.is_final for other in case.snapshot.migrations)


def _why_it_lives(case: Case, pod: Pod) -> str:
    node = case.node(pod.node)
    ready = node.conditions.get("Ready") if node else None
    if pod.meta.deleted_at and ready is not None and ready.status != "True":
        return f" (being deleted, but the kubelet of {pod.node} does not answer)"
    if pod.meta.deleted_at:
        return " (being deleted, and has not ended)"
    return " from an earlier migration" if pod.meta.labels.get(LABEL_JOB_UID) else ""


def find_cluster_limit_reached(case: Case, queue: Queue, /) -> Cause | Gap | None:
    """As many migrations run as parallelMigrationsPerCluster allows (KubeVirt says so in its log only)."""
    gap = _queue_unseen(case, "ClusterLimitReached")
    kubevirt = case.snapshot.kubevirt
    if gap or kubevirt is None or not _waits(case):
        return gap
    if kubevirt.per_cluster < 1:
        return None  # UnworkableLimits: it is no queue that could move.
    free = kubevirt.per_cluster - len(queue.holders)
    if free > 0:
        return _maybe_taken(case, "ClusterLimitReached", free=free, unclear=queue.unclear)
    seen = Evidence(
        f"KubeVirt {kubevirt.meta.namespace}/{kubevirt.meta.name}",
        surroundings.CLUSTER_LIMIT.path,
        str(kubevirt.per_cluster),
    )
    summary = f"{len(queue.holders)} of {kubevirt.per_cluster} migration slots of the cluster are taken"
    return _limit_answer(case, "ClusterLimitReached", summary=summary, holders=queue.holders, queue=queue, limit=seen)


def find_outbound_limit_reached(case: Case, queue: Queue, /) -> Cause | Gap | None:
    """As many migrations leave the source node as parallelOutboundMigrationsPerNode allows."""
    gap = _queue_unseen(case, "OutboundLimitReached")
    kubevirt = case.snapshot.kubevirt
    if gap or kubevirt is None or not _waits(case):
        return gap
    if kubevirt.outbound_per_node < 1:
        return None
    leaving = queue.outbound(case.source_node)
    free = kubevirt.outbound_per_node - len(leaving)
    if not case.source_node or free > 0:
        unclear = queue.maybe_outbound(case.source_node) if case.source_node else ()
        return _maybe_taken(case, "OutboundLimitReached", free=free, unclear=unclear)
    seen = Evidence(
        f"KubeVirt {kubevirt.meta.namespace}/{kubevirt.meta.name}",
        surroundings.NODE_LIMIT.path,
        str(kubevirt.outbound_per_node),
    )
    summary = f"{len(leaving)} of {kubevirt.outbound_per_node} outbound slots of {case.source_node} are taken"
    return _limit_answer(case, "OutboundLimitReached", summary=summary, holders=leaving, queue=queue, limit=seen)


def _maybe_taken(case: Case, code: str, *, free: int, unclear: tuple[Unclear, ...]) -> Gap | None:
    """A gap where those that may hold a slot could be as many as the free ones."""
    others = [one for one in unclear if one.uid != case.migration.meta.uid]
    if not others or len(others) < free:
        return None
    labels = ", ".join(dict.fromkeys(one.label for one in others[:5]))
    return Gap(code, (), after_seconds=0, why=f"it is not known whether {labels} holds a slot ({others[0].why})")


def _waits(case: Case) -> bool:
    return case.migration.phase == "Pending" and case.target_pod is None


def _queue_unseen(case: Case, code: str) -> Gap | None:
    """From the first second on: whether it queues or goes on cannot be told without the whole queue."""
    if case.migration.phase != "Pending":
        return None
    rules = case.snapshot.unseen_for("queue") or case.snapshot.unseen_for("kubevirt")
    if rules:
        return Gap(code, rules, after_seconds=0)
    problems = case.snapshot.kubevirt.problems if case.snapshot.kubevirt else ()
    return Gap(code, (), after_seconds=0, why=f"KubeVirt: {problems[0]}") if problems else None


def _limit_answer(
    case: Case, code: str, *, summary: str, holders: tuple[Holder, ...], queue: Queue, limit: Evidence
) -> Cause | Gap:
    """The queue moves while one holder of a slot moves; it is blocked when all of them are stuck."""
    stuck = [holder for holder in holders if holder.is_stuck]
    if len(stuck) < len(holders) and not any(holder.is_stuck is False for holder in holders):
        why = next((f" ({holder.why})" for holder in holders if holder.why), "")
        return Gap(code, (), after_seconds=0, why=f"it is not known whether {_names(list(holders))} goes on{why}")
    cures = "no" if holders and len(stuck) == len(holders) else "yes"
    place = queue.position(case.migration.meta.uid)
    if place and not case.snapshot.waiting_unread:
        summary += f"; it is number {place} of {len(queue.waiting)} that wait"
    if holders:
        summary += f". They are held by {_names(list(holders))}"
    if stuck:
        summary += f"; stuck of these: {_names(stuck)}"
    seen = tuple(Evidence(holder.object, "status.phase", holder.phase) for holder in (stuck or list(holders))[:10])
    names = {"holder": stuck[0].label} if cures == "no" else {}
    return Cause(code, summary + ".", cures, case.migration.phase_since, (limit, *seen), names=names)


def _names(holders: list[Holder]) -> str:
    labels = [holder.label for holder in holders]
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")


def find_resource_quota_exceeded(case: Case) -> Cause | Gap | None:
    """The target pod was refused by a ResourceQuota: the migration's own condition says so."""
    condition = case.migration.conditions.get("migrationRejectedByResourceQuota")
    if case.migration.phase != "Pending" or condition is None or condition.status != "True":
        return None
    seen = [
        Evidence(
            case.name,
            f"{migration_facts.CONDITIONS.list.path}[migrationRejectedByResourceQuota].status",
            condition.status,
            condition.probed_at,
        )
    ]
    refusal = _quota_refusal(case)
    names = {"namespace": case.migration.meta.namespace}
    summary = "A ResourceQuota refuses the target pod"
    if refusal:
        message, seen_event = refusal
        seen.append(seen_event)
        match = _QUOTA_NAME.search(message)
        names["quota"] = match.group(1) if match else ""
        summary += f": {message[message.find('exceeded quota') :]}"
    since = condition.changed_at or condition.probed_at or case.migration.phase_since
    return Cause("ResourceQuotaExceeded", summary.rstrip(".") + ".", "no", since, tuple(seen), names=names)


def _quota_refusal(case: Case) -> tuple[str, Evidence] | None:
    uid = case.vmi.meta.uid if case.vmi else ""
    found = [
        event
        for event in case.snapshot.events_about(uid)
        if event.reason == "FailedCreate" and "exceeded quota" in event.message
    ]
    last = newest(found)
    if last is None:
        return None
    return last.message, Evidence(case.vmi_name, "event FailedCreate", last.message, last.last_at)


def find_selinux_context_missing(case: Case) -> Cause | Gap | None:
    """vmi.status.selinuxContext is empty: KubeVirt waits for it for ever and writes it to its log only."""
    if case.migration.phase != "Pending" or case.target_pod is not None:
        return None
    rules = case.snapshot.unseen_for("vmis", namespace=case.migration.meta.namespace)
    if rules:
        return Gap("SELinuxContextMissing", rules)
    vmi = case.vmi
    if vmi is None or vmi.phase != "Running" or vmi.selinux_context:
        return None
    seen = Evidence(case.vmi_name, vmi_facts.SELINUX_CONTEXT.path, "", None)
    summary = "The VM's SELinux context is not in its status: KubeVirt waits for it without a limit."
    names = {"node": case.source_node}
    return Cause("SELinuxContextMissing", summary, "no", case.migration.phase_since, (seen,), names=names)


def find_host_model_unknown(case: Case) -> Cause | Gap | None:
    """A VM with CPU model host-model, and its node has no label that names the host's model: KubeVirt cannot choose the
    target's nodes and says so in its log only. Said where nothing else explains that there is no target pod."""
    vmi = case.vmi
    if case.migration.phase != "Pending" or case.target_pod is not None or case.migration.is_decentralized:
        return None
    if vmi is None or vmi.phase != "Running" or vmi.cpu_model != vmi_facts.HOST_MODEL:
        return None
    pod, node = _pod_of_the_vm(case), case.node(case.source_node)
    gap = pods_unseen(case, "HostModelUnknown")
    if gap or pod is None:
        return gap or Gap("HostModelUnknown", (), why="the pod that the VM runs in was not found")
    if any(key.startswith(_CPU_SELECTORS) for key in pod.node_selector):
        return None  # It has been migrated before: KubeVirt takes the pod's own selectors again.
    if node is None or node.problems:
        return Gap("HostModelUnknown", case.snapshot.unseen_for("nodes"), why=_why_node_unread(case, node))
    if any(key.startswith(LABEL_HOST_MODEL) for key in node.labels):
        return None
    seen = (
        Evidence(case.vmi_name, vmi_facts.CPU_MODEL.path, vmi.cpu_model),
        Evidence(node.label, f"metadata.labels[{LABEL_HOST_MODEL}*]", "there is no such label"),
    )
    summary = (
        f"Node {node.name} has no label {LABEL_HOST_MODEL}*, so KubeVirt cannot tell which nodes have the CPU of this"
        " VM (CPU model host-model), and makes no target pod."
    )
    since, names = case.migration.phase_since, {"node": node.name}
    return Cause("HostModelUnknown", summary, "no", since, seen, confidence="likely", names=names)


def _pod_of_the_vm(case: Case) -> Pod | None:
    """The pod on the VM's own node: that which KubeVirt recorded, else the only one that has not ended there."""
    here = [pod for pod in case.launchers if pod.node == case.source_node and not pod.is_finished]
    return case.source_pod or (here[0] if len(here) == 1 else None)


def _why_node_unread(case: Case, node: Node | None) -> str:
    if node is not None:
        return f"{node.label}: {node.problems[0]}"
    return "" if case.snapshot.unseen_for("nodes") else f"Node {case.source_node} was not found"


def find_pod_security_violation(case: Case) -> Cause | Gap | None:
    """The namespace's Pod Security level refuses the target pod."""
    return _refused(case, "PodSecurityViolation", "privileged namespace", "Pod Security refuses the target pod")


def find_target_pod_creation_refused(case: Case) -> Cause | Gap | None:
    """The target pod cannot be made, for a reason that is neither a quota nor Pod Security."""
    return _refused(case, "TargetPodCreationRefused", "", "The target pod cannot be made")


def _refused(case: Case, code: str, words: str, what: str) -> Cause | Gap | None:
    if not _waits(case) or case.vmi is None:
        return None
    gap = events_unseen(case, code)
    began = case.migration.phase_since
    refused = [
        event
        for event in case.snapshot.events_about(case.vmi.meta.uid)
        if event.reason == "FailedCreate" and any(said in event.message for said in _POD_WORDS)
        if _refusal_words(event.message) == words
        if event.last_at is None or began is None or event.last_at >= began
    ]
    last = newest(refused)
    if gap or last is None:
        return gap or unreadable_event(case, code, uid=case.vmi.meta.uid)
    if not is_still_tried(refused, now=case.now):
        return None
    seen = Evidence(case.vmi_name, "event FailedCreate", last.message, last.last_at)
    since = case.later(since_first(refused), began)
    names = {"namespace": case.migration.meta.namespace}
    return Cause(code, f"{what}: {last.message.rstrip('.')}.", "no", since, (seen,), names=names)


def _refusal_words(message: str) -> str:
    known = ("exceeded quota", "privileged namespace")
    return next((words for words in known if words in message), "")


def find_limits_of_zero(case: Case) -> Cause | Gap | None:
    """A limit of 0: every migration then stays Pending, and nothing says so (seen on KubeVirt's own controllers)."""
    kubevirt = case.snapshot.kubevirt
    gap = pods_unseen(case, "UnworkableLimits") if case.migration.phase == "Pending" else None
    if gap or kubevirt is None or kubevirt.problems or not _waits(case):
        return gap
    zero = [
        (field, value)
        for field, value in (
            (surroundings.CLUSTER_LIMIT, kubevirt.per_cluster),
            (surroundings.NODE_LIMIT, kubevirt.outbound_per_node),
        )
        if value < 1
    ]
    if not zero:
        return None
    name = f"KubeVirt {kubevirt.meta.namespace}/{kubevirt.meta.name}"
    seen = tuple(Evidence(name, field.path, str(value)) for field, value in zero)
    limits = " and ".join(field.path.rpartition(".")[2] for field, _value in zero)
    summary = f"KubeVirt's {limits} leaves no slot: no migration ever starts."
    names = {"namespace": kubevirt.meta.namespace, "kubevirt": kubevirt.meta.name}
    return Cause("UnworkableLimits", summary, "no", case.migration.phase_since, seen, names=names)
