# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy's spec becomes, what takes it back, and the one write that makes it so."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import RECORD
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import (
    parse_selector,
    parse_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy import (
    WantedPolicy,
    changed_since,
    differing_fields,
    other_changes,
    same_spec,
    spec_after,
    spec_of,
    undo_options,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_record import (
    PolicyRecord,
    parse_policy_record,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_steps import (
    note_in,
    note_of,
    plan_policy_steps,
    undo_patch,
    unknown_fields,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import Who

DB = {"virtualMachineInstanceSelector": {"tier": "db"}}
FOUND: dict[str, Any] = {
    "selectors": DB,
    "allowAutoConverge": True,
    "bandwidthPerMigration": "67108864",
    "experimental": {"stallDetector": {"stallMargin": 5}},
}


def wanted(*, purge: bool = False, **settings: Any) -> WantedPolicy:
    selectors = {
        key: settings.pop(key) for key in ("virtualMachineInstanceSelector", "namespaceSelector") if key in settings
    }
    return WantedPolicy("db", selectors=selectors, settings=settings, is_exact=purge)


def test_what_was_not_given_stays_and_the_way_of_writing_too() -> None:
    after = spec_after(wanted(bandwidthPerMigration="64Mi", allowPostCopy=True), found=FOUND)

    assert after == {**FOUND, "allowPostCopy": True}


def test_settings_below_a_map_are_given_one_by_one() -> None:
    after = spec_after(wanted(experimental={"stallDetector": {"ewmaAlpha": "0.5"}}), found=FOUND)

    assert (after or {})["experimental"] == {"stallDetector": {"stallMargin": 5, "ewmaAlpha": "0.5"}}


def test_purge_takes_out_what_was_not_given() -> None:
    after = spec_after(wanted(purge=True, bandwidthPerMigration="64Mi", **DB), found=FOUND)

    assert after == {"selectors": DB, "bandwidthPerMigration": "67108864"}


@pytest.mark.parametrize(
    ("selectors", "after"),
    [
        ({"virtualMachineInstanceSelector": {"a": "b"}}, {"virtualMachineInstanceSelector": {"a": "b"}}),
        ({"namespaceSelector": {"a": "b"}}, {**DB, "namespaceSelector": {"a": "b"}}),
        ({"virtualMachineInstanceSelector": {}}, {}),
    ],
    ids=["replaced", "added", "taken out"],
)
def test_a_selector_that_is_given_replaces_the_whole_selector(selectors: Any, after: Any) -> None:
    assert (spec_after(wanted(**selectors), found=FOUND) or {})["selectors"] == after


def test_absent_gives_no_spec() -> None:
    assert spec_after(WantedPolicy("db", is_present=False), found=FOUND) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (None, None, True),
        (None, {"selectors": {}}, False),
        ({"selectors": {}}, {"selectors": {"namespaceSelector": {}}}, True),
        ({"selectors": DB, "experimental": {}}, {"selectors": DB}, True),
        ({"bandwidthPerMigration": "1k"}, {"bandwidthPerMigration": 1000}, True),
        ({"selectors": DB}, {"selectors": {"virtualMachineInstanceSelector": {"tier": "db", "a": "b"}}}, False),
    ],
    ids=["none", "some", "empty selector", "empty map", "quantity", "label"],
)
def test_specs_are_the_same_where_they_mean_the_same(one: Any, other: Any, same: bool) -> None:
    for first, second in ((one, other), (other, one)):
        assert same_spec(first, second) is same


def test_fields_that_differ_are_named_by_their_paths() -> None:
    other = {"selectors": {}, "allowAutoConverge": True, "experimental": {"stallDetector": {"stallMargin": 6}}}

    assert differing_fields(FOUND, other) == (
        "bandwidthPerMigration",
        "experimental.stallDetector.stallMargin",
        "selectors.virtualMachineInstanceSelector",
    )


LABELS = st.dictionaries(st.sampled_from(["a", "b.c/d"]), st.sampled_from(["1", "x"]), max_size=2)
SPECS = st.fixed_dictionaries(
    {"selectors": st.fixed_dictionaries({}, optional={"namespaceSelector": LABELS, **dict.fromkeys(DB, LABELS)})},
    optional={
        "allowPostCopy": st.booleans(),
        "bandwidthPerMigration": st.sampled_from(["64Mi", "67108864", 5, "0"]),
        "completionTimeoutPerGiB": st.integers(0, 9),
        "experimental": st.fixed_dictionaries(
            {"compression": st.sampled_from(["none", "zstd"])},
            optional={"stallDetector": st.fixed_dictionaries({"ewmaAlpha": st.sampled_from(["0.5", "500m"])})},
        ),
    },
)


@given(SPECS, SPECS)
def test_the_undo_options_bring_any_spec_back(before: Any, now: Any) -> None:
    options = undo_options("db", before=before)
    labels = {
        "virtualMachineInstanceSelector": parse_selector(options["vmi_selector"], option="vmi_selector"),
        "namespaceSelector": parse_selector(options["namespace_selector"], option="namespace_selector"),
    }
    asked = WantedPolicy("db", selectors=labels, settings=parse_settings(options), is_exact=options["purge"])

    assert same_spec(spec_after(asked, found=now), before)
    assert ("ClusterWidePolicy" in options.get("accept_risks", ())) is not any(before["selectors"].values())


@given(SPECS, SPECS)
def test_a_second_run_finds_nothing_to_do(spec: Any, found: Any) -> None:
    asked = WantedPolicy(
        "db", selectors=spec["selectors"], settings={k: v for k, v in spec.items() if k != "selectors"}
    )
    after = spec_after(asked, found=found)

    assert spec_after(asked, found=after) == after


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["spec", "metadata", "selectors", "experimental", "annotations", *DB]), inner)
    ),
    max_leaves=6,
)


