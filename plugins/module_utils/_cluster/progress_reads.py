# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the figures of running copies: from Prometheus, or from virt-handler through the API server's pod proxy.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.4.0 to v1.9.0, pkg/monitoring/metrics/virt-handler/migrationdomainstats/queue.go: virt-handler polls
each copy every 5 s into a ring of ten, which a scrape is meant to empty. Today it does not (ring.Unlink of the whole
length removes nothing), but moves it on by one place; either way a scrape of ours is one that Prometheus has not made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import Prometheus
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import SELECTOR_BYTES
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.exposition import (
    Point,
    parse_exposition,
    parse_query_answer,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import (
    METRICS,
    Key,
    Progress,
    progress_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot

__all__ = [
    "PAUSE_SECONDS",
    "ProgressReading",
    "ask",
    "group_keys",
    "match_names",
    "read_from_handlers",
    "read_from_prometheus",
]

# As far back as is asked: longer than one pass over most VMs' memory, and than the window of the stall rule.
RANGE = "10m"
# Longer than virt-handler's poll, so that the second look finds a new measurement.
PAUSE_SECONDS = 6.0
METRICS_PORT = 8443
LONGEST_METRICS = 64 * 1024 * 1024
_TIMES = "the verdicts on running copies rest on times"


@dataclass(frozen=True)
class ProgressReading:
    """What was read. `progress` has every copy that was asked for; `missing` are rules, `notes` sentences for the user.

    `requests` went to Prometheus; those to the API server count with all others there.
    """

    progress: Mapping[Key, Progress] = field(default_factory=dict)
    missing: tuple[Rule, ...] = ()
    notes: tuple[str, ...] = ()
    requests: int = 0


# -- from Prometheus


def read_from_prometheus(
    prometheus: Prometheus, wanted: Collection[Key], /, *, namespaces: Collection[str], read_at: datetime
) -> ProgressReading:
    """One query for all `wanted`, or one for each of their namespaces where `namespaces` are asked about: that is what
    a tenancy port wants. What it does not answer is a note and no failure; nothing more is asked then."""
    groups = group_keys(wanted, namespaces=namespaces)
    found: dict[Key, Progress] = {}
    notes: list[str] = list(prometheus.warnings) if groups else []
    for namespace, keys in groups.items():
        expression = _expression({name for _namespace, name in keys})
        problem, points = ask(prometheus, expression, metrics=METRICS, namespace=namespace)
        if problem:
            notes.append(f"No progress was read: {problem} Therefore {_TIMES}.")
            found.update(dict.fromkeys(wanted - found.keys(), Progress(source="prometheus", problem=problem)))
            break
        read = progress_of(points, source="prometheus", read_at=read_at)
        found.update({key: read.get(key, Progress(source="prometheus", problem=_NOTHING)) for key in keys})
    return ProgressReading(found, notes=tuple(notes), requests=prometheus.requests)


_NOTHING = "Prometheus has no figures of this copy"


def group_keys(wanted: Collection[Key], /, *, namespaces: Collection[str]) -> dict[str, list[Key]]:
    """The keys by the value of the parameter `namespace` that a query for them carries, "" for none."""
    found: dict[str, list[Key]] = {}
    for key in sorted(key for key in wanted if all(GIVEN_NAME.fullmatch(part) for part in key)):
        found.setdefault(key[0] if namespaces else "", []).append(key)
    return found


def ask(
    prometheus: Prometheus, expression: str, /, *, metrics: Collection[str], namespace: str
) -> tuple[str, tuple[Point, ...]]:
    """Why there is no answer, "" for none, and the points of the answer."""
    try:
        body = prometheus.query(expression, namespace=namespace)
    except ClusterError as error:
        return str(error), ()
    answer = parse_query_answer(body, metrics=metrics)
    return (f"prometheus.url answered: {answer.error}." if answer.error else ""), answer.points


def _expression(names: Collection[str]) -> str:
    """A range vector, so that the values come with the times of virt-handler and not with those of a step."""
    metrics = "|".join(sorted(METRICS))
    matchers = ",".join([f'__name__=~"{metrics}"', *match_names(names)])
    return f"{{{matchers}}}[{RANGE}]"


def match_names(names: Collection[str], /) -> list[str]:
    """The matcher of a query for VMs of these names; none where it would be too long for a URL.

    They are Kubernetes names, so only their dots mean something in a regular expression.
    """
    wanted = "|".join(sorted(names)).replace(".", "[.]")
    return [f'name=~"{wanted}"'] if len(wanted) <= SELECTOR_BYTES else []


# -- from virt-handler


def read_from_handlers(
    client: Client, snapshot: Snapshot, wanted: Mapping[Key, str], /, *, clock: Clock
) -> ProgressReading:
    """Two looks at the metrics of the virt-handlers on the source nodes of `wanted` (key -> node), a pause apart.

    A 403 becomes a missing rule, and anything else that goes wrong a note; neither is a failure.
    """
    places = _places(snapshot, set(wanted.values()))
    problems = dict.fromkeys(set(wanted.values()) - set(places), "virt-handler was not found there")
    missing: list[Rule] = []
    points: list[Point] = []
    for look in range(2 if places else 0):
        if look:
            clock.sleep(PAUSE_SECONDS)
        texts = client.get_texts(places.values(), longest=LONGEST_METRICS)
        for node, path in list(places.items()):
            answer = texts[path]
            if isinstance(answer, ClusterError):
                missing += [answer.rule] if isinstance(answer, Forbidden) else []
                problems[node] = str(answer)
                del places[node]
            else:
                points += _at(parse_exposition(answer, metrics=METRICS), client.server_time or snapshot.read_at)
        if not places:
            break
    read = progress_of(points, source="virt_handler", read_at=snapshot.read_at)
    found = {key: _of_node(read.get(key), problems.get(node, "")) for key, node in wanted.items()}
    notes = [f"No progress was read of node {node}: {why} Therefore {_TIMES}." for node, why in problems.items()]
    return ProgressReading(found, tuple(dict.fromkeys(missing)), (*([_TAKEN] if points else []), *notes))


_TAKEN = (
    "progress: virt_handler reads what virt-handler measures for Prometheus, and takes samples from it: "
    "its graphs of these copies may have gaps. Where there is a Prometheus, use progress: prometheus."
)


def _at(points: Iterable[Point], moment: datetime) -> list[Point]:
    """The same; what names no time (KubeVirt 1.3) was measured now."""
    return [point if point.at is not None else replace(point, at=moment) for point in points]


def _of_node(progress: Progress | None, problem: str) -> Progress:
    if progress is None:
        return Progress(source="virt_handler", problem=problem or "virt-handler has told no figures of this copy")
    return replace(progress, problem=problem)


def _places(snapshot: Snapshot, nodes: Collection[str]) -> dict[str, str]:
    """By node the path of its virt-handler's metrics; a node whose virt-handler is not known is left out."""
    namespace = snapshot.kubevirt.meta.namespace if snapshot.kubevirt else ""
    pods = {node: snapshot.handlers[node].pod for node in sorted(nodes) if node in snapshot.handlers}
    return {
        node: paths.item(
            "",
            version="v1",
            plural="pods",
            namespace=namespace,
            name=f"https:{pod}:{METRICS_PORT}",
            subresource="proxy/metrics",
        )
        for node, pod in pods.items()
        if namespace and pod and GIVEN_NAME.fullmatch(pod)
    }
