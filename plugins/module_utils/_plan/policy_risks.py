# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against a MigrationPolicy as it would be: whom it reaches, and values that cost or cannot be meant.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/live-migration-source.go (no post-copy with VFIO devices),
pkg/virt-controller/watch/migration/migrationpolicy.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import (
    CHANGING_LABELS,
    MigrationPolicy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.value_risks import (
    find_low_bandwidth,
    find_no_timeout,
    find_post_copy_risks,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    expect_configuration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_effect import Effect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import PolicyMatch

__all__ = ["PolicyCase", "find_policy_risks"]

_NAMED = 5


@dataclass(frozen=True)
class PolicyCase:
    """A change that is about to be made. `after` is the policy as it would be, None where it is deleted; `before` as it
    is, None where there is none; `blind` says why its effect is not known, "" where it is."""

    after: MigrationPolicy | None
    effect: Effect
    configured: Mapping[str, Any] | None
    blind: str = ""
    before: MigrationPolicy | None = None

    @property
    def named(self) -> dict[str, Any]:
        """The settings that it would set, and those that it would set no longer (None)."""
        gone = dict.fromkeys(self.before.settings if self.before is not None else ())
        return {**gone, **(self.after.settings if self.after is not None else {})}

    def effective(self, policy: MigrationPolicy | None, /) -> dict[str, Any]:
        """What holds for the VMs that `policy` rules, by names in the API; without what is not known."""
        found = expect_configuration(PolicyMatch(policy, True, ()), configured=self.configured)
        return {name: one.value for name, one in found.items()}


def find_policy_risks(case: PolicyCase, /) -> tuple[Refusal, ...]:
    """What is refused or warned of, without a look at what was accepted."""
    return tuple(_risks(case))


def _risks(case: PolicyCase) -> Iterator[Refusal]:
    if case.blind:
        yield Refusal("EffectUnknown", f"Which VMs the policy rules is not known: {case.blind}.")
    if case.after is None:
        # The VMs get other values then, such as the cluster's own.
        yield from (one for one in _of_post_copy(case) if one.code == "PostCopyCanLoseVM")
        return
    yield from _of_selectors(case.after, case.effect)
    if not case.after.settings:
        yield _without_settings(case.effect)
    yield from find_no_timeout(case.after.settings)
    yield from find_low_bandwidth(case.named, effective=case.effective(case.after))
    yield from _of_post_copy(case)


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


def _of_post_copy(case: PolicyCase) -> Iterator[Refusal]:
    name = case.after.name if case.after is not None else ""
    # What other policies held for the VMs that come from them is not looked up.
    come_from_others = any(one.before and one.before != name for one in case.effect.wins_for)
    before = {} if come_from_others else case.effective(case.before)
    found = tuple(find_post_copy_risks(case.named, effective=case.effective(case.after), before=before))
    yield from found
    held = [f"{one.vmi.meta.namespace}/{one.vmi.meta.name}" for one in case.effect.wins_for if one.vmi.has_vfio]
    if found and held:
        text = "holds a device of its node (VFIO), and is paused longer at the deadline instead of going to post-copy"
        yield Refusal("PostCopyWithHostDevices", f"{_names(held)}: each {text}.")


def _names(found: Sequence[str]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more
