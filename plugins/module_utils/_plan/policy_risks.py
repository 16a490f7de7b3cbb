# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against a MigrationPolicy as it would be: whom it reaches, and values that cost or cannot be meant.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/live-migration-source.go (what happens at the deadline; no post-copy
with VFIO devices), pkg/virt-controller/watch/migration/migrationpolicy.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import (
    CHANGING_LABELS,
    MigrationPolicy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    expect_configuration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_effect import Effect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import PolicyMatch

__all__ = ["PolicyCase", "find_policy_risks"]

BANDWIDTH = "bandwidthPerMigration"
TIMEOUT = "completionTimeoutPerGiB"
# KubeVirt counts the memory in decimal gigabytes, whatever the setting is called.
_GIGABYTE = 10**9
_LEAST_BANDWIDTH = 2**20
_NAMED = 5


@dataclass(frozen=True)
class PolicyCase:
    """A change that is about to be made. `after` is the policy as it would be, None where it is deleted; `blind` says
    why its effect is not known, "" where it is."""

    after: MigrationPolicy | None
    effect: Effect
    configured: Mapping[str, Any] | None
    blind: str = ""


def find_policy_risks(case: PolicyCase, /) -> tuple[Refusal, ...]:
    """What is refused or warned of, without a look at what was accepted."""
    return tuple(_risks(case))


def _risks(case: PolicyCase) -> Iterator[Refusal]:
    if case.blind:
        yield Refusal("EffectUnknown", f"Which VMs the policy rules is not known: {case.blind}.")
    if case.after is None:
        return
    yield from _of_selectors(case.after, case.effect)
    values = expect_configuration(PolicyMatch(case.after, True, ()), configured=case.configured)
    effective = {name: one.value for name, one in values.items()}
    if not case.after.settings:
        yield _without_settings(case.effect)
    yield from _of_times(case.after, effective)
    if case.after.settings.get(ALLOW_POST_COPY):
        yield from _of_post_copy(case.after, effective, case.effect)


def _of_selectors(after: MigrationPolicy, effect: Effect) -> Iterator[Refusal]:
    selectors = after.selectors
    if selectors is None or not (selectors.vmi or selectors.namespace):
        count = len(effect.wins_for)
        text = f"Both selectors are empty, so it rules every VM that no other policy matches, {count} running now."
        yield Refusal("ClusterWidePolicy", text)
    for label in sorted(set(selectors.vmi if selectors else ()) & set(CHANGING_LABELS)):
        text = f"vmi_selector holds {label}, which KubeVirt sets by itself: {CHANGING_LABELS[label]}."
        yield Refusal("SelectorChanges", text)


def _without_settings(effect: Effect) -> Refusal:
    hidden = sorted({one.before for one in effect.wins_for if one.before and one.after != one.before})
    text = "It sets nothing, so the VMs that it rules get the cluster's own settings"
    more = f" in place of those of {', '.join(hidden[:_NAMED])}" if hidden else ""
    return Refusal("PolicyWithoutSettings", f"{text}{more}; it still hides policies with fewer labels.")


def _of_times(after: MigrationPolicy, effective: Mapping[str, Any]) -> Iterator[Refusal]:
    if after.settings.get(TIMEOUT) == 0:
        text = "completion_timeout_per_gib is 0: KubeVirt never ends a copy that does not get done, nor helps it along."
        yield Refusal("NoCompletionTimeout", text)
    if not {BANDWIDTH, TIMEOUT} & set(after.settings):
        return
    bandwidth, timeout = _amount(effective.get(BANDWIDTH)), effective.get(TIMEOUT)
    if 0 < bandwidth < _LEAST_BANDWIDTH:
        text = f"bandwidth_per_migration is {effective[BANDWIDTH]} bytes a second, less than 1Mi: is the unit missing?"
        yield Refusal("BandwidthTooLow", text)
    elif bandwidth > 0 and isinstance(timeout, int) and timeout > 0 and bandwidth * timeout < _GIGABYTE:
        seconds = -(-_GIGABYTE // bandwidth)
        text = f"At {effective[BANDWIDTH]} a second one GB takes {seconds} s, and the deadline allows {timeout} s: "
        yield Refusal("BandwidthTooLow", f"{text}no copy of all of the memory is done in time.")


def _of_post_copy(after: MigrationPolicy, effective: Mapping[str, Any], effect: Effect) -> Iterator[Refusal]:
    if effective.get(ALLOW_WORKLOAD_DISRUPTION) is False:
        text = "allow_workload_disruption is false, and KubeVirt changes to post-copy only where it is true."
        yield Refusal("PostCopyNeverApplies", text)
    elif effective.get(TIMEOUT) == 0:
        text = "KubeVirt changes to post-copy at the deadline, and completion_timeout_per_gib 0 is none."
        yield Refusal("PostCopyNeverApplies", text)
    yield Refusal(
        "PostCopyCanLoseVM",
        "allow_post_copy: when the network or a node fails during post-copy, the VM is lost; it cannot be cancelled.",
    )
    held = [f"{one.vmi.meta.namespace}/{one.vmi.meta.name}" for one in effect.wins_for if one.vmi.has_vfio]
    if held:
        text = "holds a device of its node (VFIO), and is paused longer at the deadline instead of going to post-copy"
        yield Refusal("PostCopyWithHostDevices", f"{_names(held)}: each {text}.")


def _names(found: Sequence[str]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _amount(value: Any) -> Fraction:
    try:
        return parse_quantity(value)
    except QuantityError:
        return Fraction(0)
