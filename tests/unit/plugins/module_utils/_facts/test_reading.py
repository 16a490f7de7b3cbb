# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared fields, times and readers: absent is empty, a wrong type is named and never taken for absent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import fields
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import Field, declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import (
    LONGEST_TEXT,
    ConditionFields,
    MetaFields,
    Reader,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    parse_timestamp,
    seconds_between,
)

BOUNDED = settings(max_examples=150, deadline=None, derandomize=True, database=None)
NAMES = Field("Thing", "spec.name", ("spec", "name"))

TIMES = {
    "2026-11-23T08:00:00Z": (2026, 11, 23, 8, 0, 0, 0),
    "2026-11-23t08:00:00z": (2026, 11, 23, 8, 0, 0, 0),
    "2026-11-23T08:00:00.25Z": (2026, 11, 23, 8, 0, 0, 250000),
    "2026-11-23T08:00:00.123456789Z": (2026, 11, 23, 8, 0, 0, 123456),
    "2026-11-23T10:30:00+02:30": (2026, 11, 23, 8, 0, 0, 0),
    "2026-11-22T23:00:00-09:00": (2026, 11, 23, 8, 0, 0, 0),
    " 2026-11-23T08:00:00Z ": (2026, 11, 23, 8, 0, 0, 0),
}


@pytest.mark.parametrize("text", TIMES, ids=str.strip)
def test_parse_timestamp_gives_utc(text: str) -> None:
    assert parse_timestamp(text) == datetime(*TIMES[text], tzinfo=timezone.utc)


NO_TIMES: list[Any] = [
    None, 5, True, [], {}, "", "soon", "2026-11-23", "2026-11-23T08:00:00", "2026-13-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "2026-11-23T08:00:00+24:00", "2026-11-23T08:00:00-01:60",
    "2026-11-23T25:00:00Z", "2026-11-23T08:00:60Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00", "2026-11-23T08:00:00+99:99", "٢٠٢٦-11-23T08:00:00Z", "2026-11-23T08:00:00.Z",
    "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "2026-06-30T23:59:60Z",
    "9999-12-31T23:59:59.999999-23:59", "2026-11-23T08:00:00Z\n2026-11-23T08:00:00Z", "2" * 1_000_000,
]  # fmt: skip


@pytest.mark.parametrize("value", NO_TIMES, ids=lambda value: repr(value)[:40])
def test_parse_timestamp_gives_none_for_what_says_no_time(value: Any) -> None:
    assert parse_timestamp(value) is None


@BOUNDED
@given(st.integers(-61_000_000_000, 250_000_000_000))
def test_timestamp_survives_the_round_trip_to_the_second(seconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)

    assert parse_timestamp(format_timestamp(moment)) == moment


@BOUNDED
@given(st.text())
def test_parse_timestamp_never_raises(text: str) -> None:
    found = parse_timestamp(text)

    assert found is None or found.tzinfo == timezone.utc


def test_no_time_is_written_as_nothing() -> None:
    assert format_timestamp(None) == ""


def test_seconds_between_are_whole_and_signed() -> None:
    first, second = parse_timestamp("2026-11-23T08:00:00Z"), parse_timestamp("2026-11-23T08:00:01.9Z")

    assert (seconds_between(first, second), seconds_between(second, first)) == (1, -2)
    assert seconds_between(None, second) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"spec": {"name": "a"}}, "a"),
        ({"spec": {}}, None),
        ({}, None),
        ({"spec": 5}, None),
        (None, None),
        ("spec", None),
    ],
    ids=str,
)
def test_field_is_none_where_any_step_is_missing(value: Any, found: Any) -> None:
    assert NAMES.read(value) == found
    assert NAMES.present(value) is (found is not None)


def test_field_narrows_the_type() -> None:
    assert NAMES.read({"spec": {"name": 5}}, of=fields.as_text) is None


NARROW: list[tuple[Callable[[Any], Any], Any, list[Any]]] = [
    (fields.as_text, "a", [5, True, [], {}, None]),
    (fields.as_int, 5, ["5", True, 1.5, 2**63, -(2**64), None]),
    (fields.as_bool, False, [0, "false", None]),
    (fields.as_map, {"a": 1}, [[], "a", 5, None]),
    (fields.as_list, [1], ["a", b"a", {}, 5, None]),
]


@pytest.mark.parametrize("row", NARROW, ids=lambda row: row[0].__name__)
def test_types_are_narrowed_without_guessing(row: tuple[Callable[[Any], Any], Any, list[Any]]) -> None:
    narrow, good, bad = row

    assert narrow(good) == good
    assert [narrow(value) for value in bad] == [None] * len(bad)


def test_same_declaration_twice_is_one_field() -> None:
    assert declare("Pod", "status.phase") is declare("Pod", "status.phase")


