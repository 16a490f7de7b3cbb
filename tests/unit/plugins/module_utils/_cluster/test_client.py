# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client over a scripted transport: what is asked, what comes back, what is repeated."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Table
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    BadRequest,
    ClusterError,
    ConnectionLost,
    Forbidden,
    Gone,
    NotFound,
    Redirected,
    ServerFault,
    TableUnsupported,
    Timeout,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.retry import ATTEMPTS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from tests.unit.plugins.module_utils._cluster.network import a_client, a_list, a_status, an_answer

NODES = "/api/v1/nodes"
NODE = an_answer({"kind": "Node", "metadata": {"name": "n", "managedFields": [{}]}})
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def a_table(*names: str, token: str = "") -> object:
    rows = [{"cells": [name, "Running"], "object": None} for name in names]
    columns = [{"name": "Name"}, {"name": "Phase"}]
    return an_answer({"kind": "Table", "metadata": {"continue": token}, "columnDefinitions": columns, "rows": rows})


def test_get_gives_the_object_without_managed_fields() -> None:
    client, transport, _clock = a_client(NODE)

    assert client.get(NODES + "/n") == {"kind": "Node", "metadata": {"name": "n"}}
    assert [(one.path, one.query, one.accept) for one in transport.sent] == [(NODES + "/n", "", "application/json")]


def test_get_writes_the_query_as_the_server_reads_it() -> None:
    client, transport, _clock = a_client(NODE)

    client.get(NODES, query={"labelSelector": "a in (b,c)", "watch": False, "absent": None, "limit": 5})

    assert transport.sent[0].query == "labelSelector=a+in+%28b%2Cc%29&watch=false&limit=5"


def test_server_time_is_the_date_of_the_newest_answer_errors_included() -> None:
    client, _transport, _clock = a_client(NODE, a_status(404, date="Mon, 23 Nov 2026 09:30:00 GMT"))
    assert client.server_time is None

    client.get(NODES)
    with pytest.raises(NotFound):
        client.get(NODES)

    assert client.server_time == datetime(2026, 11, 23, 9, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize("date", ["", "yesterday", "32"], ids=["absent", "words", "number"])
def test_server_time_without_a_date_is_unknown(date: str) -> None:
    client, _transport, _clock = a_client(an_answer({}, date=date))

    client.get(NODES)

    assert client.server_time is None


def test_list_reads_every_page_and_names_the_kind_of_each_object() -> None:
    client, transport, _clock = a_client(a_list("a", "b", token="t1"), a_list("c", token="t2"), a_list("d"))

    found = client.list(NODES, query={"resourceVersion": "0", "labelSelector": "x"}, limit=2)

    assert found[0] == {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "a"}}
    assert [one["metadata"]["name"] for one in found] == ["a", "b", "c", "d"]
    assert [one.query for one in transport.sent] == [
        "limit=2&resourceVersion=0&labelSelector=x",
        "limit=2&labelSelector=x&continue=t1",
        "limit=2&labelSelector=x&continue=t2",
    ]


def test_list_keeps_an_object_s_own_kind() -> None:
    own = {"kind": "Own", "apiVersion": "g/v2", "metadata": None}
    client, _transport, _clock = a_client(an_answer({"kind": "OwnList", "apiVersion": "g/v1", "items": [own]}))

    assert client.list("/apis/g/v2/owns") == [own]


@pytest.mark.parametrize("items", [{"items": []}, {"items": None}, {}], ids=["empty", "null", "absent"])
def test_list_of_nothing_is_empty(items: dict[str, object]) -> None:
    client, _transport, _clock = a_client(an_answer({"kind": "NodeList", "apiVersion": "v1", **items}))

    assert client.list(NODES) == []


def test_list_starts_over_when_its_state_is_gone_between_two_pages() -> None:
    client, transport, _clock = a_client(a_list("old", token="t"), a_status(410), a_list("a", token="u"), a_list("b"))

    assert [one["metadata"]["name"] for one in client.list(NODES)] == ["a", "b"]
    assert [one.query for one in transport.sent] == [
        "limit=500", "limit=500&continue=t", "limit=500", "limit=500&continue=u",
    ]  # fmt: skip


def test_list_that_is_gone_again_and_again_is_an_error_and_never_half_a_list() -> None:
    client, transport, _clock = a_client(*[a_list("a", token="t"), a_status(410, reason="Expired")] * 3)

    with pytest.raises(Gone, match=r"^GET /api/v1/nodes answered 410 Expired: no\. The list changes faster"):
        client.list(NODES)
    transport.close()


