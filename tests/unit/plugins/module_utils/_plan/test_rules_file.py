# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as text, and our own check of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import (
    Thresholds,
    make_groups,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.rules_check import find_faults
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.rules_file import (
    is_ours,
    render_rules_file,
    render_yaml,
)

GROUPS = make_groups(Thresholds(seconds_per_gib=150, per_cluster=5, per_node=2))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(value=DATA)
def test_what_is_written_reads_back(value: Any) -> None:
    assert yaml.safe_load(render_yaml(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        "null",
        "1e3",
        "~",
        "a: b",
        "- a",
        "a\nb",
        "a\n\n b",
        " a\nb",
        "a\nb ",
        "a\nb\n",
        "\x85",
        "\u2028",
        "\x00",
        "😀",
    ],
)
def test_texts_that_yaml_takes_for_something_else_read_back(text: str) -> None:
    assert yaml.safe_load(render_yaml({text: [text, {"x": text}]})) == {text: [text, {"x": text}]}


def test_the_rules_read_back_and_expressions_stand_in_blocks() -> None:
    text = render_rules_file(GROUPS)

    assert yaml.safe_load(text) == {"groups": GROUPS}
    assert "        expr: |-\n          time() - (\n" in text
    assert max(len(line) for line in text.splitlines() if "description" not in line) < 560


def test_our_files_are_told_from_others() -> None:
    assert is_ours(render_rules_file(GROUPS))
    assert not is_ours("groups: []\n")


# --- the check ---


def test_it_finds_nothing_in_our_own_rules() -> None:
    assert find_faults({"groups": GROUPS}) == []


def on_alert(change: Callable[[dict[str, Any]], Any]) -> Any:
    """The rules with a change in the first alert."""
    groups = copy.deepcopy(GROUPS)
    change(groups[0]["rules"][2])
    return {"groups": groups}


def on_record(change: Callable[[dict[str, Any]], Any]) -> Any:
    groups = copy.deepcopy(GROUPS)
    change(groups[0]["rules"][0])
    return {"groups": groups}


def on_group(change: Callable[[dict[str, Any]], Any]) -> Any:
    groups = copy.deepcopy(GROUPS)
    change(groups[0])
    return {"groups": groups}


FAULTY: dict[str, tuple[Any, str]] = {
    "no mapping": ([], "not a mapping with a list of groups"),
    "something beside": ({"groups": [], "x": 1}, "not a mapping with a list of groups"),
    "two of a name": ({"groups": [*GROUPS, *GROUPS]}, "two groups are called"),
    "group without a name": ({"groups": [{"rules": []}]}, "a group has no name"),
    "unknown field of a group": (on_group(lambda one: one.update(every="1m")), "unknown field every"),
    "interval": (on_group(lambda one: one.update(interval="1x")), "interval '1x' is no duration"),
    "no rules": (on_group(lambda one: one.update(rules={})), "no list of rules"),
    "a rule that is text": (on_group(lambda one: one.update(rules=["x"])), "it is not a mapping"),
    "both": (on_alert(lambda one: one.update(record="a:b:c")), "needs one of record and alert"),
    "unknown field of a rule": (on_alert(lambda one: one.update(title="x")), "unknown field title"),
    "bad record": (on_record(lambda one: one.update(record="a:b")), "not of the form level:metric:operations"),
    "a record that waits": (on_record(lambda one: one.update({"for": "1m"})), "for belongs to an alert"),
    "long name": (on_alert(lambda one: one.update(alert="A" * 51)), "50 at most"),
    "odd name": (on_alert(lambda one: one.update(alert="A-b")), "not a name of letters"),
    "bad for": (on_alert(lambda one: one.update({"for": 60})), "for 60 is no duration"),
    "empty for": (on_alert(lambda one: one.update({"for": ""})), "for '' is no duration"),
    "no label": (on_alert(lambda one: one["labels"].pop("severity")), "has no label severity"),
    "no annotation": (on_alert(lambda one: one["annotations"].pop("summary")), "has no annotation summary"),
    "labels no map": (on_alert(lambda one: one.update(labels=["x"])), "labels are not a mapping"),
    "odd label": (on_alert(lambda one: one["labels"].update({"a-b": "x"})), "label 'a-b' is no name"),
    "label no text": (on_alert(lambda one: one["labels"].update({"a": 1})), "label 'a' is no name with a text"),
    "value in a label": (on_alert(lambda one: one["labels"].update(a="{{ $value }}")), "label a holds the value"),
    "template without an end": (on_alert(lambda one: one["annotations"].update(a="{{ x")), "does not end"),
    "no expr": (on_alert(lambda one: one.pop("expr")), "its expr is no text"),
    "open bracket": (on_alert(lambda one: one.update(expr="sum(up")), "'(' that nothing closes"),
    "closed bracket": (on_alert(lambda one: one.update(expr="up)")), "')' that nothing opens"),
    "crossed brackets": (on_alert(lambda one: one.update(expr="a{(})")), "'}' that nothing opens"),
    "open string": (on_alert(lambda one: one.update(expr='a{b="c}')), "a string that does not end"),
    "odd sign": (on_alert(lambda one: one.update(expr="a ; b")), "';'"),
}


@pytest.mark.parametrize(("document", "words"), FAULTY.values(), ids=FAULTY)
def test_each_fault_is_found_and_named(document: Any, words: str) -> None:
    found = find_faults(document)
    assert any(words in fault for fault in found), found


@given(document=DATA | st.fixed_dictionaries({"groups": st.lists(DATA, max_size=3)}))
def test_nothing_makes_it_stumble(document: Any) -> None:
    assert all(isinstance(fault, str) for fault in find_faults(document))
