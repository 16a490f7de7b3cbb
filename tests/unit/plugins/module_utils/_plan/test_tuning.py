# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adviser: each lever at its bounds, and what must hold for any VM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning import (
    LEVERS,
    Advised,
    plan_tuning,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import RISKS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Outcome,
    Settings,
    Workload,
    predict,
)

MIB, GIB = 2**20, 2**30
# 8 GiB, of which 60 MiB/s are dirtied, at 64 MiB/s: 2,044 s. KubeVirt gives 9 GB x 20 s.
VM = Workload(8 * GIB, 9, 60 * MIB, 0, False, True, True, True)
NETWORK = Network(None, 64 * MIB, 1)
SETTINGS = Settings(64 * MIB, 20, progress_timeout=150)


def advised(*, vm: Any = None, network: Any = None, settings: Any = None) -> Advised:
    return plan_tuning(
        replace(VM, **vm or {}),
        network=replace(NETWORK, **network or {}),
        settings=replace(SETTINGS, **settings or {}),
    )


def changes(found: Advised) -> dict[str, dict[str, Any]]:
    return {option.action: {**option.policy, **option.cluster} for option in found.options}


def why_not(found: Advised) -> dict[str, str]:
    return {one.action: one.why for one in found.withheld}


def test_every_lever_has_its_smallest_value_and_its_predicted_end() -> None:
    found = advised()

    assert changes(found) == {
        "deadline": {"completionTimeoutPerGiB": 228},
        "bandwidth": {"bandwidthPerMigration": "106Mi"},
        "auto_converge": {"allowAutoConverge": True, "completionTimeoutPerGiB": 68},
        "pause": {"allowWorkloadDisruption": True, "allowPostCopy": False},
        "post_copy": {"allowPostCopy": True, "allowWorkloadDisruption": True},
    }
    assert [round(option.outcome.seconds or 0) for option in found.options] == [2044, 178, 608, 302, 302]


def test_without_the_size_that_kubevirt_counts_nothing_is_said_to_be_no_help() -> None:
    """Each of these would end it with some limit, and which one hangs on that size."""
    found = advised(vm={"gigabytes": None, "dirty_bytes_per_second": 70 * MIB})

    assert (found.answer, found.options) == ("unknown", ())
    assert "deadline" in found.outcome.missing
    unknown = "the guest's memory as KubeVirt counts it is not known"
    assert {action: why for action, why in why_not(found).items() if why == unknown}.keys() == {
        "auto_converge",
        "pause",
        "post_copy",
    }


def test_a_pause_is_given_the_time_that_kubevirt_needs_to_begin_it() -> None:
    found = advised(
        vm={"memory_bytes": 4 * GIB, "gigabytes": 5, "dirty_bytes_per_second": 70 * MIB, "bears_post_copy": False},
        settings={"timeout_per_gib": 5},
    )

    # One pass takes 64 s, and KubeVirt looks up to 2 s later: 14 s for each of 5 GB.
    assert changes(found)["pause"] == {
        "allowWorkloadDisruption": True,
        "allowPostCopy": False,
        "completionTimeoutPerGiB": 14,
    }


def test_bandwidth_counts_what_is_sent_again_with_each_pass() -> None:
    found = advised(
        vm={
            "memory_bytes": 4 * GIB,
            "gigabytes": 5,
            "dirty_bytes_per_second": 50 * MIB,
            "working_set_bytes": 30 * MIB,
        },
        network={"rate_bytes_per_second": None},
        settings={"timeout_per_gib": 8, "bandwidth_bytes": 100 * MIB},
    )

    # 4 GiB in 40 s beside 50 MiB/s would be 153, as if nothing of the working set were sent twice.
    assert changes(found)["bandwidth"] == {"bandwidthPerMigration": "158Mi"}


def test_without_the_dirty_rate_it_is_not_said_that_nothing_fits() -> None:
    found = advised(
        vm={"dirty_bytes_per_second": None, "bears_pause": False, "bears_post_copy": False},
        network={"rate_bytes_per_second": None},
        settings={"bandwidth_bytes": 8 * MIB},
    )

    assert (found.answer, found.outcome.missing) == ("unknown", ("dirty_rate",))


def test_bandwidth_that_the_link_does_not_have_is_no_help_also_where_a_pause_would_end_it() -> None:
    found = advised(
        vm={"memory_bytes": 2 * GIB, "gigabytes": 3, "dirty_bytes_per_second": 160 * MIB},
        network={"link_bytes_per_second": 256 * MIB, "rate_bytes_per_second": None},
        settings={"timeout_per_gib": 3, "workload_disruption": True},
    )

    assert why_not(found)["bandwidth"].endswith("are needed, and the network gives one migration 256 MiB/s")


