# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings as Ansible runs it: options, check mode, how it ends, and the keys that it documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module
from ansible_collections.kubevirt_ops.live_migration.plugins.modules import migration_settings
from tests.cluster import Cluster
from tests.integration.settings_worlds import SOME, migrations, world
from tests.module_arguments import module_arguments

Ended = tuple[dict[str, Any], list[str]]
Run = Callable[..., Ended]
RETURN = yaml.safe_load(migration_settings.RETURN)


@pytest.fixture
def run(cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the module; what it prints, and its warnings."""
    warned: list[str] = []
    monkeypatch.setattr(Module, "warn", lambda _self, text: warned.append(text))

    def execute(user: str = "admin", *, check: bool = False, **options: Any) -> Ended:
        warned.clear()
        given = {"kubeconfig": str(cluster.kubeconfig(user)), **options, "_ansible_check_mode": check}
        with module_arguments(given), pytest.raises(SystemExit):
            migration_settings.main()
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {name: value for name, value in printed.items() if name != "invocation"}, list(warned)

    return execute


def undocumented(value: Any, documented: dict[str, Any], *, where: str = "") -> list[str]:
    """Keys of a result that RETURN does not describe, or that it describes and the result lacks."""
    found = [f"{where}{name}" for name in set(value) ^ set(documented)]
    for name in set(value) & set(documented):
        inner = documented[name].get("contains")
        parts = value[name] if isinstance(value[name], list) else [value[name]]
        if inner is not None and name != "effective":
            found += [key for part in parts if part for key in undocumented(part, inner, where=f"{where}{name}.")]
    return found


MODES: dict[str, dict[str, Any]] = {
    "look": {},
    "change": {"settings": SOME},
    "check": {"settings": SOME, "check": True},
    "refused": {"settings": {"parallel_migrations_per_cluster": 0}, "fail_on_refusal": False},
    "undo": {"undo": True},
    "no owner": {"settings": SOME, "owner": "hyperconverged", "fail_on_refusal": False},
}


@pytest.mark.parametrize("mode", MODES)
def test_every_key_of_the_result_is_documented_and_there_in_every_mode(cluster: Cluster, run: Run, mode: str) -> None:
    world(cluster, migrations=[{"vm": "team-a/web-1", "phase": "Running", "since": 30, "target": "node-b"}])
    run(settings={"network": "before"})
    found, _warned = run(**MODES[mode])

    documented = {name: told for name, told in RETURN.items() if name != "error"}
    assert undocumented({**found, "changed": None}, {**documented, "changed": {}}) == []
    assert "changed" in found


def test_a_failure_has_the_same_keys_and_the_error(cluster: Cluster, run: Run) -> None:
    world(cluster)
    failed, _warned = run("operator", settings=SOME)

    assert failed["failed"] is True
    assert failed["error"]["code"] == "Forbidden"
    assert "Grant this user: patch kubevirts (kubevirt.io) in namespace kubevirt." in failed["msg"]
    assert undocumented(failed, {**RETURN, "changed": {}, "failed": {}, "msg": {}}) == []


def test_a_refusal_fails_unless_it_is_told_not_to(cluster: Cluster, run: Run) -> None:
    world(cluster)
    wish = {"settings": {"parallel_migrations_per_cluster": 0, "progress_timeout": -1}}

    failed, _warned = run(**wish)
    told, _warned_too = run(**wish, fail_on_refusal=False)

    assert (failed["failed"], told.get("failed")) == (True, None)
    assert failed["msg"] == " ".join(one["reason"] for one in told["refusals"])
    assert {one["code"] for one in failed["refusals"]} == {"ParallelismZero", "NegativeValue"}
    assert migrations(cluster) is None


def test_check_mode_of_the_module_changes_nothing(cluster: Cluster, run: Run) -> None:
    world(cluster)
    predicted, warned = run(settings={"allow_post_copy": True}, check=True)

    assert predicted["changed"] is True
    assert ["PostCopyCanLoseVM" in text for text in warned] == [True]
    assert migrations(cluster) is None


def test_options_are_taken_as_they_are_documented(cluster: Cluster, run: Run) -> None:
    world(cluster)
    run(settings={"progress_timeout": "240", "allow_auto_converge": "yes", "bandwidth_per_migration": 67108864})

    assert migrations(cluster) == {
        "progressTimeout": 240,
        "allowAutoConverge": True,
        "bandwidthPerMigration": "67108864",
    }


def test_wrong_options_end_with_wrong_input(cluster: Cluster, run: Run) -> None:
    failed, _warned = run(settings={"network": "a"}, undo=True)

    assert (failed["failed"], failed["error"]["code"]) == (True, "WrongInput")
