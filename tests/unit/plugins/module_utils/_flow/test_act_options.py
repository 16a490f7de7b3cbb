# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets and the other options that acting modules share."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.act_options import (
    parallel_from,
    targets_from,
    text_of,
    vms_from,
    wait_seconds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Target

VM = {"namespace": "team-a", "vm": "web-1"}


def test_entry_of_migration_info_is_taken_as_it_is_and_each_once() -> None:
    entry = {**VM, "name": "mig-1", "uid": "5b1e", "phase": "Running", "stuck": True}

    assert targets_from({"targets": [entry, entry, VM]}) == (
        Target("team-a", "web-1", "mig-1", "5b1e"),
        Target("team-a", "web-1"),
    )


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "give targets, or namespace and vm"),
        ({"namespace": "team-a"}, "give targets, or namespace and vm"),
        ({"targets": [VM], "vm": "web-1"}, "either targets, or namespace and vm"),
        ({"targets": [{"vm": "web-1"}]}, r"targets\[0\].namespace"),
        ({"targets": ["team-a/web-1"]}, r"targets\[0\]: 'team-a/web-1' is not a mapping"),
        ({"targets": [{**VM, "vm": "../x"}]}, r"targets\[0\].vm: '../x' is not a name"),
        ({"targets": [{**VM, "vm": 5}]}, r"targets\[0\].vm: 5 is not a name"),
        ({"targets": [{**VM, "uid": "5b1e"}]}, r"targets\[0\].name: a uid is given"),
    ],
    ids=["none", "half", "both", "no namespace", "text", "path", "number", "uid alone"],
)
def test_target_that_cannot_be_meant_is_wrong_input(params: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        targets_from(params)


def test_no_target_is_allowed_where_others_are_found() -> None:
    assert targets_from({}, may_be_none=True) == ()


@pytest.mark.parametrize("value", [-1, True, "5", None, 1.5, 86_401, 10**12], ids=str)
def test_seconds_are_whole_not_negative_and_of_one_day(value: Any) -> None:
    with pytest.raises(WrongInput, match="wait_timeout"):
        wait_seconds({"wait_timeout": value})


def test_no_more_run_side_by_side_than_there_are_connections() -> None:
    assert parallel_from({"parallel": 100}) == 8


def test_text_for_people_is_one_line_of_bounded_length() -> None:
    assert text_of({"reason": " a\nb\tc\x1b[31m "}, "reason") == "a b c [31m"
    assert len(text_of({"reason": "x" * 9000}, "reason")) == 400


def test_planned_cancel_is_known_by_its_state() -> None:
    entry = {**VM, "name": "mig-1", "uid": "5b1e"}
    found = targets_from({"targets": [{**entry, "state": "planned"}, {**entry, "state": "cancelled"}]})

    assert [one.is_planned for one in found] == [True, False]


def test_vms_have_a_namespace_or_none() -> None:
    assert vms_from({"due_vms": ["team-a/web-1", "web-2", "web-2"]}, "due_vms") == (("team-a", "web-1"), ("", "web-2"))


@pytest.mark.parametrize("value", ["", "a/b/c", "team-a/", "../x", 5], ids=str)
def test_what_is_no_vm_is_wrong_input(value: Any) -> None:
    with pytest.raises(WrongInput, match="due_vms"):
        vms_from({"due_vms": [value]}, "due_vms")
