# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the advice for several VMs is shown."""

from __future__ import annotations

import json
import shlex
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_group import (
    Member,
    plan_group_tuning,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import Situation
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.tuning_group import render_tuning_plan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Settings,
    Workload,
)

MIB, GIB = 2**20, 2**30


def a_member(name: str, labels: dict[str, str], *, dirty: float) -> Member:
    workload = Workload(8 * GIB, 9, dirty, 0, False)
    return Member("team-a", name, labels, {}, Situation(workload, Network(None, 64 * MIB), Settings(64 * MIB, 20)))


def rendered(*members: Member) -> dict[str, Any]:
    plan = plan_group_tuning(members, policies=[], policy_name="tuned")
    found: dict[str, Any] = json.loads(json.dumps(render_tuning_plan(plan, members=members), allow_nan=False))
    return found


def test_each_vm_has_its_answer_and_the_group_a_policy_ready_to_create() -> None:
    found = rendered(a_member("db-1", {"tier": "db"}, dirty=60 * MIB), a_member("web-1", {"tier": "web"}, dirty=0))

    assert [(one["vm"], one["answer"]) for one in found["vms"]] == [("db-1", "change"), ("web-1", "none_needed")]
    (group,) = found["groups"]
    assert (group["vms"], group["label_commands"]) == (["team-a/db-1"], [])
    assert group["advice"][0]["object"] == {
        "apiVersion": "migrations.kubevirt.io/v1alpha1",
        "kind": "MigrationPolicy",
        "metadata": {"name": "tuned"},
        "spec": {
            "selectors": {"virtualMachineInstanceSelector": {"tier": "db"}},
            "completionTimeoutPerGiB": 228,
        },
    }
    assert group["advice"][0]["vms"]["team-a/db-1"]["seconds"] == 2044


def test_where_no_label_tells_them_apart_the_commands_give_them_one() -> None:
    found = rendered(a_member("db-1", {"os": "linux"}, dirty=60 * MIB), a_member("web-1", {"os": "linux"}, dirty=0))
    (group,) = found["groups"]

    assert (group["selectors"], group["advice"][0]["object"]) == (None, None)
    assert group["label_commands"][0] == "kubectl label vmi -n team-a db-1 live-migration-tuning=needed"
    patch = shlex.split(group["label_commands"][1])[-1].removeprefix("--patch=")
    assert json.loads(patch)["spec"]["template"]["metadata"]["labels"] == {"live-migration-tuning": "needed"}


def test_a_name_that_is_none_gives_no_command() -> None:
    found = rendered(a_member("db-1;reboot", {"os": "linux"}, dirty=60 * MIB), a_member("w", {"os": "linux"}, dirty=0))

    assert found["groups"][0]["label_commands"] == []
