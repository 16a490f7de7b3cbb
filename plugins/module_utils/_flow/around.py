# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gates judge besides the VM itself: the fresh look, the nodes, the budget, the pause switch.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.act_reads import ActReads
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.node_reads import (
    NodeScope,
    read_nodes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reads import Scope, read_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import is_paused
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node, handler_state
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import NODE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import KubeVirt
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Course
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.look import look
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.act_gates import Marks
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.budget import (
    BUDGET_NAME,
    Budget,
    read_budget,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import (
    LATE_AFTER_SECONDS,
    Judgement,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import (
    Guard,
    judge_guard,
    judge_node,
)

__all__ = ["Around", "read_around"]

More = Callable[[Snapshot], Snapshot]


@dataclass
class Around:
    """One look at what stands around the acts of a run. `missing` says by gate why something is None; `snapshot` is
    what `judgements` were made from."""

    snapshot: Snapshot | None = None
    judgements: dict[str, Judgement] = field(default_factory=dict)
    stuck_by_node: dict[str, int] | None = None
    kubevirt: KubeVirt | None = None
    guard: Guard | None = None
    budget: Budget | None = None
    annotations: dict[str, Mapping[str, str] | None] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)

    @property
    def kubevirt_namespace(self) -> str:
        """Where KubeVirt runs; "" where that is not known."""
        return self.kubevirt.meta.namespace if self.kubevirt else ""

    def paused_at(self, namespace: str) -> tuple[str, ...]:
        """The namespaces that pause acts on VMs of `namespace`."""
        return tuple(
            f"namespace {name}" for name in self._switches(namespace) if is_paused(self.annotations.get(name) or {})
        )

    def pause_unseen(self, namespace: str) -> tuple[str, ...]:
        """What could not be read of the pause switch."""
        found = [f"namespace {name}" for name in self._switches(namespace) if self.annotations.get(name) is None]
        return (*found, *(() if self.kubevirt_namespace else ("KubeVirt's namespace, which is not known",)))

    def marks(self, reads: ActReads, /, *, course: Course) -> Marks:
        """What says whether automation may act on the VM of this course; reads the VM."""
        namespace, vmi = course.target.namespace, course.vmi
        labels = reads.vm_labels((namespace, course.target.vm))
        return Marks(labels, vmi.meta.labels if vmi else {}, self.annotations.get(namespace))

    def _switches(self, namespace: str) -> tuple[str, ...]:
        return tuple(name for name in dict.fromkeys((namespace, self.kubevirt_namespace)) if name)


def read_around(reads: ActReads, /, *, namespaces: Iterable[str], min_healthy: str, more: More) -> Around:
    """Reads it all once for a run. What may not be read is None, with its rule in `missing` and `rules`.

    `more` adds to the snapshot what a kind of act looks at besides, such as how far copies are.
    """
    around = Around()
    places = tuple(dict.fromkeys(namespaces))
    _look(reads, around, places, more)
    if around.kubevirt is None:
        around.kubevirt = reads.reading.kubevirt()
    _read_guard(reads, around, min_healthy)
    _read_budget(reads, around)
    for name in dict.fromkeys((*places, around.kubevirt_namespace)):
        if name:
            around.annotations[name] = reads.namespace_annotations(name)
    rules = [rule for topic in sorted(reads.reading.unseen) for rule in reads.reading.unseen[topic]]
    around.rules += [rule for rule in rules if rule not in around.rules]
    if around.kubevirt is None:
        around.missing["upgrade"] = _lacking(reads.reading.unseen.get("kubevirt", ())) or "there is no KubeVirt object"
    elif around.kubevirt.doubt:
        around.missing["upgrade"] = around.kubevirt.doubt
    return around


def _lacking(rules: Iterable[Rule]) -> str:
    said = ", ".join(rule.sentence() for rule in rules)
    return f"not allowed to {said}" if said else ""


def _look(reads: ActReads, around: Around, places: tuple[str, ...], more: More) -> None:
    """The whole cluster where that is allowed, as several stuck on one node show only there; else the namespaces."""
    try:
        snapshot, _notes = read_snapshot(reads.client, Scope())
        is_whole = True
    except Forbidden as error:
        around.missing["stuck_per_node"] = _lacking((error.rule,))
        around.rules.append(error.rule)
        is_whole = False
        found = _of_namespaces(reads, around, places)
        if found is None:
            return
        snapshot = found
    snapshot, judgements = look(reads.client, more(snapshot), late_after=LATE_AFTER_SECONDS)
    around.snapshot = snapshot
    around.judgements = {one.case.migration.meta.uid: one for one in judgements}
    around.kubevirt = snapshot.kubevirt
    around.rules += [rule for topic in sorted(snapshot.unseen) for rule in snapshot.unseen[topic]]
    if is_whole:
        around.stuck_by_node = _count(judgements)


def _of_namespaces(reads: ActReads, around: Around, places: tuple[str, ...]) -> Snapshot | None:
    try:
        return read_snapshot(reads.client, Scope(namespaces=places))[0]
    except Forbidden as error:
        around.rules.append(error.rule)
        return None


def _count(judgements: Iterable[Judgement]) -> dict[str, int]:
    """Stuck migrations by the node that they leave or go to."""
    found: Counter[str] = Counter()
    for one in judgements:
        if one.is_stuck:
            found.update({one.case.source_node, one.case.target_node} - {""})
    return dict(found)


def _read_guard(reads: ActReads, around: Around, min_healthy: str) -> None:
    try:
        reading = read_nodes(reads.client, NodeScope(moves=False))
    except Forbidden as error:
        around.missing["cluster_health"] = _lacking((error.rule,))
        around.rules.append(error.rule)
        return
    if reading.handlers is None:
        around.missing["cluster_health"] = _lacking(reading.coverage.missing)
        around.rules += reading.coverage.missing
        return
    by_node: dict[str, list[Mapping[str, object]]] = {}
    for pod in reading.handlers:
        by_node.setdefault(str(NODE.read(pod) or ""), []).append(pod)
    nodes = [Node.from_object(obj) for obj in reading.nodes]
    verdicts = [
        judge_node(node, reading.read_at, handler=handler_state(by_node.get(node.name, ()), node.name))
        for node in nodes
    ]
    around.guard = judge_guard(verdicts, min_healthy)


def _read_budget(reads: ActReads, around: Around) -> None:
    place = around.kubevirt_namespace
    if not place:
        around.missing["budget"] = "KubeVirt's namespace, where it is counted, is not known"
        return
    try:
        found = reads.lease(place, BUDGET_NAME)
    except Forbidden as error:
        around.missing["budget"] = _lacking((error.rule,))
        around.rules.append(error.rule)
        return
    except ClusterError as error:
        around.missing["budget"] = str(error)
        return
    around.budget = Budget() if found is None else read_budget(found)
    if around.budget is None:
        around.missing["budget"] = f"Lease {place}/{BUDGET_NAME} cannot be understood"
