# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that no API server and no Prometheus gives: what is right is read, else there is an error in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.answer import (
    changes_in,
    json_object,
    warning_texts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.dirty_rate_reads import (
    METRIC,
    read_dirty_rates,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    ClusterError,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.session import Answer
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import METRICS
from tests.unit.builders import NOW, a_migration
from tests.unit.plugins.module_utils._cluster.network import FakeClock, ScriptedTransport, a_status, an_answer
from tests.unit.plugins.module_utils._cluster.test_prometheus import Answering, read

BOUNDED = settings(max_examples=150, deadline=None, derandomize=True, database=None)
CELL = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["Running", "Failed", "web-1", "a,b) or (c", "{{ x }}"])
)  # fmt: skip
ANYTHING = st.recursive(
    CELL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
COLUMNS = [{"name": name} for name in ("Name", "Phase", "VMI")]


def reading(*answers: Any) -> Reading:
    transport = ScriptedTransport([one if isinstance(one, Answer) else an_answer(one) for one in answers])
    return Reading(Client(transport, clock=FakeClock(), request_timeout=30))


def a_table(columns: Any, rows: Any) -> dict[str, Any]:
    return {"kind": "Table", "metadata": {}, "columnDefinitions": columns, "rows": rows}


@BOUNDED
@given(
    columns=st.just(COLUMNS) | st.lists(ANYTHING, max_size=4),
    rows=st.lists(ANYTHING | st.builds(lambda cells: {"cells": cells}, st.lists(CELL, max_size=5) | ANYTHING)),
)
def test_rows_of_any_cells_give_texts_or_the_list_itself_is_read(columns: Any, rows: Any) -> None:
    found = reading(a_table(columns, rows)).unfinished_rows("")

    texts = [text for name, row in (found or {}).items() for text in (name, *row)]
    assert all(isinstance(text, str) for text in texts)
    assert not {phase for phase, _vmi in (found or {}).values()} & {"Succeeded", "Failed"}


def test_row_that_is_too_short_or_of_another_type_hides_no_other() -> None:
    rows = [{"cells": ["a", "Running", "web-1"]}, {"cells": []}, {"cells": ["b"]}, {"cells": [5, 5, 5]}, 5, {}]

    assert reading(a_table(COLUMNS, rows)).unfinished_rows("") == {
        "a": ("Running", "web-1"),
        "b": ("", ""),
        "": ("", ""),
    }


LISTED = {"kind": "List", "metadata": {}, "items": [a_migration("Running"), a_migration("Failed", vm="db-1")]}


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(a_table([{"name": "Name"}, {"name": "Age"}], [{"cells": ["migration", "3m"]}])),
        an_answer(a_table([{"name": "Name"}, {"name": "VMI"}], [{"cells": ["migration", "web-1"]}])),
        an_answer(a_table([{"name": "Name"}, {"name": "Phase"}], [{"cells": ["migration", "Running"]}])),
        an_answer(LISTED),
        a_status(406),
    ],
    ids=["no columns of its own", "no Phase", "no VMI", "Table ignored", "Table refused"],
)
def test_table_that_does_not_tell_makes_the_list_itself_be_read(answer: Any) -> None:
    found = reading(answer, LISTED)

    assert [(one.vmi_name, one.phase) for one in found.active_migrations("")] == [("web-1", "Running")]
    assert found.client.requests == 2