def test_list_that_repeats_its_token_is_an_error() -> None:
    client, _transport, _clock = a_client(a_list("a", token="t"), a_list("b", token="t"))

    with pytest.raises(BadAnswer, match="gave the same page twice"):
        client.list(NODES)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "Node"}, "answered with Node where a list belongs"),
        ({"kind": "NodeList", "items": {}}, "answered with NodeList where a list belongs"),
        ({"items": []}, "answered with None where a list belongs"),
        ({"kind": "NodeList", "items": [1]}, "a list that holds something other than objects"),
    ],
    ids=["one object", "items is a map", "no kind", "items are numbers"],
)
def test_list_of_another_shape_is_an_error(body: dict[str, object], said: str) -> None:
    client, _transport, _clock = a_client(an_answer(body))

    with pytest.raises(BadAnswer, match=said):
        client.list(NODES)


def test_table_asks_for_cells_alone_and_gives_columns_and_rows() -> None:
    client, transport, _clock = a_client(a_table("a", token="t"), a_table("b"))

    assert client.table(NODES) == Table(columns=["Name", "Phase"], rows=[["a", "Running"], ["b", "Running"]])
    assert [one.accept for one in transport.sent] == [TABLE, TABLE]
    assert [one.query for one in transport.sent] == ["includeObject=None", "includeObject=None&continue=t"]


def test_table_of_nothing_keeps_its_columns() -> None:
    client, _transport, _clock = a_client(a_table())

    assert client.table(NODES) == Table(columns=["Name", "Phase"], rows=[])


@pytest.mark.parametrize("answer", [a_list("a"), a_status(406)], ids=["ignored", "refused"])
def test_table_that_the_server_does_not_know_is_said(answer: object) -> None:
    client, _transport, _clock = a_client(answer)

    with pytest.raises(TableUnsupported) as caught:
        client.table(NODES)
    assert caught.value.path == NODES


def test_table_that_is_forbidden_is_forbidden() -> None:
    client, _transport, _clock = a_client(a_status(403))

    with pytest.raises(Forbidden):
        client.table(NODES)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_get_repeats_what_a_server_gets_over(status: int) -> None:
    client, _transport, clock = a_client(a_status(status), a_status(status), NODE)

    assert client.get(NODES)["kind"] == "Node"
    assert (clock.sleeps, client.requests) == ([0.25, 0.5], 3)


def test_get_repeats_after_a_lost_connection() -> None:
    client, _transport, clock = a_client(ConnectionLost("cut"), NODE)

    assert client.get(NODES)["kind"] == "Node"
    assert clock.sleeps == [0.25]


@pytest.mark.parametrize(
    "reply",
    [
        *(a_status(status) for status in (301, 400, 403, 404, 409, 410, 422, 501)),
        Timeout("t"),
        Unreachable("u"),
        an_answer(b"{"),
    ],
    ids=["301", "400", "403", "404", "409", "410", "422", "501", "timeout", "unreachable", "broken"],
)
def test_get_does_not_repeat_what_stays_so(reply: object) -> None:
    client, transport, clock = a_client(reply)

    with pytest.raises(ClusterError):
        client.get(NODES)
    assert (len(transport.sent), clock.sleeps) == (1, [])


def test_get_gives_up_after_the_attempts() -> None:
    client, _transport, clock = a_client(*[a_status(500, message="etcdserver: leader changed")] * ATTEMPTS)

    with pytest.raises(ServerFault, match="etcdserver: leader changed"):
        client.get(NODES)
    assert clock.sleeps == [0.25, 0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("asked", "slept"),
    [("2", 2), ("0", 0.1), ("9999", 10), ("99999999999999", 10), ("soon", 0.25), ("-3", 0.25)],
    ids=["honoured", "not at once", "clamped", "clamped when absurd", "words", "negative"],
)
def test_get_waits_as_retry_after_asks_within_limits(asked: str, slept: float) -> None:
    client, _transport, clock = a_client(a_status(429, retry_after=asked), NODE)

    client.get(NODES)

    assert clock.sleeps == [slept]


