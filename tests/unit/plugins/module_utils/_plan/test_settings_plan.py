# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wish makes of an object, and that an undo makes the object of before, whatever stood in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import ANNOTATION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import Found, Target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import BY_NAME, same_value
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import Record, Who, parse_record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings import (
    Change,
    Wish,
    document_of,
    find_broken,
    plan_settings,
    plan_undo,
    read_settings_of,
    say_value,
)
from tests.unit.settings_objects import OWN, SETTABLE, add, on_hyperconverged, on_kubevirt, settings

WHO = Who("2026-11-23T08:00:00Z", user="u", requested_by="r", reason="why")
FOREIGN = {"op": "add", "path": "/spec/configuration/developerConfiguration/useEmulation", "value": True}


def made(target: Target, change: Change) -> Target:
    """The target once the change is made."""
    obj = {**target.found.obj, "metadata": {**target.found.obj["metadata"], **change.after["metadata"]}}
    return replace(target, found=Found({**obj, "spec": change.after["spec"]}, target.found.path))


def recorded(target: Target, change: Change) -> Record:
    """The record of a change, written and read again."""
    after = made(target, change)
    names = {*target.settings, *after.settings}
    pairs = {name: (target.settings.get(name), after.settings.get(name)) for name in names}
    texts = (target.annotations.get(ANNOTATION), after.annotations.get(ANNOTATION))
    changes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    record = Record(WHO, changes, texts if texts[0] != texts[1] else None, change.made)
    found = parse_record(record.render())
    assert found == record
    return record


_RESETS = st.lists(st.sampled_from([setting.name for setting in SETTABLE]), max_size=4, unique=True)
_CONFIGURATIONS = st.one_of(
    st.none(),
    st.just({}),
    st.builds(lambda found: {"migrations": found}, settings()),
    st.builds(lambda found: {"migrations": found, "network": {"permitSlirp": True}}, settings()),
)


@given(_CONFIGURATIONS, settings(), _RESETS)
def test_undo_makes_the_kubevirt_of_before(configuration: Any, values: dict[str, Any], reset: list[str]) -> None:
    target = on_kubevirt(configuration)
    wish = Wish(values, tuple(name for name in reset if name not in values))

    change = plan_settings(target, wish)
    assume(not change.is_empty)
    undone = plan_undo(made(target, change), recorded(target, change).render())

    assert change.refusals == undone.refusals == ()
    assert undone.after["spec"] == document_of(target.found.obj)["spec"]
    after = made(target, change).settings
    assert all(same_value(name, after.get(name), value) for name, value in values.items())
    assert not [name for name in wish.reset if name in after]
    assert {name: after[name] for name in after if name not in wish.names} == {
        name: value for name, value in target.settings.items() if name not in wish.names
    }


_ANNOTATIONS = st.one_of(
    st.none(),
    st.builds(
        lambda found, indent: json.dumps(
            [FOREIGN, *(add(name, value) for name, value in found.items())], indent=indent
        ),
        settings([setting for setting in SETTABLE if not setting.in_hyperconverged]),
        st.sampled_from([None, 1]),
    ),
)


@given(settings(OWN), _ANNOTATIONS, settings(), _RESETS, st.sampled_from(["v1", "v1beta1"]))
def test_undo_makes_the_hyperconverged_of_before_and_its_annotation_to_the_letter(
    config: dict[str, Any], text: str | None, values: dict[str, Any], reset: list[str], version: str
) -> None:
    target = on_hyperconverged(config, annotation=text, version=version)
    wish = Wish(values, tuple(name for name in reset if name not in values))

    change = plan_settings(target, wish)
    after = made(target, change)
    assume(not change.is_empty)
    undone = plan_undo(after, recorded(target, change).render())

    assert {one.code for one in change.refusals} <= {"UnsupportedHCOModification"}
    assert all(same_value(name, read_settings_of(after).get(name), value) for name, value in values.items())
    assert undone.refusals == ()
    assert undone.after["spec"] == document_of(target.found.obj)["spec"]
    assert undone.after["metadata"].get("annotations", {}).get(ANNOTATION) == text


