# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module that looks under each fault of the network, at one of its requests after the other.

What it says then is what is true, or that it does not know, or it fails and says why; and it ends in time. Those that
change something: test_fault_table_of_changes.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import at_real_pace
from tests.integration.fault_proxy import FaultProxy
from tests.integration.faulty import FAULTS, Ended, assert_clear, assert_ended_in_time, disturbed_of, run_module
from tests.integration.test_fault_table_of_changes import CHANGES
from tests.make.places import ROOT

Object = dict[str, Any]
Said = dict[str, tuple[Any, ...]]
# Nothing but the state of node-b tells that the copy cannot end.
WORLD: Object = {
    "title": "A copy to a node that is silent",
    "nodes": [{"name": "node-a"}, {"name": "node-b", "ready": "Unknown", "since": 900}, {"name": "node-c"}],
    "vms": [{"name": "team-a/web-1", "node": "node-a"}, {"name": "team-a/db-1", "node": "node-a"}],
    "migrations": [{"vm": "team-a/web-1", "phase": "Running", "since": 200, "target": "node-b"}],
}
# What must not be said of team-a/web-1 and node-b by who has not seen all.
GOOD = {"healthy", "progressing", "succeeded", "queued", "late", "would_migrate", "none_needed", "allowed"}
# What the issue asks for, in its words.
ASKED = (
    *("drops", "delays", "truncates", "duplicates", "closes in mid-body", "breaks TLS"),
    *("401", "403", "404", "409", "410", "429", "500", "503"),
)


@dataclass(frozen=True)
class Look:
    """A module that looks: its options, what it says of whom, and of how many of its requests one is disturbed in each
    cell (others in the next cell, so that all are)."""

    says: Callable[[Object], Said]
    options: Object
    stride: int = 1


def _migrations(result: Object) -> Said:
    return {one["vm"]: (one["verdict"], one["cause"]) for one in result["migrations"]}


def _nodes(result: Object) -> Said:
    found = {one["name"]: (one["verdict"], [reason["code"] for reason in one["reasons"]]) for one in result["nodes"]}
    return {"node-b": found["node-b"]}


def _drained(result: Object) -> Said:
    return {one["vm"]: (one["verdict"], one["reason"]) for one in result["vms"]}


def _tuned(result: Object) -> Said:
    return {one["vm"]: (one["answer"], one["verdict"], one["cause"]) for one in result["vms"]}


def _taken(result: Object) -> Said:
    """The verdict, and what is in the bundle. A file that is missing is told of, see `not_read`."""
    verdicts = [verdict for verdict, count in result["summary"]["by_verdict"].items() if count]
    return {"web-1": (*verdicts, len(result["files"]), result["not_read"] == [])}


LOOKS: dict[str, Look] = {
    "migration_info": Look(_migrations, {}),
    "node_health_info": Look(_nodes, {}),
    "preflight_info": Look(_drained, {"nodes": ["node-a"]}, stride=5),
    "migration_tuning_info": Look(_tuned, {"dirty_rates": {"team-a/web-1": "60Mi"}}, stride=3),
    "migration_evidence": Look(_taken, {}, stride=9),
}
# The action plugin that stands behind this name asks no API server.
ASKS_NOBODY = {"migration_report"}


def test_table_has_every_module_and_every_fault() -> None:
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}

    assert modules == {*LOOKS, *CHANGES, *ASKS_NOBODY}
    assert [one for one in ASKED if not any(one in name for name in FAULTS)] == []


@pytest.mark.parametrize("name", sorted(ASKS_NOBODY))
def test_module_without_a_request_has_no_way_to_make_one(name: str) -> None:
    """Of the room that talks to a cluster it has what reads files, and nothing that connects."""
    package = "ansible_collections.kubevirt_ops.live_migration.plugins"
    code = f"import sys, {package}.action.{name}; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())

    assert f"{package}.action.{name}" in loaded
    ways = ("kubernetes", f"{package}.module_utils._cluster.session", f"{package}.module_utils._cluster.client")
    assert [one for one in loaded if one in ways or one.startswith(f"{package}.module_utils._flow")] == []


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    at_real_pace(cluster)
    cluster.simulator.play(WORLD)
    return cluster


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("name", LOOKS, ids=str)
def test_module_that_looks_says_what_is_true_or_what_it_lacks(
    world: Cluster, tmp_path: Path, name: str, fault: str
) -> None:
    look = LOOKS[name]
    target = {"path": str(tmp_path / "bundle")} if name == "migration_evidence" else {}
    with FaultProxy(world, is_tls="TLS" in fault) as proxy:
        truth = run_module(name, {**look.options, **target}, cluster=world, proxy=proxy)
        disturbed = disturbed_of(truth, fault, stride=look.stride)
        for number, request in enumerate(disturbed):
            proxy.faults.clear()
            proxy.fail(path=f"^{re.escape(request)}$", times=1000, **FAULTS[fault])
            target = {"path": str(tmp_path / str(number))} if target else {}
            ended = run_module(name, {**look.options, **target}, cluster=world, proxy=proxy)

            assert proxy.faults[0].times < 1000, f"{request} was not sent"
            assert_ended_in_time(ended, truth)
            if ended.has_failed:
                assert_clear(ended)
                assert not target or not Path(target["path"]).exists(), request
            else:
                assert_true_or_open(
                    look.says(ended.printed),
                    look.says(truth.printed),
                    # An answer that an object is not there is believed, whoever planted it.
                    has_gap=fault == "404" or has_gap(ended),
                )


def has_gap(ended: Ended) -> bool:
    """Whether the result says that something could not be read."""
    return not ended.printed["coverage"]["complete"] or bool(ended.printed.get("not_read"))


def assert_true_or_open(said: Said, truth: Said, *, has_gap: bool) -> None:
    """The same as without a fault; or it is said that something was not seen, and nothing sick is called well."""
    if said == truth:
        return
    assert has_gap, (said, truth)
    for one in ("web-1", "node-b"):
        assert not GOOD & set(map(str, said.get(one, ()))), (said, truth)
