# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do before a drain about each reason that keeps a VM from leaving, with the command ready to paste.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.advice import Advice, fill_advice
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.template import VMI, VMIM, Template
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import Subject

__all__ = ["PREFLIGHT_ADVICE", "plan_preflight_advice"]

NOTHING = "none"
_SHOW = f"kubectl get {VMI} -n {{ns}} {{vm}} -o yaml"
_HANDLERS = "kubectl get pods -n {namespace} -l kubevirt.io=virt-handler -o wide --field-selector spec.nodeName={node}"
_STOP = Template(
    "Or agree with its owner on a time, and stop it in the guest before the drain.",
    "A shutdown that is planned loses nothing; one by the drain ends after the VM's grace period.",
    "the VM is down until it is started elsewhere",
)

PREFLIGHT_ADVICE: dict[str, tuple[Template, ...]] = {
    "EvictionStopsVM": (
        Template(
            "Have it migrate: set evictionStrategy LiveMigrate in the VM's template (it holds from its next start), or "
            "migrate it by hand before the drain.",
            "Only with that strategy does a drain ask for a migration.",
            "none: a migration by hand leaves the VM running",
            "virtctl migrate -n {ns} {vm}",
            needs="is_migratable",
        ),
        _STOP,
    ),
    "DisruptionBudgetBlocks": (
        Template(
            "Ask the owner of the disruption budget {budget}; move or stop the VM by hand.",
            "The drain asks again and again until the budget lets the pod go.",
            NOTHING,
            "kubectl describe poddisruptionbudget -n {namespace} {budget}",
        ),
    ),
    "NotLiveMigratable": (
        Template(
            "Take away what keeps the VM from migrating, where that can be done; the message names it.",
            "KubeVirt refuses every eviction of it, so the drain would wait for ever.",
            NOTHING,
            f"kubectl describe {VMI} -n {{ns}} {{vm}}",
        ),
        _STOP,
    ),
    "ExternalEviction": (
        Template(
            "Make sure that who looks after this VM acts on the mark (status.evacuationNodeName).",
            "KubeVirt makes no migration for this strategy.",
            NOTHING,
            _SHOW,
        ),
    ),
    "VirtControllerSilent": (
        Template(
            "Bring virt-controller back before the drain.",
            "It makes every migration.",
            NOTHING,
            "kubectl get pods -n {namespace} -l kubevirt.io=virt-controller -o wide",
        ),
    ),
    "SourceNodeDown": (
        Template(
            "Bring node {node} back, or fence it; it cannot be drained.",
            "Nothing on that node can hand its VMs over.",
            "fence the node before any pod of it is forced away: two copies of one guest destroy its disks",
            "kubectl describe node {node}",
        ),
    ),
    "SourceHandlerDown": (
        Template(
            "Bring virt-handler on {node} back before the drain.",
            "The source's virt-handler starts and reports every copy off its node.",
            "every copy from and to a node goes through virt-handler there: do not end it while one runs",
            _HANDLERS,
        ),
    ),
    "UnworkableLimits": (
        Template(
            "Set the limit to 1 or more; the defaults are 5 for the cluster and 2 for a node.",
            "With 0 every migration stays Pending without a word. Where HyperConverged is, it owns the setting.",
            NOTHING,
            "kubectl get kubevirt -n {namespace} {kubevirt} -o jsonpath={.spec.configuration.migrations}",
        ),
    ),
    "MigrationStuck": (
        Template(
            "Cure or cancel that migration first; the diagnosis says what holds it.",
            "A drain makes no migration for a VM that has an unfinished one.",
            NOTHING,
            f"kubectl get {VMIM} -n {{ns}} {{migration}} -o yaml",
        ),
    ),
    "LeftoverLauncherPod": (
        Template(
            "See why pod {pod} has not ended, and end it once the VM is known not to run in it.",
            "With two live pods of a VM KubeVirt makes no target pod.",
            "if the guest runs in that pod, its disks are destroyed by a second copy: look first",
            "kubectl describe pod -n {namespace} {pod}",
        ),
    ),
    "SELinuxContextMissing": (
        Template(
            "See whether virt-handler on {node} works: it writes the context into the VM's status.",
            "KubeVirt waits for it without a limit.",
            NOTHING,
            _SHOW,
        ),
    ),
    "HostModelUnknown": (
        Template(
            "See why node {node} carries no label host-model-cpu.node.kubevirt.io/...; virt-handler writes it.",
            "Without it KubeVirt does not know which nodes fit the guest's CPU.",
            NOTHING,
            "kubectl get node {node} --show-labels",
        ),
    ),
    "TargetPodUnschedulable": (
        Template(
            "Make room on a node that fits, or correct what excludes the nodes; else drain fewer at a time.",
            "A target pod without a node ends the migration after five minutes, and the drain tries again.",
            NOTHING,
            "kubectl describe nodes",
        ),
    ),
    "ResourceQuotaExceeded": (
        Template(
            "Raise the quota {quota}, at least for the time of the drain.",
            "A VM that moves has two pods, and KubeVirt waits for room without a limit.",
            NOTHING,
            "kubectl describe resourcequota -n {namespace} {quota}",
        ),
    ),
    "SlotsHeldByStuck": (
        Template(
            "Cure {holder} first.",
            "All that hold the slots are stuck themselves, so nothing else starts.",
            NOTHING,
        ),
    ),
    "NodesCannotHoldAll": (
        Template(
            "Make room on these nodes, add one, or stop some of the VMs before the drain.",
            "Which of them are left over depends on the order in which they move.",
            NOTHING,
            "kubectl describe nodes",
        ),
    ),
    "PlacementNotProven": (
        Template(
            "Drain in smaller steps and look again after each, or make more room.",
            "The nodes are so full that it hangs on the order and on the scheduler's choices.",
            NOTHING,
        ),
    ),
    "TargetNodesUnhealthy": (
        Template(
            "Bring node {node} in order before the drain.",
            "A migration to a node in trouble hangs, and gives no slot back.",
            NOTHING,
            "kubectl describe node {node}",
        ),
    ),
    "BandwidthTooLow": (
        Template(
            "Give the VM more bandwidth or more time with a MigrationPolicy, or move it when it writes less.",
            "What is copied must be more than what the guest writes meanwhile, by enough to end within the limit.",
            "more bandwidth is taken from the network that others use",
        ),
    ),
    "FailingRepeatedly": (
        Template(
            "Find out why its migrations fail before the drain makes the next one.",
            "A drain tries again and again, with longer and longer pauses.",
            NOTHING,
            f"kubectl get {VMIM} -n {{ns}} -l kubevirt.io/vmi-name={{vm}} -o yaml",
        ),
    ),
    "BackupInProgress": (
        Template("Wait for the end of the backup.", "A migration for a drain breaks it off.", NOTHING),
    ),
    "HotplugChangePending": (
        Template(
            "Migrate the VM once before the drain, so that the change is applied.",
            "The target pod asks for what the VM is to have, not for what it has.",
            NOTHING,
            "virtctl migrate -n {ns} {vm}",
        ),
    ),
    "AnotherMigrationActive": (Template("Wait for it.", "The drain goes on when it has ended.", NOTHING),),
    "ClusterLimitReached": (Template("Wait: a slot is free when a running migration ends.", "", NOTHING),),
    "OutboundLimitReached": (Template("Wait: a slot is free when a migration off that node ends.", "", NOTHING),),
    "ResourceQuotaTight": (
        Template(
            "Nothing needs be done; a larger quota {quota} makes the drain faster.",
            "KubeVirt tries again when a source pod has ended.",
            NOTHING,
            "kubectl describe resourcequota -n {namespace} {quota}",
        ),
    ),
    "UtilityVolumesPresent": (
        Template("See who attached them (a backup or an export does) and when they go.", "", NOTHING, _SHOW),
    ),
    "VMINotRunning": (
        Template(
            "Wait until it runs, or until it is stopped.", "", NOTHING, f"kubectl describe {VMI} -n {{ns}} {{vm}}"
        ),
    ),
    "PostCopyExpected": (
        Template(
            "Know that the VM is lost if the network between the two nodes fails while it is in post-copy.",
            "Post-copy was allowed for it.",
            NOTHING,
        ),
    ),
    "LauncherOutdated": (Template("Nothing needs be done: the migration brings the new launcher.", "", NOTHING),),
}


def plan_preflight_advice(subject: Subject, cause: Cause, /) -> tuple[Advice, ...]:
    """What to do about `cause` before the drain, the best first."""
    namespace, name = subject.key
    names: Mapping[str, str] = {
        **cause.names,
        "ns": namespace,
        "vm": name,
        "is_migratable": "yes" if subject.guest.is_migratable else "",
    }
    fitting = [one for one in PREFLIGHT_ADVICE.get(cause.code, ()) if not one.needs or names.get(one.needs)]
    return tuple(fill_advice(one, names, risk=one.risk) for one in fitting)
