# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_alert with a rules file for a plain Prometheus: checked by promtool or by itself, then put in place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow import rule_file as rule_file_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.rule_file import (
    OWN_CHECK,
    RulesRefused,
    check_rules,
)
from tests.cluster import Cluster
from tests.cluster.build import ensure_promtool
from tests.integration.alert_worlds import OBJECTS, ask
from tests.integration.promtool import Rules
from tests.integration.settings_worlds import KUBEVIRT, change, world
from tests.integration.simulated import items


@pytest.fixture(autouse=True)
def _no_promtool_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.yml"


def a_promtool(tmp_path: Path, script: str) -> Path:
    """A program in promtool's place."""
    program = tmp_path / "bin" / "promtool"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_it_writes_what_it_would_apply_and_promtool_finds_no_fault(cluster: Cluster, file: Path) -> None:
    world(cluster)

    found = ask(cluster, rule_file=str(file), promtool=str(ensure_promtool()))
    again = ask(cluster, rule_file=str(file), promtool=str(ensure_promtool()))

    assert (found["changed"], found["checked_by"]) == (True, f"promtool ({ensure_promtool()})")
    assert yaml.safe_load(file.read_text(encoding="utf-8")) == {"groups": found["groups"]}
    assert ask(cluster, check_mode=True)["groups"] == found["groups"]
    assert "8 rules found" in Rules(file).check()
    assert (again["changed"], again["diff"], items(cluster, OBJECTS)) == (False, {}, [])


def test_promtool_on_the_path_is_taken_and_without_one_the_module_checks_itself(
    cluster: Cluster, file: Path, tmp_path: Path
) -> None:
    world(cluster)

    alone = ask(cluster, rule_file=str(file))
    program = a_promtool(tmp_path, 'test "$1 $2" = "check rules" && test -s "$3"')
    checked = ask(cluster, rule_file=str(file))

    assert (alone["changed"], alone["checked_by"]) == (True, OWN_CHECK)
    assert (checked["changed"], checked["checked_by"]) == (False, f"promtool ({program})")


def test_what_promtool_refuses_is_not_put_in_place(cluster: Cluster, file: Path, tmp_path: Path) -> None:
    world(cluster)
    ask(cluster, rule_file=str(file))
    was = file.read_text(encoding="utf-8")
    a_promtool(tmp_path, 'echo "FAILED: $3: it is Tuesday" >&2; exit 3')

    with pytest.raises(RulesRefused, match=r"promtool says: FAILED: rules: it is Tuesday\. Nothing was written\."):
        ask(cluster, rule_file=str(file), stuck_after=600)

    assert file.read_text(encoding="utf-8") == was
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "rules.yml"]


def test_what_the_own_check_refuses_is_not_put_in_place() -> None:
    groups = [{"name": "g", "rules": [{"alert": "A", "expr": "up == ("}]}]

    with pytest.raises(RulesRefused, match="nothing closes"):
        check_rules(yaml.safe_dump({"groups": groups}), groups, promtool="")


def test_rules_that_do_not_read_back_are_refused() -> None:
    with pytest.raises(RulesRefused, match="does not read back"):
        check_rules("groups: []", [{"name": "g"}], promtool="")


def test_a_promtool_that_was_named_and_is_not_there_is_an_error(cluster: Cluster, file: Path) -> None:
    world(cluster)

    with pytest.raises(WrongInput, match="is not there or cannot be run"):
        ask(cluster, rule_file=str(file), promtool=str(file.with_name("none")))

    assert not file.exists()


def test_check_mode_writes_nothing_and_tells_what_the_run_does(cluster: Cluster, file: Path) -> None:
    world(cluster)

    predicted = ask(cluster, check_mode=True, rule_file=str(file))
    assert not file.exists()
    found = ask(cluster, rule_file=str(file))
    change(cluster, KUBEVIRT, {"spec": {"configuration": {"migrations": {"completionTimeoutPerGiB": 300}}}})
    drifted = ask(cluster, check_mode=True, rule_file=str(file))

    assert predicted == found
    assert (drifted["changed"], drifted["diff"]["before"]) == (True, file.read_text(encoding="utf-8"))
    assert "300 * ceil(" in drifted["diff"]["after"]


