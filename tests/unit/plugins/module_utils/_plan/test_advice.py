# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about each cause: for every code, filled with names, and never an unsafe command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.advice import (
    Advice,
    is_cancel,
    plan_advice,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.remedies import ADVICE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import (
    CATALOGUE,
    ORDER,
    Entry,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from tests.unit import copies, held, worlds
from tests.unit.builders import a_migration
from tests.unit.less_usual import no_vmi
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, a_failed, a_world, evacuation, queue

DELETE = "kubectl delete virtualmachineinstancemigration"
WITH_CAUSES = [name for name, row in TABLE.items() if row[2]]
EVIL = ["web-1; rm -rf ~", "$(reboot)", "`id`", "a b", "-n", "--all", "Web", "", "a\nb", "a/b", "x" * 300, "é", "{vm}"]


def advice_of(world: World) -> list[Advice]:
    judgement = world.first()
    return [one for cause in judgement.causes for one in plan_advice(judgement.case, cause)]


def commands(world: World) -> list[str]:
    return [one.command for one in advice_of(world)]


def test_every_code_of_the_catalogue_has_advice_and_the_other_way_round() -> None:
    assert set(ADVICE) == set(ORDER)
    assert all(ADVICE.values())


@pytest.mark.parametrize("name", WITH_CAUSES)
def test_advice_is_filled_and_says_why_and_at_what_risk(name: str) -> None:
    for one in advice_of(TABLE[name][0]()):
        assert one.action.endswith(".")
        assert one.why.endswith(".")
        assert one.risk
        assert "{" not in one.action


@pytest.mark.parametrize("name", WITH_CAUSES)
def test_command_is_one_that_a_shell_splits_into_words_of_its_own(name: str) -> None:
    for command in filter(None, commands(TABLE[name][0]())):
        words = shlex.split(command)
        assert words[0] in ("kubectl", "virtctl")
        assert shlex.join(words) == command


@pytest.mark.parametrize("name", EVIL, ids=repr)
@pytest.mark.parametrize("build", [worlds.quota, worlds.selinux], ids=["quota", "selinux"])
def test_name_that_kubernetes_does_not_know_gives_no_command(build: Callable[[], World], name: str) -> None:
    world = build()
    for found in (world.migration["metadata"], world.vmi["metadata"]):
        found["name"] = name
    world.migration["spec"]["vmiName"] = name

    words = [word for command in commands(world) for word in shlex.split(command)[1:]]
    assert [word for word in words if name and word == name and word != "-n"] == []
    assert sum(word == "-n" for word in words) <= len(commands(world))


def asks_for(**names: str) -> list[Advice]:
    cause = Cause("LeftoverLauncherPod", "x.", "no", None, (), names=names)
    return list(plan_advice(a_world().first().case, cause))


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(pod=st.text(max_size=20) | st.sampled_from(EVIL), namespace=st.sampled_from(["team-a", *EVIL]))
def test_only_kubernetes_names_reach_a_command(pod: str, namespace: str) -> None:
    for one in asks_for(pod=pod, namespace=namespace):
        assert re.fullmatch(r"|kubectl get pod -n [a-z0-9.-]+ [a-z0-9.-]+ -o yaml", one.command)


def test_command_names_the_objects() -> None:
    assert asks_for(pod="launcher-1", namespace="team-a")[0].command == "kubectl get pod -n team-a launcher-1 -o yaml"


def test_jsonpath_is_quoted() -> None:
    assert commands(worlds.selinux())[0] == (
        "kubectl get virtualmachineinstance -n team-a web-1 -o 'jsonpath={.status.selinuxContext}'"
    )


def test_missing_name_gives_no_command() -> None:
    assert [one.command for one in asks_for(namespace="team-a")] == [""]


@pytest.mark.parametrize("build", [held.pod_crashed, worlds.same_node], ids=["crashed", "same node"])
def test_cancel_is_advised_by_deleting_the_migration(build: Callable[[], World]) -> None:
    assert f"{DELETE} -n team-a kubevirt-migrate-vm-mig-web-1 --wait=false" in commands(build())


@pytest.mark.parametrize("build", [held.pod_crashed, worlds.same_node], ids=["crashed", "same node"])
def test_cancel_is_not_advised_again(build: Callable[[], World]) -> None:
    world = build()
    world.migration["metadata"]["deletionTimestamp"] = a_migration(deleted_seconds=9)["metadata"]["deletionTimestamp"]

    assert [command for command in commands(world) if command.startswith(DELETE)] == []


def test_nothing_but_waiting_is_advised_in_post_copy() -> None:
    found = advice_of(a_copy(1400, mode="PostCopy"))

    assert [one.action for one in found] == [
        "Wait. Do not cancel, do not touch either node or the network between them."
    ]


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (a_copy(vm="one"), "Wait: the queue moves as the others end."),
        (worlds.node_down("src", vm="one"), "Cure team-a/one first."),
    ],
    ids=["moves", "stuck"],
)
def test_queue_is_waited_for_or_its_holder_cured(holder: World, words: str) -> None:
    raised = "Or raise parallelMigrationsPerCluster, where network and nodes bear more copies at once."

    assert [one.action for one in advice_of(queue(holder, per_cluster=1))] == [words, raised]