def test_levers_stand_in_the_order_of_their_risk() -> None:
    assert [*LEVERS] == [action for action in RISKS if action != "progress_timeout"]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"link_bytes_per_second": 212 * MIB, "outbound": 2}, {"bandwidth": {"bandwidthPerMigration": "106Mi"}}),
        (
            {"link_bytes_per_second": 212 * MIB, "outbound": 4},
            {"parallelism": {"bandwidthPerMigration": "106Mi", "parallelOutboundMigrationsPerNode": 2}},
        ),
        ({"link_bytes_per_second": 90 * MIB, "outbound": 4, "rate_bytes_per_second": 22 * MIB}, {}),
    ],
    ids=["the link has it for both", "for two of four", "not for one"],
)
def test_a_shared_link_decides_between_bandwidth_and_parallelism(network: dict[str, Any], expected: Any) -> None:
    found = changes(advised(network=network))

    assert {action: found[action] for action in ("bandwidth", "parallelism") if action in found} == expected


def test_a_rate_far_below_the_cap_shows_what_the_link_carries() -> None:
    """Two migrations get 30 MiB/s each under a cap of 64, so the cap is not what holds them."""
    found = advised(
        vm={"dirty_bytes_per_second": 5 * MIB}, network={"rate_bytes_per_second": 30 * MIB, "outbound": 2}
    )  # fmt: skip

    assert "the network gives one migration 30 MiB/s" in why_not(found)["bandwidth"]
    assert changes(found)["parallelism"] == {"parallelOutboundMigrationsPerNode": 1}


def test_no_cap_leaves_no_bandwidth_to_raise() -> None:
    found = advised(settings={"bandwidth_bytes": 0})

    assert why_not(found)["bandwidth"] == "no cap is set: the network alone limits the copy"


def test_without_the_dirty_rate_only_what_does_not_hang_on_it_is_advised() -> None:
    """8 GiB cannot pass in 90 s at 64 MiB/s, whatever is dirtied; standing still, they can in 135 s."""
    found = advised(vm={"dirty_bytes_per_second": None}, settings={"timeout_per_gib": 10})

    assert changes(found) == {
        "pause": {"allowWorkloadDisruption": True, "allowPostCopy": False, "completionTimeoutPerGiB": 15},
        "post_copy": {"allowPostCopy": True, "allowWorkloadDisruption": True},
    }
    assert set(why_not(found).values()) == {"how fast memory is dirtied is not known"}


def test_where_no_limit_is_set_pause_and_post_copy_need_one() -> None:
    found = advised(vm={"dirty_bytes_per_second": 64 * MIB}, settings={"timeout_per_gib": 0})

    assert changes(found)["pause"]["completionTimeoutPerGiB"] == 15
    assert changes(found)["post_copy"]["completionTimeoutPerGiB"] == 15
    assert "deadline" not in {**changes(found), **why_not(found)}


def test_a_vm_that_writes_more_than_auto_converge_can_stop() -> None:
    found = advised(vm={"dirty_bytes_per_second": 7000 * MIB})

    assert why_not(found)["auto_converge"] == "not even 99 % less CPU time makes the copy end"


def test_a_copy_that_would_take_weeks_is_no_advice() -> None:
    found = advised(vm={"dirty_bytes_per_second": 63.99 * MIB})

    assert "days" in why_not(found)["deadline"]


def test_a_negative_progress_timeout_is_repaired_first() -> None:
    fine = advised(settings={"timeout_per_gib": 228, "progress_timeout": -1})
    slow = advised(settings={"progress_timeout": -1})

    assert changes(fine) == {"progress_timeout": {"progressTimeout": 150}}
    assert changes(slow)["deadline"] == {"completionTimeoutPerGiB": 228, "progressTimeout": 150}


def test_a_negative_progress_timeout_is_named_also_where_the_rest_is_not_known() -> None:
    found = advised(vm={"dirty_bytes_per_second": None}, settings={"progress_timeout": -1, "timeout_per_gib": 228})

    assert (found.answer, found.outcome.finishes, found.outcome.missing) == ("unknown", False, ("dirty_rate",))
    assert "150 in any case" in why_not(found)["progress_timeout"]


