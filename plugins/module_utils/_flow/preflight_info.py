# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""preflight_info: read the VMs of a drain and all that would hold them, judge, explain.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import BadAnswer, Forbidden
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.placement_reads import (
    PlacementReading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import (
    read_namespace_labels,
    read_policies,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.preflight_reads import (
    read_budgets,
    read_guests,
    read_launcher_objects,
    read_quotas,
    read_their_migrations,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reads import Scope, read_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.launcher import Launcher
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Policies
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import look
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.placements import look_at_placements
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.preflight_options import (
    Asked,
    parse_preflight_options,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.progress import look_at_dirty_rates
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.preflight import (
    render_drain,
    render_outlooks,
    render_preflight_summary,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import EMPTY_ACT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import (
    expect_configuration,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import (
    LATE_AFTER_SECONDS,
    Judgement,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import NodeVerdict, judge_node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import (
    match_policies,
    needs_namespace,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.judge import (
    judge_preflight,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.pace import COPIED_ONCE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Grounds,
    Subject,
    subject_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.target_pod import ASSUMED
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.together import Places
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Fate, Queue, judge_queue

__all__ = ["run"]

Key = tuple[str, str]


def run(client: Client, params: Mapping[str, Any], _clock: Clock, /) -> dict[str, Any]:
    """The result of preflight_info for the module's `params`.

    Raises WrongInput or ConfigError for an option without meaning, WrongInput for a node or VM that does not exist,
    ClusterError where the VMs could not be looked at.
    """
    asked = parse_preflight_options(params)
    reading, placement = Reading(client), PlacementReading(client)
    nodes = placement.nodes()
    _check_nodes(asked, nodes)
    guests, notes = read_guests(reading, asked.scope)
    unknown = [guest.key for guest in guests if guest.key not in asked.dirty_rates]
    measured = look_at_dirty_rates(params, wanted=unknown, namespaces=asked.scope.namespaces)
    look_around = _LookAround(
        client, reading, placement, nodes=nodes, asked=asked, guests=guests, measured_rates=measured.rates
    )
    grounds, subjects, places = look_around.take() if guests else (_nothing(client), [], None)
    preflight = judge_preflight(grounds, subjects, places=places, nodes=asked.scope.nodes)
    unseen = {**grounds.snapshot.unseen, **reading.unseen, **placement.unseen}
    rules = [rule for topic in sorted(unseen) for rule in unseen[topic]]
    return {
        "changed": False,
        "read_at": format_timestamp(grounds.snapshot.read_at),
        "vms": render_outlooks(preflight),
        "summary": render_preflight_summary(preflight, nodes=asked.scope.nodes),
        "drain": render_drain(grounds, preflight),
        "assumed": [ASSUMED, COPIED_ONCE],
        "coverage": Coverage(
            requests=client.requests - placement.requests,
            requests_for_placement=placement.requests,
            requests_to_prometheus=measured.requests,
        )
        .adding(rules)
        .to_result(),
        **EMPTY_ACT,
        "notes": [*notes, *measured.notes],
    }


def _server_time(client: Client) -> datetime:
    if client.server_time is None:
        raise BadAnswer("The API server's answers carry no Date header, so no age can be told.")
    return client.server_time


def _nothing(client: Client) -> Grounds:
    return Grounds(Snapshot(read_at=_server_time(client)))


def _check_nodes(asked: Asked, nodes: Sequence[Node] | None) -> None:
    """A misspelt node would look like one without VMs."""
    if nodes is None:
        return
    known = {node.name for node in nodes}
    for option, names in (("nodes", asked.scope.nodes), ("avoid_nodes", asked.avoid_nodes)):
        absent = [name for name in names if name not in known]
        if absent:
            raise WrongInput(
                f"{option}: the cluster has no node {', '.join(absent)}. See which it has: kubectl get nodes"
            )


# -- what is read


class _LookAround:
    """Reads everything around the VMs, each thing once."""

    def __init__(
        self,
        client: Client,
        reading: Reading,
        placement: PlacementReading,
        *,
        nodes: Sequence[Node] | None,
        asked: Asked,
        guests: Sequence[Guest],
        measured_rates: Mapping[Key, int],
    ) -> None:
        self._client = client
        self._reading = reading
        self._placement = placement
        self._nodes = nodes
        self._asked = asked
        self._guests = guests
        self._measured_rates = measured_rates
        self._namespaces = sorted({guest.key[0] for guest in guests})
        self._at_once = not asked.scope.namespaces

    def take(self) -> tuple[Grounds, list[Subject], Places | None]:
        """The grounds, the VMs, and the nodes with their pods."""
        snapshot, judgements = self._active()
        objects = read_launcher_objects(
            self._reading,
            {guest.vmi.meta.uid: guest.key[0] for guest in self._guests if guest.vmi.meta.uid},
            at_once=self._at_once,
        )
        launchers = [Launcher.from_object(item) for item in objects]
        snapshot = self._widened(snapshot, launchers)
        subjects = self._subjects(snapshot, launchers)
        places = self._places([one for one in subjects if one.target is not None])
        budgets = read_budgets(self._reading, self._namespaces, at_once=self._at_once)
        quotas = read_quotas(self._reading, self._namespaces, at_once=self._at_once)
        unseen = {**snapshot.unseen, **self._reading.unseen, **self._placement.unseen}
        grounds = Grounds(
            snapshot=replace(snapshot, unseen=unseen, read_at=_server_time(self._client)),
            drained=frozenset(self._asked.scope.nodes),
            queue=_queue(judgements),
            ongoing=_ongoing(judgements),
            health=self._health(snapshot),
            budgets=budgets,
            quotas=quotas,
            dirty_rates=self._asked.dirty_rates,
            measured_rates=self._measured_rates,
            expected_bandwidth=self._asked.expected_bandwidth,
        )
        return grounds, subjects, places

    def _active(self) -> tuple[Snapshot, Sequence[Judgement]]:
        """The unfinished migrations of the cluster, judged: they hold the slots. Of the VMs' namespaces alone where
        the others may not be read."""
        try:
            snapshot, _notes = read_snapshot(self._client, Scope())
        except Forbidden as error:
            self._reading.miss("queue", error.rule)
        else:
            return look(self._client, snapshot, late_after=LATE_AFTER_SECONDS)
        try:
            snapshot, _notes = read_snapshot(self._client, Scope(namespaces=tuple(self._namespaces)))
        except Forbidden as error:
            self._reading.miss("migrations", error.rule)
            return Snapshot(read_at=_server_time(self._client)), ()
        return look(self._client, snapshot, late_after=LATE_AFTER_SECONDS)

    def _widened(self, snapshot: Snapshot, launchers: Sequence[Launcher]) -> Snapshot:
        """The snapshot with what the drained VMs need: their history and pods, all nodes, virt-handler everywhere."""
        kubevirt = snapshot.kubevirt or (None if snapshot.unseen_for("kubevirt") else self._reading.kubevirt())
        place = kubevirt.meta.namespace if kubevirt else ""
        nodes: dict[str, Node | None] = {node.name: node for node in self._nodes or ()}
        names = sorted({*nodes, *(guest.vmi.node for guest in self._guests)} - {""})
        if self._nodes is not None:
            nodes.update({name: None for name in names if name not in nodes})
        theirs = read_their_migrations(self._reading, [guest.key for guest in self._guests], at_once=self._at_once)
        known = {one.meta.uid for one in snapshot.migrations}
        pods = {pod.meta.uid: pod for pod in (*snapshot.pods, *(one.pod for one in launchers))}
        unseen = dict(snapshot.unseen)
        if self._nodes is None:
            unseen["nodes"] = self._placement.unseen.get("placement/nodes", ())
        return replace(
            snapshot,
            migrations=(*snapshot.migrations, *(one for one in theirs if one.meta.uid not in known)),
            pods=tuple(pods.values()),
            nodes=nodes,
            handlers=self._reading.handlers(place, nodes=names, at_once=True) if place else {},
            kubevirt=kubevirt,
            lease=snapshot.lease or (self._reading.lease(place) if place else None),
            unseen=unseen,
        )

    def _subjects(self, snapshot: Snapshot, launchers: Sequence[Launcher]) -> list[Subject]:
        policies = self._policies()
        configured = snapshot.kubevirt.settings if snapshot.kubevirt else None
        by_owner: dict[str, list[Launcher]] = {}
        for launcher in launchers:
            by_owner.setdefault(launcher.owner, []).append(launcher)
        found = []
        for guest in self._guests:
            match = None
            if policies.policies is not None:
                labels = policies.namespace_labels.get(guest.key[0])
                match = match_policies(policies.policies, vmi_labels=guest.vmi.meta.labels, namespace_labels=labels)
            settings = expect_configuration(match, configured=configured)
            own = by_owner.get(guest.vmi.meta.uid, ())
            found.append(subject_of(guest, own, node=snapshot.nodes.get(guest.vmi.node), settings=settings))
        return found

    def _policies(self) -> Policies:
        policies = read_policies(self._reading)
        if policies is None:
            return Policies()
        names = {guest.key[0] for guest in self._guests if needs_namespace(policies, vmi_labels=guest.vmi.meta.labels)}
        return Policies(policies, read_namespace_labels(self._reading, names=sorted(names)) if names else {})

    def _places(self, subjects: Sequence[Subject]) -> Places | None:
        needs = [one.target.needs for one in subjects if one.target is not None]
        objects = look_at_placements(self._placement, needs)
        if objects is None or self._nodes is None:
            return None
        return Places(
            objects.nodes or self._nodes,
            objects.pods_by_node,
            objects.namespaces,
            drained=frozenset(self._asked.scope.nodes),
            left_out=frozenset(self._asked.avoid_nodes),
        )

    def _health(self, snapshot: Snapshot) -> dict[str, NodeVerdict]:
        return {
            name: judge_node(node, snapshot.read_at, handler=snapshot.handlers.get(name))
            for name, node in snapshot.nodes.items()
            if node is not None and node.is_virtualization_node
        }


def _ongoing(judgements: Iterable[Judgement]) -> dict[Key, Judgement]:
    """The unfinished migration of each VM; of several the oldest, for which the others wait."""
    found: dict[Key, Judgement] = {}
    for one in judgements:
        mine, other = one.case.migration, found.get(one.case.migration.key)
        if mine.is_final:
            continue
        if other is None or _made(mine) < _made(other.case.migration):
            found[mine.key] = one
    return found


def _made(migration: Any) -> tuple[str, str]:
    return format_timestamp(migration.meta.created_at), migration.meta.uid


def _queue(judgements: Sequence[Judgement]) -> Queue:
    by_uid = {one.case.migration.meta.uid: one for one in judgements}

    def fate_of(migration: Any) -> Fate:
        judgement = by_uid.get(migration.meta.uid)
        if judgement is None or judgement.verdict == "unknown":
            return Fate(None, judgement.reason if judgement else "")
        return Fate(judgement.is_stuck)

    return judge_queue((one.case for one in judgements if not one.case.migration.is_final), fate_of=fate_of)
