# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against values of settings, whoever sets them: the whole cluster or a MigrationPolicy.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-launcher/virtwrap/live-migration-source.go (handleLegacyConvergence: post-copy begins
when the completion timeout is over, and only with allowWorkloadDisruption; a timeout of 0 is never over), and
virtwrap/manager.go (memory counts in decimal gigabytes, whatever the setting is called).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
    BANDWIDTH,
    COMPLETION_TIMEOUT,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal

__all__ = ["can_post_copy", "find_low_bandwidth", "find_no_timeout", "find_post_copy_risks"]

_GIGABYTE: Final = 10**9
_LEAST_BANDWIDTH: Final = 2**20
_POST_COPY: Final = frozenset({ALLOW_POST_COPY, ALLOW_WORKLOAD_DISRUPTION, COMPLETION_TIMEOUT})

Settings = Mapping[str, Any]


def find_low_bandwidth(named: Collection[str], /, *, effective: Settings) -> Iterator[Refusal]:
    """Where a bandwidth or a deadline is among the settings that are `named` and no copy gets done with what will hold
    (`effective`; a setting that is not in it is not known, and nothing is said of it)."""
    if not {BANDWIDTH, COMPLETION_TIMEOUT} & set(named):
        return
    shown, timeout = effective.get(BANDWIDTH), effective.get(COMPLETION_TIMEOUT)
    bandwidth = _amount(shown)
    if 0 < bandwidth < _LEAST_BANDWIDTH:
        meant = f"Perhaps {shown}Mi is meant." if str(shown).isdecimal() else "That is less than 1Mi."
        text = f"bandwidth_per_migration is {shown} bytes a second, so 1 GiB takes over 17 minutes. {meant}"
        yield Refusal("BandwidthTooLow", text)
    elif bandwidth > 0 and isinstance(timeout, int) and timeout > 0 and bandwidth * timeout < _GIGABYTE:
        text = f"At {shown} a second one GB takes {-(-_GIGABYTE // bandwidth)} s, and the deadline allows {timeout} s: "
        yield Refusal("BandwidthTooLow", f"{text}no copy of all of the memory is done in time.")


def find_no_timeout(named: Settings, /) -> Iterator[Refusal]:
    """Where the deadline is switched off by one of the settings that are `named`, with their new values."""
    if named.get(COMPLETION_TIMEOUT) == 0:
        text = "completion_timeout_per_gib is 0: KubeVirt never ends a copy that does not get done, nor helps it along."
        yield Refusal("NoCompletionTimeout", text)


def _amount(value: Any) -> Fraction:
    try:
        return parse_quantity(value)
    except QuantityError:
        return Fraction(0)


def can_post_copy(effective: Settings, /) -> bool:
    """Whether KubeVirt may go to post-copy; a setting that is not known does not keep it from that."""
    is_held = effective.get(ALLOW_WORKLOAD_DISRUPTION) is False or effective.get(COMPLETION_TIMEOUT) == 0
    return effective.get(ALLOW_POST_COPY) is True and not is_held


def find_post_copy_risks(named: Settings, /, *, effective: Settings, before: Settings) -> Iterator[Refusal]:
    """Of the settings that are `named` with their new values, where `effective` is what will hold, and `before` what
    held until now."""
    if effective.get(ALLOW_POST_COPY) is not True or not _POST_COPY & set(named):
        return
    if effective.get(COMPLETION_TIMEOUT) == 0:
        text = "it begins when completion_timeout_per_gib is over, and 0 is never over."
        yield Refusal("PostCopyNeverApplies", f"allow_post_copy can never apply: {text}")
    if effective.get(ALLOW_WORKLOAD_DISRUPTION) is False:
        text = (
            "allow_post_copy can never apply while allow_workload_disruption is false: KubeVirt then aborts the "
            "migration at its deadline. Set allow_workload_disruption: true with it, or allow_post_copy: false."
        )
        yield Refusal("PostCopyNeverApplies", text)
    # Allowed before and held back until now, it may come with another setting than its own.
    if named.get(ALLOW_POST_COPY) is True or (can_post_copy(effective) and not can_post_copy(before)):
        text = (
            "allow_post_copy: a VM in post-copy is lost when the network, or either node, fails before the copy ends, "
            "and such a migration cannot be cancelled."
        )
        yield Refusal("PostCopyCanLoseVM", text)