@pytest.mark.parametrize(
    ("settings", "vm", "how", "finishes"),
    [
        ({"workload_disruption": True}, {}, "pause", True),
        ({"workload_disruption": True, "post_copy": True}, {}, "post_copy", True),
        ({"workload_disruption": True, "post_copy": True}, {"has_host_devices": True}, "pause", True),
        ({"workload_disruption": True, "post_copy": True}, {"has_host_devices": None}, "post_copy_or_pause", True),
        ({"workload_disruption": True, "timeout_per_gib": 1}, {}, "", False),
        ({"workload_disruption": True, "post_copy": True, "timeout_per_gib": 1}, {}, "post_copy", True),
        (
            {"workload_disruption": True, "post_copy": True, "timeout_per_gib": 1},
            {"has_host_devices": None},
            "",
            None,
        ),
        ({"workload_disruption": True, "timeout_per_gib": 0}, {"dirty_bytes_per_second": 64 * MIB}, "", False),
        ({"post_copy": True}, {}, "", False),
    ],
    ids=[
        "pause",
        "post-copy",
        "host devices",
        "devices unknown",
        "too long a pause",
        "post-copy has no limit",
        "devices unknown and too long a pause",
        "no limit",
        "no disruption",
    ],
)
def test_what_kubevirt_does_at_the_limit(
    settings: dict[str, Any], vm: dict[str, Any], how: str, finishes: bool | None
) -> None:
    outcome: Outcome = advised(settings=settings, vm=vm).outcome

    assert (outcome.how, outcome.finishes) == (how, finishes)


RATE = st.none() | st.floats(0, 3000 * MIB)
WORKLOADS = st.builds(
    lambda gib, dirty, hot, devices, bears: Workload(
        gib * GIB, -(-gib * GIB // 10**9), dirty, hot, devices, bears[0], bears[1], bears[2]
    ),
    st.integers(1, 512),
    RATE,
    st.none() | st.floats(0, GIB),
    st.sampled_from([True, False, None]),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
NETWORKS = st.builds(Network, RATE, RATE, st.none() | st.integers(1, 10))
CONFIGURED = st.builds(
    Settings,
    bandwidth_bytes=st.none() | st.integers(0, 2000).map(lambda count: count * MIB),
    timeout_per_gib=st.none() | st.integers(-1, 1000),
    auto_converge=st.booleans(),
    post_copy=st.booleans(),
    workload_disruption=st.booleans(),
    progress_timeout=st.sampled_from([None, -1, 0, 150]),
    downtime_seconds=st.sampled_from([0.0, 0.3, 0.9]),
)


@given(vm=WORKLOADS, network=NETWORKS, settings=CONFIGURED)
def test_no_advice_ever_goes_beyond_what_the_vm_may_bear(vm: Workload, network: Network, settings: Settings) -> None:
    found = plan_tuning(vm, network=network, settings=settings)

    for option in found.options:
        assert option.outcome.finishes
        assert option.outcome.throttle_percent <= 99
        if option.policy.get("allowPostCopy"):
            assert vm.bears_post_copy
            assert vm.has_host_devices is False
        if option.policy.get("allowWorkloadDisruption") and not option.policy.get("allowPostCopy"):
            assert vm.bears_pause
        if option.policy.get("allowAutoConverge"):
            assert vm.bears_throttling
    actions = [option.action for option in found.options]
    assert actions == sorted(actions, key=[*RISKS].index)
    assert bool(found.options) == (found.answer == "change")
    assert (found.answer == "unknown") >= (found.outcome.finishes is None)
    assert not found.outcome.finishes or found.answer == "none_needed"
    assert found.answer != "unknown" or found.outcome.missing


@given(vm=WORKLOADS, network=NETWORKS, settings=CONFIGURED, more=st.floats(1, 20))
def test_more_bandwidth_never_makes_a_copy_later_that_is_not_throttled(
    vm: Workload, network: Network, settings: Settings, more: float
) -> None:
    """With auto-converge it can: QEMU throttles less where the copy is faster."""
    settings = replace(settings, auto_converge=False, bandwidth_bytes=0)
    rate = network.rate_bytes_per_second
    network = Network(None, rate, None)
    faster = replace(network, rate_bytes_per_second=None if rate is None else rate * more)
    before = predict(vm, network=network, settings=settings)
    after = predict(vm, network=faster, settings=settings)

    if before.finishes and before.seconds is not None:
        assert after.finishes
        assert after.seconds is not None
        assert after.seconds <= before.seconds * (1 + 1e-9)
