# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_tuning_info with what virt-handler measured, through the pod proxy of a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.tuning_info import run
from tests.cluster import Cluster
from tests.integration.looking import client_of
from tests.integration.test_progress_of_handlers import HastyClock
from tests.integration.transcripts import printed_steps, shown_steps
from tests.integration.tuning_worlds import DB_1, DB_2, WEB_1

Object = dict[str, Any]


@pytest.fixture(scope="module")
def reachable() -> Iterator[Cluster]:
    """A cluster whose API server reaches its pods."""
    with Cluster.start(audit=True, simulator=True, pods=True) as running:
        yield running


def ask(cluster: Cluster, scenario: str, **params: Any) -> Object:
    cluster.reset()
    cluster.simulator.play(scenario)
    clock: Any = HastyClock()
    with client_of(cluster, "admin") as client:
        return run(client, {"progress": "virt_handler", **params}, clock)


def test_measured_rates_are_what_the_advice_rests_on(reachable: Cluster) -> None:
    result = ask(reachable, "tuning")
    found = {f"{one['namespace']}/{one['vm']}": one for one in result["vms"]}

    assert {name: one["answer"] for name, one in found.items()} == {
        DB_1: "change",
        DB_2: "change",
        WEB_1: "none_needed",
    }
    assert (found[DB_1]["dirty_bytes_per_second"], found[DB_1]["transfer_bytes_per_second"]) == (60 << 20, 64 << 20)
    assert (found[DB_1]["seconds"], found[DB_1]["limit_seconds"]) == (2044, 540)
    assert [one["completion_timeout_per_gib"] for one in result["changes"]["policies"]] == [228]


def test_a_guest_that_writes_all_that_is_copied_may_write_more_so_no_value_is_taken_unasked(
    reachable: Cluster,
) -> None:
    by_itself = ask(reachable, "copy-not-converging")
    with_margin = ask(reachable, "copy-not-converging", dirty_rate_margin=50, link="1Gi")

    (vm,), (group,) = by_itself["vms"], by_itself["groups"]
    assert (vm["answer"], vm["reason"], vm["dirty_rate_is_at_least"]) == ("change", "diverges", True)
    assert "it may be more" in " ".join(vm["assumes"])
    assert (by_itself["changes"]["policies"], group["chosen"]) == ([], "")
    assert "may write more than was seen" in group["why_not"]
    assert with_margin["vms"][0]["dirty_rate_is_at_least"]
    assert "than was seen and 50 %" in " ".join(with_margin["vms"][0]["assumes"])
    assert len(with_margin["changes"]["policies"]) == 1


def test_a_copy_that_moves_nothing_is_helped_by_no_setting(reachable: Cluster) -> None:
    result = ask(reachable, "copy-no-data-flow")

    assert [one["answer"] for one in result["vms"]] == ["no_setting_helps"]
    assert result["changes"] == {"policies": [], "settings": {}, "reason": ""}
    assert "no setting helps" in result["summary"]["text"]


def test_one_vm_costs_at_most_eighteen_requests_with_its_figures(reachable: Cluster) -> None:
    mark = reachable.audit_mark()

    result = ask(reachable, "tuning", vms=[DB_1])

    made = [one for one in reachable.audit_since(mark) if one["userAgent"] == "kubevirt_ops.live_migration"]
    assert result["coverage"]["requests"] == len(made) <= 18, [one["requestURI"] for one in made]


def test_the_page_shows_what_is_printed(reachable: Cluster) -> None:
    """`make demo SCENARIO=tuning` prints the same at 80 columns: what differs is to be taken over from there."""
    reachable.reset()
    reachable.simulator.play("tuning")

    printed, shown = printed_steps(reachable), shown_steps()

    assert [*shown] == [*printed]
    for name, blocks in shown.items():
        printed_name = printed[name]
        for block in blocks:
            assert block in printed_name, f"{name} of docs/tuning.md: {block}\nwhat is printed: {printed_name}"
    assert sum(len(block.splitlines()) for blocks in shown.values() for block in blocks) > 80