@given(JSON)
def test_nothing_raises_whatever_the_object(obj: Any) -> None:
    spec = spec_of(obj)
    after = spec_after(wanted(experimental={"compression": "zstd"}, **DB), found=spec)
    found = obj if isinstance(obj, dict) else {}

    assert isinstance(undo_options("db", before=spec), dict)
    assert plan_policy_steps("db", found=found, after=after, note="n")
    assert isinstance(note_of(found), str | None)
    assert spec_after(wanted(purge=True, **DB), found=spec) == {"selectors": DB}


def test_what_no_option_sets_gives_no_undo_options() -> None:
    assert undo_options("db", before={**FOUND, "newer": 1}) == {}
    assert undo_options("db", before={"selectors": {}, "experimental": {"newer": 1}}) == {}
    assert undo_options("db", before=None) == {"name": "db", "state": "absent"}


def test_a_change_since_is_named_by_field() -> None:
    record = PolicyRecord(Who("t"), before=None, after=FOUND)

    assert changed_since(record, found=copy.deepcopy(FOUND)) == ()
    assert [one.reason for one in changed_since(record, found={**FOUND, "allowAutoConverge": False})] == [
        "spec.allowAutoConverge is not as it was left: somebody changed it since."
    ]


# --- steps ---


def an_object(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "db", "uid": "u1", "resourceVersion": "7", **metadata}, "spec": FOUND}


def test_no_step_where_nothing_changes() -> None:
    assert plan_policy_steps("db", found=an_object(), after=copy.deepcopy(FOUND), note="n") == ()
    assert plan_policy_steps("db", found=None, after=None, note="n") == ()


def test_a_patch_tests_uid_and_spec_and_writes_only_what_differs() -> None:
    after = {"selectors": DB, "allowAutoConverge": False, "bandwidthPerMigration": "67108864", "maxDowntimeMs": 5}

    (step,) = plan_policy_steps("db", found=an_object(annotations={"a": "b"}), after=after, note="n")

    assert (step.verb, step.body) == (
        "patch",
        [
            {"op": "test", "path": "/metadata/uid", "value": "u1"},
            {"op": "test", "path": "/spec", "value": FOUND},
            {"op": "remove", "path": "/spec/experimental"},
            {"op": "replace", "path": "/spec/allowAutoConverge", "value": False},
            {"op": "add", "path": "/spec/maxDowntimeMs", "value": 5},
            {"op": "add", "path": f"/metadata/annotations/{RECORD.replace('/', '~1')}", "value": "n"},
        ],
    )
    assert list(step.undo) == [
        {"op": "test", "path": "/spec", "value": after},
        {"op": "replace", "path": "/spec", "value": FOUND},
    ]