@BOUNDED
@given(body=st.binary(max_size=40) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_object_or_a_bad_answer(body: bytes) -> None:
    found: Any = {}
    said = "answered"
    try:
        found = json_object(body, path="/x\x1b", content_type="application/json")
    except BadAnswer as error:
        said = str(error)

    assert isinstance(found, dict)
    assert "answered" in said
    assert said.isprintable()


HALVES = [b'{"a": "\\ud800"}', b'{"a": "\\uDFFF"}', b'{"\\ud83d": 1}', b'{"a": ["\\ude00\\ud83d"]}']


@pytest.mark.parametrize("body", HALVES, ids=bytes.decode)
def test_half_a_character_is_no_text(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="half a character"):
        json_object(body, path="/x", content_type="application/json")


@pytest.mark.parametrize("body", [b'{"a": "\\ud83d\\ude9a"}', b'{"a": "\\\\ud800"}'], ids=["whole", "spelt"])
def test_two_halves_are_a_character(body: bytes) -> None:
    assert json_object(body, path="/x", content_type="application/json") == json.loads(body)


@BOUNDED
@given(body=st.binary(max_size=60) | st.lists(ANYTHING).map(lambda some: "\n".join(map(json.dumps, some)).encode()))
def test_any_watch_is_changes_or_an_error(body: bytes) -> None:
    found: list[Any] = []
    try:
        found = changes_in(body, path="/x")
    except ClusterError:
        return

    assert all(isinstance(kind, str) and isinstance(obj, dict) for kind, obj in found)


@BOUNDED
@given(status=st.integers(300, 599), body=st.binary(max_size=40) | ANYTHING.map(lambda one: json.dumps(one).encode()))
def test_any_refusal_is_an_error_in_words(status: int, body: bytes) -> None:
    said = str(error_from_status(status, method="GET", path="/api/v1/pods", body=body, reason="\x1b[31m"))

    assert str(status) in said
    assert said.isprintable()


@BOUNDED
@given(header=st.text(alphabet=st.sampled_from('299 - "\\,a\x1b\u202e')))
def test_any_warning_is_printable(header: str) -> None:
    assert all(text.isprintable() for text in warning_texts(header + f'299 - "{header}"'))


# -- Prometheus

VALUE = st.sampled_from(["5", "NaN", "+Inf", "-1", "1e400", "1e19", "18446744073709551616", "0x5", 5, None, [], "5 "])
AT = st.floats() | st.sampled_from([NOW.timestamp(), 0, -1e15, 1e308, "1", None, True, NOW.timestamp() + 10**7])
LABELS = st.fixed_dictionaries(
    {"__name__": st.sampled_from([*METRICS, METRIC, "up", 5])},
    optional={
        "namespace": st.sampled_from(["a", "b", "", "\x1b", 5]),
        "name": st.sampled_from(["one", "two", "\x9b", None]),
        "exported_name": st.sampled_from(["one", ""]),
        "node": st.sampled_from(["n", "\x1b[31m", "x" * 5000, "N ode", 5]),
    },
)
PAIR = st.tuples(AT, VALUE).map(list) | ANYTHING
SERIES = st.fixed_dictionaries(
    {"metric": LABELS | ANYTHING}, optional={"values": st.lists(PAIR, max_size=3) | ANYTHING, "value": PAIR}
)
KIND = st.sampled_from(["matrix", "vector", "scalar", "string", "streams", 5])
LIE = st.builds(
    lambda kind, result: json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode(),
    KIND,
    st.lists(SERIES, max_size=4) | ANYTHING,
)


@settings(BOUNDED, max_examples=300)
@given(body=LIE | st.binary(max_size=30))
def test_prometheus_that_lies_gives_figures_of_what_was_asked_for_or_none(body: bytes) -> None:
    found = read(Answering(body), ("a", "one"), ("b", "two"))

    assert set(found.progress) == {("a", "one"), ("b", "two")}
    for sample in (one for progress in found.progress.values() for one in progress.samples):
        figures = [sample.remaining_bytes, sample.total_bytes, sample.dirty_bytes_per_second]
        assert all(figure is None or 0 <= figure < 2**64 for figure in figures)
        assert sample.node in ("", "n")


@BOUNDED
@given(body=LIE)
def test_dirty_rates_that_lie_are_of_what_was_asked_for_or_none(body: bytes) -> None:
    asked: Any = Answering(body)
    found = read_dirty_rates(asked, [("a", "one"), ("b", "two")], namespaces=())

    assert set(found.rates) <= {("a", "one"), ("b", "two")}
    assert all(rate >= 0 for rate in found.rates.values())


def test_series_of_others_and_two_values_for_one_moment_are_no_figures() -> None:
    name, at = "kubevirt_vmi_migration_data_remaining_bytes", NOW.timestamp()
    series = [
        {"metric": {"__name__": name, "namespace": "a", "name": vm, "node": "n"}, "values": [[at, value]]}
        for vm, value in (("one", "5"), ("one", "6"), ("stranger", "7"))
    ]
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}).encode()

    found = read(Answering(body), ("a", "one"))

    assert set(found.progress) == {("a", "one")}
    assert [sample.remaining_bytes for sample in found.progress["a", "one"].samples] == [None]
