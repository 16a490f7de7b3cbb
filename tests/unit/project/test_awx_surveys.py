# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys that awx_setup makes ask for what the playbooks take, with the choices and defaults of the roles."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.awx.survey import choices_of, errors_in_answers
from tests.make.places import FULL_NAME, ROOT

SETUP = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text(encoding="utf-8"))
TEMPLATES: list[dict[str, Any]] = SETUP["awx_setup_templates"]
IDS = [one["key"] for one in TEMPLATES]
QUESTIONS = [(one, question) for one in TEMPLATES for question in one["survey"]]


def role_of(play: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The play's one role, listed or called by a task of a block, and the variables that it gets."""
    blocks = [task for task in play.get("tasks", ()) if "block" in task]
    calls = [inner for task in blocks for inner in task["block"] if "ansible.builtin.import_role" in inner]
    found = [(role["role"], role["vars"]) for role in play.get("roles", ())]
    found += [(call["ansible.builtin.import_role"]["name"], call["vars"]) for call in calls]
    (one,) = found
    return one


def options_of(playbook: str) -> dict[str, dict[str, Any]]:
    """What the playbook's one role documents of each variable that the playbook takes."""
    ((play),) = yaml.safe_load((ROOT / playbook).read_text(encoding="utf-8"))
    name, variables = role_of(play)
    folder = ROOT / "roles" / name.removeprefix(f"{FULL_NAME}.")
    spec = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = spec["argument_specs"]["main"]["options"]
    found = {}
    for option, text in variables.items():
        taken = re.match(r"\{\{ (\w+) \| default", text)
        assert taken, text
        found[taken[1]] = options[option]
    return found


def asked_for(option: dict[str, Any]) -> set[str]:
    """The types of question that can ask for an option."""
    if option["type"] == "bool" or (option["type"] == "str" and "choices" in option):
        return {"multiplechoice"}
    return {"str": {"text"}, "int": {"integer"}, "list": {"textarea", "multiselect"}}[option["type"]]


@pytest.mark.parametrize(
    ("template", "question"), QUESTIONS, ids=[f"{one['key']}-{question['variable']}" for one, question in QUESTIONS]
)
def test_question_is_what_the_role_documents(template: dict[str, Any], question: dict[str, Any]) -> None:
    option = options_of(template["playbook"])[question["variable"]]
    assert question["type"] in asked_for(option)
    if option["type"] == "bool":
        assert choices_of(question) == ["true", "false"]
        assert question["default"] == str(option["default"]).lower()
    elif option["type"] == "list":
        assert question["default"] == ",".join(option["default"])
    else:
        assert question["default"] == option["default"]
        assert choices_of(question) == option.get("choices", [])


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_defaults_pass_their_own_survey(template: dict[str, Any]) -> None:
    given = {one["variable"]: one["default"] for one in template["survey"] if one["type"] != "multiselect"}
    assert errors_in_answers(template["survey"], answers=given) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_variables_of_the_template_are_those_of_its_playbook(template: dict[str, Any]) -> None:
    options = options_of(template["playbook"])
    for name, value in template["extra_vars"].items():
        assert value in options[name]["choices"]


def test_workflows_ask_only_what_both_jobs_ask_and_tell_the_second_what_it_takes() -> None:
    surveys = {one["key"]: {question["variable"]: question for question in one["survey"]} for one in TEMPLATES}
    for workflow in SETUP["awx_setup_workflows"]:
        first, then = surveys[workflow["first"]], surveys[workflow["then"]]
        assert all(first[name] == then[name] for name in workflow["survey"])
        assert errors_in_answers(list(then.values()), answers=workflow["extra_data"]) == []
