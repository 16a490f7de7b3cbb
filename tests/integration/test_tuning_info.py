# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_tuning_info on the test cluster: what it advises for whom, what it takes, and when it takes nothing."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.tuning_info import run
from tests.cluster import Cluster
from tests.integration.keeping import POLICIES, keep
from tests.integration.looking import client_of
from tests.integration.settings_worlds import change
from tests.integration.simulated import VMIS, done
from tests.integration.tuning_worlds import DB_1, DB_2, RATES, WEB_1, play_databases

Object = dict[str, Any]


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_databases(cluster)


def ask(cluster: Cluster, user: str = "admin", **params: Any) -> Object:
    with client_of(cluster, user) as client:
        return run(client, {"dirty_rates": RATES, **params}, Clock())


def answers(result: Object) -> dict[str, str]:
    return {f"{one['namespace']}/{one['vm']}": one["answer"] for one in result["vms"]}


def said(result: Object) -> Object:
    """What is taken: name and settings of each policy, without what is there for people."""
    kept = ("name", "vmi_selector", "namespace_selector", "action", "vms", "reason")
    return {
        one["name"]: {key: value for key, value in one.items() if key not in kept}
        for one in result["changes"]["policies"]
    }


def test_one_policy_for_those_in_need_by_a_label_that_only_they_have(world: Cluster) -> None:
    result = ask(world)
    (group,) = result["groups"]
    (policy,) = result["changes"]["policies"]

    assert answers(result) == {DB_1: "change", DB_2: "change", WEB_1: "none_needed"}
    assert (group["vms"], group["chosen"], group["why_not"]) == ([DB_1, DB_2], "deadline", "")
    assert [one["action"] for one in group["advice"]] == ["deadline", "bandwidth", "auto_converge"]
    assert (policy["vmi_selector"], policy["namespace_selector"]) == ({"tier": "db"}, {})
    assert said(result) == {"live-migration-tuning": {"completion_timeout_per_gib": 228}}
    assert result["changes"]["settings"] == {}
    assert result["coverage"]["complete"]


def test_what_is_advised_suffices_when_it_is_set_and_the_one_that_runs_is_told_to_keep_its_own(world: Cluster) -> None:
    (policy,) = ask(world)["changes"]["policies"]
    keep(world, **{name: value for name, value in policy.items() if name not in ("action", "vms")})

    result = ask(world)
    found = {f"{one['namespace']}/{one['vm']}": one for one in result["vms"]}[DB_1]

    assert (result["groups"], result["changes"]["policies"]) == ([], [])
    assert (found["answer"], found["running"]["finishes"], found["policy_now"]) == (
        "none_needed",
        False,
        "live-migration-tuning",
    )
    assert found["keeps"] == {"completion_timeout_per_gib": {"now": 60, "next": 228}}
    assert "cancel it and migrate again" in found["in_flight"]
    assert "2 that run keep older ones and do not end in time" in result["summary"]["text"]


def test_a_policy_that_rules_just_them_is_changed_and_keeps_its_selectors(world: Cluster) -> None:
    wanted = {"vmi_selector": {"app": "shop", "tier": "db"}, "completion_timeout_per_gib": 61}
    keep(world, name="live-migration-tuning", **wanted, allow_auto_converge=False)

    (policy,) = ask(world)["changes"]["policies"]

    assert (policy["name"], policy["vmi_selector"]) == ("live-migration-tuning", wanted["vmi_selector"])
    assert policy["completion_timeout_per_gib"] == 228


def test_a_policy_of_that_name_that_rules_others_is_left_alone(world: Cluster) -> None:
    keep(world, name="live-migration-tuning", vmi_selector={"tier": "web"}, completion_timeout_per_gib=999)

    result = ask(world)

    assert said(result) == {"live-migration-tuning-2": {"completion_timeout_per_gib": 228}}


def test_where_all_labels_are_shared_nothing_is_taken_and_the_command_that_helps_is_given(cluster: Cluster) -> None:
    play_databases(cluster, tier="shop")
    before = ask(cluster)
    (group,) = before["groups"]
    commands = [shlex.split(one) for one in group["label_commands"] if " vmi " in one]

    assert (group["chosen"], group["needs_label"], before["changes"]["policies"]) == ("", True, [])
    for command in commands:
        name, label = command[command.index("-n") + 2], command[-1].split("=")
        change(cluster, f"{VMIS}/{name}", {"metadata": {"labels": {label[0]: label[1]}}})
    after = ask(cluster)

    assert [one["vmi_selector"] for one in after["changes"]["policies"]] == [{"live-migration-tuning": "needed"}]


def test_without_a_dirty_rate_nothing_is_known_and_nothing_is_taken(world: Cluster) -> None:
    result = ask(world, dirty_rates={})

    assert set(answers(result).values()) == {"unknown"}
    assert result["vms"][0]["missing"] == ["dirty_rate"]
    assert result["changes"] == {"policies": [], "settings": {}, "reason": ""}


def test_a_rate_for_a_vm_that_is_not_copied_is_said_to_be_unused(world: Cluster) -> None:
    result = ask(world, dirty_rates={**RATES, "team-a/bd-1": "60Mi"})

    assert result["notes"] == ["dirty_rates: no copy of team-a/bd-1 was looked at, so that is not used."]
    assert ask(world)["notes"] == []


def test_without_copies_there_is_nothing_to_advise(cluster: Cluster) -> None:
    cluster.reset()
    cluster.simulator.play("selinux-context-missing")

    result = ask(cluster)

    assert (result["vms"], result["groups"], result["summary"]["not_copying"]) == ([], [], 1)
    assert result["summary"]["text"].startswith("No memory is being copied")


