# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ResourceQuota: what it leaves free, and what one more launcher pod would take of it.

This module is private to the collection and may change without notice.
Rules: k8s.io/kubernetes/pkg/quota/v1/evaluator/core/pods.go (what a pod uses, which scopes mean it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Meta, MetaFields, Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.requests import (
    CONTAINERS,
    INIT_CONTAINERS,
    INIT_RESTART_POLICY,
    OVERHEAD,
    pod_requests,
)

__all__ = ["HARD", "USED", "ResourceQuota", "quota_usage"]

KIND = "ResourceQuota"
_META = MetaFields(KIND)
HARD = declare(KIND, "status.hard")
USED = declare(KIND, "status.used")
SCOPES = declare(KIND, "spec.scopes")
SELECTED_SCOPES = declare(KIND, "spec.scopeSelector.matchExpressions")
SCOPE_NAME = declare(KIND, "scopeName", base="spec.scopeSelector.matchExpressions[]")

CONTAINER_LIMITS = declare("Pod", "resources.limits", base="spec.containers[]")
INIT_LIMITS = declare("Pod", "resources.limits", base="spec.initContainers[]")

# A launcher pod has requests and no deadline; other scopes (a priority class, cross-namespace affinity) are not judged.
_ALWAYS = frozenset({"NotTerminating", "NotBestEffort"})
_NEVER = frozenset({"Terminating", "BestEffort"})

Usage = Mapping[str, Fraction]


@dataclass(frozen=True)
class ResourceQuota:
    """One quota. `free` is what is left by resource, negative where more is used than allowed now.

    `applies`: whether it is about launcher pods; None where that hangs on a scope that is not judged here.
    """

    meta: Meta
    hard: Mapping[str, Fraction]
    free: Mapping[str, Fraction]
    applies: bool | None
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> ResourceQuota:
        """The quota in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        hard, used = _amounts(reader, HARD), _amounts(reader, USED)
        scopes = {scope for scope in reader.items(SCOPES) if isinstance(scope, str)}
        scopes |= {item.text(SCOPE_NAME) for item in reader.readers(SELECTED_SCOPES)}
        return cls(
            meta=_META.read(reader),
            hard=hard,
            free={name: amount - used.get(name, Fraction(0)) for name, amount in hard.items()},
            applies=False if scopes & _NEVER else None if scopes - _ALWAYS else True,
            problems=tuple(dict.fromkeys(reader.problems)),
        )

    @property
    def label(self) -> str:
        """`ResourceQuota namespace/name`, as evidence names it."""
        return f"{KIND} {self.meta.namespace}/{self.meta.name}"


def _amounts(reader: Reader, field: Any) -> dict[str, Fraction]:
    found = {}
    for name, value in reader.mapping(field).items():
        try:
            found[str(name)] = parse_quantity(value)
        except QuantityError as error:
            reader.problems.append(f"{field.path}.{name} is not readable: {error}")
    return found


def quota_usage(pod: Any, /) -> Usage | None:
    """What a pod like `pod` takes of quotas, by the names that quotas use; None where an amount cannot be read."""
    try:
        requests, limits = pod_requests(pod), pod_requests(_limits_as_requests(pod))
    except QuantityError:
        return None
    found = {"pods": Fraction(1), "count/pods": Fraction(1)}
    for name, amount in requests.items():
        found[f"requests.{name}"] = amount
        if name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-"):
            found[name] = amount
    for name in ("cpu", "memory", "ephemeral-storage"):
        if name in limits:
            found[f"limits.{name}"] = limits[name]
    return found


def _limits_as_requests(pod: Any) -> dict[str, Any]:
    """A pod that requests what `pod` is limited to: the two are summed by the same rules."""
    reader = Reader(pod)
    return {
        "spec": {
            "containers": list(_containers(reader, CONTAINERS, CONTAINER_LIMITS)),
            "initContainers": list(_containers(reader, INIT_CONTAINERS, INIT_LIMITS)),
            "overhead": reader.mapping(OVERHEAD),
        }
    }


def _containers(reader: Reader, containers: Any, limits: Any) -> Iterator[dict[str, Any]]:
    for item in reader.readers(containers):
        yield {"resources": {"requests": item.mapping(limits)}, "restartPolicy": item.text(INIT_RESTART_POLICY)}
