# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue that migrations share and the settings that hold, read from a result of migration_info.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_bool,
    as_int,
    as_list,
    as_map,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import counted, listed

__all__ = ["Holder", "Queue", "Settings", "queue_lines", "read_queue", "read_settings"]

_MOST_NAMES = 20
_MOST_POLICIES = 8


@dataclass(frozen=True)
class Holder:
    """One that holds a slot; `stuck` None: it was not judged."""

    vm: str
    phase: str
    node: str
    stuck: bool | None


@dataclass(frozen=True)
class Queue:
    """The queue of the cluster. `limit` and `per_node` None: not known."""

    limit: int | None
    per_node: int | None
    running: tuple[Holder, ...]
    waiting: tuple[str, ...]
    unclear: int


@dataclass(frozen=True)
class Settings:
    """`rows`: the name of a setting, its value in the cluster, and what each policy sets; "" where it is not set or not
    known. `left_out` counts policies that are not shown."""

    policies: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]
    left_out: int
    policies_read: bool


def read_queue(value: Any) -> Queue | None:
    """The queue in `value`; None where the result has none."""
    given = as_map(value)
    if given is None or as_list(given.get("running")) is None:
        return None
    return Queue(
        limit=as_int(given.get("parallel_migrations_per_cluster")),
        per_node=as_int(given.get("parallel_outbound_migrations_per_node")),
        running=tuple(map(_holder, as_list(given.get("running")) or ())),
        waiting=tuple(visible(one) for one in as_list(given.get("waiting")) or ()),
        unclear=as_int(given.get("unclear")) or 0,
    )


def _holder(entry: Any) -> Holder:
    given = as_map(entry) or {}
    return Holder(
        vm=visible(given.get("vm")),
        phase=visible(given.get("phase")),
        node=visible(given.get("source_node")),
        stuck=as_bool(given.get("stuck")),
    )


def queue_lines(queue: Queue | None) -> tuple[str, ...]:
    """The queue in sentences; () where it was not read."""
    return tuple(_queue_lines(queue)) if queue is not None else ()


def _queue_lines(queue: Queue) -> Iterator[str]:
    of = "" if queue.limit is None else f" of {queue.limit}"
    node = "" if queue.per_node is None else f", at most {queue.per_node} may leave one node"
    waits = counted(len(queue.waiting), "migration")
    yield f"{len(queue.running)}{of} slots are taken{node}; {waits} {'waits' if len(queue.waiting) == 1 else 'wait'}."
    stuck = [one.vm for one in queue.running if one.stuck]
    if stuck and queue.waiting:
        yield f"{len(stuck)} of the slots {'is' if len(stuck) == 1 else 'are'} held by stuck ones: {_some(stuck)}."
    if queue.waiting:
        yield f"In turn: {_some(queue.waiting)}."
    if queue.unclear:
        yield f"Of {queue.unclear} it is not known whether they hold a slot, or on which node."


def _some(names: Any) -> str:
    shown = list(names)[:_MOST_NAMES]
    return listed(shown) if len(shown) == len(names) else f"{', '.join(shown)} and {len(names) - len(shown)} more"


def read_settings(value: Any) -> Settings | None:
    """The settings in `value`; None where the result has none, or nothing could be read of them."""
    given = as_map(value) or {}
    cluster = as_map(given.get("cluster")) or {}
    read = as_map(given.get("policies"))
    policies = {visible(name): as_map(found) or {} for name, found in sorted((read or {}).items(), key=_by_name)}
    if not cluster and not policies:
        return None
    shown = tuple(policies)[:_MOST_POLICIES]
    names = sorted({*map(str, cluster), *(str(key) for name in shown for key in policies[name])})
    return Settings(
        policies=shown,
        rows=tuple(
            (visible(name), visible(cluster.get(name)), tuple(visible(policies[one].get(name)) for one in shown))
            for name in names
        ),
        left_out=len(policies) - len(shown),
        policies_read=read is not None,
    )


def _by_name(item: tuple[Any, Mapping[str, Any]]) -> str:
    return str(item[0])
