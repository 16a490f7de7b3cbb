# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many reads of one client: side by side within a bound, each with its own answer, and none waited for in vain."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
    Timeout,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.session import (
    PARALLEL_CONNECTIONS,
    Answer,
)
from tests.unit.plugins.module_utils._cluster.network import (
    FakeClock,
    ScriptedTransport,
    a_client,
    a_list,
    a_status,
    an_answer,
)

NODE = an_answer({"kind": "Node", "metadata": {"name": "n", "managedFields": [{}]}})


def test_get_many_gives_each_path_its_object_or_its_error() -> None:
    client, _transport, _clock = a_client(NODE, a_status(404), NODE)

    found = client.get_many(["/a", "/b", "/a", "/c"], parallel=1)

    assert list(found) == ["/a", "/b", "/c"]
    assert isinstance(found["/b"], NotFound)
    assert [isinstance(found[path], dict) for path in ("/a", "/c")] == [True, True]


def test_get_many_of_nothing_asks_nothing() -> None:
    client, _transport, _clock = a_client()

    assert client.get_many([]) == {}


def test_get_many_of_an_unreachable_server_waits_for_one_only() -> None:
    client, transport, _clock = a_client(Timeout("silent", path="/a"))

    found = client.get_many(["/a", "/b", "/c"], parallel=1)

    assert [(type(one), one.path) for one in found.values() if isinstance(one, ClusterError)] == [
        (Timeout, "/a"), (Timeout, "/b"), (Timeout, "/c"),
    ]  # fmt: skip
    assert len(transport.sent) == 1


def test_get_many_after_an_answer_tries_the_others_too() -> None:
    client, _transport, _clock = a_client(NODE, Timeout("slow"), NODE)

    found = client.get_many(["/a", "/b", "/c"], parallel=1)

    assert [type(one) for one in found.values()] == [dict, Timeout, dict]


def test_get_many_in_parallel_counts_every_request() -> None:
    client, _transport, _clock = a_client(*[NODE] * 200)

    found = client.get_many([f"/{number}" for number in range(200)])

    assert len(found) == client.requests == 200


def test_list_many_reads_every_page_of_each_question_and_keeps_errors_apart() -> None:
    replies = (a_list("a", token="more"), a_list("b"), a_status(403, reason="Forbidden"), a_list("c"))
    client, transport, _clock = a_client(*replies)

    found = client.list_many("/api/v1/pods", queries=[{"fieldSelector": f"x={one}"} for one in "123"], parallel=1)

    names = [one if isinstance(one, ClusterError) else [item["metadata"]["name"] for item in one] for one in found]
    assert names[0] == ["a", "b"]
    assert isinstance(names[1], Forbidden)
    assert names[2] == ["c"]
    assert ["x%3D1" in sent.query for sent in transport.sent] == [True, True, False, False]


class Crowded(ScriptedTransport):
    """A transport that answers nobody before so many requests are under way at once."""

    def __init__(self, count: int) -> None:
        super().__init__([])
        self._all_are_here = threading.Barrier(count)
        self._lock = threading.Lock()
        self._under_way = 0
        self.most = 0

    def send(self, method: str, **_more: Any) -> Answer:
        with self._lock:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        self._all_are_here.wait(timeout=60)
        with self._lock:
            self._under_way -= 1
        return NODE


@pytest.mark.parametrize(
    ("parallel", "at_once"), [(8, 8), (3, 3), (100, PARALLEL_CONNECTIONS)], ids=["usual", "fewer", "more than may be"]
)
def test_get_many_asks_in_parallel_within_its_bound(parallel: int, at_once: int) -> None:
    transport = Crowded(at_once)
    client = Client(transport, clock=FakeClock(), request_timeout=30)

    found = client.get_many([f"/{number}" for number in range(5 * at_once)], parallel=parallel)

    assert all(isinstance(one, dict) for one in found.values())
    assert len(found) == 5 * at_once
    assert transport.most == at_once
