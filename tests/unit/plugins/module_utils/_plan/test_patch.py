# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarded patches apply to what they were made from, and to nothing that differs where it matters."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.json_patch import (
    apply_patch,
    make_patch,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.patch import (
    guard_patch,
    pointer,
    unescape,
)

META = {"resourceVersion": "7", "annotations": {"a": "1"}}


def guarded(before: Any, after: Any, **more: Any) -> list[dict[str, Any]]:
    return guard_patch(make_patch(before, after=after), before=before, **more)


def test_what_is_replaced_and_removed_is_tested_itself() -> None:
    before = {"metadata": META, "spec": {"a": 1, "b": 2, "c": 3}}
    after = {"metadata": META, "spec": {"a": 9, "c": 3}}

    tests = [one for one in guarded(before, after) if one["op"] == "test"]
    assert sorted((one["path"], one["value"]) for one in tests) == [("/spec/a", 1), ("/spec/b", 2)]


def test_where_something_is_added_the_whole_parent_is_tested() -> None:
    before = {"metadata": META, "spec": {"a": {"b": 1}}}

    assert guarded(before, {"metadata": META, "spec": {"a": {"b": 1, "c": 2}}}) == [
        {"op": "test", "path": "/spec/a", "value": {"b": 1}},
        {"op": "add", "path": "/spec/a/c", "value": 2},
    ]


def test_where_something_is_added_to_metadata_its_version_is_tested() -> None:
    before = {"metadata": {"resourceVersion": "7"}, "spec": {}}
    after = {"metadata": {"resourceVersion": "7", "annotations": {"a": "1"}}, "spec": {}}

    assert guarded(before, after)[0] == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}


def test_what_is_ours_to_replace_is_not_guarded_when_it_is_added() -> None:
    before, after = (
        {"metadata": META, "spec": {}},
        {"metadata": {**META, "annotations": {"a": "1", "o/b": "2"}}, "spec": {}},
    )

    path = pointer("metadata", "annotations", "o/b")
    assert guarded(before, after, unguarded=[path]) == [{"op": "add", "path": path, "value": "2"}]


@pytest.mark.parametrize(
    "steps", [("a/b", "c~d"), ("~1", ""), ("",), ("a",)], ids=["marks", "escapes", "empty", "plain"]
)
def test_pointer_and_unescape_are_each_others_inverse(steps: tuple[str, ...]) -> None:
    assert unescape(pointer(*steps)) == steps
    assert jsonpatch.JsonPointer(pointer(*steps)).parts == list(steps)


def test_a_value_that_goes_and_comes_is_written_as_two_operations() -> None:
    patch = make_patch({"spec": {"a": 5}}, after={"spec": {"b": 5}})

    assert sorted(one["op"] for one in patch) == ["add", "remove"]


_TREES = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from(["", "x"])),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "c/d"]), inner, max_size=3),
    max_leaves=8,
)
_DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c/d"]), _TREES, max_size=3).map(
    lambda spec: {"metadata": copy.deepcopy(META), "spec": spec}
)


@given(_DOCUMENTS, _DOCUMENTS)
def test_guarded_patch_makes_the_one_document_of_the_other(before: Any, after: Any) -> None:
    patch = guarded(before, after)

    assert apply_patch(before, operations=patch) == after
    assert {one["op"] for one in patch} <= {"test", "add", "remove", "replace"}


@given(_DOCUMENTS, _DOCUMENTS, _DOCUMENTS)
def test_guarded_patch_never_loses_what_somebody_else_wrote_where_it_writes(
    before: Any, after: Any, other: Any
) -> None:
    patch = guarded(before, after)
    written = [one["path"] for one in patch if one["op"] != "test"]
    try:
        apply_patch(other, operations=patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        return
    missing = object()
    for path in written:
        pointed = jsonpatch.JsonPointer(path)
        assert pointed.resolve(other, missing) == pointed.resolve(before, missing)
