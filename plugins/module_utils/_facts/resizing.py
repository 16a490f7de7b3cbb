# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running pods whose resources are changed in place: what they hold is not only in their spec.

This module is private to the collection and may change without notice.
Rule: k8s.io/component-helpers/resource/helpers.go, determineEffectiveRequests: the largest of wanted, allocated and
actual. A resize that the kubelet calls infeasible is counted there without the wanted part; here it stays counted, so
that never more room is seen than there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_text, declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import INIT_STATUSES, STATUSES
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    parse_quantity,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.requests import (
    CONTAINER_REQUESTS,
    INIT_REQUESTS,
    INIT_RESTART_POLICY,
    POD_REQUESTS,
)

__all__ = ["with_given_requests"]

KIND = "Pod"
_POD_GIVEN = (declare(KIND, "status.resources.requests"), declare(KIND, "status.allocatedResources"))
_LISTS = {
    "containers": (STATUSES, "status.containerStatuses[]", CONTAINER_REQUESTS),
    "initContainers": (INIT_STATUSES, "status.initContainerStatuses[]", INIT_REQUESTS),
}
_GIVEN = {
    name: (declare(KIND, "resources.requests", base=base), declare(KIND, "allocatedResources", base=base))
    for name, (_statuses, base, _requests) in _LISTS.items()
}
_NAMES = {name: declare(KIND, "name", base=base) for name, (_statuses, base, _requests) in _LISTS.items()}


def with_given_requests(obj: Any, /, *, reader: Reader) -> Any:
    """The pod with its requests raised to what its node has given it already; the same object where nothing is.

    What has a wrong shape goes to the reader's problems. Raises QuantityError for an amount that cannot be read.
    """
    spec = obj.get("spec") if isinstance(obj, Mapping) else None
    if not isinstance(spec, Mapping):
        return obj
    changed: dict[str, Any] = {}
    for name, (statuses, _base, _requests) in _LISTS.items():
        given = {item.text(_NAMES[name]): _amounts(item, name) for item in reader.readers(statuses)}
        if any(given.values()) and isinstance(spec.get(name), Sequence):
            changed[name] = [_raised(container, given, name=name) for container in spec[name]]
    whole = [reader.mapping(field) for field in _POD_GIVEN]
    wanted = POD_REQUESTS.read(obj)
    if any(whole) and isinstance(wanted, Mapping):
        changed["resources"] = {"requests": _largest(wanted, *whole)}
    return {**obj, "spec": {**spec, **changed}} if changed else obj


def _amounts(status: Reader, name: str) -> list[Mapping[str, Any]]:
    actual, allocated = _GIVEN[name]
    # Without the actual amounts Kubernetes looks at the spec alone.
    found = [status.mapping(actual), status.mapping(allocated)]
    return found if found[0] else []


def _raised(container: Any, given: Mapping[str, Sequence[Mapping[str, Any]]], *, name: str) -> Any:
    """Of init containers those alone count that stay (sidecars)."""
    named = as_text(container.get("name")) if isinstance(container, Mapping) else None
    if named is None or not given.get(named):
        return container
    if name == "initContainers" and INIT_RESTART_POLICY.read(container) != "Always":
        return container
    wanted = _LISTS[name][2].read(container)
    amounts = _largest(wanted if isinstance(wanted, Mapping) else {}, *given[named])
    return {**container, "resources": {"requests": amounts}}


def _largest(*several: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for amounts in several:
        for name, value in amounts.items():
            if name not in found or parse_quantity(value) > parse_quantity(found[name]):
                found[name] = value
    return found
