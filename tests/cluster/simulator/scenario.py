# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios: small declarative files, read strictly. Ages are seconds before now."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from .migrations import BETWEEN_CLUSTERS, FINAL, ORDER

__all__ = [
    "Budget", "Condition", "Copying", "Drained", "Event", "Expected", "Later", "Leftover", "Migration", "Node",
    "PodTrouble", "Policy", "Quota", "Scenario", "ScenarioError", "Vm", "load", "names", "parse",
]  # fmt: skip

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
DAY = 86400
VERDICTS = (
    "unknown", "succeeded", "failed", "cancelling", "blocked", "stalled", "overdue", "queued", "late", "progressing",
)  # fmt: skip
OUTLOOKS = ("would_stop", "would_not_migrate", "unknown", "at_risk", "would_wait", "would_migrate")
ORIGINS = ("user", "evacuation", "workload_update", "volume_update", "decentralized")
T = TypeVar("T")


class ScenarioError(Exception):
    """The scenario does not make sense; the message names the place."""


@dataclass(frozen=True)
class Node:
    """A node and its virt-handler. `since`: how long Ready has its status; `handler`: ready, not_ready, missing;
    without `host_model` no label names the model of its host's CPU."""

    name: str
    ready: str = "True"
    since: int = 30 * DAY
    handler: str = "ready"
    handler_since: int = 30 * DAY
    heartbeat: int | None = None
    schedulable: bool | None = None
    cordoned: bool = False
    worker: bool = True
    devices: bool = True
    cpu: str = "16"
    memory: str = "64Gi"
    cpu_model: str = "Skylake-Server-IBRS"
    host_model: bool = True
    pressures: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, str]] = ()

    def last_heartbeat(self) -> int:
        """Age of virt-handler's last heartbeat: it stopped with the node or with virt-handler."""
        if self.heartbeat is not None:
            return self.heartbeat
        stopped = [self.since + 70] if self.ready != "True" else []
        stopped += [self.handler_since + 25] if self.handler != "ready" else []
        return max(stopped, default=30)

    def is_schedulable(self) -> bool:
        """The label kubevirt.io/schedulable: virt-controller takes it away after five minutes of silence."""
        return self.last_heartbeat() < 300 if self.schedulable is None else self.schedulable


@dataclass(frozen=True)
class Leftover:
    """One more launcher pod of a VM, of a migration that is gone; `terminating`: for so long."""

    node: str
    age: int
    terminating: int | None = None


@dataclass(frozen=True)
class Event:
    """An event, first and last seen so many seconds ago."""

    reason: str
    message: str
    first: int
    last: int
    count: int = 1
    source: str = "kubelet"
    warning: bool = True


@dataclass(frozen=True)
class Condition:
    """A condition of a VMI, so for `since` seconds; absent: no time is set, as KubeVirt does it for most."""

    type: str
    status: str = "True"
    reason: str = ""
    message: str = ""
    since: int | None = None


@dataclass(frozen=True)
class Later:
    """What became of a VMI once its migrations had come where they are: `gone`, or started anew `restarted` seconds
    ago; conditions in place of those of the same type; events; fields of its migrationState, and of its status."""

    gone: bool = False
    restarted: int | None = None
    conditions: Sequence[Condition] = ()
    events: Sequence[Event] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Vm:
    """A VM and its VMI. `name` is namespace/name; without `node` the VM is halted. `eviction` "": it names none."""

    name: str
    node: str | None = None
    memory: str = "2Gi"
    age: int = 2 * DAY
    phase: str = "Running"
    selinux: bool = True
    evacuation: bool = False
    evacuation_age: int = 60
    labels: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    claims: Sequence[str] = ()
    storage_class: str = "ceph-rbd"
    not_migratable: Mapping[str, str] = field(default_factory=dict)
    eviction: str = "LiveMigrate"
    leftovers: Sequence[Leftover] = ()
    later: Later | None = None


@dataclass(frozen=True)
class PodTrouble:
    """Why the target pod does not run: `unschedulable` (the scheduler's text), `waiting` (the container's reason),
    `failed` (the kubelet's reason and message), `exit_code` (the launcher ended `ended` seconds ago and its sidecar
    lives on), or `silent`: its kubelet says nothing. `attachment`: the target pod runs, and the pod that attaches
    hot-plugged volumes there waits for this reason; then the migration is still Pending."""

    unschedulable: str | None = None
    waiting: str | None = None
    message: str = ""
    events: Sequence[Event] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    ended: int = 0
    silent: bool = False
    attachment: str | None = None


