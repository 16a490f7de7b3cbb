# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows that a node or its virt-handler lives, also to those who may not see it, and what is said else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit import worlds
from tests.unit.builders import a_condition
from tests.unit.looks import node_of
from tests.unit.mangling import RULES, hide
from tests.unit.worlds import World, a_copy, a_world, cause_of


def not_ready(world: World, name: str) -> None:
    conditions = world.pod(name)["status"]["conditions"]
    world.pod(name)["status"]["conditions"] = [
        *(one for one in conditions if one["type"] != "Ready"),
        a_condition("Ready", "False", seconds=90),
    ]


def elsewhere(world: World, name: str) -> None:
    world.pod(name)["spec"]["nodeName"] = "elsewhere"


def gone(world: World, name: str) -> None:
    world.pods.remove(world.pod(name))


Change = Callable[[World, str], None]


def kept(_world: World, _name: str) -> None:
    """Nothing."""


@pytest.mark.parametrize(
    ("handler", "launcher", "is_hidden"),
    [
        (kept, not_ready, False),
        (kept, gone, False),
        (not_ready, kept, False),
        (gone, kept, False),
        (not_ready, not_ready, True),
        (not_ready, gone, True),
        (gone, elsewhere, True),
    ],
    ids=["handler", "handler alone", "launcher", "launcher alone", "neither is Ready", "none", "launcher elsewhere"],
)
def test_ready_pod_stands_in_for_a_node_that_may_not_be_read(
    handler: Change, launcher: Change, is_hidden: bool
) -> None:
    world = a_copy(60)
    handler(world, "handler-src-web-1")
    launcher(world, "-web-1-source")

    found = judge_snapshot(hide(world.snapshot(), ["nodes"]))[0]

    assert ("SourceNodeDown" in {gap.code for gap in found.gaps}) is is_hidden


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_node_is_down_by_either_word_for_not_ready(status: str) -> None:
    world = a_copy(400)
    node_of("src", ready=status)(world)

    cause = cause_of(world, "SourceNodeDown")

    assert cause is not None
    assert cause.summary == f"The source node src-web-1 has not been ready for 400 s: Ready is {status}."


def test_node_that_is_down_gives_the_kubelets_reason() -> None:
    world = worlds.node_down("dst")
    world.node("dst-web-1")["status"]["conditions"][0]["reason"] = "NodeStatusUnknown"

    cause = cause_of(world, "TargetNodeDown")

    assert cause is not None
    assert cause.summary.endswith("Ready is Unknown (NodeStatusUnknown).")


HANDLERS: dict[str, tuple[str, str, str]] = {
    "source": ("SourceHandlerDown", "TargetReady", "virt-handler on the source node src-web-1 is not Ready;"),
    "target": ("TargetHandlerDown", "PreparingTarget", "virt-handler on the target node dst-web-1 is not Ready;"),
}


@pytest.mark.parametrize("side", HANDLERS)
def test_handler_that_is_down_names_its_side(side: str) -> None:
    code, phase, words = HANDLERS[side]
    cause = cause_of(worlds.handler_down("src" if side == "source" else "dst", phase=phase), code)

    assert cause is not None
    assert cause.summary.startswith(words)


@pytest.mark.parametrize("topic", ["handlers", "kubevirt"])
@pytest.mark.parametrize("side", HANDLERS)
def test_handler_that_may_not_be_read_is_a_gap_with_the_rule(side: str, topic: str) -> None:
    code, phase, _words = HANDLERS[side]
    found = judge_snapshot(hide(a_world(phase).snapshot(), [topic]))[0]

    assert [gap.rules for gap in found.gaps if gap.code == code] == [(RULES[topic],)]


@pytest.mark.parametrize(
    ("parts", "is_gap"),
    [({"handlers": {}, "kubevirt": None}, True), ({"handlers": {}}, False)],
    ids=["nobody knows where KubeVirt runs", "it was not asked for"],
)
def test_handler_is_missed_where_nobody_knows_where_it_would_run(parts: dict[str, Any], is_gap: bool) -> None:
    found = judge_snapshot(replace(a_world("PreparingTarget").snapshot(), **parts))[0]

    assert any(gap.code == "TargetHandlerDown" for gap in found.gaps) is is_gap


def test_handler_of_a_target_that_is_not_chosen_is_not_missed() -> None:
    world = a_world("PreparingTarget")
    world.state["targetNode"] = ""
    gone(world, "-web-1-target")
    found = judge_snapshot(replace(world.snapshot(), handlers={}, kubevirt=None))[0]

    assert "TargetHandlerDown" not in {gap.code for gap in found.gaps}


def test_first_of_several_problems_of_a_node_is_said() -> None:
    world = a_world("TargetReady")
    world.node("src-web-1")["metadata"]["annotations"] = []
    world.node("src-web-1")["status"]["conditions"] = "none"

    whys = {gap.code: gap.why for gap in world.first().gaps}

    assert whys["SourceHandlerDown"] == "Node src-web-1: metadata.annotations is not a mapping"
