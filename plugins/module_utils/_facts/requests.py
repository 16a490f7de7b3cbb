# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod requests of its node, by the scheduler's rule.

This module is private to the collection and may change without notice.
Rule: k8s.io/component-helpers/resource/helpers.go, PodRequests (from the spec; a resize in progress is not counted).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import PHASE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader

__all__ = ["Amounts", "node_requests", "pod_requests"]

Amounts = dict[str, Fraction]

KIND = "Pod"
CONTAINERS = declare(KIND, "spec.containers")
CONTAINER_REQUESTS = declare(KIND, "resources.requests", base="spec.containers[]")
INIT_CONTAINERS = declare(KIND, "spec.initContainers")
INIT_REQUESTS = declare(KIND, "resources.requests", base="spec.initContainers[]")
INIT_RESTART_POLICY = declare(KIND, "restartPolicy", base="spec.initContainers[]")
OVERHEAD = declare(KIND, "spec.overhead")
POD_REQUESTS = declare(KIND, "spec.resources.requests")

# The resources that a pod may request as a whole; then its containers' own requests do not count.
_POD_LEVEL = ("cpu", "memory")
_POD_LEVEL_PREFIX = "hugepages-"
_FINISHED = ("Succeeded", "Failed")


def node_requests(pods: Iterable[Any]) -> Amounts | None:
    """What all `pods` of one node request, and in `pods` how many they are; finished pods hold nothing.

    None where the amount of any of them cannot be read: a sum without it would show more room than there is.
    """
    total: Amounts = {"pods": Fraction(0)}
    try:
        for pod in pods:
            if PHASE.read(pod) not in _FINISHED:
                _add(total, {**pod_requests(pod), "pods": Fraction(1)})
    except QuantityError:
        return None
    return total


def pod_requests(pod: Any) -> Amounts:
    """Requests of one pod by resource: its containers, or a larger step of its start, plus the runtime's overhead.

    Sidecars (init containers that restart always) count with the containers. Raises QuantityError for an amount that
    cannot be read.
    """
    reader = Reader(pod)
    total: Amounts = {}
    for item in reader.readers(CONTAINERS):
        _add(total, _parse(item.mapping(CONTAINER_REQUESTS)))
    _apply_init_containers(total, reader=reader)
    whole = _parse(reader.mapping(POD_REQUESTS))
    total.update({name: amount for name, amount in whole.items() if _is_pod_level(name)})
    _add(total, _parse(reader.mapping(OVERHEAD)))
    return total


def _apply_init_containers(total: Amounts, *, reader: Reader) -> None:
    """Sidecars are added to `total`; then each step of the start may ask for more than the containers do."""
    sidecars: Amounts = {}
    peak: Amounts = {}
    for item in reader.readers(INIT_CONTAINERS):
        step = _parse(item.mapping(INIT_REQUESTS))
        if item.text(INIT_RESTART_POLICY) == "Always":
            _add(total, step)
            _add(sidecars, step)
            step = sidecars
        else:
            _add(step, sidecars)
        _raise_to(peak, step)
    _raise_to(total, peak)


def _raise_to(amounts: Amounts, floor: Mapping[str, Fraction]) -> None:
    for name, amount in floor.items():
        amounts[name] = max(amounts.get(name, amount), amount)


def _is_pod_level(name: str) -> bool:
    return name in _POD_LEVEL or name.startswith(_POD_LEVEL_PREFIX)


def _add(total: Amounts, more: Mapping[str, Fraction]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Fraction(0)) + amount


def _parse(quantities: Mapping[str, Any]) -> Amounts:
    return {str(name): parse_quantity(value) for name, value in quantities.items()}