def test_declaration_from_another_base_is_an_error() -> None:
    declare("Gadget", "spec.parts[].name")

    with pytest.raises(ValueError, match="declared twice"):
        declare("Gadget", "name", base="spec.parts[]")


def test_every_field_that_is_read_is_registered_by_its_path() -> None:
    paths = {(field.kind, field.path) for field in fields.registered()}

    assert ("VirtualMachineInstanceMigration", "status.phaseTransitionTimestamps[].phase") in paths
    assert ("Pod", "status.containerStatuses[].state.waiting.reason") in paths
    assert [field.path for field in fields.registered() if ".." in field.path] == []


LONG = "x" * 10_000_000
CUT = "x" * LONGEST_TEXT + " [cut]"


def test_text_longer_than_any_that_is_meant_is_cut_and_says_so() -> None:
    assert Reader({"spec": {"name": LONG}}).text(NAMES) == CUT
    assert Reader({"spec": {"name": "x" * LONGEST_TEXT}}).text(NAMES) == "x" * LONGEST_TEXT
    assert Reader({"spec": {"name": {LONG: LONG}}}).texts(NAMES) == {CUT: CUT}
    assert Reader({"spec": {"name": LONG}}).quantity(NAMES) == CUT


def test_annotations_are_whole_as_some_hold_documents() -> None:
    meta = MetaFields("Pod").read(Reader({"metadata": {"annotations": {"a": LONG}, "labels": {"a": LONG}}}))

    assert (meta.annotations["a"], meta.labels["a"]) == (LONG, CUT)


READS: dict[str, tuple[Callable[[Reader], Any], Any, Any, Any]] = {
    "text": (lambda reader: reader.text(NAMES), "a", 5, ""),
    "integer": (lambda reader: reader.integer(NAMES), 5, "5", None),
    "boolean": (lambda reader: reader.boolean(NAMES), True, "true", None),
    "moment": (lambda reader: reader.moment(NAMES) is not None, "2026-11-23T08:00:00Z", "soon", False),
    "mapping": (lambda reader: dict(reader.mapping(NAMES)), {"a": "b"}, [], {}),
    "texts": (lambda reader: reader.texts(NAMES), {"a": "b"}, "a", {}),
    "items": (lambda reader: list(reader.items(NAMES)), [1], {}, []),
    "quantity": (lambda reader: reader.quantity(NAMES), "8Gi", [], ""),
    "quantity, huge": (lambda reader: reader.quantity(NAMES), "8Gi", 10**5000, ""),
}


@pytest.mark.parametrize("row", READS.values(), ids=READS.keys())
def test_reader_tells_absent_from_wrong(row: tuple[Callable[[Reader], Any], Any, Any, Any]) -> None:
    read, good, wrong, empty = row
    present, absent, spoilt = (Reader({"spec": {"name": value}}) for value in (good, None, wrong))

    assert read(present) == (True if empty is False else good)
    assert (read(absent), absent.problems) == (empty, [])
    assert (read(spoilt), len(spoilt.problems)) == (empty, 1)


@pytest.mark.parametrize(("value", "text"), [(8, "8"), (0.5, "0.5"), (0, "0")], ids=str)
def test_quantity_may_be_a_number(value: Any, text: str) -> None:
    assert Reader({"spec": {"name": value}}).quantity(NAMES) == text


def test_entry_of_a_wrong_type_is_left_out_and_named() -> None:
    reader = Reader({"spec": {"name": {"a": "b", "c": 5, 6: "d"}}})

    assert reader.texts(NAMES) == {"a": "b", "6": "d"}
    assert reader.problems == ["spec.name.c is not a string"]


def test_step_that_hides_a_field_is_named() -> None:
    reader = Reader({"spec": "broken"})

    assert (reader.text(NAMES), reader.problems) == ("", ["spec is not a mapping"])


@pytest.mark.parametrize("value", [None, 5, "a", []], ids=repr)
def test_what_is_no_object_is_a_problem(value: Any) -> None:
    assert Reader(value).problems == [f"a {type(value).__name__} stands where an object belongs"]


def test_items_share_the_readers_problems() -> None:
    reader = Reader({"spec": {"name": [{}, 5]}})

    assert len(reader.readers(NAMES)) == 2
    assert reader.problems == ["a int stands where an object belongs"]


def test_of_two_conditions_with_one_type_the_first_counts() -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Ready", "status": "False"}]

    found = ConditionFields("Pod").read(Reader({"status": {"conditions": conditions}}))

    assert found["Ready"].status == "True"
    assert found["Ready"].changed_at is None


def test_metadata_that_is_absent_is_empty() -> None:
    meta = MetaFields("Pod").read(Reader({}))

    assert (meta.name, meta.uid, meta.created_at, dict(meta.labels)) == ("", "", None, {})
