# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that KubeVirt's admission lets through and that cannot be meant, and those that cost something.

This module is private to the collection and may change without notice.
Facts: KubeVirt d923fdb815cd: kubevirt-update-admitter.go checks nothing of these; virt-launcher's
virtwrap/live-migration-source.go (handleLegacyConvergence: post-copy begins when the completion timeout is over, and
only with allowWorkloadDisruption; a timeout of 0 is never over).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import parse_quantity
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
    BANDWIDTH,
    BY_NAME,
    COMPLETION_TIMEOUT,
    OUTBOUND_PER_NODE,
    PER_CLUSTER,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal

__all__ = ["find_risks"]

_LEAST_BANDWIDTH: Final = 2**20
_POST_COPY: Final = (ALLOW_POST_COPY, ALLOW_WORKLOAD_DISRUPTION, COMPLETION_TIMEOUT)
_RESTARTS: Final = ("network", "disableTLS")


def find_risks(changed: Mapping[str, Any], /, *, effective: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """What speaks against the settings in `changed` (name in the API -> new value, None where it goes back to the
    default), with `effective` what will hold for KubeVirt afterwards."""
    return (*_single_values(changed), *_post_copy(changed, effective), *_costs(changed, effective))


def _single_values(changed: Mapping[str, Any], /) -> Iterator[Refusal]:
    for name, value in changed.items():
        option = BY_NAME[name].option
        if name == BANDWIDTH and value is not None:
            yield from _bandwidth(option, value)
        elif isinstance(value, int) and value < 0:
            yield Refusal(
                "NegativeValue", f"{option} is {value}: less than 0 has no meaning, 0 switches a timeout off."
            )
        elif name in (PER_CLUSTER, OUTBOUND_PER_NODE) and value == 0:
            yield Refusal("ParallelismZero", f"{option} is 0: then every migration stays Pending, without any event.")


def _bandwidth(option: str, value: Any, /) -> Iterator[Refusal]:
    amount = parse_quantity(value)
    if amount < 0:
        yield Refusal("NegativeValue", f"{option} is {value}: less than 0 has no meaning, 0 is no limit.")
    elif 0 < amount < _LEAST_BANDWIDTH:
        text = f"{option} is {value} bytes a second, so 1 GiB takes over 17 minutes. Perhaps {value}Mi is meant."
        if not str(value).isdecimal():
            text = f"{option} is {value} bytes a second, less than 1Mi, so 1 GiB takes over 17 minutes."
        yield Refusal("BandwidthTooLow", text)


def _post_copy(changed: Mapping[str, Any], effective: Mapping[str, Any], /) -> Iterator[Refusal]:
    if effective.get(ALLOW_POST_COPY) is not True or not any(name in changed for name in _POST_COPY):
        return
    if effective.get(COMPLETION_TIMEOUT) == 0:
        text = (
            "allow_post_copy can never apply: it begins when completion_timeout_per_gib is over, and 0 is never over."
        )
        yield Refusal("PostCopyNeverApplies", text)
    if effective.get(ALLOW_WORKLOAD_DISRUPTION) is False:
        text = (
            "allow_post_copy can never apply while allow_workload_disruption is false: KubeVirt then aborts the "
            "migration at its deadline. Set allow_workload_disruption: true with it."
        )
        yield Refusal("PostCopyNeverApplies", text)


def _costs(changed: Mapping[str, Any], effective: Mapping[str, Any], /) -> Iterator[Refusal]:
    # Allowed before and held back until now, it comes with the disruption that is allowed.
    comes_alive = effective.get(ALLOW_POST_COPY) is True and ALLOW_WORKLOAD_DISRUPTION in changed
    if changed.get(ALLOW_POST_COPY) is True or (comes_alive and effective.get(ALLOW_WORKLOAD_DISRUPTION) is not False):
        text = (
            "allow_post_copy: a VM in post-copy is lost when the network, or either node, fails before the copy ends, "
            "and such a migration cannot be cancelled."
        )
        yield Refusal("PostCopyCanLoseVM", text)
    restarting = [BY_NAME[name].option for name in _RESTARTS if name in changed]
    if restarting:
        text = (
            f"{' and '.join(restarting)}: virt-handler is rolled out anew on every node, and the copies that go "
            "through it then may fail."
        )
        yield Refusal("VirtHandlerRestart", text)
    if changed.get("unsafeMigrationOverride") is True:
        text = (
            "unsafe_migration_override: KubeVirt then migrates where libvirt finds it unsafe (a disk cache that is not "
            "coherent between nodes), which can destroy the guest's data."
        )
        yield Refusal("UnsafeMigration", text)
