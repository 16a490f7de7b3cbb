# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes over a scripted transport: what is sent, what is repeated, and what is said of a lost answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    Cause,
    ChangedMeanwhile,
    ClusterError,
    Conflict,
    ConnectionLost,
    Forbidden,
    Invalid,
    NotFound,
    ResourceMissing,
    ServerFault,
    Timeout,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.retry import ATTEMPTS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import (
    Write,
    Written,
    request_for,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from tests.unit.plugins.module_utils._cluster.network import a_client, a_status, an_answer

THINGS = "/apis/g/v1/namespaces/a/things"
THING = THINGS + "/t"
GUARD = {"op": "test", "path": "/spec/a", "value": 1}
CHANGE = {"op": "replace", "path": "/spec/a", "value": 2}
FINE = an_answer({"kind": "Thing", "metadata": {"name": "t", "managedFields": [{}]}})
MANAGER = "fieldManager=kubevirt-ops-live-migration"

CREATE = Write("create", THINGS, {"kind": "Thing"})
GUARDED = Write("patch", THING, [GUARD, CHANGE])
BARE = Write("patch", THING, [CHANGE])
APPLY = Write("apply", THING, {"kind": "Thing"})
DELETE = Write("delete", THING, uid="u-1")
VERSIONED = Write("merge", THING, {"metadata": {"resourceVersion": "7"}, "spec": {"a": 2}})

SAFE = {
    "guarded patch": GUARDED,
    "merge with its version": VERSIONED,
    "apply": APPLY,
    "delete": DELETE,
    "harmless create": Write("create", THINGS, {}, is_harmless=True),
}
UNSAFE = {"create": CREATE, "patch without a test": BARE, "merge": Write("merge", THING, {"spec": {"a": 2}})}


@pytest.mark.parametrize(
    ("write", "method", "content_type", "query"),
    [
        (CREATE, "POST", "application/json", f"{MANAGER}&fieldValidation=Strict"),
        (GUARDED, "PATCH", "application/json-patch+json", f"{MANAGER}&fieldValidation=Strict"),
        (VERSIONED, "PATCH", "application/merge-patch+json", f"{MANAGER}&fieldValidation=Strict"),
        (APPLY, "PATCH", "application/apply-patch+yaml", f"{MANAGER}&fieldValidation=Strict"),
        (
            Write("apply", THING, {}, is_forced=True, is_strict=False),
            "PATCH",
            "application/apply-patch+yaml",
            f"{MANAGER}&force=true",
        ),
    ],
    ids=["create", "patch", "merge", "apply", "forced apply"],
)
def test_write_sends_its_body_as_its_verb_wants_it(write: Write, method: str, content_type: str, query: str) -> None:
    client, transport, _clock = a_client(FINE)

    assert client.write(write) == Written({"kind": "Thing", "metadata": {"name": "t"}})
    sent = transport.sent[0]
    assert (sent.method, sent.content_type, sent.query, sent.body) == (method, content_type, query, write.body)


@pytest.mark.parametrize("write", [CREATE, GUARDED, VERSIONED, APPLY], ids=["create", "patch", "merge", "apply"])
def test_dry_run_is_asked_for_in_the_query(write: Write) -> None:
    client, transport, _clock = a_client(FINE)

    client.write(write, dry_run=True)

    assert transport.sent[0].query == f"{MANAGER}&fieldValidation=Strict&dryRun=All"


@pytest.mark.parametrize(("dry_run", "more"), [(False, {}), (True, {"dryRun": ["All"]})], ids=["for good", "dry run"])
def test_delete_names_its_preconditions_and_the_dry_run_in_its_body(dry_run: bool, more: dict[str, Any]) -> None:
    client, transport, _clock = a_client(an_answer({"kind": "Status"}))

    client.write(Write("delete", THING, uid="u-1", resource_version="7"), dry_run=dry_run)

    sent = transport.sent[0]
    preconditions = {"uid": "u-1", "resourceVersion": "7"}
    wanted = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions, **more}
    assert (sent.method, sent.query, sent.body) == ("DELETE", "", wanted)


@pytest.mark.parametrize("write", [Write("delete", THING), Write("put", THING)], ids=["no uid", "unknown verb"])
def test_write_that_must_not_be_is_never_sent(write: Write) -> None:
    client, transport, _clock = a_client()

    with pytest.raises(ValueError, match=r"names no UID|is no way to write"):
        client.write(write)
    assert transport.sent == []


