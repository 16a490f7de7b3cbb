# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt's migration settings: what they are called, what stands where nobody set them, who may set them, when they
take effect.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, staging/src/kubevirt.io/api/core/v1/types.go (MigrationConfiguration),
api/migrations/v1alpha1/types.go (MigrationPolicySpec), pkg/virt-config/configuration.go and virt-config.go (defaults).
HyperConverged: kubevirt/hyperconverged-cluster-operator, api/v1 and api/v1beta1 (LiveMigrationConfigurations), 1.20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    Field,
    as_bool,
    as_int,
    as_map,
    as_text,
    declare,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader

__all__ = [
    "ALLOW_AUTO_CONVERGE",
    "ALLOW_POST_COPY",
    "ALLOW_WORKLOAD_DISRUPTION",
    "BANDWIDTH",
    "BY_NAME",
    "BY_OPTION",
    "COMPLETION_TIMEOUT",
    "DRAIN_TAINT",
    "MOST",
    "MOST_BANDWIDTH",
    "NETWORK",
    "OUTBOUND_PER_NODE",
    "PER_CLUSTER",
    "PROGRESS_TIMEOUT",
    "SETTINGS",
    "TOO_FAST",
    "UTILITY_TIMEOUT",
    "Setting",
    "SettingsFields",
    "read_settings",
    "same_value",
]

ALLOW_AUTO_CONVERGE = "allowAutoConverge"
ALLOW_POST_COPY = "allowPostCopy"
ALLOW_WORKLOAD_DISRUPTION = "allowWorkloadDisruption"
BANDWIDTH = "bandwidthPerMigration"
COMPLETION_TIMEOUT = "completionTimeoutPerGiB"
PER_CLUSTER = "parallelMigrationsPerCluster"
OUTBOUND_PER_NODE = "parallelOutboundMigrationsPerNode"
PROGRESS_TIMEOUT = "progressTimeout"
UTILITY_TIMEOUT = "utilityVolumesTimeout"
NETWORK = "network"
DRAIN_TAINT = "nodeDrainTaintKey"

