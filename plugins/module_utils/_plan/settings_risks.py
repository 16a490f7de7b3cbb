# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that KubeVirt's admission lets through and that cannot be meant, and those that cost something.

This module is private to the collection and may change without notice.
Facts: KubeVirt d923fdb815cd: kubevirt-update-admitter.go checks nothing of these; watch/migration/migration.go
(handleUtilityVolumes: a migration that has waited as long as the timeout is Failed, so 0 waits for nothing).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import parse_quantity
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    BANDWIDTH,
    BY_NAME,
    OUTBOUND_PER_NODE,
    PER_CLUSTER,
    UTILITY_TIMEOUT,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.value_risks import (
    find_low_bandwidth,
    find_no_timeout,
    find_post_copy_risks,
)

__all__ = ["find_risks"]

_RESTARTS: Final = ("network", "disableTLS")


def find_risks(
    changed: Mapping[str, Any], /, *, effective: Mapping[str, Any], before: Mapping[str, Any]
) -> tuple[Refusal, ...]:
    """What speaks against the settings in `changed` (name in the API -> new value, None where it goes back to the
    default), with `effective` what will hold for KubeVirt afterwards and `before` what holds now."""
    return (
        *_single_values(changed),
        *find_no_timeout(changed),
        *find_low_bandwidth(changed, effective=effective),
        *find_post_copy_risks(changed, effective=effective, before=before),
        *_costs(changed),
    )


def _single_values(changed: Mapping[str, Any], /) -> Iterator[Refusal]:
    for name, value in changed.items():
        option = BY_NAME[name].option
        if name == BANDWIDTH and value is not None:
            if parse_quantity(value) < 0:
                yield Refusal("NegativeValue", f"{option} is {value}: less than 0 has no meaning, 0 is no limit.")
        elif isinstance(value, int) and value < 0:
            zero = "0 waits for nothing" if name == UTILITY_TIMEOUT else "0 switches a timeout off"
            yield Refusal("NegativeValue", f"{option} is {value}: less than 0 has no meaning, {zero}.")
        elif name == UTILITY_TIMEOUT and value == 0:
            text = f"{option} is 0: a migration of a VM that has utility volumes attached fails at once."
            yield Refusal("NoWaitForUtilityVolumes", text)
        elif name in (PER_CLUSTER, OUTBOUND_PER_NODE) and value == 0:
            yield Refusal("ParallelismZero", f"{option} is 0: then every migration stays Pending, without any event.")


def _costs(changed: Mapping[str, Any], /) -> Iterator[Refusal]:
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
