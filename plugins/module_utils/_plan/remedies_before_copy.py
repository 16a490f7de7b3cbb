# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What helps against causes that hold a migration back before it is handed to the nodes, by code.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0 as told at each cause; what a command may cost stands in its risk.
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.template import (
    CANCEL,
    VMI,
    VMIM,
    Template,
)

__all__ = ["BEFORE_COPY"]

_DESCRIBE_POD = "kubectl describe pod -n {namespace} {pod}"
_QUEUE = (
    Template(
        "Wait: the queue moves as the others end.",
        "A slot is free when a running migration ends.",
        unless="holder",
    ),
    Template(
        "Cure {holder} first.",
        "All that hold the slots are stuck themselves, so the queue does not move.",
        needs="holder",
    ),
)


def _raise(limit: str) -> Template:
    return Template(
        f"Or raise {limit}, where network and nodes bear more copies at once.",
        "virt-controller reads it live, so the queue moves at once. Where HyperConverged is, it owns the setting.",
        "copies share the network: each gets slower, and one that has too little time for that is aborted",
        "kubectl get kubevirt -A -o jsonpath={.items[*].spec.configuration.migrations}",
    )


BEFORE_COPY: dict[str, tuple[Template, ...]] = {
    "UnworkableLimits": (
        Template(
            "Set the limit to 1 or more; the defaults are 5 for the cluster and 2 for a node.",
            "With 0 every migration stays Pending without a word. Where HyperConverged is, it owns the setting.",
            "none",
            "kubectl get kubevirt -n {namespace} {kubevirt} -o jsonpath={.spec.configuration.migrations}",
            unless="copy",
        ),
        Template(
            "Correct the setting where it comes from: the policy, else the KubeVirt object or HyperConverged.",
            "A migration keeps the settings of its hand-off, so it is the next one that this helps. A timeout below 0 "
            "is over at once; 0 means none.",
            command="kubectl get kubevirt -A -o jsonpath={.items[*].spec.configuration.migrations}",
            needs="copy",
        ),
    ),
    "AnotherMigrationActive": (
        Template(
            "Wait for the older one, or cancel this one so that the VM moves only once.",
            "Two were created at once; when the older ends this one moves the VM once more, maybe back.",
            command=f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
        ),
    ),
    "VMINotRunning": (
        Template(
            "Bring the VM up.",
            "KubeVirt makes no target pod before the VMI is Running.",
            "none",
            f"kubectl describe {VMI} -n {{ns}} {{vm}}",
        ),
    ),
    "BackupInProgress": (Template("Wait for the end of the backup.", "KubeVirt goes on by itself then.", "none"),),
    "UtilityVolumesPresent": (
        Template(
            "Wait, or detach the utility volumes.",
            "KubeVirt goes on when they are gone, and fails the migration after its timeout.",
            command=f"kubectl get {VMI} -n {{ns}} {{vm}} -o jsonpath={{.spec.utilityVolumes}}",
        ),
    ),
    "MigrationBackoff": (
        Template(
            "Look at why the migrations before it failed.",
            "KubeVirt waits 20 s after a failure and twice as long after each further one.",
            command=f"kubectl get {VMIM} -n {{ns}} -l kubevirt.io/vmi-name={{vm}}",
        ),
    ),
    "PodSecurityViolation": (
        Template(
            "Let the namespace run privileged pods, as VMs need it.",
            "The target pod is refused by the namespace's Pod Security level; KubeVirt tries again.",
            "the label holds for every pod of the namespace",
            "kubectl get namespace {ns} --show-labels",
        ),
    ),
    "TargetPodCreationRefused": (
        Template(
            "Correct what refuses the pod: a webhook, a policy, a limit range.",
            "KubeVirt tries again and again and has no limit for it.",
            command=f"kubectl describe {VMI} -n {{ns}} {{vm}}",
        ),
    ),
    "PodNetworkFailing": (
        Template(
            "Look at the CNI on node {node}, and at the network attachment definitions that the VM uses.",
            "The kubelet goes on trying; KubeVirt gives the pod 900 s.",
            command=_DESCRIBE_POD,
        ),
    ),
    "TargetPodCrashing": (
        Template(
            "Read the target launcher's last words; a retry on another node may pass.",
            "The launcher ended before the copy began.",
            command="kubectl logs -n {namespace} {pod} -c compute",
            unless="restarts",
        ),
        Template(
            "Read the target launcher's last words; a retry on another node may pass.",
            "The launcher ended before the copy began, and is started again and again.",
            command="kubectl logs -n {namespace} {pod} -c compute --previous",
            needs="restarts",
        ),
        CANCEL,
    ),
    "TargetKubeletSilent": (
        Template(
            "Bring the kubelet of node {node} back; a cancel and a retry may choose another node.",
            "The pod is bound to that node and nobody there has taken it up.",
            command="kubectl describe node {node}",
        ),
        Template(
            "Or cancel the migration; the next one waits until the target pod is gone from {node}.",
            "KubeVirt deletes the pod, and no kubelet ends it: until it has ended KubeVirt makes no other.",
            "while the node is down the pod hangs: fence the node first, never use grace period 0",
            f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
        ),
    ),
    "TargetPodNotAdmitted": (
        Template(
            "Cancel and let it be made again.",
            "The kubelet refused the pod for good; the node had less than the scheduler thought.",
            command=f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
        ),
    ),
    "HandOverFailed": (
        Template(
            "Look at virt-controller and virt-api: the event says what was refused.",
            "virt-controller tries again by itself.",
            command=f"kubectl describe {VMIM} -n {{ns}} {{migration}}",
        ),
    ),
    "LeftoverLauncherPod": (
        Template(
            "Find out why pod {pod} does not end (its node first), and let it end.",
            "KubeVirt makes no target pod while the VM has two that have not ended.",
            "never delete it with grace period 0 while its node does not answer: the guest may still run there",
            "kubectl get pod -n {namespace} {pod} -o yaml",
        ),
    ),
    "ClusterLimitReached": (*_QUEUE, _raise("parallelMigrationsPerCluster")),
    "OutboundLimitReached": (*_QUEUE, _raise("parallelOutboundMigrationsPerNode")),
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
    ),
    "SELinuxContextMissing": (
        Template(
            "Look at the log of virt-handler on the source node {node}: it writes the context.",
            "Without it KubeVirt makes no target pod, and nothing says so.",
            command=f"kubectl get {VMI} -n {{ns}} {{vm}} -o jsonpath={{.status.selinuxContext}}",
        ),
    ),
    "HostModelUnknown": (
        Template(
            "Look at virt-handler's node-labeller on node {node}: it writes the labels of the host's CPU.",
            "KubeVirt copies them from the source node into the target pod, and makes none without them.",
            command="kubectl get node {node} --show-labels",
        ),
    ),
    "HotplugAttachmentPending": (
        Template(
            "Look at pod {attachment}: its volumes, its image, its node.",
            "The target pod is up; the migration goes on once the hot-plugged volumes are attached there.",
            command="kubectl describe pod -n {namespace} {attachment}",
            needs="attachment",
        ),
        Template(
            "See why KubeVirt made no attachment pod: it makes one only while the migration is Pending.",
            "A volume that was plugged in later never gets one in this migration; the next one makes it.",
            command=f"kubectl describe {VMI} -n {{ns}} {{vm}}",
            unless="attachment",
        ),
    ),
    "CPUModelMismatch": (
        Template(
            "Let the VM go to a node with that CPU: add one, or give the VM a CPU model that all nodes have.",
            "The guest's CPU may not change while it runs; another model takes effect when the VM is started again.",
            "none; a new CPU model needs a restart of the VM",
            "kubectl get pod -n {namespace} {pod} -o jsonpath={.spec.nodeSelector}",
        ),
    ),
    "InsufficientNodeResources": (
        Template(
            "Make room on a node that fits, such as {node}: move or stop something there, or add a node.",
            "While it migrates a VM needs its memory and cpu twice; the scheduler tries again when something ends.",
            command="kubectl describe node {node}",
        ),
    ),
    "NodesClosed": (
        Template(
            "Open node {cordoned} again, if it was not closed on purpose.",
            "Nothing but that keeps the target pod from it, as far as is known.",
            "whoever cordoned it may be about to drain it: ask first",
            "kubectl uncordon {cordoned}",
            needs="cordoned",
        ),
        Template(
            "Find out why node {node} is closed, and open it.",
            "The label kubevirt.io/schedulable comes back with virt-handler; people and tools set taints.",
            "a node may be closed on purpose: ask first",
            "kubectl describe node {node}",
            unless="cordoned",
        ),
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
}