_INT32, _INT64 = 2**31 - 1, 2**63 - 1
# A petabyte of memory and volumes is more than any VM copies.
_MOST_GIGABYTES = 10**6
# What is more wraps round in KubeVirt's own arithmetic, or is no value of the field at all. KubeVirt v1.9.0:
# virtwrap/live-migration-source.go multiplies the timeout by gigabytes, doubles that for a pause and makes it
# milliseconds; watch/migration/migration.go makes the wait for utility volumes nanoseconds; the limits are int32.
MOST: Mapping[str, int] = {
    COMPLETION_TIMEOUT: _INT64 // (2 * 1000 * _MOST_GIGABYTES),
    PROGRESS_TIMEOUT: _INT64,
    UTILITY_TIMEOUT: _INT64 // 10**9,
    PER_CLUSTER: _INT32,
    OUTBOUND_PER_NODE: _INT32,
}
# libvirt (src/qemu/qemu_migration.h, QEMU_DOMAIN_MIG_BANDWIDTH_MAX) takes whole MiB/s whose bytes are an int64.
MOST_BANDWIDTH = (_INT64 // 2**20) * 2**20
TOO_FAST = f"libvirt takes at most {MOST_BANDWIDTH} bytes a second, and 0 is no limit"


def _as_quantity(value: Any) -> Any:
    """A quantity as the API writes it: text, or a number."""
    return as_text(value) if isinstance(value, str) else as_int(value)


@dataclass(frozen=True)
class Setting:
    """One setting by its name in the API, and as the option of a module. `default` is what KubeVirt takes where nobody
    set it.

    `in_kubevirt`, `in_hyperconverged`, `in_policy`: whether that kind of object can set it. `is_settled`: a migration
    takes it once, at its hand-off; the others virt-controller reads whenever it looks.
    """

    name: str
    option: str
    default: Any
    of: Callable[[Any], Any]
    wanted: str
    in_kubevirt: bool = True
    in_hyperconverged: bool = False
    in_policy: bool = False
    is_settled: bool = True


def _boolean(name: str, option: str, default: bool, **where: bool) -> Setting:
    return Setting(name, option, default, as_bool, "a boolean", **where)


def _integer(name: str, option: str, default: int, **where: bool) -> Setting:
    return Setting(name, option, default, as_int, "an integer", **where)


_EVERYWHERE: Mapping[str, bool] = {"in_hyperconverged": True, "in_policy": True}

# allowWorkloadDisruption follows allowPostCopy where unset, so its default here holds for the default of that one.
# matchSELinuxLevelOnMigration: migration.go takes nil as true, whatever the comment in types.go says.
SETTINGS: tuple[Setting, ...] = (
    _boolean(ALLOW_AUTO_CONVERGE, "allow_auto_converge", False, **_EVERYWHERE),
    _boolean(ALLOW_POST_COPY, "allow_post_copy", False, **_EVERYWHERE),
    _boolean(ALLOW_WORKLOAD_DISRUPTION, "allow_workload_disruption", False, **_EVERYWHERE),
    Setting(BANDWIDTH, "bandwidth_per_migration", "0", _as_quantity, "a quantity", **_EVERYWHERE),
    _integer(COMPLETION_TIMEOUT, "completion_timeout_per_gib", 150, **_EVERYWHERE),
    _boolean("disableTLS", "disable_tls", False),
    Setting("experimental", "experimental", {}, as_map, "a mapping", in_kubevirt=False, in_policy=True),
    _boolean("matchSELinuxLevelOnMigration", "match_selinux_level_on_migration", True, is_settled=False),
    _integer("maxDowntimeMs", "max_downtime_ms", 900, in_policy=True),
    Setting(NETWORK, "network", "", as_text, "a string", in_hyperconverged=True),
    Setting(DRAIN_TAINT, "node_drain_taint_key", "kubevirt.io/drain", as_text, "a string", is_settled=False),
    _integer(PER_CLUSTER, "parallel_migrations_per_cluster", 5, in_hyperconverged=True, is_settled=False),
    _integer(OUTBOUND_PER_NODE, "parallel_outbound_migrations_per_node", 2, in_hyperconverged=True, is_settled=False),
    _integer(PROGRESS_TIMEOUT, "progress_timeout", 150, in_hyperconverged=True),
    _boolean("unsafeMigrationOverride", "unsafe_migration_override", False),
    _integer(UTILITY_TIMEOUT, "utility_volumes_timeout", 150, is_settled=False),
)
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
BY_OPTION: Mapping[str, Setting] = {setting.option: setting for setting in SETTINGS}


def same_value(name: str, one: Any, other: Any, /) -> bool:
    """Whether two values of a setting mean the same: 1024Mi is 1Gi, as the API server and HyperConverged may write it.

    None is a setting that is not set. True is not 1.
    """
    if name == BANDWIDTH and one is not None and other is not None:
        try:
            return parse_quantity(one) == parse_quantity(other)
        except QuantityError:
            return bool(one == other)
    return type(one) is type(other) and bool(one == other)


class SettingsFields:
    """The declared fields of one kind's settings below `base`; `wanted` picks those that the kind has."""

    def __init__(self, kind: str, *, base: str, wanted: Callable[[Setting], bool]) -> None:
        self.fields: tuple[tuple[Setting, Field], ...] = tuple(
            (setting, declare(kind, f"{base}.{setting.name}")) for setting in SETTINGS if wanted(setting)
        )


def read_settings(reader: Reader, /, *, fields: SettingsFields) -> Mapping[str, Any]:
    """The settings that are set, by their names in the API; one of a wrong type is left out and named as a problem."""
    found: dict[str, Any] = {}
    for setting, field in fields.fields:
        value = field.read(reader.obj)
        if value is None:
            continue
        taken = setting.of(value)
        if taken is None:
            reader.problems.append(f"{field.path} is not {setting.wanted}")
        else:
            found[setting.name] = taken
    return found
