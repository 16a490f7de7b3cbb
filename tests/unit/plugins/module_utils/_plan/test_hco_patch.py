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
    decided_settings,
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
        ('[{"op": "add", "path": "/spec/x", "value": NaN}]', "it is not JSON"),
        ('[{"op": "put", "path": "/spec/x", "value": 1}]', "it is not a list"),
        ('[{"op": [], "path": "/spec/x", "value": 1}]', "it is not a list"),
        (
            '[{"op": "add", "path": "/metadata/labels/x", "value": "y"}]',
            "for the path /metadata/labels/x, which is not",
        ),
        ('[{"op": "remove", "path": "/spec"}]', "for the path /spec, which is not below /spec/"),
    ],
    ids=[
        "words",
        "empty",
        "object",
        "number",
        "no path",
        "op is a number",
        "too deep",
        "NaN",
        "unknown op",
        "op is a list",
        "metadata",
        "all of the spec",
    ],
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


def at(op: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **more}


@pytest.mark.parametrize(
    "one",
    [
        at("test", f"{BASE}/progressTimeout", value=151),
        at("test", f"{BASE}/progressTimeout", value="150"),
        at("test", f"{BASE}/network", value=""),
        at("test", BASE, value={"progressTimeout": 150, "network": "a"}),
        at("test", "/spec/configuration", value={"migrations": {"progressTimeout": 1}}),
        at("test", f"{BASE}/progressTimeout/x", value=1),
        at("remove", f"{BASE}/network"),
        at("replace", f"{BASE}/network", value="a"),
    ],
    ids=["value", "type", "absent", "all", "above", "below", "remove", "replace"],
)
def test_expect_settings_finds_an_operation_that_fails(one: dict[str, Any]) -> None:
    with pytest.raises(AnnotationProblem, match=f"{one['op']} on {one['path']} fails"):
        expect_settings([one], rendered={"progressTimeout": 150})


@pytest.mark.parametrize(
    "one",
    [
        at("test", f"{BASE}/progressTimeout", value=150),
        at("test", f"{BASE}/bandwidthPerMigration", value="1Gi"),
        at("test", f"{BASE}/network", value=None),
        at("test", BASE, value={"progressTimeout": 150, "bandwidthPerMigration": "1Gi"}),
        at("test", "/spec/configuration/developerConfiguration", value={}),
    ],
    ids=["value", "the same amount", "absent", "all", "elsewhere"],
)
def test_expect_settings_goes_on_after_a_test_that_holds(one: dict[str, Any]) -> None:
    rendered = {"progressTimeout": 150, "bandwidthPerMigration": "1024Mi"}

    assert expect_settings([one], rendered=rendered) == rendered


def test_nothing_can_be_added_to_settings_that_were_taken_away() -> None:
    gone = [at("remove", BASE), add("network", "a")]

    with pytest.raises(AnnotationProblem, match=r"add on .*network fails"):
        expect_settings(gone, rendered={})
    assert expect_settings([*gone[:1], at("add", BASE, value={"network": "b"})], rendered={}) == {"network": "b"}


def test_decided_settings_are_those_of_the_operations_alone() -> None:
    there = [at("test", BASE, value={}), at("remove", f"{BASE}/progressTimeout"), add("network", "a")]

    assert decided_settings(there) == {"network"}


_SMALL = st.integers(2, 3)
_FEW = st.dictionaries(st.sampled_from(["network", "progressTimeout"]), _SMALL)
_PATHS = st.sampled_from([BASE, f"{BASE}/network", f"{BASE}/progressTimeout"])
_ANY_OPERATION = st.one_of(
    st.builds(at, st.sampled_from(["add", "replace", "test"]), st.just(BASE), value=_FEW),
    st.builds(add, st.sampled_from(["network", "progressTimeout"]), _SMALL),
    st.builds(lambda path, value: at("replace", path, value=value), _PATHS.filter(lambda path: path != BASE), _SMALL),
    st.builds(lambda path, value: at("test", path, value=value), _PATHS, st.one_of(_SMALL, _FEW)),
    st.builds(lambda path: at("remove", path), _PATHS),
)


@given(st.lists(_ANY_OPERATION, max_size=5), _FEW)
def test_operations_fail_and_succeed_as_another_reader_of_the_patch_sees_it(
    operations: list[Any], rendered: dict[str, Any]
) -> None:
    obj = {"spec": {"configuration": {"migrations": rendered}}}
    try:
        patched = jsonpatch.apply_patch(obj, operations)["spec"]["configuration"].get("migrations", {})
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        patched = None

    try:
        expected = expect_settings(operations, rendered=rendered)
    except AnnotationProblem:
        expected = None

    assert expected == patched


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
