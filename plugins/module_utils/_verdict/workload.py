# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a copy from what the API says: the VMI's memory, and settings by their names in the API.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-handler/migration-source.go: maxDowntimeMs goes to QEMU only with the stall detector,
else QEMU keeps its own 300 ms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_bool,
    as_int,
    as_map,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    quantity_bytes,
    scaled_giga,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_AUTO_CONVERGE,
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
    BANDWIDTH,
    COMPLETION_TIMEOUT,
    PROGRESS_TIMEOUT,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    QEMU_DOWNTIME_SECONDS,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import Settings, Workload

__all__ = ["BEARS", "memory_of", "recorded_settings", "settings_from", "workload_from"]

# What a VM may be said to bear.
BEARS = ("throttling", "pause", "post_copy")


def workload_from(
    vmi: Vmi | None,
    /,
    *,
    memory: Any = None,
    dirty_bytes_per_second: float | None = None,
    working_set_bytes: float | None = None,
    has_host_devices: bool | None = None,
    bears: Collection[str] = ("throttling",),
) -> Workload:
    """The workload of a VMI; `memory`, a quantity, goes before what the VMI says. None: not known.

    Where its storage moves too, KubeVirt's limit counts that as well, so the limit is not known.
    """
    total, gigabytes = memory_of(memory if memory is not None or vmi is None else vmi.guest_memory)
    return Workload(
        memory_bytes=total,
        gigabytes=None if vmi is not None and vmi.moves_storage else gigabytes,
        dirty_bytes_per_second=dirty_bytes_per_second,
        working_set_bytes=working_set_bytes,
        has_host_devices=has_host_devices,
        bears_throttling="throttling" in bears,
        bears_pause="pause" in bears,
        bears_post_copy="post_copy" in bears,
    )


def recorded_settings(vmi: Vmi | None, /) -> Mapping[str, Any]:
    """The settings that KubeVirt recorded for the VMI's last migration, empty where there are none."""
    state = vmi.state if vmi is not None else None
    return (state.configuration if state is not None else None) or {}


def memory_of(quantity: Any, /) -> tuple[int | None, int | None]:
    """Bytes, and decimal gigabytes rounded up as KubeVirt counts them; None for what is no quantity above 0."""
    try:
        found = quantity_bytes(quantity), scaled_giga(quantity)
    except QuantityError:
        return None, None
    return found if found[0] > 0 else (None, None)


def settings_from(configuration: Mapping[str, Any], /) -> Settings:
    """The settings that matter to a copy, from a recorded configuration or from what a policy and the cluster set.

    A missing bandwidth or timeout is not known; a missing permission counts as not given. allowWorkloadDisruption
    follows allowPostCopy where it is missing.
    """
    post_copy = as_bool(configuration.get(ALLOW_POST_COPY)) or False
    disruption = as_bool(configuration.get(ALLOW_WORKLOAD_DISRUPTION))
    return Settings(
        bandwidth_bytes=_bytes(configuration.get(BANDWIDTH)),
        timeout_per_gib=as_int(configuration.get(COMPLETION_TIMEOUT)),
        auto_converge=as_bool(configuration.get(ALLOW_AUTO_CONVERGE)) or False,
        post_copy=post_copy,
        workload_disruption=post_copy if disruption is None else disruption,
        progress_timeout=as_int(configuration.get(PROGRESS_TIMEOUT)),
        downtime_seconds=_downtime(configuration),
    )


def _bytes(quantity: Any) -> int | None:
    try:
        return quantity_bytes(quantity)
    except QuantityError:
        return None


def _downtime(configuration: Mapping[str, Any]) -> float:
    """What the last pass may take, in seconds."""
    experimental = as_map(configuration.get("experimental")) or {}
    milliseconds = as_int(configuration.get("maxDowntimeMs"))
    if as_map(experimental.get("stallDetector")) is None or not milliseconds or milliseconds < 0:
        return QEMU_DOWNTIME_SECONDS
    return milliseconds / 1000
