# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about each cause, with the command ready to paste.

This module is private to the collection and may change without notice.

Commands are built from names that are valid in Kubernetes and are shell-quoted; where a name is not, there is no
command. They look, or they are what a person would type after having read the risk; nothing here is run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import (
    MODE_PAUSED,
    MODE_POST_COPY,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause

__all__ = ["ADVICE", "Advice", "Template", "plan_advice"]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_PLACE = re.compile(r"\{([a-z_]+)\}")
_NOTHING_LOST = "none: the VM keeps running where it is"
_POST_COPY = "it is in post-copy: whatever interrupts either node, virt-handler there or the network loses the VM"
_PAUSED = "the guest stands still until the migration ends"
_MODE_UNSEEN = "whether it is in post-copy could not be seen, and there any interruption loses the VM"


@dataclass(frozen=True)
class Advice:
    """One thing to do. `command` is "" where there is none to give."""

    action: str
    why: str
    risk: str
    command: str = ""


@dataclass(frozen=True)
class Template:
    """Advice with `{names}` of the migration (ns, migration, vm) and of its cause. `needs`: only where the cause has
    that name; `unless`: only where it has not. `command` is a list of words in one string."""

    action: str
    why: str
    risk: str = _NOTHING_LOST
    command: str = ""
    needs: str = ""
    unless: str = ""


def plan_advice(case: Case, cause: Cause, /) -> tuple[Advice, ...]:
    """What to do about `cause`, the best first; empty for a code without advice."""
    migration = case.migration
    names = {
        **cause.names,
        "ns": migration.meta.namespace,
        "migration": migration.meta.name,
        "vm": migration.vmi_name,
    }
    fitting = [one for one in ADVICE.get(cause.code, ()) if _fits(one, names)]
    return tuple(_fill(one, names, risk=_risk(case, one)) for one in fitting if not _is_vain(case, one))


def _is_vain(case: Case, template: Template) -> bool:
    """Whether it says to delete a migration that is being deleted, or that no delete can end."""
    is_cancel = template.command.startswith(f"kubectl delete {_VMIM} ")
    return is_cancel and (case.migration.is_being_deleted or _mode(case) == MODE_POST_COPY)


def _mode(case: Case) -> str | None:
    """The copy's mode, "" while there is none; None where it runs and its mode was not seen."""
    if case.migration.phase != "Running":
        return ""
    return case.state.mode if case.state else None


def _risk(case: Case, template: Template) -> str:
    """The risk of doing it now: that the VM keeps running where it is holds only outside of post-copy and pause."""
    mode, tame = _mode(case), template.risk == _NOTHING_LOST
    if mode == MODE_POST_COPY:
        return _POST_COPY if tame else f"{template.risk}; {_POST_COPY}"
    if mode is None:
        return _MODE_UNSEEN if tame else f"{template.risk}; {_MODE_UNSEEN}"
    return _PAUSED if tame and mode == MODE_PAUSED else template.risk


def _fits(template: Template, names: Mapping[str, str]) -> bool:
    return (not template.needs or bool(names.get(template.needs))) and not names.get(template.unless)


def _fill(template: Template, names: Mapping[str, str], *, risk: str) -> Advice:
    action = _PLACE.sub(lambda place: names.get(place.group(1), ""), template.action)
    return Advice(action, template.why, risk, _command(template.command, names))


def _command(text: str, names: Mapping[str, str]) -> str:
    """The words quoted for a shell; "" when a name among them is not a Kubernetes name."""
    words = []
    for word in text.split():
        wanted = _PLACE.findall(word)
        if any(not _NAME.fullmatch(names.get(name, "")) for name in wanted):
            return ""
        words.append(shlex.quote(_PLACE.sub(lambda place: names[place.group(1)], word)))
    return " ".join(words)


_VMIM = "virtualmachineinstancemigration"
_VMI = "virtualmachineinstance"
_HANDLERS = "kubectl get pods -n {namespace} -l kubevirt.io=virt-handler -o wide --field-selector spec.nodeName={node}"
# pkg/virt-handler/migration-proxy: copies are tunnelled; on a stop it waits 5 minutes for them (KubeVirt PR 5138).
_HANDLER_RISK = (
    "every copy from and to a node goes through virt-handler there: end it only with its grace period, as one cut off "
    "fails, and in post-copy loses its VM"
)
_DESCRIBE_POD = "kubectl describe pod -n {namespace} {pod}"

CANCEL = Template(
    "Or cancel the migration; deleting it is how.",
    "Then it no longer waits, and can be made again when the cause is gone.",
    command=f"kubectl delete {_VMIM} -n {{ns}} {{migration}} --wait=false",
)
_NODE_DOWN = Template(
    "Bring node {node} back, or fence it.",
    "Nothing on that node can act, and whether a guest still runs there is not known.",
    "fence the node before any pod of it is forced away: two copies of one guest destroy its disks",
    "kubectl describe node {node}",
)
_QUEUE = (
    Template(
        "Wait: the queue moves as the others end.",
        "A slot is free when a running migration ends.",
        unless="holder",
    ),
    Template(
        "Cure {holder} first.",
        "Those that hold the slots are stuck themselves, so the queue does not move.",
        needs="holder",
    ),
)

ADVICE: dict[str, tuple[Template, ...]] = {
    "VirtControllerSilent": (
        Template(
            "Bring virt-controller back.",
            "Every step before and after the copy is made by virt-controller; a cancel waits for it too.",
            command="kubectl get pods -n {namespace} -l kubevirt.io=virt-controller -o wide",
        ),
    ),
    "SourceNodeDown": (_NODE_DOWN,),
    "TargetNodeDown": (_NODE_DOWN,),
    "LeftoverLauncherPod": (
        Template(
            "Find out why pod {pod} does not end (its node first), and let it end.",
            "KubeVirt makes no target pod while the VM has two that have not ended.",
            "never delete it with grace period 0 while its node does not answer: the guest may still run there",
            "kubectl get pod -n {namespace} {pod} -o yaml",
        ),
    ),
    "ClusterLimitReached": _QUEUE,
    "OutboundLimitReached": _QUEUE,
    "ResourceQuotaExceeded": (
        Template(
            "Raise the quota, or free what it counts.",
            "While it migrates a VM needs its memory and cpu twice; KubeVirt tries again when the quota changes.",
            command="kubectl describe resourcequota -n {ns} {quota}",
            needs="quota",
        ),
        Template(
            "Raise the quota, or free what it counts.",
            "While it migrates a VM needs its memory and cpu twice; KubeVirt tries again when the quota changes.",
            command="kubectl describe resourcequota -n {ns}",
            unless="quota",
        ),
        CANCEL,
    ),
    "SELinuxContextMissing": (
        Template(
            "Look at virt-handler on the source node {node}; restarting it makes it write the VM's status anew.",
            "virt-handler writes the context; without it no target pod is made, and nothing says so.",
            _HANDLER_RISK,
            command=f"kubectl get {_VMI} -n {{ns}} {{vm}} -o jsonpath={{.status.selinuxContext}}",
        ),
        CANCEL,
    ),
    "TargetPodUnschedulable": (
        Template(
            "Make room on a node that fits, or correct what excludes the nodes.",
            "KubeVirt removes the pod at its deadline and the migration fails; a retry meets the same nodes.",
            command=_DESCRIBE_POD,
        ),
    ),
    "ImagePullFailing": (
        Template(
            "Make the image available to node {node} (registry, pull secret, network).",
            "The kubelet goes on trying; KubeVirt gives the pod 900 s.",
            command=_DESCRIBE_POD,
        ),
    ),
    "VolumeAttachFailing": (
        Template(
            "Look at the volume: its access mode, its storage class, and who holds it.",
            "The target needs the VM's volumes while the source has them; KubeVirt gives the pod 900 s.",
            command=_DESCRIBE_POD,
        ),
    ),
    "TargetHandlerDown": (
        Template(
            "Bring virt-handler back on the target node {node}.",
            "Only virt-handler there can prepare the target.",
            _HANDLER_RISK,
            command=_HANDLERS,
        ),
        Template(
            "Or cancel and let it be made again on another node.",
            "KubeVirt acts on a cancel in this phase only when the target pod has ended: at its limit, or deleted.",
            "where the node is down its pod hangs: fence the node first, never use grace period 0",
            f"kubectl delete {_VMIM} -n {{ns}} {{migration}} --wait=false",
        ),
    ),
    "SourceHandlerDown": (
        Template(
            "Bring virt-handler back on the source node {node}.",
            "Only virt-handler there can report the end of the copy or abort it; a cancel would hang as well.",
            _HANDLER_RISK,
            command=_HANDLERS,
        ),
    ),
    "TargetIsSourceNode": (
        Template(
            "Cancel it, and let it be made again.",
            "The target is never prepared on the VM's own node; a new migration may choose another.",
            command=f"kubectl delete {_VMIM} -n {{ns}} {{migration}} --wait=false",
        ),
    ),
    "DeadlineNotEnforced": (
        Template(
            "Look at virt-handler and the launcher on the source node {source_node}.",
            "The launcher gave up or should have; what it reports goes through virt-handler on the source node.",
            command="kubectl describe node {source_node}",
        ),
    ),
    "PostCopyActive": (
        Template(
            "Wait. Do not cancel, do not touch either node or the network between them.",
            "The guest's memory lies on both nodes until the last page has come.",
            "any interruption loses the VM",
            f"kubectl get {_VMI} -n {{ns}} {{vm}} --watch",
        ),
    ),
    "CancelWaitsForPhase": (
        Template(
            "Wait for the target launcher's limit.",
            "It gives up by itself after 240 to 359 s; then the migration ends.",
            command="kubectl get pod -n {namespace} {pod} -o wide",
        ),
    ),
    "CancelUnanswered": (
        Template(
            "Look at virt-handler and the launcher on the source node {node}.",
            "They carry the abort out; deleting again changes nothing.",
            command="kubectl describe node {node}",
        ),
    ),
    "RecreatedByOwner": (
        Template(
            "To stop for good: uncordon {node}, then cancel the evacuation, then the migration.",
            "The evacuation controller makes a new migration while the evacuation stands.",
            "the VM stays on its node, so a drain of that node waits for it",
            "virtctl evacuate-cancel vm -n {ns} {vm}",
            needs="node",
        ),
        Template(
            "Finish or revert the update of the VM that asks for the migration.",
            "Its owner makes a new one while the update is pending.",
            "depends on the update",
            unless="node",
        ),
    ),
    "FailingRepeatedly": (
        Template(
            "Cure the common reason before another attempt; look first at node {target}.",
            "All went there and failed; another attempt meets the same unless it goes elsewhere.",
            command="kubectl describe node {target}",
            needs="target",
        ),
        Template(
            "Cure the reason before another attempt.",
            "An attempt that meets the same conditions ends the same way.",
            command=f"kubectl get {_VMIM} -n {{ns}} -l kubevirt.io/vmi-name={{vm}} -o yaml",
            unless="target",
        ),
    ),
    "BadTargetNode": (
        Template(
            "Look at node {node}, and keep migrations away from it until it is well.",
            "Migrations of several VMs failed there while others reached other nodes.",
            command="kubectl describe node {node}",
        ),
    ),
    "LastAttemptFailed": (
        Template(
            "Cure what made it fail, then migrate again.",
            "A new migration is a new attempt; KubeVirt itself repeats only what a drain or an update asked for.",
            command=f"kubectl describe {_VMIM} -n {{ns}} {{migration}}",
            unless="owner",
        ),
        Template(
            "Cure what made it fail: its owner makes the next attempt.",
            "An attempt that meets the same conditions ends the same way.",
            command=f"kubectl describe {_VMIM} -n {{ns}} {{migration}}",
            needs="owner",
        ),
    ),
    "Unknown": (
        Template(
            "Grant what is missing (coverage names it), or look at virt-controller's log.",
            "What cannot be read or is not known is not called healthy.",
            "none",
            f"kubectl get {_VMIM} -n {{ns}} {{migration}} -o yaml",
        ),
    ),
}