def test_quota_is_named_where_its_event_was_read() -> None:
    named, unnamed = worlds.quota(), worlds.quota()
    unnamed.events = unnamed.events[:1]

    assert commands(named)[0] == "kubectl describe resourcequota -n team-a compute"
    assert commands(unnamed)[0] == "kubectl describe resourcequota -n team-a"


def updated() -> World:
    world = a_failed()
    world.migration["metadata"]["annotations"]["kubevirt.io/workloadUpdateMigration"] = ""
    return world


def test_evacuation_is_stopped_in_its_own_way() -> None:
    assert commands(evacuation(a_failed())) == [
        "virtctl evacuate-cancel vm -n team-a web-1",
        "kubectl describe virtualmachineinstancemigration -n team-a kubevirt-migrate-vm-mig-web-1",
    ]
    assert [one.action for one in advice_of(updated())] == [
        "Finish or revert the update of the VM that asks for the migration.",
        "Cure what made it fail: its owner makes the next attempt.",
    ]


def test_code_without_advice_gives_none() -> None:
    assert plan_advice(a_world().first().case, Cause("Gremlins", "x.", "no", None, ())) == ()


def configured_copy(build: Callable[[], World], **changed: object) -> World:
    """The copy of `build`, whose hand-off settled these too."""
    world = build()
    policy = changed.pop("policy", "")
    world.state["migrationConfiguration"] = {**world.state["migrationConfiguration"], **changed}
    if policy:
        world.state["migrationPolicyName"] = policy
    return world


def test_cap_of_a_policy_is_lifted_only_where_it_holds_the_copy() -> None:
    lift = """kubectl patch migrationpolicy gold --type=merge '--patch={"spec":{"bandwidthPerMigration":"0"}}'"""
    slow = configured_copy(lambda: copies.a_measured_copy(100, 5, 0), policy="gold")

    assert lift in commands(configured_copy(copies.capped, policy="gold"))
    assert commands(slow)[0] == "kubectl get migrationpolicy gold -o yaml"
    assert "bandwidth" not in " ".join(one.action for one in advice_of(slow)[:1])


def test_auto_converge_is_advised_only_while_it_is_off() -> None:
    off = advice_of(configured_copy(copies.not_converging, policy="gold"))
    on = advice_of(configured_copy(copies.not_converging, policy="gold", allowAutoConverge=True))
    both = advice_of(configured_copy(copies.not_converging, allowAutoConverge=True, allowPostCopy=True))

    assert [one.action for one in off if "auto-converge" in one.action]
    assert not [one for one in on if "auto-converge" in one.action or "allowAutoConverge" in one.command]
    assert [one.action for one in on if "Allow post-copy" in one.action]
    assert not [one for one in both if "Allow post-copy" in one.action]


@pytest.mark.parametrize("build", [copies.not_converging, copies.capped], ids=["not converging", "capped"])
def test_copy_that_ends_by_post_copy_may_be_waited_for_and_the_risk_is_said(build: Callable[[], World]) -> None:
    actions = [one.action for one in advice_of(configured_copy(build))]
    found = advice_of(configured_copy(build, allowPostCopy=True))
    wait = [one for one in found if one.action.startswith("Wait, if that may be")]

    assert not [action for action in actions if action.startswith("Wait")]
    assert "by post-copy." in wait[0].action
    assert "cannot be cancelled" in wait[0].risk
    assert not [one for one in found if "until KubeVirt aborts it" in one.why]