@pytest.mark.parametrize("action", ["pause", "post_copy"])
def test_what_may_cost_a_vm_is_taken_only_by_its_name(world: Cluster, action: str) -> None:
    # Beyond what any bandwidth or throttle of this link can do.
    rates = {DB_1: "4000Mi", DB_2: "4000Mi", WEB_1: "20Mi"}
    asked = {"dirty_rates": rates, "bears": ["pause", "post_copy"], "link": "70Mi"}
    by_itself = ask(world, **asked)
    by_name = ask(world, **asked, action=action)

    assert {"pause", "post_copy"} <= {one["action"] for one in by_itself["groups"][0]["advice"]}
    assert by_itself["changes"]["policies"] == []
    assert "asked for by name" in by_itself["groups"][0]["why_not"]
    assert [one["action"] for one in by_name["changes"]["policies"]] == [action]
    assert said(by_name)["live-migration-tuning"]["allow_post_copy"] is (action == "post_copy")


def test_an_action_that_does_not_help_them_all_takes_nothing(world: Cluster) -> None:
    result = ask(world, action="parallelism")

    assert result["changes"]["policies"] == []
    assert "parallelism is not among what helps them all" in result["groups"][0]["why_not"]


def test_a_setting_of_the_whole_cluster_is_taken_only_with_an_action_by_its_name(cluster: Cluster) -> None:
    """A negative progressTimeout aborts every copy, and no policy can change it."""
    play_databases(cluster, configuration={"progressTimeout": -1})
    by_itself, by_name = ask(cluster), ask(cluster, action="deadline")

    assert by_itself["changes"] == {"policies": [], "settings": {}, "reason": ""}
    assert by_name["changes"]["settings"] == {"progress_timeout": 150}
    # web-1 needs nothing but the other progressTimeout, so it is a group of its own.
    assert said(by_name) == {"live-migration-tuning-deadline": {"completion_timeout_per_gib": 228}}
    assert DB_1 in by_name["changes"]["reason"]


def test_migrations_that_leave_one_node_share_its_link(cluster: Cluster) -> None:
    play_databases(cluster, nodes={DB_2: "node-a"})

    result = ask(cluster, link="100Mi", action="parallelism")

    assert result["changes"]["settings"] == {"parallel_outbound_migrations_per_node": 1}
    assert said(result) == {"live-migration-tuning": {"bandwidth_per_migration": "76Mi"}}


def test_with_two_kubevirts_nobody_knows_the_settings_and_nothing_is_advised_by_either(world: Cluster) -> None:
    """Of the two the first by name was taken without a word."""
    second = {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "aaa"}, "spec": {}}
    done(world.request("POST", "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts", body=second))

    result = ask(world)

    assert set(answers(result).values()) == {"unknown"}
    assert (result["groups"], result["changes"]["policies"]) == ([], [])
    assert [
        "There are 2 KubeVirt objects (kubevirt/aaa, kubevirt/kubevirt), and which one is in force is not known" in note
        for note in result["notes"]
    ] == [True]
    # What the running ones got is recorded with them.
    assert {one["running"]["finishes"] for one in result["vms"]} == {True, False}


def test_a_tenant_gets_the_answers_and_nothing_is_taken_blind(world: Cluster) -> None:
    result = ask(world, "tenant", namespaces=["team-a"])
    missing = {(one["verb"], one["resource"], one["namespace"]) for one in result["coverage"]["missing"]}

    assert answers(result)[DB_1] == "change"
    assert result["changes"]["policies"] == []
    assert "is not known" in result["groups"][0]["why_not"]
    assert {("list", "virtualmachineinstances", ""), ("list", "namespaces", "")} <= missing


def test_one_vm_costs_at_most_sixteen_requests_and_each_is_counted(world: Cluster) -> None:
    mark = world.audit_mark()

    result = ask(world, vms=[DB_1])

    made = [one for one in world.audit_since(mark) if one["userAgent"] == "kubevirt_ops.live_migration"]
    assert result["coverage"]["requests"] == len(made) <= 16, [one["requestURI"] for one in made]


def test_other_vms_are_read_as_metadata_alone(world: Cluster) -> None:
    with client_of(world, "admin") as client:
        found = client.metadata("/apis/kubevirt.io/v1/virtualmachineinstances", limit=1)

    assert len(found) == 4
    assert all("spec" not in one and one["metadata"]["labels"] for one in found)


def test_policies_come_from_nowhere_but_the_answer(world: Cluster) -> None:
    ask(world)

    assert done(world.request("GET", POLICIES))["items"] == []


WRONG: dict[str, tuple[Object, str]] = {
    "action": ({"action": "magic"}, "action: 'magic' is none of auto, "),
    "bears": ({"bears": ["pain"]}, "bears: 'pain' is none of throttling"),
    "link": ({"link": "fast"}, "link: 'fast' is not a Kubernetes quantity"),
    "no link": ({"link": "0"}, "link: '0' is less than 1"),
    "margin": ({"dirty_rate_margin": -1}, "dirty_rate_margin: -1 is no number of percent"),
    "rates": ({"dirty_rates": {"db-1": "1Mi"}}, "dirty_rates: 'db-1' is no namespace/name"),
    "name": ({"policy_name": "Tuning"}, "policy_name: 'Tuning' is no name"),
    "vm": ({"vms": ["a/b/c"]}, "vms: 'a/b/c'"),
}


@pytest.mark.parametrize(("params", "text"), WRONG.values(), ids=WRONG)
def test_an_option_without_meaning_is_named(world: Cluster, params: Object, text: str) -> None:
    with pytest.raises(WrongInput, match=text.replace("(", r"\(")):
        ask(world, **params)
