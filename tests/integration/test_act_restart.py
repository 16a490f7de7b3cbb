# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server is killed in the middle of an act and comes back as another process.

Afterwards the act is done, or cleanly not done, and the next run completes it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.acting import at_real_pace, cancel, expire_locks, going_on, only, retry
from tests.integration.fault_proxy import FaultProxy
from tests.integration.simulated import MIGRATIONS, is_gone, items, plant

INSIST = {"accept_risks": ["NotStuck"]}
MIGRATION = r"/virtualmachineinstancemigrations"


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


@contextmanager
def restarted(cluster: Cluster, method: str, path: str, *, is_before: bool) -> Iterator[FaultProxy]:
    """The API server dies at this request, before or after it has served it, and is started again meanwhile."""
    is_back = threading.Event()

    def start() -> None:
        with cluster.api_server_away():
            killed.set()
        is_back.set()

    killed = threading.Event()

    def kill() -> None:
        threading.Thread(target=start, daemon=True).start()
        killed.wait(60)

    with FaultProxy(cluster) as proxy:
        proxy.meanwhile(kill, method=method, path=path, is_before=is_before)
        yield proxy
        assert is_back.wait(120), cluster.has_died()


@pytest.mark.parametrize(
    ("method", "path", "is_before"),
    [("POST", "team-a/leases", False), ("DELETE", MIGRATION, True), ("DELETE", MIGRATION, False)],
    ids=["locked", "before the delete", "after the delete"],
)
def test_restart_in_the_middle_of_a_cancel(cluster: Cluster, method: str, path: str, is_before: bool) -> None:
    vmim = plant(cluster, "Running")
    with going_on(cluster), restarted(cluster, method, path, is_before=is_before) as proxy:
        entry = only(cancel(cluster, proxy=proxy, wait_timeout=60, **INSIST))

    assert entry["state"] in ("cancelled", "refused", "unknown"), entry
    assert is_gone(cluster, vmim) == (entry["state"] == "cancelled"), entry
    expire_locks(cluster)
    with going_on(cluster):
        again = only(cancel(cluster, **INSIST))
    assert again["state"] in ("cancelled", "gone"), again
    assert items(cluster, MIGRATIONS) == []


@pytest.mark.parametrize("is_before", [True, False], ids=["before the create", "after the create"])
def test_restart_in_the_middle_of_a_retry(cluster: Cluster, is_before: bool) -> None:
    plant(cluster, "Failed")
    with restarted(cluster, "POST", MIGRATION, is_before=is_before) as proxy:
        entry = only(retry(cluster, proxy=proxy, wait_timeout=60))

    def made() -> list[Any]:
        return [one for one in items(cluster, MIGRATIONS) if "retry" in one["metadata"]["name"]]

    assert len(made()) == (entry["state"] == "created"), entry
    if not made():
        expire_locks(cluster)
        again = only(retry(cluster))
        assert (again["state"], again["attempt"]) == ("created", 1), again
    assert len(made()) == 1