def test_a_delete_names_uid_and_version() -> None:
    (step,) = plan_policy_steps("db", found=an_object(), after=None, note="n")

    assert (step.verb, step.uid, step.resource_version) == ("delete", "u1", "7")
    assert step.undo["spec"] == FOUND
    assert undo_patch(an_object(), after=None) == []


@pytest.mark.parametrize("annotations", [None, {"a": "b"}], ids=["none", "some"])
def test_the_record_that_a_step_writes_is_found_in_it(annotations: Any) -> None:
    found = an_object(**({} if annotations is None else {"annotations": annotations}))
    (patch,) = plan_policy_steps("db", found=found, after={"selectors": DB}, note="n")
    (create,) = plan_policy_steps("db", found=None, after={"selectors": DB}, note="n")

    assert note_in(patch.body) == note_in(create.body) == note_of(create.body) == "n"
    assert (note_in(None), note_of(an_object())) == ("", None)


def test_fields_that_a_strict_server_names_are_found_in_its_words() -> None:
    words = 'strict decoding error: unknown field "spec.experimental", unknown field "spec.maxDowntimeMs"'

    assert unknown_fields(words) == unknown_fields(words.replace('"', '\\"')) == ("experimental", "maxDowntimeMs")
    assert unknown_fields('unknown field "metadata.x"') == ()


# --- record ---


@given(SPECS, st.none() | SPECS, st.text(max_size=9), st.booleans())
def test_a_record_is_read_as_it_was_written(after: Any, before: Any, reason: str, undone: bool) -> None:
    who = Who("2026-11-23T08:00:00Z", user="admin", requested_by="jane", reason=reason)
    record = PolicyRecord(who, before, after)
    record = record.undone_by(who) if undone else record

    assert parse_policy_record(record.render()) == record
    assert bool(record.to_result()["undone"]) is undone


@pytest.mark.parametrize(
    "spec", [None, 5, {"before": 1, "after": {}}, {"before": None, "after": None}, {"before": {}, "after": []}]
)
def test_a_record_of_another_shape_is_none(spec: Any) -> None:
    told = {**Who("t").to_json(), "changes": {"spec": spec}}

    assert parse_policy_record(json.dumps(told)) is None
    assert parse_policy_record(json.dumps({**told, "changes": {}})) is None
    assert parse_policy_record("") is None


def changed(name: str, *, undone: bool = False) -> dict[str, Any]:
    """A policy whose last change was this module's."""
    record = PolicyRecord(Who("2026-11-23T08:49:14Z"), None, {}, {"by": "jane"} if undone else None)
    return {"metadata": {"name": name, "annotations": {RECORD: record.render()}}, "spec": {}}


AMBIGUOUS: dict[str, tuple[list[dict[str, Any]] | None, str]] = {
    "nothing": ([], ""),
    "itself": ([changed("tuning")], ""),
    "the next name": ([changed("tuning"), changed("tuning-2")], "tuning-2 has a change that stands besides tuning"),
    "the next name alone": ([changed("tuning-2")], "tuning-2 has"),
    "two": ([changed("tuning.others"), changed("tuning-deadline")], "tuning-deadline, tuning.others have"),
    "undone": ([changed("tuning-2", undone=True)], ""),
    "not ours": ([{"metadata": {"name": "tuning-2"}, "spec": {}}], ""),
    "another name": ([changed("tuning2"), changed("other")], ""),
    "not read": (None, "is not known"),
}


@pytest.mark.parametrize(("policies", "said"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_undo_by_the_first_name_alone_is_ambiguous_where_others_made_of_it_stand(
    policies: list[dict[str, Any]] | None, said: str
) -> None:
    found = other_changes("tuning", policies=policies)

    assert [one.code for one in found] == (["UndoAmbiguous"] if said else [])
    assert all(said in one.reason for one in found)
