# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points from Prometheus' text format and from its API: what is right is read, and what is not gives nothing."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.exposition import (
    Point,
    parse_exposition,
    parse_query_answer,
)

METRICS = {"m_bytes", "n_bytes"}
AT = datetime(2026, 11, 23, 8, 0, 0, 250000, tzinfo=timezone.utc)
MILLISECONDS = round(AT.timestamp() * 1000)
BOUNDED = settings(max_examples=300, deadline=None, derandomize=True, database=None)


def one(line: str) -> Point | None:
    found = parse_exposition(line, metrics=METRICS)
    assert len(found) <= 1
    return found[0] if found else None


GOOD: dict[str, tuple[str, dict[str, str], float, datetime | None]] = {
    "bare": ("m_bytes 5", {}, 5.0, None),
    "with its time": (f"m_bytes 5 {MILLISECONDS}", {}, 5.0, AT),
    "labels": ('m_bytes{a="b",c="d"} 1.5e+09', {"a": "b", "c": "d"}, 1.5e9, None),
    "comma at the end": ('m_bytes{a="b",} 1', {"a": "b"}, 1.0, None),
    "empty labels": ("m_bytes{} 1", {}, 1.0, None),
    "spaces": ('  m_bytes{ a = "b" } 1', {"a": "b"}, 1.0, None),
    "escapes": (r'm_bytes{a="x\\y\"z\n,}"} 1', {"a": 'x\\y"z\n,}'}, 1.0, None),
    "braces and spaces in a value": ('m_bytes{a="{x} y"} 1', {"a": "{x} y"}, 1.0, None),
    "unicode": ('m_bytes{a="ä🚚"} 1', {"a": "ä🚚"}, 1.0, None),
    "sign": ("m_bytes -0.5", {}, -0.5, None),
    "carriage return": ("m_bytes 5\r", {}, 5.0, None),
}


@pytest.mark.parametrize("case", GOOD.values(), ids=GOOD.keys())
def test_line_is_a_point(case: tuple[str, dict[str, str], float, datetime | None]) -> None:
    line, labels, value, at = case

    assert one(line) == Point("m_bytes", labels, value, at)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# TYPE m_bytes gauge",
        "other 5",
        "m_bytes_total 5",
        "m_bytes",
        "m_bytes five",
        "m_bytes 5 6 7",
        "m_bytes 0x5",
        "m_bytes NaN",
        "m_bytes +Inf",
        "m_bytes -Inf",
        "m_bytes 1e999",
        "m_bytes 5 soon",
        "m_bytes 5 99999999999999999999",
        "m_bytes 5 999999999999999",
        'm_bytes{a="b" 5',
        'm_bytes{a="b} 5',
        "m_bytes{a=b} 5",
        'm_bytes{"a"} 5',
        'm_bytes{a="b"c="d"} 5',
        "m_bytes{,} 5",
        "<html>",
        "m_bytes 1_000",
        "m_bytes ５",
        "m_bytes 5 １２",
    ],
)
def test_line_that_is_no_point_gives_nothing(line: str) -> None:
    assert one(line) is None


def test_bad_line_takes_nothing_from_its_neighbours() -> None:
    text = "m_bytes 1\nm_bytes{ 2\n\x00\x85\nn_bytes 3\n"

    assert [(point.metric, point.value) for point in parse_exposition(text, metrics=METRICS)] == [
        ("m_bytes", 1.0),
        ("n_bytes", 3.0),
    ]


def test_label_of_megabytes_and_one_given_twice_are_read_in_one_pass() -> None:
    text = 'm_bytes{a="' + "x" * 5_000_000 + '",a="b"} 1\nm_bytes{a="' + '\\\\"' * 1_000_000 + "\nn_bytes 3\n"

    assert [(point.metric, point.labels.get("a")) for point in parse_exposition(text, metrics=METRICS)] == [
        ("m_bytes", "b"),
        ("n_bytes", None),
    ]


def test_same_series_at_several_times_is_several_points() -> None:
    text = f"m_bytes 1 {MILLISECONDS}\nm_bytes 2 {MILLISECONDS + 5000}\n"

    assert [point.value for point in parse_exposition(text, metrics=METRICS)] == [1.0, 2.0]


@BOUNDED
@given(text=st.text(alphabet=st.sampled_from('m_bytes{}=",\\\n 0123456789.eE+-#infNaä\x00')))
def test_no_text_raises_and_no_value_is_endless(text: str) -> None:
    for point in parse_exposition(text + "\nm_bytes " + text, metrics=METRICS):
        assert point.metric in METRICS
        assert abs(point.value) < float("inf")


def a_matrix(*series: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": list(series)}}).encode()


def a_series(*values: Any, **labels: Any) -> dict[str, Any]:
    return {"metric": {"__name__": "m_bytes", **labels}, "values": list(values)}


def test_matrix_gives_every_value_with_its_time() -> None:
    found = parse_query_answer(
        a_matrix(a_series([AT.timestamp(), "5"], [AT.timestamp() + 5, "6"], a="b")), metrics=METRICS
    )

    assert (found.error, found.strange) == ("", 0)
    assert [(point.value, point.labels["a"]) for point in found.points] == [(5.0, "b"), (6.0, "b")]
    assert found.points[0].at == AT


def test_instant_vector_gives_one_value_a_series() -> None:
    series = {"metric": {"__name__": "n_bytes"}, "value": [AT.timestamp(), "1.5e9"]}
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [series]}, "warnings": ["w"]})

    assert [point.value for point in parse_query_answer(body.encode(), metrics=METRICS).points] == [1.5e9]


def test_error_is_given_in_prometheus_own_words() -> None:
    body = b'{"status":"error","errorType":"bad_data","error":"parse error: unexpected }"}'

    assert parse_query_answer(body, metrics=METRICS).error == "bad_data: parse error: unexpected }"


NO_ANSWERS: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"<html>",
    "not UTF-8": b"\xff\xfe{",
    "a list": b"[]",
    "no status": b"{}",
    "another status": b'{"status":"fine"}',
    "no data": b'{"status":"success"}',
    "data of another type": b'{"status":"success","data":[]}',
    "scalar": b'{"status":"success","data":{"resultType":"scalar","result":[1,"5"]}}',
    "result of another type": b'{"status":"success","data":{"resultType":"matrix","result":"no"}}',
    "error without words": b'{"status":"error","error":5}',
    "too deep": b"[" * 100000,
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_answer_is_an_error_and_no_points(body: bytes) -> None:
    found = parse_query_answer(body, metrics=METRICS)

    assert found.error
    assert found.points == ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "5",
        [],
        [1],
        [1, 2],
        ["1", "5"],
        [1, "NaN"],
        [1, "five"],
        [True, "5"],
        [1e300, "5"],
        [1, "5", 6],
        [1, None],
    ],
    ids=repr,
)
def test_value_that_lies_is_counted_and_left_out(value: Any) -> None:
    found = parse_query_answer(a_matrix(a_series(value, [AT.timestamp(), "6"])), metrics=METRICS)

    assert [point.value for point in found.points] == [6.0]
    assert (found.error, found.strange) == ("", 1)


KEYS = st.sampled_from(["metric", "values", "value", "__name__"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@BOUNDED
@given(result=ANYTHING)
def test_no_answer_raises(result: Any) -> None:
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [result, result]}}).encode()

    for point in parse_query_answer(body, metrics=METRICS).points:
        assert point.metric in METRICS