def test_get_does_not_wait_for_longer_than_request_timeout() -> None:
    client, _transport, clock = a_client(*[a_status(429, retry_after="10")] * 3)

    with pytest.raises(TooManyRequests, match="raise request_timeout"):
        client.get(NODES)
    assert clock.sleeps == [10, 10]


def test_get_after_401_repeats_once_with_renewed_credentials() -> None:
    client, _transport, clock = a_client(a_status(401), NODE, renewals=(True,))

    assert client.get(NODES)["kind"] == "Node"
    assert (client.requests, clock.sleeps) == (2, [])


@pytest.mark.parametrize(
    ("renewals", "requests"), [((False,), 1), ((True,), 2)], ids=["nothing new", "the new ones are refused too"]
)
def test_get_after_401_with_no_better_credentials_is_unauthorized(renewals: tuple[bool, ...], requests: int) -> None:
    client, _transport, _clock = a_client(*[a_status(401)] * requests, renewals=renewals)

    with pytest.raises(Unauthorized, match="renew the token"):
        client.get(NODES)
    assert client.requests == requests


def test_forbidden_carries_the_rule_that_is_missing() -> None:
    client, _transport, _clock = a_client(a_status(403, reason="Forbidden", message="pods is forbidden"))

    with pytest.raises(Forbidden) as caught:
        client.list("/api/v1/namespaces/team-a/pods")

    assert caught.value.rule == Rule("list", "", "pods", "team-a")
    assert str(caught.value) == (
        "GET /api/v1/namespaces/team-a/pods answered 403 Forbidden: pods is forbidden. "
        "Grant this user: list pods in namespace team-a."
    )


@pytest.mark.parametrize("verb", ["create", "patch"])
def test_apply_names_the_right_that_the_server_asked_for(verb: str) -> None:
    """A server-side apply of what is not there yet is a create too."""
    said = f'things.example.com "a" is forbidden: User "jo" cannot {verb} resource "things" in API group "example.com"'
    client, _transport, _clock = a_client(a_status(403, reason="Forbidden", message=said))

    with pytest.raises(Forbidden) as caught:
        client.write(Write("apply", "/apis/example.com/v1/namespaces/team-a/things/a", {}))

    assert caught.value.rule == Rule(verb, "example.com", "things", "team-a")


@pytest.mark.parametrize(
    "why",
    [
        "unable to create new content in namespace team-a because it is being terminated",
        "exceeded quota: tight, requested: count/leases=1, used: count/leases=9, limited: count/leases=9",
    ],
    ids=["namespace goes", "quota"],
)
def test_what_is_forbidden_to_all_asks_for_no_right(why: str) -> None:
    said = f'leases.coordination.k8s.io "x" is forbidden: {why}'
    client, _transport, _clock = a_client(a_status(403, reason="Forbidden", message=said))

    with pytest.raises(BadRequest) as caught:
        client.list("/apis/coordination.k8s.io/v1/namespaces/team-a/leases")

    assert "Grant" not in str(caught.value)
    assert why in str(caught.value)


def test_redirect_is_named_and_not_followed() -> None:
    client, transport, _clock = a_client(a_status(302, location="https://elsewhere.test/login"))

    with pytest.raises(Redirected, match="Give the final address of the API server as host"):
        client.get(NODES)
    assert len(transport.sent) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b'{"kind": "No', "application/json", "answered with JSON that is broken or cut off after 12 bytes"),
        (b"<html>login</html>", "text/html", "answered with text/html instead of JSON"),
        (b"", "application/json", "answered with nothing"),
        (b"[1]", "application/json", "answered with a JSON list where an object belongs"),
        (b"\xff\xfe{}\x00", "application/json", "broken or cut off"),
        (b"[" * 100_000, "application/json", "broken or cut off"),
    ],
    ids=["truncated", "html", "empty", "list", "not utf-8", "too deep"],
)
def test_get_of_something_other_than_an_object_says_what_it_was(body: bytes, content_type: str, said: str) -> None:
    client, _transport, _clock = a_client(an_answer(body, content_type=content_type))

    with pytest.raises(BadAnswer, match=said):
        client.get(NODES)


def test_error_never_shows_the_token_that_a_server_echoes() -> None:
    client, _transport, _clock = a_client(a_status(400, message="bad header s3cr3t-token-of-a-user"))

    with pytest.raises(ClusterError) as caught:
        client.get(NODES)
    assert "bad header [hidden]" in str(caught.value)
    assert "s3cr3t" not in repr(caught.value) + caught.value.reason
