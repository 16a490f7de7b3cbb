# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller of the tests takes as answers to a survey, and what it refuses as AWX does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.awx.survey import defaults_of, errors_in_answers, variables_of

SPEC: list[dict[str, Any]] = [
    {"variable": "vm", "type": "text", "required": True, "min": 1, "max": 5, "default": ""},
    {"variable": "note", "type": "textarea", "required": False, "min": 3, "max": 9, "default": ""},
    {"variable": "limit", "type": "integer", "required": True, "min": 1, "max": 20, "default": 5},
    {"variable": "share", "type": "float", "required": False, "min": 0, "max": 1, "default": ""},
    {"variable": "mode", "type": "multiplechoice", "required": True, "choices": "look\nact", "default": "look"},
    {"variable": "bears", "type": "multiselect", "required": False, "choices": ["pause", "slow"], "default": ""},
]


@pytest.mark.parametrize(
    "more",
    [{}, {"note": ""}, {"limit": 20}, {"share": 1}, {"share": 0.5}, {"mode": "act"}, {"bears": ["slow", "pause"]}],
    ids=["defaults", "empty-not-required", "most", "whole-as-float", "float", "choice", "choices"],
)
def test_answers_that_fit_are_taken(more: dict[str, Any]) -> None:
    assert errors_in_answers(SPEC, answers={"vm": "web-1", **more}) == []


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"vm": ""},
        {"vm": "web-10"},
        {"vm": 7},
        {"vm": "a", "note": "ab"},
        {"vm": "a", "limit": "5"},
        {"vm": "a", "limit": True},
        {"vm": "a", "limit": 1.5},
        {"vm": "a", "limit": 0},
        {"vm": "a", "limit": 21},
        {"vm": "a", "mode": "Look"},
        {"vm": "a", "bears": "slow"},
        {"vm": "a", "bears": ["slow", "post_copy"]},
    ],
    ids=[
        "missing",
        "empty",
        "too-long",
        "number-as-text",
        "too-short",
        "text-as-number",
        "bool-as-number",
        "float-as-integer",
        "too-small",
        "too-large",
        "no-choice",
        "text-as-list",
        "one-no-choice",
    ],
)
def test_answers_that_do_not_fit_are_refused_once(answers: dict[str, Any]) -> None:
    assert len(errors_in_answers(SPEC, answers=answers)) == 1


def test_survey_names_its_variables_and_defaults() -> None:
    assert variables_of(SPEC) == {"vm", "note", "limit", "share", "mode", "bears"}
    assert defaults_of(SPEC) == {"limit": 5, "mode": "look"}
