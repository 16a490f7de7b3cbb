# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what helps against each cause, by code.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0 as told at each cause; what a command may cost stands in its risk.
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.remedies_before_copy import (
    BEFORE_COPY,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.remedies_of_copy import OF_COPY
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.template import (
    VMI,
    VMIM,
    Template,
)

__all__ = ["ADVICE"]

_HANDLERS = "kubectl get pods -n {namespace} -l kubevirt.io=virt-handler -o wide --field-selector spec.nodeName={node}"
# pkg/virt-handler/migration-proxy: copies are tunnelled; on a stop it waits 5 minutes for them (KubeVirt PR 5138).
_HANDLER_RISK = (
    "every copy from and to a node goes through virt-handler there: end it only with its grace period, as one cut off "
    "fails, and in post-copy loses its VM"
)
_NODE_DOWN = Template(
    "Bring node {node} back, or fence it.",
    "Nothing on that node can act, and whether a guest still runs there is not known.",
    "fence the node before any pod of it is forced away: two copies of one guest destroy its disks",
    "kubectl describe node {node}",
)

ADVICE: dict[str, tuple[Template, ...]] = {
    **BEFORE_COPY,
    **OF_COPY,
    "VirtControllerSilent": (
        Template(
            "Bring virt-controller back.",
            "Every step before and after the copy is made by virt-controller; a cancel waits for it too.",
            command="kubectl get pods -n {namespace} -l kubevirt.io=virt-controller -o wide",
        ),
    ),
    "VirtApiUnavailable": (
        Template(
            "Bring virt-api back.",
            "virt-controller goes on by itself once virt-api's webhooks answer; until then a cancel hangs too.",
            command="kubectl get pods -n {namespace} -l kubevirt.io=virt-api -o wide",
        ),
    ),
    "VMIMissing": (
        Template(
            "Start the VM again, or leave the migration: it has nothing to move.",
            "A migration without its VMI is not ended by KubeVirt; a VMI of that name lets it end.",
            "none: there is no VM to lose",
            f"kubectl get {VMIM} -n {{ns}} {{migration}} -o yaml",
            unless="present",
        ),
        Template(
            "Cancel it: the VM's present instance does not belong to it.",
            "There is a VMI of that name, so KubeVirt takes the finalizer off and the object ends.",
            command=f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
            needs="present",
        ),
    ),
    "CancelOrphaned": (
        Template(
            "Start a VM of that name, which frees it at once.",
            "virt-controller takes its finalizer off only while a VMI of that name exists.",
            "none",
        ),
        Template(
            "Else, where no launcher pod of the VM lives any more, take the finalizer off by hand.",
            "The collection never does that: a guest may still run on a node that does not answer.",
            "with a launcher pod alive somewhere the next start may run the guest twice; look for its pods first",
            "kubectl get pods -n {ns} -l vm.kubevirt.io/name={vm} -o wide",
        ),
    ),
    "SyncFailed": (
        Template(
            "Read the event: certificates, sockets and libvirt are the usual ones.",
            "virt-handler tries again until the target launcher gives up.",
            command=f"kubectl describe {VMI} -n {{ns}} {{vm}}",
        ),
    ),
    "TargetLauncherOverdue": (
        Template(
            "Cancel it; where the target pod does not end by itself, look at its node first.",
            "The target launcher should have ended 359 s after its start at the latest.",
            "where the node is down its pod hangs: fence the node first, never use grace period 0",
            f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
        ),
    ),
    "PausedForMigration": (
        Template(
            "Wait: the guest goes on when the copy has ended.",
            "KubeVirt suspended it because it wrote memory faster than the copy could carry.",
            "the guest stands still until then",
        ),
    ),
    "GuestIOError": (
        Template(
            "Cure the storage first; the guest goes on when its I/O works.",
            "A guest that waits for I/O cannot be moved well.",
            command=f"kubectl describe {VMI} -n {{ns}} {{vm}}",
        ),
    ),
    "HotplugChangePending": (
        Template(
            "Look at the VM's condition: the change is applied on the target.",
            "The VM runs on the target already; only the migration object waits.",
            "none: the VM has moved",
            f"kubectl describe {VMI} -n {{ns}} {{vm}}",
        ),
    ),
    "BackendStorageHandOff": (
        Template(
            "Look at the claim {claim} and at virt-controller's log.",
            "The VM runs on the target; the claim of its persistent state is not handed over.",
            "do not delete either claim: one of them holds the VM's TPM or firmware state",
            "kubectl describe persistentvolumeclaim -n {ns} {claim}",
        ),
    ),
    "NotLiveMigratable": (
        Template(
            "Remove what keeps the VM from migrating, or shut it down and start it elsewhere.",
            "KubeVirt makes no migration while LiveMigratable is False, and a drain waits for this VM.",
            "shutting it down is an outage of this VM",
            f"kubectl describe {VMI} -n {{ns}} {{vm}}",
        ),
    ),
    "SyncPeerMissing": (
        Template(
            "Look at the other cluster's side and at the synchronization controllers of both.",
            "KubeVirt waits for it without a limit.",
            command=f"kubectl get {VMIM} -n {{ns}} {{migration}} -o yaml",
        ),
    ),
    "SourceNodeDown": (_NODE_DOWN,),
    "TargetNodeDown": (_NODE_DOWN,),
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
            f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
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
            command=f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
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
            f"kubectl get {VMI} -n {{ns}} {{vm}} --watch",
        ),
    ),
    "CancelWaitsForPhase": (
        Template(
            "Wait for the target launcher's limit.",
            "It gives up by itself after 240 to 359 s; then the migration ends.",
            command="kubectl get pod -n {namespace} {pod} -o wide",
        ),
        Template(
            "Or have migration_cancel end the target pod with free_target_pod.",
            "KubeVirt ends the migration when its target pod is gone; once the copy has begun that is refused.",
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
            "To stop for good: uncordon {node}, then end the evacuation, and only then the migration.",
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
            command=f"kubectl get {VMIM} -n {{ns}} -l kubevirt.io/vmi-name={{vm}} -o yaml",
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
            command=f"kubectl describe {VMIM} -n {{ns}} {{migration}}",
            unless="owner",
        ),
        Template(
            "Cure what made it fail: its owner makes the next attempt.",
            "An attempt that meets the same conditions ends the same way.",
            command=f"kubectl describe {VMIM} -n {{ns}} {{migration}}",
            needs="owner",
        ),
    ),
    "Unknown": (
        Template(
            "Grant what is missing (coverage names it), or look at virt-controller's log.",
            "What cannot be read or is not known is not called healthy.",
            "none",
            f"kubectl get {VMIM} -n {{ns}} {{migration}} -o yaml",
        ),
    ),
}
