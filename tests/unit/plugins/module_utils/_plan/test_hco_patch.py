# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperConverged's annotation: read, merged, and what comes of it."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.hco_patch import (
    AnnotationProblem,
    drop_settings,
    expect_settings,
    merge_settings,
    parse_annotation,
    render,
)
from tests.unit.settings_objects import BASE, add, settings

FOREIGN = {"op": "add", "path": "/spec/configuration/developerConfiguration/useEmulation", "value": True}
WHOLE = {"op": "add", "path": BASE, "value": {"network": "theirs"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "it is not JSON"),
        ("", "it is not JSON"),
        ("{}", "it is not a list"),
        ("[1]", "it is not a list"),
        ('[{"op": "add"}]', "it is not a list"),
        ('[{"op": 1, "path": "/spec/x"}]', "it is not a list"),
        ("[" * 100_000, "it is not JSON"),
    ],
    ids=["words", "empty", "object", "number", "no path", "op is a number", "too deep"],
)
def test_parse_annotation_refuses_what_is_no_list_of_operations(text: str, said: str) -> None:
    with pytest.raises(AnnotationProblem, match=said):
        parse_annotation(text)


def test_parse_annotation_of_none_is_empty() -> None:
    assert parse_annotation(None) == []


@pytest.mark.parametrize(
    ("there", "merged"),
    [
        ([], [add("network", "ours")]),
        ([FOREIGN], [FOREIGN, add("network", "ours")]),
        ([add("network", "old"), FOREIGN], [add("network", "ours"), FOREIGN]),
        ([add("network", "old", op="replace")], [add("network", "ours")]),
        ([add("network", "old"), WHOLE], [add("network", "old"), WHOLE, add("network", "ours")]),
        ([add("network", "a"), add("network", "b")], [add("network", "a"), add("network", "ours")]),
        (
            [{"op": "remove", "path": f"{BASE}/network"}],
            [{"op": "remove", "path": f"{BASE}/network"}, add("network", "ours")],
        ),
    ],
    ids=["nothing", "of others", "ours of before", "a replace", "the whole object later", "twice", "removed"],
)
def test_merge_settings_keeps_what_others_put_there(there: list[Any], merged: list[Any]) -> None:
    assert merge_settings(there, wanted={"network": "ours"}) == merged


def test_merge_settings_changes_nothing_in_what_it_was_given() -> None:
    there = [add("network", "old")]
    merge_settings(there, wanted={"network": "ours"})
    assert there == [add("network", "old")]


def test_drop_settings_takes_out_single_settings_alone() -> None:
    there = [FOREIGN, add("network", "a"), WHOLE, add("network", "b", op="replace"), add("disableTLS", True)]
    assert drop_settings(there, names=["network"]) == [FOREIGN, WHOLE, add("disableTLS", True)]


@pytest.mark.parametrize("place", ["/network", "", "/network/x"], ids=["the setting", "all of them", "below"])
def test_drop_settings_leaves_what_a_test_of_others_rests_on(place: str) -> None:
    tested = {"op": "test", "path": f"{BASE}{place}", "value": "a"}

    assert drop_settings([add("network", "a"), tested], names=["network"]) == [add("network", "a"), tested]
    assert drop_settings([tested, add("network", "a")], names=["network"]) == [tested]


@pytest.mark.parametrize(
    "one",
    [
        {"op": "move", "from": f"{BASE}/network", "path": "/spec/x"},
        {"op": "copy", "from": "/spec/x", "path": f"{BASE}/network"},
        {"op": "add", "path": BASE, "value": 3},
        {"op": "replace", "path": "/spec/configuration", "value": {}},
        {"op": "remove", "path": "/spec"},
        {"op": "add", "path": f"{BASE}/experimental/x", "value": 1},
    ],
    ids=["move", "copy", "no object", "above", "everything", "below"],
)
def test_expect_settings_says_what_cannot_be_told(one: dict[str, Any]) -> None:
    with pytest.raises(AnnotationProblem, match="cannot be told"):
        expect_settings([one], rendered={})


_NAMES = st.sampled_from(["network", "disableTLS", "progressTimeout"])
_OPERATIONS = st.one_of(
    st.just(FOREIGN),
    st.builds(add, _NAMES, st.integers(0, 5)),
    settings().map(lambda value: {"op": "add", "path": BASE, "value": value}),
)


@given(st.lists(_OPERATIONS, max_size=6), settings(), settings())
def test_what_is_merged_comes_about_as_another_reader_of_the_patch_sees_it(
    there: list[Any], rendered: dict[str, Any], wanted: dict[str, Any]
) -> None:
    merged = parse_annotation(render(merge_settings(there, wanted=wanted)))

    obj = {"spec": {"configuration": {"developerConfiguration": {}, "migrations": rendered}}}
    patched = jsonpatch.apply_patch(obj, merged)["spec"]["configuration"]["migrations"]

    assert patched == expect_settings(merged, rendered=rendered)
    assert {name: patched[name] for name in wanted} == wanted
    assert [one for one in merged if one in there and one == FOREIGN] == [one for one in there if one == FOREIGN]
