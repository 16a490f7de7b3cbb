# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README.md tells users to type and to grant is what the tests use."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

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


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("live-migration-diagnose", ["viewer"]),
        ("live-migration-settings", ["tuner", "tuner-hyperconverged", "tuner-reads"]),
        ("live-migration-policy", ["policies"]),
        ("live-migration-alert", ["alert-installer", "alert-reads"]),
    ],
    ids=["diagnosis", "settings", "policies", "alert"],
)
def test_role_in_the_readme_gives_what_the_shipped_ones_give(name: str, files: list[str]) -> None:
    """The tests of each module's rights take a rule away from the README's."""
    shipped = [yaml.safe_load((ROOT / "docs" / "rbac" / f"{file}.yml").read_text(encoding="utf-8")) for file in files]

    together = {right for role in shipped for right in granted(role["rules"])}

    assert together == granted(role_in_readme(name)["rules"])


def test_targets_in_the_readme_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", README, re.MULTILINE))
    assert named >= {"demo", "test"}
    assert named - targets == set()


def playbook_of(line: str, /, *, otherwise: str) -> str:
    """The playbook that a line of the README speaks of."""
    named = re.search(r"kubevirt_ops\.live_migration\.([a-z_]+) -e", line) or re.match(
        r"\| `([a-z_]+)` \(playbook\)", line
    )
    return named[1] if named else otherwise


def given_variables(text: str, /, *, otherwise: str) -> set[tuple[str, str]]:
    """The (playbook, variable) that `text` gives with `-e`."""
    pattern = r"-e '?\{?\"?([a-z_]+)[=\"]"
    lines = [(playbook_of(line, otherwise=otherwise), line) for line in text.splitlines()]
    return {(playbook, name) for playbook, line in lines for name in re.findall(pattern, line)}


def takes(playbook: str, name: str, /) -> bool:
    """Whether the playbook knows the variable; `clusters` is the hosts of each."""
    return f"{{{{ {name} |" in (ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")


def test_variables_in_the_readme_are_the_playbooks() -> None:
    before, _heading, alerts = README.partition("\n## Alerts\n")
    given = given_variables(before, otherwise="diagnose")
    given |= given_variables(alerts.partition("\n## ")[0], otherwise="install_alert")

    assert given >= {("diagnose", "namespaces"), ("preflight", "nodes"), ("install_alert", "rule_file")}
    assert given >= {("remediate", "mode"), ("tune", "progress")}
    assert sorted(one for one in given if not takes(*one)) == []
