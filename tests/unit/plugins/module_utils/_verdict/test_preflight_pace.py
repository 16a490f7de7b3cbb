# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a drain takes at least."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.copying import CopyPlan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.pace import (
    Load,
    Pace,
    judge_pace,
)

GIB, MIB = 2**30, 2**20


def a_load(gib: int, node: str = "n1", *, rate: int | None = 64) -> Load:
    bandwidth = None if rate is None else rate * MIB
    return Load(f"team-a/vm-{gib}", node, CopyPlan(gib * GIB, bandwidth, "KubeVirt", None, 150, None))


def pace(*loads: Load, cluster: int | None = 5, node: int | None = 2) -> Pace:
    return judge_pace(loads, nodes=["n1"], per_cluster=cluster, per_node=node)


@pytest.mark.parametrize(
    ("loads", "limits", "waves", "seconds"),
    [
        ([], (5, 2), 0, None),
        ([a_load(4)], (5, 2), 1, 64),
        ([a_load(4)] * 3, (5, 2), 2, 96),
        ([a_load(16), a_load(1)], (5, 2), 1, 256),
        ([a_load(4, f"n{number}") for number in range(6)], (2, 2), 3, 192),
        ([a_load(4, "n1")] * 4 + [a_load(4, "n2")], (5, 1), 4, 256),
        ([a_load(4), a_load(4, rate=None)], (5, 2), 1, 64),
        ([a_load(4, rate=None)], (5, 2), 1, None),
        ([a_load(4)], (None, None), None, None),
        ([a_load(4)], (0, 2), None, None),
    ],
    ids=[
        *("nothing", "one", "a node's slots", "the longest", "the cluster's slots", "one node holds it up"),
        *("one rate known", "no rate", "limits not known", "limit of 0"),
    ],
)
def test_rounds_and_least_time(
    loads: list[Load], limits: tuple[int | None, int | None], waves: int | None, seconds: int | None
) -> None:
    found = pace(*loads, cluster=limits[0], node=limits[1])

    assert (found.waves, found.least_seconds) == (waves, seconds)
    assert found.arithmetic


def test_the_arithmetic_names_what_it_counts_and_what_it_leaves_out() -> None:
    found = pace(*[a_load(4)] * 3, a_load(8, rate=None))

    assert found.arithmetic.startswith("12 GiB of 3 VMs at 64 MiB/s each, 2 at a time off n1")
    assert "1 VMs without a known bandwidth are not counted" in found.arithmetic


def test_memory_and_vms_are_told_by_node_and_empty_nodes_too() -> None:
    found = judge_pace([a_load(4, "n2")], nodes=["n1", "n2"], per_cluster=5, per_node=2)

    assert (found.vms_by_node, found.memory_by_node) == ({"n1": 0, "n2": 1}, {"n1": 0, "n2": 4 * GIB})


@pytest.mark.parametrize("rate", [64, None], ids=["time", "rounds alone"])
def test_vms_that_would_not_migrate_are_named_beside_the_figure_that_counts_them(rate: int | None) -> None:
    held = replace(a_load(8, rate=rate), is_held=True)

    found = pace(a_load(4, rate=rate), held)

    assert "1 of these would not migrate as things are" in found.arithmetic
    assert "would not migrate" not in pace(a_load(4, rate=rate), a_load(8, rate=rate)).arithmetic


def test_what_is_not_in_the_figure_is_not_said_to_be() -> None:
    held = replace(a_load(8, rate=None), is_held=True)

    assert "of these would not migrate" not in pace(a_load(4), held).arithmetic


@pytest.mark.parametrize(
    ("loads", "limits", "text"),
    [
        ([], {}, "no VM would be migrated"),
        (
            [a_load(4, rate=None)],
            {},
            (
                "1 VMs, at most 2 at a time off a node and 5 in the cluster: 1 rounds at least; how long one takes is "
                "not known without a bandwidth"
            ),
        ),
        ([a_load(16), a_load(1)], {}, "the longest copy alone, 16 GiB of team-a/vm-16 at 64 MiB/s, copied once"),
        (
            [a_load(4), a_load(8, rate=32), a_load(6)],
            {"node": 1},
            "18 GiB of 3 VMs at their bandwidths each, 1 at a time off n1, each copied once",
        ),
        (
            [a_load(4, "n2"), a_load(4, "n3"), a_load(4, "n4")],
            {"cluster": 1},
            "12 GiB of 3 VMs at 64 MiB/s each, 1 at a time in the cluster, each copied once",
        ),
        ([a_load(4)], {"cluster": None}, "the limits of parallel migrations are not known"),
        ([a_load(4)], {"cluster": 0}, "a limit of 0 parallel migrations lets none start"),
    ],
    ids=["nothing", "no rate", "the longest", "one node", "the cluster", "limits not known", "limit of 0"],
)
def test_the_arithmetic_says_what_it_rests_on(loads: list[Load], limits: dict[str, int | None], text: str) -> None:
    assert pace(*loads, **limits).arithmetic == text


def test_memory_that_is_not_known_counts_as_none() -> None:
    load = Load("team-a/vm", "n1", CopyPlan(None, 64 * MIB, "KubeVirt", None, 150, None))

    assert judge_pace([load], nodes=["n1"], per_cluster=5, per_node=2).memory_by_node == {"n1": 0}


def test_the_last_by_name_speaks_for_copies_that_take_as_long() -> None:
    loads = [replace(a_load(16), vm=f"team-a/{name}") for name in ("a", "c", "b")]

    assert "16 GiB of team-a/c at" in pace(*loads, cluster=9, node=9).arithmetic
