# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What anybody may write into annotations, Leases, versions, failures and options: known or not, and no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import (
    is_label_key,
    is_label_value,
    is_name,
    is_namespace,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.alert_options import parse_options
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.tuning_options import (
    parse_tuning_options,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_metrics import find_silent
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.budget import read_budget
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.hco_patch import (
    AnnotationProblem,
    decided_settings,
    parse_annotation,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import MEMORY, read_held
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_record import (
    parse_policy_record,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.policy_steps import unknown_fields
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import parse_record
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.failure import read_failure

BOUNDED = settings(max_examples=120, deadline=None, derandomize=True, database=None)
KEYS = ["attempts", "bad_targets", "last_at", "changes", "before", "after", "at", "by", "op", "path", "value", "made"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["add", "/spec/configuration/migrations", "9999-12-31T23:59:59Z", 10**30, "{{ x }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
TEXT = st.text(max_size=30) | JSON.map(json.dumps) | st.sampled_from(["[" * 100_000, "1" * 5000, "NaN", '"\\ud800"'])


@BOUNDED
@given(text=TEXT, spec=JSON, labels=JSON)
def test_any_lease_is_known_or_not_known(text: str, spec: Any, labels: Any) -> None:
    lease = {"metadata": {"annotations": {MEMORY: text}, "labels": labels, "resourceVersion": "5"}, "spec": spec}
    held, budget = read_held(lease), read_budget(lease)

    assert held.record is None or held.record.attempts >= 0
    assert budget is None or list(budget.acts) == sorted(budget.acts)


RECORDS: dict[str, Callable[[Any], Any]] = {"settings": parse_record, "policy": parse_policy_record}


@pytest.mark.parametrize("parse", RECORDS.values(), ids=RECORDS)
@BOUNDED
@given(text=TEXT | st.none() | st.integers())
def test_any_record_is_one_or_none(parse: Callable[[Any], Any], text: Any) -> None:
    assert parse(text) is None or text


@BOUNDED
@given(text=TEXT | st.none())
def test_any_annotation_of_hyperconverged_is_operations_or_a_problem(text: str | None) -> None:
    try:
        operations = parse_annotation(text)
    except AnnotationProblem as problem:
        assert str(problem)  # noqa: PT017 - either outcome is right, each has its own check
        return

    assert all(one["path"].startswith("/spec/") for one in operations)
    assert decided_settings(operations) is not None


@BOUNDED
@given(text=st.text(max_size=20) | st.from_regex(r"v?[0-9]{1,8}\.[0-9]{1,8}\.[0-9]{1,8}.{0,3}"))
def test_any_version_is_known_or_not_known(text: str) -> None:
    assert all(isinstance(name, str) for name in find_silent(text))


@BOUNDED
@given(text=st.text() | st.from_regex(r"Live migration (stuck for|is not completed after) -?\d{1,40} sec.*aborted"))
def test_any_failure_has_words(text: str) -> None:
    found = read_failure(text, was_cancelled=False)

    assert found.kind
    assert found.words


@BOUNDED
@given(words=st.text() | st.from_regex(r'unknown field \\*"spec\.[A-Za-z.]{1,9}".*'))
def test_any_words_of_the_server_name_fields_of_letters(words: str) -> None:
    assert all(name.replace(".", "").isalpha() and name.isascii() for name in unknown_fields(words))


@BOUNDED
@given(text=st.text(max_size=300))
def test_what_is_a_name_means_nothing_to_a_shell_a_path_or_a_template(text: str) -> None:
    if is_name(text) or is_namespace(text) or is_label_value(text) or is_label_key(text):
        assert text.isascii()
        assert not set(text) & set(" {}$`'\"\\;|&<>()[]?*%#!~\n\r\t\0")


TEXTS = st.text(max_size=9) | st.sampled_from(["{{ x }}", "a\0b", "1e999", "9" * 50, "\ud800"])
MAPS = st.dictionaries(TEXTS | st.just("team-a/web-1"), TEXTS | st.integers() | st.floats(), max_size=2)
# Ansible itself sees to the types of options.
OPTIONS: dict[str, tuple[Callable[[Any], Any], dict[str, st.SearchStrategy[Any]]]] = {
    "alert": (parse_options, {"name": TEXTS, "labels": MAPS, "alert_labels": MAPS, "runbook_url": TEXTS}),
    "tuning": (parse_tuning_options, {"link": TEXTS, "dirty_rates": MAPS, "policy_name": TEXTS, "action": TEXTS}),
}


@pytest.mark.parametrize("case", OPTIONS.values(), ids=OPTIONS)
@BOUNDED
@given(data=st.data())
def test_any_option_is_taken_or_named(
    case: tuple[Callable[[Any], Any], dict[str, st.SearchStrategy[Any]]], data: st.DataObject
) -> None:
    parse, options = case
    said = "taken"
    try:
        parse(data.draw(st.fixed_dictionaries({}, optional=options)))
    except WrongInput as error:
        said = str(error)

    assert said == "taken" or any(name in said for name in options)
