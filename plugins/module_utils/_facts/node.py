# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, and whether virt-handler runs on them.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-handler/heartbeat/heartbeat.go (annotation and labels),
pkg/virt-handler/node-labeller/node_labeller.go (CPU models), pkg/virt-handler/device-manager/device_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    parse_quantity,
    quantity_bytes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import (
    Condition,
    ConditionFields,
    Meta,
    MetaFields,
    Reader,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.units import Units, scheduler_units

__all__ = [
    "DEVICES",
    "HEARTBEAT",
    "HEARTBEAT_PATH",
    "LABEL_HOST_MODEL",
    "LABEL_SCHEDULABLE",
    "LABEL_WORKER",
    "VIRT_HANDLER",
    "HandlerState",
    "Node",
    "Taint",
    "handler_state",
    "may_be_handler",
]

KIND = "Node"
HEARTBEAT = "kubevirt.io/heartbeat"
HEARTBEAT_PATH = f"metadata.annotations[{HEARTBEAT}]"
LABEL_SCHEDULABLE = "kubevirt.io/schedulable"
LABEL_WORKER = "node-role.kubernetes.io/worker"
LABEL_HOST_MODEL = "host-model-cpu.node.kubevirt.io/"
LABEL_CPU_MODEL = "cpu-model.node.kubevirt.io/"
VIRT_HANDLER = "virt-handler"
DEVICES = ("kvm", "tun", "vhost-net")
DEVICE_PREFIX = "devices.kubevirt.io/"

META = MetaFields(KIND)
CONDITIONS = ConditionFields(KIND, probe="lastHeartbeatTime")
UNSCHEDULABLE = declare(KIND, "spec.unschedulable")
TAINTS = declare(KIND, "spec.taints")
TAINT_KEY = declare(KIND, "key", base="spec.taints[]")
TAINT_VALUE = declare(KIND, "value", base="spec.taints[]")
TAINT_EFFECT = declare(KIND, "effect", base="spec.taints[]")
TAINT_ADDED = declare(KIND, "timeAdded", base="spec.taints[]")
ALLOCATABLE = declare(KIND, "status.allocatable")
CAPACITY = declare(KIND, "status.capacity")


@dataclass(frozen=True)
class Taint:
    """One taint. `value` is "" and `added_at` None where absent."""

    key: str
    value: str
    effect: str
    added_at: datetime | None

    @classmethod
    def from_reader(cls, item: Reader) -> Taint:
        """The taint in `item`."""
        return cls(
            key=item.text(TAINT_KEY),
            value=item.text(TAINT_VALUE),
            effect=item.text(TAINT_EFFECT),
            added_at=item.moment(TAINT_ADDED),
        )


@dataclass(frozen=True)
class Node:
    """One node. `allocatable` and `capacity` stand as the API gives them.

    `heartbeat_at` is None without the annotation, and where it is unreadable (then `problems` says so).
    """

    meta: Meta
    conditions: Mapping[str, Condition]
    cordoned: bool
    taints: tuple[Taint, ...]
    allocatable: Mapping[str, Any]
    capacity: Mapping[str, Any]
    heartbeat_at: datetime | None
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> Node:
        """The node in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        meta = META.read(reader)
        return cls(
            meta=meta,
            conditions=CONDITIONS.read(reader),
            cordoned=reader.boolean(UNSCHEDULABLE) or False,
            taints=tuple(Taint.from_reader(item) for item in reader.readers(TAINTS)),
            allocatable=reader.mapping(ALLOCATABLE),
            capacity=reader.mapping(CAPACITY),
            heartbeat_at=_heartbeat(meta, reader=reader),
            problems=tuple(dict.fromkeys(reader.problems)),
        )

    @property
    def name(self) -> str:
        """Its name, "" where the object has none."""
        return self.meta.name

    @property
    def label(self) -> str:
        """`Node name`, as evidence names it."""
        return f"Node {self.meta.name}"

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.meta.labels

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return self.meta.annotations

    @property
    def created_at(self) -> datetime | None:
        """When it joined, None where unreadable."""
        return self.meta.created_at

    @cached_property
    def allocatable_amounts(self) -> Mapping[str, Fraction] | None:
        """`allocatable` in exact numbers, read once; None where one of them cannot be read."""
        try:
            return {name: parse_quantity(value) for name, value in self.allocatable.items()}
        except QuantityError:
            return None

    @cached_property
    def allocatable_units(self) -> Units | None:
        """The same in the scheduler's units, computed once for all pods that ask."""
        amounts = self.allocatable_amounts
        return None if amounts is None else scheduler_units(amounts)

    @property
    def schedulable(self) -> bool | None:
        """KubeVirt's own label: True, False, or None where the node does not carry it."""
        found = self.meta.labels.get(LABEL_SCHEDULABLE)
        return None if found is None else found == "true"

    @property
    def is_worker(self) -> bool:
        """Whether it carries the worker role's label, whatever its value."""
        return LABEL_WORKER in self.meta.labels

    @property
    def is_virtualization_node(self) -> bool:
        """Whether virt-handler has ever reported from it (its label or its heartbeat is there)."""
        return LABEL_SCHEDULABLE in self.meta.labels or HEARTBEAT in self.meta.annotations

    @property
    def cpu_models(self) -> tuple[str, ...]:
        """CPU models that guests may use there, by name."""
        found = (key for key, value in self.meta.labels.items() if value == "true")
        return tuple(sorted(key[len(LABEL_CPU_MODEL) :] for key in found if key.startswith(LABEL_CPU_MODEL)))

    @property
    def devices(self) -> dict[str, int | None]:
        """Allocatable devices of KubeVirt by short name; None where the node has none or the amount is unreadable."""
        return {device: _amount(self.allocatable.get(DEVICE_PREFIX + device)) for device in DEVICES}


def _heartbeat(meta: Meta, *, reader: Reader) -> datetime | None:
    text = meta.annotations.get(HEARTBEAT)
    found = parse_timestamp(text)
    if text is not None and found is None:
        reader.problems.append(f"{HEARTBEAT_PATH} is not an RFC 3339 time")
    return found


def _amount(value: Any) -> int | None:
    try:
        return None if value is None else quantity_bytes(value)
    except QuantityError:
        return None


@dataclass(frozen=True)
class HandlerState:
    """virt-handler on one node. `since_at` is since when it is so: None where no time is known (always when absent).

    `problems`: what of its pod, or of one that may be its pod, could not be read.
    """

    present: bool
    ready: bool
    since_at: datetime | None
    pod: str
    problems: tuple[str, ...] = ()


def may_be_handler(pod: Pod, /) -> bool:
    """Whether it is a virt-handler pod, or one whose label cannot be read."""
    label = pod.meta.labels.get("kubevirt.io")
    return label == VIRT_HANDLER or (label is None and bool(pod.problems))


def handler_state(pods: Iterable[Any], node_name: str, /) -> HandlerState:
    """virt-handler on `node_name`, from virt-handler pods (raw objects or Pod) of any nodes.

    Of several pods the one that serves counts: not being deleted, not finished, Ready, then the newest.
    A pod that is being deleted is not ready, from the end of its grace period on.
    """
    found = [pod if isinstance(pod, Pod) else Pod.from_object(pod) for pod in pods]
    own = [pod for pod in found if pod.node == node_name and pod.meta.labels.get("kubevirt.io") == VIRT_HANDLER]
    if not own:
        strange = [pod for pod in found if pod.problems and pod.node in ("", node_name) and may_be_handler(pod)]
        problems = tuple(f"{pod.label}: {pod.problems[0]}" for pod in strange)
        return HandlerState(present=False, ready=False, since_at=None, pod="", problems=problems)
    best = min(own, key=_rank)
    ready = _serves(best)
    problems = tuple(f"{best.label}: {problem}" for problem in best.problems)
    return HandlerState(present=True, ready=ready, since_at=_state_since(best), pod=best.meta.name, problems=problems)


def _serves(pod: Pod) -> bool:
    return pod.is_ready is True and pod.meta.deleted_at is None and not pod.is_finished


def _rank(pod: Pod) -> tuple[bool, bool, bool, float, str]:
    created = pod.meta.created_at
    age = -created.timestamp() if created else 0.0
    return (pod.meta.deleted_at is not None, pod.is_finished, pod.is_ready is not True, age, pod.meta.name)


def _state_since(pod: Pod) -> datetime | None:
    ready = pod.conditions.get("Ready")
    if pod.meta.deleted_at is not None and pod.is_ready is True:
        return pod.meta.deleted_at
    return (ready.changed_at if ready else None) or pod.meta.created_at