@dataclass(frozen=True)
class Copying:
    """How the memory is copied, in MiB and MiB/s: see MemoryCopy. Seconds count from the copy's start."""

    transfer: int
    dirty: int
    working_set: int | None = None
    begins_after: int = 0
    stops_after: int | None = None


@dataclass(frozen=True)
class Migration:
    """A migration in `phase`, for `since` seconds. `deleted`: its deletion was asked for so long ago.

    `seconds` overrides how long after its creation it entered a phase. Finished ones have `ran` seconds of copying
    behind them. `conditions` are its types, set by virt-controller; `moved`: the guest runs on the target for so long
    and the migration has not ended; `beside`: made while another one was in flight, as two creates at once can be;
    `peer`: the other cluster's address. Live, it goes on as soon as nothing holds it: `stays` holds it where it is, a
    copy ends after `ends_in` seconds from now (absent: it goes on for ever). `copy`: what virt-handler measures of it.
    """

    vm: str
    phase: str = ""
    since: int = 0
    target: str | None = None
    name: str | None = None
    origin: str = "user"
    mode: str = "PreCopy"
    deleted: int | None = None
    ran: int = 60
    failure: str = "Live migration has been aborted"
    seconds: Mapping[str, int] = field(default_factory=dict)
    pod: PodTrouble | None = None
    conditions: Sequence[str] = ()
    events: Sequence[Event] = ()
    moved: int | None = None
    beside: bool = False
    peer: str | None = None
    stays: bool = False
    ends_in: int | None = None
    copy: Copying | None = None


@dataclass(frozen=True)
class Quota:
    """A ResourceQuota; what is in use is counted from the pods."""

    name: str
    namespace: str
    hard: Mapping[str, str]


@dataclass(frozen=True)
class Budget:
    """A PodDisruptionBudget over the pods with these labels that lets so many of them go now."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    allowed: int = 0


@dataclass(frozen=True)
class Policy:
    """A MigrationPolicy."""

    name: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """What a judge should say about the VM's migration."""

    vm: str
    verdict: str
    first_cause: str | None = None
    origin: str = "user"


@dataclass(frozen=True)
class Drained:
    """What a preflight should say about a VM on a node of `drain`."""

    vm: str
    verdict: str
    first_reason: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A whole world. `controller_silent`: age of virt-controller's last sign of life, where it is silent; `measured`:
    what is expected of who reads the figures of the copies, where that is more than times alone tell. `drain`:
    nodes that somebody is about to drain, `drained` what comes of it. `tune`: its copies are there to
    be tuned."""

    title: str
    nodes: Sequence[Node]
    vms: Sequence[Vm]
    migrations: Sequence[Migration] = ()
    expected: Sequence[Expected] = ()
    measured: Sequence[Expected] = ()
    drain: Sequence[str] = ()
    drained: Sequence[Drained] = ()
    tune: bool = False
    healthy: bool = False
    configuration: Mapping[str, Any] = field(default_factory=dict)
    policies: Sequence[Policy] = ()
    quotas: Sequence[Quota] = ()
    budgets: Sequence[Budget] = ()
    controller_silent: int | None = None
    name: str = ""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of the VMs."""
        return tuple(sorted({vm.name.split("/")[0] for vm in self.vms}))


def names() -> list[str]:
    """Every scenario there is."""
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


def load(name: str) -> Scenario:
    """The scenario of that name; ScenarioError where there is none or it is malformed."""
    path = FOLDER / f"{name}.yml"
    if not path.is_file():
        raise ScenarioError(f"no scenario {name!r}; there are: {', '.join(names())}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path.name} is not YAML: {error}") from error
    return parse(data, name=name)


def parse(data: Any, *, name: str = "scenario") -> Scenario:
    """A scenario from plain data; ScenarioError names the first thing that is wrong."""
    if isinstance(data, Mapping):
        data = {"name": name, **data}
    scenario: Scenario = _read(Scenario, data, place=name)
    _check(scenario)
    return scenario