@given(_CONFIGURATIONS, settings())
def test_a_wish_that_is_fulfilled_asks_for_nothing_more(configuration: Any, values: dict[str, Any]) -> None:
    target = on_kubevirt(configuration)
    after = made(target, plan_settings(target, Wish(values)))

    assert plan_settings(after, Wish(values)).is_empty


def test_a_parent_that_was_made_goes_with_the_undo_unless_somebody_uses_it() -> None:
    target = on_kubevirt()
    change = plan_settings(target, Wish({"network": "a"}))
    record, after = recorded(target, change), made(target, change)
    after.found.obj["spec"]["configuration"]["migrations"]["progressTimeout"] = 7

    assert change.made == "/spec/configuration"
    assert plan_undo(after, record.render()).after["spec"] == {"configuration": {"migrations": {"progressTimeout": 7}}}


@pytest.mark.parametrize(
    ("fields", "codes"), [(None, []), (frozenset({"network"}), ["SettingNotServed"])], ids=["not told", "not served"]
)
def test_a_setting_that_is_not_served_is_refused_where_that_is_known(
    fields: frozenset[str] | None, codes: list[str]
) -> None:
    target = on_kubevirt(fields=fields, kubevirt_fields=fields)

    assert [one.code for one in plan_settings(target, Wish({"maxDowntimeMs": 5})).refusals] == codes


def test_a_field_that_this_hyperconverged_lacks_goes_by_the_annotation() -> None:
    target = on_hyperconverged({}, fields=frozenset({"network"}), kubevirt_fields=None)

    change = plan_settings(target, Wish({"allowWorkloadDisruption": True}))

    assert [one.code for one in change.refusals] == ["UnsupportedHCOModification"]
    assert json.loads(change.after["metadata"]["annotations"][ANNOTATION]) == [add("allowWorkloadDisruption", True)]


@pytest.mark.parametrize(
    "obj", [{}, {"metadata": None, "spec": None}, {"metadata": 3, "spec": 4}], ids=["empty", "null", "odd"]
)
def test_a_mangled_object_is_no_traceback(obj: dict[str, Any]) -> None:
    found = Found(obj, "/x")
    target = Target("KubeVirt", found=found, kubevirt=found)

    assert (target.settings, target.annotations, found.name) == ({}, {}, "/")
    assert read_settings_of(target) == {}
    assert document_of(obj)["metadata"] == {}


@pytest.mark.parametrize(
    ("text", "codes", "said"),
    [
        (None, [], "has no record of a change"),
        ("", ["RecordUnreadable"], ""),
        ("{}", ["RecordUnreadable"], ""),
        (Record(WHO).render(), ["RecordUnreadable"], ""),
        (Record(WHO, {"network": (None, "a")}, undone=WHO.to_json()).render(), [], "was undone already, at 2026-"),
    ],
    ids=["none", "empty", "no record", "a record of nothing", "undone"],
)
def test_an_undo_of_nothing_says_why(text: str | None, codes: list[str], said: str) -> None:
    found = plan_undo(on_kubevirt({"migrations": {"network": "a"}}), text)

    assert found.is_empty
    assert [one.code for one in found.refusals] == codes
    assert [said in note for note in found.notes] == ([] if codes else [True])


TESTED = {"op": "test", "path": "/spec/configuration/migrations/progressTimeout", "value": 150}


@pytest.mark.parametrize(
    ("config", "codes"),
    [({"progressTimeout": 150}, []), ({"progressTimeout": 240}, ["AnnotationOfOthers"]), ({}, ["AnnotationOfOthers"])],
    ids=["as it was", "another value", "taken out"],
)
def test_a_change_that_makes_a_test_of_others_fail_is_found(config: dict[str, Any], codes: list[str]) -> None:
    before = on_hyperconverged({"progressTimeout": 150}, annotation=[TESTED])
    after = on_hyperconverged(config, annotation=[TESTED])

    assert [one.code for one in find_broken(before, after)] == codes


