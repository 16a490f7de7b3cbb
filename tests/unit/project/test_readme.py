# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README.md tells users to type and to grant is what the tests use."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cluster import users
from tests.make.places import ROOT
from tests.make.readme import role_in_readme

README = (ROOT / "README.md").read_text(encoding="utf-8")


def granted(rules: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Every single right: group, resource, verb."""
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def given_to_the_operator(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str, str]]:
    """What the test cluster's operator gets: the sum of the roles that are bound to it."""
    sent: list[dict[str, Any]] = []

    def send(_method: str, _path: str, body: Any) -> dict[str, Any]:
        sent.append(body or {})
        return {}

    # The API server's own roles, view above all, are not the operator's.
    monkeypatch.setattr(users, "_fill_aggregated_roles", lambda _send: None)
    users.grant_rights(send)
    bindings = [body for body in sent if any(subject["name"] == "operator" for subject in body.get("subjects", []))]
    bound = {body["roleRef"]["name"] for body in bindings}
    roles = [body for body in sent if "rules" in body and body["metadata"]["name"] in bound]
    return {right for role in roles for right in granted(role["rules"])}


def test_role_in_the_readme_is_the_one_the_tests_look_with(monkeypatch: pytest.MonkeyPatch) -> None:
    role = role_in_readme("live-migration-diagnose")
    assert role["kind"] == "ClusterRole"
    assert granted(role["rules"]) == given_to_the_operator(monkeypatch)


def test_targets_in_the_readme_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", README, re.MULTILINE))
    assert named >= {"demo", "test"}
    assert named - targets == set()


def variables_outside_of(name: str, text: str, /) -> tuple[set[str], list[str]]:
    """The variables that `text` gives to a playbook, and those that the playbook does not take."""
    playbook = (ROOT / "playbooks" / f"{name}.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"`-e '?\{?\"?([a-z_]+)[=\"]", text))
    return named, [one for one in sorted(named) if f"{{{{ {one} |" not in playbook]


def test_variables_in_the_readme_are_the_playbooks() -> None:
    before, _heading, alerts = README.partition("\n## Alerts\n")
    diagnose, unknown = variables_outside_of("diagnose", before)
    assert (diagnose >= {"namespaces", "report_directory"}, unknown) == (True, [])
    assert variables_outside_of("install_alert", alerts.partition("\n## ")[0]) == ({"rule_file"}, [])