def _read(kind: type[T], data: Any, *, place: str) -> T:
    if not isinstance(data, Mapping):
        raise ScenarioError(f"{place}: a mapping is wanted, not {data!r}")
    known = {item.name: item for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(data) - set(known)):
        raise ScenarioError(f"{place}: unknown {', '.join(map(repr, unknown))}; known: {', '.join(known)}")
    hints = get_type_hints(kind)
    values = {key: _value(hints[key], data[key], place=f"{place}.{key}") for key in data}
    try:
        return kind(**values)
    except TypeError:
        required = [key for key, item in known.items() if _is_required(item) and key not in data]
        raise ScenarioError(f"{place}: {', '.join(required)} is missing") from None


def _is_required(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _value(hint: Any, value: Any, *, place: str) -> Any:
    options = [option for option in get_args(hint) if option is not NoneType]
    if get_origin(hint) in (Union, UnionType):
        return None if value is None else _value(options[0], value, place=place)
    if get_origin(hint) is not None and issubclass(get_origin(hint), Sequence):
        if not isinstance(value, list):
            raise ScenarioError(f"{place}: a list is wanted, not {value!r}")
        return tuple(_value(options[0], item, place=f"{place}[{n}]") for n, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return _read(hint, value, place=place)  # type: ignore[arg-type]
    wanted = Mapping if get_origin(hint) is not None else hint
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ScenarioError(f"{place}: {getattr(wanted, '__name__', wanted)} is wanted, not {value!r}")
    return value


def _one_of(value: str, allowed: Sequence[str], *, place: str) -> None:
    if value not in allowed:
        raise ScenarioError(f"{place}: {value!r} is none of {', '.join(map(repr, allowed))}")


def _check(scenario: Scenario) -> None:
    nodes = [node.name for node in scenario.nodes]
    vms = [vm.name for vm in scenario.vms]
    for node in scenario.nodes:
        _one_of(node.ready, ("True", "False", "Unknown"), place=f"node {node.name}, ready")
        _one_of(node.handler, ("ready", "not_ready", "crashing", "missing"), place=f"node {node.name}, handler")
    for vm in scenario.vms:
        if vm.name.count("/") != 1:
            raise ScenarioError(f"vm {vm.name!r}: a name is namespace/name")
        for used in filter(None, [vm.node, *(left.node for left in vm.leftovers)]):
            _one_of(used, nodes, place=f"vm {vm.name}, node")
    for migration in scenario.migrations:
        _check_migration(migration, nodes=nodes, vms=vms)
    for wanted in (*scenario.expected, *scenario.measured):
        _one_of(wanted.vm, vms, place="expected, vm")
        _one_of(wanted.verdict, VERDICTS, place=f"expected of {wanted.vm}, verdict")
        _one_of(wanted.origin, ORIGINS, place=f"expected of {wanted.vm}, origin")
    for name in scenario.drain:
        _one_of(name, nodes, place="drain")
    for one in scenario.drained:
        _one_of(one.vm, vms, place="drained, vm")
        _one_of(one.verdict, OUTLOOKS, place=f"drained of {one.vm}, verdict")


def _check_migration(migration: Migration, *, nodes: Sequence[str], vms: Sequence[str]) -> None:
    place = f"migration of {migration.vm}"
    _one_of(migration.vm, vms, place="migration, vm")
    _one_of(migration.phase, (*ORDER, "Failed", *BETWEEN_CLUSTERS), place=f"{place}, phase")
    _one_of(migration.origin, ORIGINS, place=f"{place}, origin")
    _one_of(migration.mode, ("PreCopy", "PostCopy", "Paused"), place=f"{place}, mode")
    attaches = bool(migration.pod and migration.pod.attachment)
    waits = migration.phase in ("", "Pending", *BETWEEN_CLUSTERS) and not attaches
    waits = waits or bool(migration.pod and migration.pod.unschedulable)
    if migration.target is None and not waits:
        raise ScenarioError(f"{place}: a target is needed in phase {migration.phase}")
    if migration.target is not None:
        _one_of(migration.target, nodes, place=f"{place}, target")
    if migration.pod is not None and migration.phase != ("Pending" if attaches else "Scheduling"):
        raise ScenarioError(f"{place}: trouble of the target pod belongs to phase Scheduling, an attachment to Pending")
    if migration.deleted is not None and migration.phase in FINAL:
        raise ScenarioError(f"{place}: a finished migration is gone once it is deleted")
    if migration.copy is not None and (migration.phase != "Running" or migration.copy.transfer < 1):
        raise ScenarioError(f"{place}: a copy is measured in phase Running, and transfers something")