def test_what_fails_before_the_change_is_told_of_the_annotation_itself() -> None:
    target = on_hyperconverged({"progressTimeout": 1}, annotation=[TESTED])

    (refusal,) = plan_settings(target, Wish({"network": "ours"})).refusals

    assert find_broken(target, target) == ()
    assert refusal.code == "AnnotationUnreadable"
    assert "its operation test on /spec/configuration/migrations/progressTimeout fails" in refusal.reason


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        ("bandwidthPerMigration", "1Gi", "1024Mi", True),
        ("bandwidthPerMigration", 1024, "1Ki", True),
        ("bandwidthPerMigration", "1Gi", "1G", False),
        ("bandwidthPerMigration", "odd", "odd", True),
        ("bandwidthPerMigration", None, "0", False),
        ("progressTimeout", 1, True, False),
        ("progressTimeout", None, None, True),
        ("network", "a", "a", True),
    ],
    ids=["units", "a number", "other units", "no quantity", "not set", "a boolean", "both not set", "text"],
)
def test_same_value_compares_what_is_meant(name: str, one: Any, other: Any, same: bool) -> None:
    for first, second in ((one, other), (other, one)):
        assert same_value(name, first, second) is same


GOOD = {"at": "", "by": "", "requested_by": "", "reason": "", "changes": {}}
ODD: dict[str, Any] = {
    "none": None,
    "a number": 3,
    "empty": "",
    "null": "null",
    "a list": "[]",
    "an object": "{}",
    "a list of changes": json.dumps({**GOOD, "changes": []}),
    "an odd change": json.dumps({**GOOD, "changes": {"network": 1}}),
    "an odd annotation": json.dumps({**GOOD, "annotation": {"before": 1, "after": "[]"}}),
    "made what is no pointer": json.dumps({**GOOD, "made": "spec"}),
    "made metadata": json.dumps({**GOOD, "made": "/metadata"}),
    "made a number": json.dumps({**GOOD, "made": 3}),
    "undone by a list": json.dumps({**GOOD, "undone": ["a"]}),
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_parse_record_of_anything_else_is_none(text: Any) -> None:
    assert parse_record(text) is None


def test_parse_record_of_what_was_written_is_the_record() -> None:
    undone = Record(WHO, {"network": (None, "a")}, (None, "[]"), "/spec/configuration", undone=WHO.to_json())

    assert parse_record(undone.render()) == undone
    assert parse_record(json.dumps(GOOD)) == Record(Who(""))


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "not set"), (True, "true"), (0, "0"), ("64Mi", "64Mi")],
    ids=["none", "bool", "zero", "text"],
)
def test_say_value_writes_as_yaml_does(value: Any, said: str) -> None:
    assert say_value(value) == said


def test_options_and_names_of_the_api_are_one_to_one() -> None:
    assert len({setting.option for setting in BY_NAME.values()}) == len(BY_NAME)
    assert not [setting.option for setting in BY_NAME.values() if setting.option != setting.option.lower()]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "a", "1Gi"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "migrations"]), inner, max_size=2)
    ),
    max_leaves=4,
)
_PAIRS = st.fixed_dictionaries({"before": _JSON, "after": _JSON})
_RECORDS = st.fixed_dictionaries(
    {
        "at": _JSON,
        "by": _JSON,
        "requested_by": _JSON,
        "reason": _JSON,
        "changes": st.dictionaries(st.sampled_from(["network", "bandwidthPerMigration", "unknown"]), _PAIRS),
    },
    optional={
        "annotation": _PAIRS | _JSON,
        "made": st.sampled_from(["", "/spec/configuration", "/spec/configuration/migrations/network/a", "/spec/a/b"]),
        "undone": st.none() | st.dictionaries(st.sampled_from(["at", "by"]), _JSON),
    },
)


_INTO_A_TEXT = {
    **WHO.to_json(),
    "changes": {"network": {"before": "a", "after": "b"}},
    "made": "/spec/configuration/migrations/network/a",
}


@example(record=_INTO_A_TEXT, found={"network": "b"}, is_managed=False)
@given(
    _RECORDS, st.dictionaries(st.sampled_from(["network", "bandwidthPerMigration", "unknown"]), _JSON), st.booleans()
)
def test_an_undo_never_raises_whatever_somebody_wrote_into_the_record(
    record: dict[str, Any], found: dict[str, Any], is_managed: bool
) -> None:
    there = {name: one["after"] for name, one in record["changes"].items()} if is_managed else found
    target = on_hyperconverged(there) if is_managed else on_kubevirt({"migrations": there, "a": "text"})

    change = plan_undo(target, json.dumps(record))

    assert change.is_empty or not change.refusals
    assert change.before == document_of(target.found.obj)
