# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of all that was found: the sentence, who needs a place, and who could run at a time."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from tests.unit.builders import a_kubevirt
from tests.unit.draining import SOURCE, Drain, a_guest, a_quota, a_target_node, its_pod


def outdated() -> Any:
    vmi = a_guest()
    vmi["metadata"]["labels"]["kubevirt.io/outdatedLauncherImage"] = ""
    return vmi


@pytest.mark.parametrize(
    ("number", "names"),
    [(1, "n0"), (5, "n0, n1, n2, n3, n4"), (6, "n0, n1, n2, n3, n4 and 1 more"), (8, "n0, n1, n2, n3, n4 and 3 more")],
    ids=["one", "five", "six", "eight"],
)
def test_where_a_vm_could_go_names_five_nodes(number: int, names: str) -> None:
    nodes = [a_target_node(SOURCE), *(a_target_node(f"n{one}") for one in range(number))]

    assert Drain(nodes=nodes).only().sentence == f"It could go to {names}."


def test_a_remark_is_not_the_reason() -> None:
    outlook = Drain(vmis=[outdated()]).only()

    assert [one.code for one in outlook.reasons] == ["LauncherOutdated"]
    assert outlook.sentence == "It could go to node-1, node-2."


def test_what_is_not_known_is_the_reason_where_the_rest_is_less() -> None:
    outlook = Drain(vmis=[a_guest(phase="Scheduled")], hidden=("queue", "lease")).only()

    assert (outlook.verdict, [one.code for one in outlook.reasons]) == ("unknown", ["VMINotRunning"])
    assert "; ".join(dict.fromkeys(gap.sentence() for gap in outlook.gaps)) + "." == outlook.sentence


def test_the_reason_is_the_first_that_makes_the_verdict() -> None:
    outlook = Drain(vmis=[a_guest(strategy="None")], launchers=[], hidden=("queue",)).only()

    assert outlook.sentence == outlook.reasons[0].summary


# -- who needs a place


@pytest.mark.parametrize(
    ("drain", "is_placed"),
    [
        (Drain(), True),
        (Drain(vmis=[a_guest(strategy="None")]), False),
        (Drain(vmis=[a_guest(strategy=None)], hidden=("kubevirt",)), True),
    ],
    ids=["migrates", "is shut down", "not known"],
)
def test_a_vm_that_may_be_migrated_needs_a_place(drain: Drain, is_placed: bool) -> None:
    assert (drain.only().subject.placement is not None, drain.judge().placed) == (is_placed, int(is_placed))


# -- who could run at a time


def in_namespace(obj: Any, namespace: str) -> Any:
    obj["metadata"]["namespace"] = namespace
    return obj


def tight(sizes: dict[str, int], free: int, **more: Any) -> str:
    """What the quota says of the first VM."""
    drain = Drain(
        vmis=[a_guest(vm) for vm in sizes] + more.pop("others", []),
        launchers=[its_pod(vm, memory=f"{size}Gi") for vm, size in sizes.items()] + more.pop("pods", []),
        quotas=[a_quota({"requests.memory": f"{free}Gi"}, {})],
        **more,
    )
    found: list[Cause] = [
        reason
        for one in drain.judge().outlooks
        for reason in one.reasons
        if one.subject.guest.vmi.meta.name == "vm-a" and reason.code == "ResourceQuotaTight"
    ]
    return found[0].summary.partition("; ")[0] if found else ""


def enough(free: int, some: int, number: int) -> str:
    return (
        f"The quota compute has {free} GiB requests.memory free, enough for {some} of the {number} target pods that "
        "could run at a time"
    )


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ((5, 2), enough(9, 1, 2)),
        ((5, 5), enough(9, 1, 3)),
        ((2, 5), enough(9, 1, 2)),
        ((1, 5), ""),
        ((5, 1), ""),
        ((0, 5), ""),
    ],
    ids=["the node's slots", "more than there are", "the cluster's slots", "one at a time", "one off a node", "none"],
)
def test_as_many_as_slots_let_run_ask_for_quota_at_a_time(limits: tuple[int, int], said: str) -> None:
    kubevirt = a_kubevirt(per_cluster=limits[0], outbound=limits[1])

    assert tight({"vm-a": 9, "vm-b": 9, "vm-c": 9}, 9, kubevirt=kubevirt) == said


@pytest.mark.parametrize("limit", [0, -1], ids=["0", "negative"])
def test_where_no_slot_lets_any_run_no_quota_is_tight(limit: int) -> None:
    assert not tight({"vm-a": 1, "vm-b": 9, "vm-c": 9}, 5, kubevirt=a_kubevirt(per_cluster=limit))


def test_the_largest_are_taken_to_run_at_a_time() -> None:
    assert tight({"vm-a": 1, "vm-b": 9, "vm-c": 9}, 10) == enough(10, 1, 2)


def test_all_are_taken_to_run_where_slots_are_not_known() -> None:
    assert tight({"vm-a": 9, "vm-b": 9, "vm-c": 9}, 18, kubevirt=a_kubevirt(per_cluster="5")) == enough(18, 2, 3)


def test_vms_of_other_namespaces_and_those_that_are_shut_down_ask_for_none_of_it() -> None:
    others = [in_namespace(a_guest("vm-b"), "team-b"), a_guest("vm-c", strategy="None")]
    pods = [in_namespace(its_pod("vm-b"), "team-b"), its_pod("vm-c")]

    assert not tight({"vm-a": 9}, 9, others=others, pods=pods)


# -- the pace


@pytest.mark.parametrize(
    ("kubevirt", "limits"),
    [
        (a_kubevirt(per_cluster=7, outbound=3), (7, 3)),
        (a_kubevirt(per_cluster="7", outbound=3), (None, None)),
        (None, (None, None)),
    ],
    ids=["known", "spoilt", "no KubeVirt"],
)
def test_pace_counts_on_limits_that_are_known(kubevirt: Any, limits: tuple[int | None, int | None]) -> None:
    pace = Drain(kubevirt=kubevirt).judge().pace

    assert (pace.per_cluster, pace.per_node) == limits


def test_pace_counts_those_that_migrate() -> None:
    guests = [a_guest("vm-a"), a_guest("vm-b", strategy="None"), a_guest("vm-c", conditions=[])]

    assert Drain(vmis=guests, launchers=[]).judge().pace.vms_by_node == {SOURCE: 1}