@pytest.mark.parametrize("write", SAFE.values(), ids=SAFE)
@pytest.mark.parametrize("first", [ConnectionLost("cut"), a_status(503)], ids=["lost", "503"])
def test_write_that_cannot_be_done_twice_is_repeated(write: Write, first: Any) -> None:
    client, _transport, clock = a_client(first, FINE)

    client.write(write)

    assert (client.requests, clock.sleeps) == (2, [0.25])


@pytest.mark.parametrize("write", UNSAFE.values(), ids=UNSAFE)
@pytest.mark.parametrize("first", [ConnectionLost("cut"), a_status(503), a_status(500)], ids=["lost", "503", "500"])
def test_write_that_could_be_done_twice_is_not_repeated_and_says_that_it_may_be_done(write: Write, first: Any) -> None:
    client, transport, clock = a_client(first)

    with pytest.raises(ClusterError, match="Whether it was done is not known") as caught:
        client.write(write)
    assert (len(transport.sent), clock.sleeps, caught.value.is_uncertain) == (1, [], True)


@pytest.mark.parametrize("write", UNSAFE.values(), ids=UNSAFE)
def test_dry_run_of_any_write_is_repeated_and_leaves_no_doubt(write: Write) -> None:
    client, _transport, _clock = a_client(*[ConnectionLost("cut")] * ATTEMPTS)

    with pytest.raises(ConnectionLost) as caught:
        client.write(write, dry_run=True)
    assert (client.requests, caught.value.is_uncertain) == (ATTEMPTS, False)


@pytest.mark.parametrize("write", [*UNSAFE.values(), GUARDED], ids=[*UNSAFE, "guarded patch"])
def test_any_write_is_repeated_when_the_server_had_no_time_for_it(write: Write) -> None:
    client, _transport, clock = a_client(a_status(429, retry_after="2"), FINE)

    client.write(write)

    assert clock.sleeps == [2]


@pytest.mark.parametrize("write", UNSAFE.values(), ids=UNSAFE)
def test_any_write_is_repeated_once_after_401_with_renewed_credentials(write: Write) -> None:
    client, _transport, _clock = a_client(a_status(401), FINE, renewals=(True,))

    client.write(write)

    assert client.requests == 2


def test_write_refused_twice_with_401_is_unauthorized_and_not_done() -> None:
    client, _transport, _clock = a_client(a_status(401), a_status(401), renewals=(True,))

    with pytest.raises(Unauthorized) as caught:
        client.write(CREATE)
    assert not caught.value.is_uncertain


@pytest.mark.parametrize(
    "reply",
    [
        a_status(400),
        a_status(403),
        a_status(404),
        a_status(409),
        a_status(422),
        Unreachable("nobody listens"),
        a_status(500, message='failed calling webhook "w": connection refused'),
    ],
    ids=["400", "403", "404", "409", "422", "unreachable", "webhook"],
)
def test_what_the_server_refused_was_not_done(reply: Any) -> None:
    client, _transport, clock = a_client(reply)

    with pytest.raises(ClusterError) as caught:
        client.write(CREATE)
    assert (caught.value.is_uncertain, clock.sleeps) == (False, [])


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(Timeout("slow"), Timeout), (an_answer(b"{"), BadAnswer)],
    ids=["timeout", "answer cut off"],
)
@pytest.mark.parametrize("write", [CREATE, GUARDED], ids=["create", "guarded patch"])
def test_answer_that_did_not_come_leaves_doubt(reply: Any, kind: type[ClusterError], write: Write) -> None:
    client, _transport, _clock = a_client(reply)

    with pytest.raises(kind) as caught:
        client.write(write)
    assert caught.value.is_uncertain


def test_doubt_about_a_first_try_stays_when_the_second_is_refused() -> None:
    client, _transport, _clock = a_client(ConnectionLost("cut"), a_status(409))

    with pytest.raises(Conflict) as caught:
        client.write(GUARDED)
    assert caught.value.is_uncertain


def test_delete_whose_answer_was_lost_and_that_then_finds_nothing_is_done() -> None:
    client, _transport, _clock = a_client(ConnectionLost("cut"), a_status(404))

    assert client.write(DELETE) == Written({})


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ([a_status(404)], NotFound),
        ([ConnectionLost("cut"), an_answer(b"404 page not found", status=404)], ResourceMissing),
    ],
    ids=["never there", "resource not served"],
)
def test_delete_of_what_is_not_there_is_an_error(replies: list[Any], kind: type[NotFound]) -> None:
    client, _transport, _clock = a_client(*replies)

    with pytest.raises(kind):
        client.write(DELETE)


