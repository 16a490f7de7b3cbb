# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module that changes something under each fault of the network, at one of its requests after the other.

Afterwards it is done or not done and the module has said which, or that it does not know. The next run completes it.
test_act_faults.py has each step of the acts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.retry import ATTEMPTS
from tests.cluster import Cluster
from tests.integration.acting import at_real_pace, expire_locks, going_on
from tests.integration.alert_worlds import PATH
from tests.integration.fault_proxy import FaultProxy
from tests.integration.faulty import FAULTS, Ended, assert_clear, assert_ended_in_time, disturbed_of, run_module
from tests.integration.keeping import POLICIES, WANTED
from tests.integration.settings_worlds import migrations
from tests.integration.simulated import MIGRATIONS, QUIET, has_ended_by_delete, items, plant
from tests.integration.test_act_faults import STEPS, made

Object = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A module that changes something: its options, what is so afterwards as the cluster has it, and of how many of its
    requests one is disturbed in each cell (others in the next cell, so that all are)."""

    options: Object
    state: Callable[[Cluster], Any]
    stride: int = 3


def _spec(cluster: Cluster, path: str) -> Any:
    status, body = cluster.request("GET", path)
    return body["spec"] if status == 200 else None


KEEPING: dict[str, Change] = {
    "migration_settings": Change({"settings": {"progress_timeout": 240}}, migrations),
    "migration_policy": Change(WANTED, lambda cluster: _spec(cluster, f"{POLICIES}/{WANTED['name']}")),
    "migration_alert": Change({}, lambda cluster: _spec(cluster, PATH)),
}
# Of an act its deed, and in each cell one other step: what it decides by, the lock, the lock's release.
ACTS: dict[str, tuple[Object, str, tuple[str, ...]]] = {
    "migration_cancel": (
        {"namespace": "team-a", "vm": "web-1", "accept_risks": ["NotStuck"], "wait_timeout": 20},
        "cancel",
        ("delete", "migration read", "lock", "release"),
    ),
    "migration_retry": (
        {"namespace": "team-a", "vm": "web-1"},
        "retry",
        ("create", "migrations read", "lock", "release"),
    ),
}
DEEDS = ("delete_migration", "create_migration")
CHANGES = {*KEEPING, *ACTS}


@pytest.fixture(autouse=True)
def _quiet(cluster: Cluster) -> None:
    at_real_pace(cluster)


def is_open(ended: Ended) -> bool:
    """Whether the module says that it does not know what became of its change."""
    return bool(ended.printed["error"]["uncertain"])


def told_that_it_may_be_done(ended: Ended) -> bool:
    """Whether the module says of its change that it was made, or that this is not known."""
    steps = {step["outcome"] for step in ended.printed.get("plan", ())}
    return bool(ended.printed.get("changed") or is_open(ended) or steps & {"done", "unknown"})


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("name", KEEPING, ids=str)
def test_module_that_keeps_something_has_done_it_or_not_and_says_which(cluster: Cluster, name: str, fault: str) -> None:
    change = KEEPING[name]
    with FaultProxy(cluster, is_tls="TLS" in fault) as proxy:

        def run() -> Ended:
            return run_module(name, change.options, cluster=cluster, proxy=proxy)

        cluster.simulator.play(QUIET)
        before, truth, wanted = change.state(cluster), run(), change.state(cluster)
        for request in disturbed_of(truth, fault, stride=change.stride):
            cluster.reset()
            cluster.simulator.play(QUIET)
            proxy.faults.clear()
            proxy.fail(path=f"^{re.escape(request)}$", times=1000, **FAULTS[fault])
            ended = run()

            assert proxy.faults[0].times < 1000, f"{request} was not sent"
            assert_ended_in_time(ended, truth)
            assert_done_or_not(ended, change.state(cluster), before=before, wanted=wanted)
            proxy.faults.clear()
            assert not run().has_failed
            assert change.state(cluster) == wanted


def assert_done_or_not(ended: Ended, found: Any, *, before: Any, wanted: Any) -> None:
    """What the cluster has is what the module says."""
    assert found in (before, wanted)
    if not ended.has_failed:
        assert (found == wanted) == ended.printed["changed"], ended.printed
    elif ended.printed.get("refused"):
        assert found == before
        assert ended.printed["refusals"]
    else:
        assert_clear(ended)
        assert (
            told_that_it_may_be_done(ended) if found == wanted else not ended.printed.get("changed") or is_open(ended)
        ), ended.printed


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("name", ACTS, ids=str)
def test_module_that_acts_has_done_it_or_not_and_says_which(cluster: Cluster, name: str, fault: str) -> None:
    options, act, names = ACTS[name]
    deed, *others = names
    for step in (deed, others[[*FAULTS].index(fault) % len(others)]):
        method, path = STEPS[act][step]
        cluster.reset()
        plant(cluster, "Running" if act == "cancel" else "Failed")
        with FaultProxy(cluster, is_tls="TLS" in fault) as proxy, going_on(cluster):
            proxy.fail(path=path, method=method, times=ATTEMPTS, **FAULTS[fault])
            ended = run_module(name, options, cluster=cluster, proxy=proxy, is_hasty=True)
            assert proxy.faults[0].times < ATTEMPTS, f"{step} met no request"
            assert_act(ended, act, is_done=_is_done(cluster, act))
            proxy.faults.clear()
            expire_locks(cluster)
            again = run_module(name, options, cluster=cluster, proxy=proxy, is_hasty=True)
            assert not again.has_failed, (step, again.printed)
        assert _is_done(cluster, act), (step, ended.printed, again.printed)


def _is_done(cluster: Cluster, act: str) -> bool:
    if act == "cancel":
        return all(map(has_ended_by_delete, items(cluster, MIGRATIONS)))
    assert len(made(cluster)) <= 1
    return bool(made(cluster))


def assert_act(ended: Ended, act: str, *, is_done: bool) -> None:
    """What the cluster has is what the entry says, and it says something."""
    if ended.has_failed and "error" in ended.printed:
        assert_clear(ended)
        assert not is_done or told_that_it_may_be_done(ended), ended.printed
        return
    (entry,) = ended.printed["results"]
    if entry["state"] in ("cancelled", "gone", "created"):
        assert is_done, entry
        return
    assert entry["state"] in ("refused", "unknown"), entry
    assert entry["reason"], entry
    sent = [one for one in entry["plan"] if one["outcome"] == "done" and one["action"] in DEEDS]
    assert not (is_done or sent) or entry["state"] == "unknown", entry