@pytest.mark.parametrize(("waiting", "previous"), [({}, False), ({"reason": "CrashLoopBackOff"}, True)], ids=repr)
def test_log_of_the_launcher_is_the_former_one_only_where_it_is_started_again(
    waiting: dict[str, str], previous: bool
) -> None:
    world = held.pod_crashed()
    compute = world.pod("-target")["status"]["containerStatuses"][0]
    if waiting:
        compute["lastState"], compute["state"] = compute["state"], {"waiting": waiting}

    logs = [command for command in commands(world) if command.startswith("kubectl logs")]

    assert [command.endswith(" -c compute --previous") for command in logs] == [previous]


def test_cancel_off_a_silent_kubelet_says_that_the_pod_hangs() -> None:
    cancels = [one for one in advice_of(held.kubelet_silent()) if one.command.startswith(DELETE)]

    assert ["fence the node first" in one.risk for one in cancels] == [True]
    assert "waits until the target pod is gone from dst-web-1" in cancels[0].action


@pytest.mark.parametrize(
    ("limits", "name"),
    [({"per_cluster": 1}, "parallelMigrationsPerCluster"), ({"outbound": 1}, "parallelOutboundMigrationsPerNode")],
    ids=["cluster", "node"],
)
def test_queue_may_be_waited_for_or_its_limit_raised(limits: dict[str, int], name: str) -> None:
    holder = a_copy(60, vm="one")
    found = advice_of(queue(holder, node="src-one", **limits))

    assert found[0].action.startswith("Wait")
    assert f"raise {name}" in found[1].action
    assert "share the network" in found[1].risk


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.code)
def test_cancel_is_advised_where_the_catalogue_says_that_it_helps_and_nowhere_else(entry: Entry) -> None:
    ways = ADVICE[entry.code]
    said = [one.action for one in ways if re.search(r"(?<!not )\bcancel|migration_cancel", one.action, re.IGNORECASE)]

    assert any(is_cancel(one) for one in ways) or "migration_cancel" in " ".join(said) or "C" not in entry.acts
    assert "C" in entry.acts or not [one.command for one in ways if is_cancel(one)]
    assert "C" in entry.acts or not said


def without_vmi() -> World:
    world = a_world("Scheduling", age_seconds=70)
    no_vmi(world)
    return world


@pytest.mark.parametrize(
    ("build", "cancels"),
    [(without_vmi, False), (held.handed_to_another, True)],
    ids=["no VMI", "another VMI"],
)
def test_cancel_without_its_vmi_is_advised_only_where_there_is_one_of_that_name(
    build: Callable[[], World], cancels: bool
) -> None:
    found = commands(build())

    assert any(command.startswith(DELETE) for command in found) == cancels


OWNED: dict[str, tuple[Callable[[World], World], str]] = {
    "evacuation": (evacuation, "the evacuation of its node makes the next migration at once"),
    "workload update": (
        lambda world: annotated(world, "kubevirt.io/workloadUpdateMigration"),
        "KubeVirt's workload update makes the next migration at once",
    ),
}


def annotated(world: World, mark: str) -> World:
    world.migration["metadata"].setdefault("annotations", {})[mark] = ""
    return world


@pytest.mark.parametrize("row", OWNED.values(), ids=OWNED.keys())
@pytest.mark.parametrize("build", [worlds.same_node, copies.capped, held.kubelet_silent], ids=["node", "copy", "pod"])
def test_cancel_of_what_a_controller_made_says_that_the_next_one_comes_at_once(
    build: Callable[[], World], row: tuple[Callable[[World], World], str]
) -> None:
    owned, words = row
    mine = [one.risk for one in advice_of(build()) if one.command.startswith(DELETE)]
    found = [one.risk for one in advice_of(owned(build())) if one.command.startswith(DELETE)]

    assert found
    assert not [risk for risk in found if words not in risk or risk.startswith("none")]
    assert not [risk for risk in mine if "makes the next migration" in risk]