def test_mode_and_link_of_a_file_that_is_there_stay(cluster: Cluster, file: Path, tmp_path: Path) -> None:
    world(cluster)
    link = tmp_path / "link.yml"
    ask(cluster, rule_file=str(file))
    assert file.stat().st_mode & 0o777 == 0o644
    file.chmod(0o640)
    link.symlink_to(file)

    assert ask(cluster, rule_file=str(link), stuck_after=600)["changed"]

    assert (link.is_symlink(), file.stat().st_mode & 0o777) == (True, 0o640)
    assert "+ 600" in file.read_text(encoding="utf-8")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    cluster: Cluster, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world(cluster)
    ask(cluster, rule_file=str(file))
    was = file.read_text(encoding="utf-8")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rule_file_module.os, "fsync", full)
    with pytest.raises(WrongInput, match=r"cannot be written \(No space left on device\)"):
        ask(cluster, rule_file=str(file), stuck_after=600)

    assert file.read_text(encoding="utf-8") == was
    assert sorted(os.listdir(tmp_path)) == ["bin", "rules.yml"]


def test_a_file_of_somebody_else_is_neither_written_nor_removed_unless_one_insists(
    cluster: Cluster, file: Path
) -> None:
    world(cluster)
    file.write_text("groups: []\n", encoding="utf-8")

    for state in ("present", "absent"):
        found = ask(cluster, rule_file=str(file), state=state)
        assert (found["changed"], [one["code"] for one in found["refusals"]]) == (False, ["NotOurs"])
        assert file.read_text(encoding="utf-8") == "groups: []\n"

    assert ask(cluster, rule_file=str(file), accept_risks=["NotOurs"])["changed"]


def test_absent_removes_it_once_and_asks_nothing_of_the_cluster(cluster: Cluster, file: Path) -> None:
    world(cluster)
    ask(cluster, rule_file=str(file))

    predicted = ask(cluster, check_mode=True, rule_file=str(file), state="absent")
    assert file.exists()
    found = ask(cluster, rule_file=str(file), state="absent")
    again = ask(cluster, rule_file=str(file), state="absent")

    assert [one["changed"] for one in (predicted, found, again)] == [True, True, False]
    assert (file.exists(), found["coverage"]["requests"]) == (False, 0)


def test_a_fixed_limit_needs_no_rights_in_the_cluster(cluster: Cluster, file: Path) -> None:
    world(cluster)

    found = ask(cluster, "nobody", rule_file=str(file), stuck_after=600)

    assert (found["changed"], found["coverage"]["complete"]) == (True, False)
    assert any("defaults are taken for its limits" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("path", "words"),
    [("missing/rules.yml", "the folder of .* does not exist"), (".", r"cannot be read \(Is a directory\)")],
    ids=["no folder", "a folder"],
)
def test_a_place_that_takes_no_file_is_an_error(cluster: Cluster, tmp_path: Path, path: str, words: str) -> None:
    world(cluster)

    with pytest.raises(WrongInput, match=words):
        ask(cluster, rule_file=str(tmp_path / path))


@pytest.mark.parametrize("made", ["pipe", "device"], ids=["a pipe", "a link to a device"])
def test_what_is_no_regular_file_is_neither_read_nor_replaced(cluster: Cluster, tmp_path: Path, made: str) -> None:
    world(cluster)
    path = tmp_path / "rules.yml"
    if made == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null")

    for state in ("present", "absent"):
        with pytest.raises(WrongInput, match="is no regular file"):
            ask(cluster, rule_file=str(path), state=state)

    assert path.is_fifo() if made == "pipe" else path.is_symlink()
    assert Path("/dev/null").is_char_device()
