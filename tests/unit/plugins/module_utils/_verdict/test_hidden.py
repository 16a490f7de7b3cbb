# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever may read less gets the same verdict, or `unknown` with the rule that is missing; never a third thing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import worlds
from tests.unit.builders import a_launcher, an_event
from tests.unit.mangling import RULES, hide, moved
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, a_world, queue

Build = Callable[[], World]


def pending_with_its_pod() -> World:
    world = a_world(vm="one")
    world.pods.append(a_launcher("target", vm="one", age_seconds=3))
    return world


def pull_that_failed_late() -> World:
    world = worlds.image_pull(300)
    world.events[-1] = an_event("pod-web-1-target", "Failed", first_seconds=30)
    return world


def launcher_before_preparing(*, deleted_seconds: int | None = None) -> World:
    """The launcher is over its limit, counted from PreparingTarget it would not be."""
    return a_world("PreparingTarget", age_seconds=365, phase_seconds=350, deleted_seconds=deleted_seconds)


MORE: dict[str, Build] = {
    "holder elsewhere": lambda: queue(moved(a_copy(vm="one")), per_cluster=1, age_seconds=30),
    "holder elsewhere, pending": lambda: queue(moved(pending_with_its_pod()), per_cluster=1, age_seconds=30),
    "holder elsewhere, outbound": lambda: queue(moved(a_copy(vm="one")), outbound=1, node="src-one", age_seconds=30),
    "holder elsewhere, stuck": lambda: queue(moved(worlds.node_down("src", vm="one")), per_cluster=1),
    "holders elsewhere, one moves": lambda: queue(
        moved(worlds.node_down("src", vm="one")), moved(a_copy(vm="two")), per_cluster=2
    ),
    "pull failed late": pull_that_failed_late,
    "launcher before preparing": launcher_before_preparing,
    "launcher before preparing, cancelled": lambda: launcher_before_preparing(deleted_seconds=100),
}
# That virt-handler is Ready stands in for its node (docs/decisions.md): its old heartbeat is seen on the node only.
SEEN_ON_THE_NODE_ONLY = {"source-heartbeat", "target-heartbeat"}
BUILDS: dict[str, Build] = {name: row[0] for name, row in TABLE.items()} | MORE
SENTENCES = tuple(rule.sentence() for rule in RULES.values())


@pytest.mark.parametrize("name", BUILDS)
@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(topics=st.sets(st.sampled_from(sorted(RULES))))
@example(topics=set(RULES))
@example(topics={"handlers", "kubevirt", "lease", "nodes", "queue"})
def test_hidden_parts_never_give_another_verdict(name: str, topics: set[str]) -> None:
    snapshot = BUILDS[name]().snapshot()
    if name in SEEN_ON_THE_NODE_ONLY:
        topics = topics - {"nodes"}

    full, partial = judge_snapshot(snapshot)[0], judge_snapshot(hide(snapshot, topics))[0]

    if partial.verdict != full.verdict:
        assert partial.verdict == "unknown"
        assert any(f"not allowed to {sentence}" in partial.reason for sentence in SENTENCES)


@pytest.mark.parametrize("topic", sorted(RULES))
@pytest.mark.parametrize("name", [name for name in BUILDS if name not in SEEN_ON_THE_NODE_ONLY])
def test_one_hidden_part_never_gives_another_verdict(name: str, topic: str) -> None:
    snapshot = BUILDS[name]().snapshot()

    verdict = judge_snapshot(hide(snapshot, [topic]))[0].verdict

    assert verdict in (judge_snapshot(snapshot)[0].verdict, "unknown")


@pytest.mark.parametrize("name", sorted(SEEN_ON_THE_NODE_ONLY))
def test_ready_handler_stands_in_for_a_node_that_is_hidden(name: str) -> None:
    assert judge_snapshot(hide(BUILDS[name]().snapshot(), ["nodes"]))[0].verdict == "progressing"