def test_write_does_not_wait_for_longer_than_request_timeout() -> None:
    client, _transport, clock = a_client(*[a_status(429, retry_after="10")] * 3)

    with pytest.raises(TooManyRequests):
        client.write(CREATE)
    assert clock.sleeps == [10, 10]


def test_warnings_of_the_server_are_handed_on_once_and_without_control_characters() -> None:
    parts = ('299 - "spec.a is \\"old\\""', '299 - "unknown \x1b"', '199 - "not ours"', '299 - "spec.a is \\"old\\""')
    client, _transport, _clock = a_client(an_answer({"kind": "Thing"}, warning=", ".join(parts)))

    assert client.write(APPLY).warnings == ('spec.a is "old"', "unknown")


def test_forbidden_write_names_the_rule_that_it_needs() -> None:
    client, _transport, _clock = a_client(a_status(403))

    with pytest.raises(Forbidden) as caught:
        client.write(GUARDED)
    assert caught.value.rule == Rule("patch", "g", "things", "a")


def an_invalid(*causes: dict[str, str], message: str = "no") -> Any:
    details = {"causes": list(causes)}
    return an_answer({"kind": "Status", "code": 422, "message": message, "details": details}, status=422)


def test_invalid_object_names_the_causes_that_the_server_lists() -> None:
    cause = {"field": "spec.a", "reason": "FieldValueInvalid", "message": "must not be negative"}
    client, _transport, _clock = a_client(an_invalid(cause))

    with pytest.raises(Invalid) as caught:
        client.write(CREATE)
    assert caught.value.causes == (Cause("spec.a", "FieldValueInvalid", "must not be negative"),)


@pytest.mark.parametrize(
    "details",
    [None, [], {"causes": None}, {"causes": {}}, {"causes": [None, 3]}, {"causes": [{"field": 3, "message": None}]}],
    ids=["null", "list", "no causes", "map", "no mappings", "no texts"],
)
def test_causes_of_another_shape_are_no_traceback(details: Any) -> None:
    body = {"kind": "Status", "code": 422, "message": "no", "details": details}
    client, _transport, _clock = a_client(an_answer(body, status=422))

    with pytest.raises(Invalid, match="answered 422"):
        client.write(CREATE)


NOT_APPLICABLE = "the server rejected our request due to an error in our request"


def test_patch_that_does_not_apply_is_told_from_an_invalid_object() -> None:
    client, _transport, _clock = a_client(an_invalid(message=NOT_APPLICABLE))

    with pytest.raises(ChangedMeanwhile, match="Somebody else changes this object too"):
        client.write(GUARDED)


def test_unknown_field_is_named_without_the_object_around_it() -> None:
    words = f'"" is invalid: patch: Invalid value: "{"x" * 9000}": strict decoding error: unknown field "spec.b"'
    client, _transport, _clock = a_client(an_invalid({"field": "patch", "message": words}, message=words))

    with pytest.raises(Invalid, match=r'422: strict decoding error: unknown field "spec\.b"\.$') as caught:
        client.write(GUARDED)
    assert caught.value.causes[0].message == 'strict decoding error: unknown field "spec.b"'


def test_server_fault_that_stays_is_an_error_with_doubt_for_a_guarded_patch() -> None:
    client, _transport, _clock = a_client(*[a_status(500)] * ATTEMPTS)

    with pytest.raises(ServerFault) as caught:
        client.write(GUARDED)
    assert (client.requests, caught.value.is_uncertain) == (ATTEMPTS, True)


@pytest.mark.parametrize("dry_run", [False, True], ids=["real", "dry run"])
def test_call_of_a_subresource_accepts_any_type_and_says_dry_run_in_its_body(dry_run: bool) -> None:
    write = Write("call", "/apis/subresources.kubevirt.io/v1/x", {"evacuationNodeName": "node-a"})
    request = request_for(write, dry_run=dry_run)

    assert (request.method, request.query, request.may_be_empty) == ("PUT", "", True)
    assert "*/*" in request.headers["Accept"]
    assert json.loads(request.body or b"") == {
        "evacuationNodeName": "node-a",
        **({"dryRun": ["All"]} if dry_run else {}),
    }
    assert request.is_safe is dry_run
