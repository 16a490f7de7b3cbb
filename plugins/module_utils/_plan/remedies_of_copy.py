# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What helps a copy whose figures say that it will not end, or not in time.

This module is private to the collection and may change without notice.
Facts: a migration keeps the settings of its hand-off (KubeVirt v1.9.0, watch/migration/migration.go), so tuning helps
the next one.
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.template import VMI, VMIM, Template

__all__ = ["OF_COPY"]

_PATCH = "kubectl patch migrationpolicy {policy} --type=merge --patch="
_KEPT = "This migration keeps the settings of its hand-off, so it is the next one that this helps."
_POLICY_RISK = "the policy rules every VM that it selects, from their next migration on"
_MAKE_POLICY = "kubectl get migrationpolicies.migrations.kubevirt.io -o yaml"
_DELETE = f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false"
_CANCEL = Template(
    "Then cancel this one and migrate again.",
    "It would go on until KubeVirt aborts it, and carries nothing over to the next one.",
    command=_DELETE,
    unless="assistance",
)
_ASSISTED = (
    Template(
        "Wait, if that may be: at its deadline KubeVirt ends the copy by {assistance}.",
        "The settings of its hand-off allow it.",
        "a guest that is paused stands still until the copy has ended; one in post-copy is lost when a node or the "
        "network fails meanwhile, and its migration cannot be cancelled",
        f"kubectl get {VMI} -n {{ns}} {{vm}} --watch",
        needs="assistance",
    ),
    Template(
        "Else cancel it before its deadline.",
        "What is copied carries nothing over to the next one, which meets the same settings unless they are changed.",
        command=_DELETE,
        needs="assistance",
    ),
)

OF_COPY: dict[str, tuple[Template, ...]] = {
    "NoDataFlow": (
        Template(
            "Look at the migration network between {source_node} and {target_node}, and at both nodes.",
            "Nothing flows: more bandwidth, more time or auto-converge would change nothing.",
            command="kubectl get pods -A -o wide --field-selector spec.nodeName={target_node}",
        ),
        Template(
            "Else cancel it, and migrate again once data can flow.",
            "Until then another attempt meets the same network.",
            command=f"kubectl delete {VMIM} -n {{ns}} {{migration}} --wait=false",
        ),
    ),
    "BandwidthTooLow": (
        Template(
            "Raise or lift bandwidthPerMigration in the policy {policy}, or give it a larger completionTimeoutPerGiB.",
            _KEPT,
            f"a copy without a cap takes what the network has from all others; {_POLICY_RISK}",
            f'{_PATCH}{{"spec":{{"bandwidthPerMigration":"0"}}}}',
            needs="capped_policy",
        ),
        Template(
            "Give the policy {policy} a larger completionTimeoutPerGiB, or the copies a faster network.",
            f"No cap that is set holds the copy back. {_KEPT}",
            _POLICY_RISK,
            "kubectl get migrationpolicy {policy} -o yaml",
            needs="slow_policy",
        ),
        Template(
            "Give the VM a MigrationPolicy with more bandwidth, or with a larger completionTimeoutPerGiB.",
            _KEPT,
            _POLICY_RISK,
            _MAKE_POLICY,
            needs="capped_alone",
        ),
        Template(
            "Give the VM a MigrationPolicy with a larger completionTimeoutPerGiB, or the copies a faster network.",
            f"No cap that is set holds the copy back. {_KEPT}",
            _POLICY_RISK,
            _MAKE_POLICY,
            needs="slow_alone",
        ),
        *_ASSISTED,
        _CANCEL,
    ),
    "NotConverging": (
        Template(
            "Allow auto-converge in the policy {policy}: QEMU then slows the guest until its copy ends.",
            _KEPT,
            f"the guest runs slower while it is copied; {_POLICY_RISK}",
            f'{_PATCH}{{"spec":{{"allowAutoConverge":true}}}}',
            needs="throttle_policy",
        ),
        Template(
            "Give the VM a MigrationPolicy with allowAutoConverge, or with allowPostCopy where an outage can be borne.",
            _KEPT,
            "auto-converge slows the guest; post-copy loses the VM when a node or the network fails meanwhile",
            _MAKE_POLICY,
            needs="throttle_alone",
        ),
        Template(
            "Give the VM a MigrationPolicy with allowAutoConverge.",
            f"It has a device of its node, with which KubeVirt never goes over to post-copy. {_KEPT}",
            f"the guest runs slower while it is copied; {_POLICY_RISK}",
            _MAKE_POLICY,
            needs="throttle_alone_with_device",
        ),
        Template(
            "Allow post-copy in a MigrationPolicy where an outage can be borne, or give the copies a faster network.",
            f"Auto-converge is on already. {_KEPT}",
            f"post-copy loses the VM when a node or the network fails meanwhile; {_POLICY_RISK}",
            _MAKE_POLICY,
            needs="throttled",
        ),
        Template(
            "Give the copies a faster network.",
            "Auto-converge is on already, and with a device of its node KubeVirt never goes over to post-copy. "
            f"{_KEPT}",
            "none",
            needs="throttled_with_device",
        ),
        Template(
            "Or migrate when the guest writes less.",
            "The copy ends once the guest writes more slowly than its memory is carried away.",
        ),
        *_ASSISTED,
        _CANCEL,
    ),
    "SlowButConverging": (
        Template(
            "Wait: it ends by itself.",
            "What remains becomes less, and KubeVirt does not abort it before its end.",
            command=f"kubectl get {VMI} -n {{ns}} {{vm}} --watch",
            unless="late",
        ),
        Template(
            "Let the next one have more time or more bandwidth: KubeVirt aborts this one before it ends.",
            _KEPT,
            _POLICY_RISK,
            _MAKE_POLICY,
            needs="late",
        ),
    ),
}
