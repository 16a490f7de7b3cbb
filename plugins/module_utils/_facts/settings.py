# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt's migration settings: what they are called, what stands where nobody set them, who may set them.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, staging/src/kubevirt.io/api/core/v1/types.go (MigrationConfiguration),
api/migrations/v1alpha1/types.go (MigrationPolicySpec), pkg/virt-config/configuration.go and virt-config.go (defaults).
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
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader

__all__ = ["ALLOW_POST_COPY", "ALLOW_WORKLOAD_DISRUPTION", "SETTINGS", "Setting", "SettingsFields", "read_settings"]

ALLOW_POST_COPY = "allowPostCopy"
ALLOW_WORKLOAD_DISRUPTION = "allowWorkloadDisruption"


def _as_quantity(value: Any) -> Any:
    """A quantity as the API writes it: text, or a number."""
    return as_text(value) if isinstance(value, str) else as_int(value)


@dataclass(frozen=True)
class Setting:
    """One setting by its name in the API. `default` is what KubeVirt takes where nobody set it.

    `in_kubevirt`, `in_policy`: whether the KubeVirt object, and a MigrationPolicy, can set it.
    """

    name: str
    default: Any
    of: Callable[[Any], Any]
    wanted: str
    in_kubevirt: bool = True
    in_policy: bool = False


def _boolean(name: str, default: bool, *, in_policy: bool = False) -> Setting:
    return Setting(name, default, as_bool, "a boolean", in_policy=in_policy)


def _integer(name: str, default: int, *, in_policy: bool = False) -> Setting:
    return Setting(name, default, as_int, "an integer", in_policy=in_policy)


# allowWorkloadDisruption follows allowPostCopy where unset, so its default here holds for the default of that one.
# matchSELinuxLevelOnMigration: migration.go takes nil as true, whatever the comment in types.go says.
SETTINGS: tuple[Setting, ...] = (
    _boolean("allowAutoConverge", False, in_policy=True),
    _boolean(ALLOW_POST_COPY, False, in_policy=True),
    _boolean(ALLOW_WORKLOAD_DISRUPTION, False, in_policy=True),
    Setting("bandwidthPerMigration", "0", _as_quantity, "a quantity", in_policy=True),
    _integer("completionTimeoutPerGiB", 150, in_policy=True),
    _boolean("disableTLS", False),
    Setting("experimental", {}, as_map, "a mapping", in_kubevirt=False, in_policy=True),
    _boolean("matchSELinuxLevelOnMigration", True),
    _integer("maxDowntimeMs", 900, in_policy=True),
    Setting("network", "", as_text, "a string"),
    Setting("nodeDrainTaintKey", "kubevirt.io/drain", as_text, "a string"),
    _integer("parallelMigrationsPerCluster", 5),
    _integer("parallelOutboundMigrationsPerNode", 2),
    _integer("progressTimeout", 150),
    _boolean("unsafeMigrationOverride", False),
    _integer("utilityVolumesTimeout", 150),
)


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
