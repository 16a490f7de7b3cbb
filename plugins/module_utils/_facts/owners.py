# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that can hold the migration settings of a cluster, as they were found.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import (
    FORMS,
    GROUP,
    KIND,
    NAME,
)

__all__ = ["KUBEVIRT_KIND", "KUBEVIRT_STEPS", "Found", "Owners", "Target", "value_at"]

KUBEVIRT_KIND: Final = "KubeVirt"
KUBEVIRT_STEPS: Final = ("spec", "configuration", "migrations")


@dataclass(frozen=True)
class Found:
    """An object and its path in the API."""

    obj: Mapping[str, Any]
    path: str

    @property
    def name(self) -> str:
        """`namespace/name`."""
        metadata = self.metadata
        return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata, empty where that has no shape."""
        return _map(self.obj.get("metadata"))


@dataclass(frozen=True)
class Owners:
    """All KubeVirt objects, and the HyperConverged ones in API version `version`.

    `hyperconvergeds` is None where they may not be read; `version` is "" where the cluster does not serve the kind in a
    version that is known here.
    """

    kubevirts: tuple[Found, ...]
    hyperconvergeds: tuple[Found, ...] | None = ()
    version: str = ""

    @property
    def named_right(self) -> tuple[Found, ...]:
        """The HyperConverged objects that its operator acts on."""
        return tuple(found for found in self.hyperconvergeds or () if found.metadata.get("name") == NAME)


@dataclass(frozen=True)
class Target:
    """The object that is changed, and the KubeVirt object that KubeVirt reads, often the same.

    `fields` and `kubevirt_fields` are the settings that the served version of either has; None where that is not known.
    """

    kind: str
    found: Found
    kubevirt: Found
    version: str = "v1"
    fields: frozenset[str] | None = None
    kubevirt_fields: frozenset[str] | None = None

    @property
    def is_hyperconverged(self) -> bool:
        """Whether HyperConverged owns the settings."""
        return self.kind == KIND

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps to the settings in the object."""
        return FORMS[self.version] if self.is_hyperconverged else KUBEVIRT_STEPS

    @property
    def pointer(self) -> str:
        """The same as a JSON pointer."""
        return "".join(f"/{step}" for step in self.steps)

    @property
    def api_version(self) -> str:
        """Group and version."""
        return f"{GROUP}/{self.version}" if self.is_hyperconverged else f"kubevirt.io/{self.version}"

    @property
    def label(self) -> str:
        """`KubeVirt kubevirt/kubevirt`, for sentences."""
        return f"{self.kind} {self.found.name}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the object sets, by names in the API; empty where nothing is set or it has no shape."""
        return _map(value_at(self.found.obj, self.steps))

    @property
    def annotations(self) -> Mapping[str, Any]:
        """The object's annotations."""
        return _map(self.found.metadata.get("annotations"))


def value_at(obj: Any, steps: Sequence[str], /) -> Any:
    """What stands there; None where a step is absent or no mapping."""
    for step in steps:
        if not isinstance(obj, Mapping):
            return None
        obj = obj.get(step)
    return obj


def _map(value: Any, /) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
