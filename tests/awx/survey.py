# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to a survey, checked as AWX checks them at launch.

The answers come from a client of the API as JSON. AWX converts nothing: a number given as text is refused where the
question asks for an integer, and a list where it asks for text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["choices_of", "defaults_of", "errors_in_answers", "variables_of"]

_TEXT = ("text", "textarea", "password")
_NUMBERS = ("integer", "float")


def variables_of(spec: Sequence[Mapping[str, Any]]) -> set[str]:
    """The variables that the survey asks for; AWX lets no other through unless it prompts for variables."""
    return {question["variable"] for question in spec}


def defaults_of(spec: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What AWX puts in where a launch gives no answer."""
    return {one["variable"]: one["default"] for one in spec if one.get("default") not in (None, "")}


def choices_of(question: Mapping[str, Any]) -> list[str]:
    """The choices, which AWX takes as a list or as text with one a line."""
    choices = question.get("choices") or []
    return choices.splitlines() if isinstance(choices, str) else list(choices)


def errors_in_answers(spec: Sequence[Mapping[str, Any]], *, answers: Mapping[str, Any]) -> list[str]:
    """What is wrong with the answers, a sentence each; [] where AWX would start the job."""
    found = []
    for question in spec:
        name = question["variable"]
        if name in answers:
            found += _errors_in(question, value=answers[name])
        elif question["required"] and question.get("default") in (None, ""):
            found.append(f"'{name}' value missing")
    return found


def _errors_in(question: Mapping[str, Any], *, value: Any) -> list[str]:
    kind, name = question["type"], question["variable"]
    if kind in _TEXT:
        return _errors_in_text(question, value=value)
    if kind in _NUMBERS:
        return _errors_in_number(question, value=value)
    if kind == "multiselect" and not isinstance(value, list):
        return [f"'{name}' value is expected to be a list."]
    chosen = value if kind == "multiselect" else [value]
    choices = choices_of(question)
    return [f"Value {one} for '{name}' expected to be one of {choices}." for one in chosen if one not in choices]


def _errors_in_text(question: Mapping[str, Any], *, value: Any) -> list[str]:
    name = question["variable"]
    if not isinstance(value, str):
        return [f"Value {value} for '{name}' expected to be a string."]
    if not value and not question["required"]:
        return []
    return _out_of_bounds(question, measured=len(value), what=f"'{name}' value {value} has a length that")


def _errors_in_number(question: Mapping[str, Any], *, value: Any) -> list[str]:
    name = question["variable"]
    if isinstance(value, bool) or not isinstance(value, int if question["type"] == "integer" else (int, float)):
        return [f"Value {value} for '{name}' expected to be a numeric type."]
    return _out_of_bounds(question, measured=value, what=f"'{name}' value {value}")


def _out_of_bounds(question: Mapping[str, Any], *, measured: float, what: str) -> list[str]:
    least, most = question.get("min"), question.get("max")
    if least not in (None, "") and measured < float(least):
        return [f"{what} is too small (must be at least {least})."]
    if most not in (None, "") and measured > float(most):
        return [f"{what} is too large (must be no more than {most})."]
    return []
