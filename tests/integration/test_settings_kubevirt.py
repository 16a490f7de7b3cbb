# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings where KubeVirt itself owns the settings, on the real API server with KubeVirt's admission."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Invalid
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_settings import run
from tests.cluster import Cluster
from tests.integration.looking import client_of
from tests.integration.settings_worlds import (
    EVERY,
    GATES,
    INSISTING,
    KUBEVIRT,
    SOME,
    ask,
    events,
    migrations,
    state,
    version,
    world,
)
from tests.integration.simulated import done

Object = dict[str, Any]


def timeless(value: Any) -> Any:
    """The same without moments and without what differs with them."""
    text = json.dumps(value, sort_keys=True)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    return json.loads(re.sub(r"kubevirt\.[0-9a-f]{16}", "EVENT", text))


# --- setting and resetting ---


@pytest.mark.parametrize("option", EVERY)
def test_each_setting_is_set_and_reset(cluster: Cluster, option: str) -> None:
    name, value = EVERY[option]
    world(cluster, configuration=GATES)

    found = ask(cluster, settings={option: value}, accept_risks=INSISTING)
    was_set = migrations(cluster)
    again = ask(cluster, settings={option: value}, accept_risks=INSISTING)
    reset = ask(cluster, reset=[option])

    assert was_set == {name: value}
    assert (found["changed"], found["before"], found["after"]) == (True, {}, {option: value})
    assert found["effective"][option] == {"value": value, "from": "KubeVirt"}
    assert (again["changed"], again["plan"], again["patch"], again["diff"]) == (False, [], [], {})
    assert (reset["changed"], reset["after"], migrations(cluster)) == (True, {}, {})
    assert reset["effective"][option]["from"] == "default"


def test_what_is_left_out_stays_as_it_is(cluster: Cluster) -> None:
    configuration = {
        "migrations": {"progressTimeout": 150, "allowAutoConverge": True},
        "network": {"permitSlirp": True},
    }
    world(cluster, configuration=configuration)

    ask(cluster, settings={"progress_timeout": 240})

    assert state(cluster)["spec"]["configuration"] == {
        **configuration,
        "migrations": {"progressTimeout": 240, "allowAutoConverge": True},
    }


@pytest.mark.parametrize(
    ("written", "asked"), [("1Gi", "1024Mi"), ("64Mi", "67108864"), (67108864, "64Mi")], ids=["Mi", "bytes", "number"]
)
def test_a_quantity_that_means_the_same_is_no_change(cluster: Cluster, written: Any, asked: str) -> None:
    world(cluster, configuration={"migrations": {"bandwidthPerMigration": written}})
    before = version(cluster)

    assert not ask(cluster, settings={"bandwidth_per_migration": asked})["changed"]
    assert version(cluster) == before


def test_reset_of_what_nobody_set_is_no_change(cluster: Cluster) -> None:
    world(cluster)

    found = ask(cluster, reset=["progress_timeout"])

    assert (found["changed"], migrations(cluster)) == (False, None)


def test_without_a_wish_it_shows_what_holds_and_asks_little(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"allowPostCopy": True}})
    before = version(cluster)

    found = ask(cluster)

    assert (found["changed"], found["before"], found["plan"]) == (False, {"allow_post_copy": True}, [])
    assert found["effective"]["allow_workload_disruption"] == {"value": True, "from": "KubeVirt"}
    assert found["object"]["field"] == "spec.configuration.migrations"
    assert version(cluster) == before


# --- check mode ---


@pytest.mark.parametrize(
    "wish",
    [
        {"settings": SOME, "reason": "more time"},
        {"settings": {"allow_post_copy": True}, "reset": ["network"]},
        {"undo": True},
        {"settings": {"parallel_migrations_per_cluster": 0}},
    ],
    ids=["set", "set and reset", "undo", "refused"],
)
def test_check_mode_tells_what_a_run_does_and_leaves_nothing(cluster: Cluster, wish: Object) -> None:
    world(cluster, configuration={"migrations": {"network": "net-1"}})
    ask(cluster, settings={"completion_timeout_per_gib": 99})
    before, count = version(cluster), len(events(cluster))

    predicted = ask(cluster, check_mode=True, **wish)
    untouched = (version(cluster), len(events(cluster))) == (before, count)
    real = ask(cluster, **wish)

    assert untouched
    assert {one["outcome"] for one in predicted["plan"]} <= {"dry_run", "refused"}
    same = ("changed", "before", "after", "effective", "diff", "refused", "refusals", "patch", "undo_patch", "notes")
    assert {key: timeless(predicted[key]) for key in same} == {key: timeless(real[key]) for key in same}
    told = [{**one, "outcome": "", "answer": ""} for one in predicted["plan"]]
    assert timeless(told) == timeless([{**one, "outcome": "", "answer": ""} for one in real["plan"]])
    assert set(predicted) == set(real)


# --- refusals and warnings ---

REFUSED: dict[str, tuple[Object, Object, str]] = {
    "negative deadline": ({}, {"completion_timeout_per_gib": -1}, "NegativeValue"),
    "negative progress timeout": ({}, {"progress_timeout": -5}, "NegativeValue"),
    "negative bandwidth": ({}, {"bandwidth_per_migration": "-1Mi"}, "NegativeValue"),
    "no migration at a time": ({}, {"parallel_migrations_per_cluster": 0}, "ParallelismZero"),
    "no migration from a node": ({}, {"parallel_outbound_migrations_per_node": 0}, "ParallelismZero"),
    "bytes for mebibytes": ({}, {"bandwidth_per_migration": "64"}, "BandwidthTooLow"),
    "kibibytes": ({}, {"bandwidth_per_migration": "900Ki"}, "BandwidthTooLow"),
    "post-copy without a deadline": (
        {},
        {"allow_post_copy": True, "completion_timeout_per_gib": 0},
        "PostCopyNeverApplies",
    ),
    "post-copy over no deadline": (
        {"completionTimeoutPerGiB": 0},
        {"allow_post_copy": True},
        "PostCopyNeverApplies",
    ),
    "post-copy without disruption": (
        {"allowWorkloadDisruption": False},
        {"allow_post_copy": True},
        "PostCopyNeverApplies",
    ),
    "no deadline under post-copy": ({"allowPostCopy": True}, {"completion_timeout_per_gib": 0}, "PostCopyNeverApplies"),
    "unsafe": ({}, {"unsafe_migration_override": True}, "UnsafeMigration"),
}


@pytest.mark.parametrize(("there", "wish", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused_unless_it_is_insisted_on(
    cluster: Cluster, there: Object, wish: Object, code: str
) -> None:
    world(cluster, configuration={"migrations": there})
    before = version(cluster)

    refused = ask(cluster, settings=wish)
    after_refusal = version(cluster)
    insisted = ask(cluster, settings=wish, accept_risks=[code])

    assert (refused["changed"], refused["refused"]) == (False, True)
    assert {one["code"] for one in refused["refusals"]} == {code}
    assert f"accept_risks: [{code}]" in refused["refusals"][0]["reason"]
    assert [one["outcome"] for one in refused["plan"]] == ["refused"]
    assert (refused["before"], refused["diff"]) == (refused["after"], {})
    assert after_refusal == before
    assert (insisted["changed"], insisted["refused"]) == (True, False)


def test_a_faulty_value_that_is_there_already_does_not_refuse_another_change(cluster: Cluster) -> None:
    world(cluster, configuration={"migrations": {"parallelMigrationsPerCluster": 0}})

    assert ask(cluster, settings={"progress_timeout": 7})["changed"]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"allow_post_copy": True}, "PostCopyCanLoseVM"),
        ({"network": "net-1"}, "VirtHandlerRestart"),
        ({"disable_tls": True}, "VirtHandlerRestart"),
    ],
    ids=["post-copy", "network", "TLS"],
)
def test_what_costs_is_warned_of_with_its_code(cluster: Cluster, wish: Object, code: str) -> None:
    world(cluster)
    loud = ask(cluster, settings=wish, check_mode=True)
    quiet = ask(cluster, settings=wish, accept_risks=[code], check_mode=True)

    assert [f"(accept_risks: {code})" in note for note in loud["notes"]] == [True]
    assert (loud["changed"], quiet["changed"], quiet["notes"]) == (True, True, [])


@pytest.mark.parametrize("check_mode", [False, True], ids=["for good", "check mode"])
def test_what_kubevirts_admission_refuses_is_an_error_with_its_causes(cluster: Cluster, check_mode: bool) -> None:
    world(cluster)
    before = version(cluster)

    with pytest.raises(Invalid, match="MigrationStallDetection or MigrationDowntimeTuning") as caught:
        ask(cluster, settings={"max_downtime_ms": 500}, check_mode=check_mode)

    assert caught.value.causes[0].field == "spec.configuration.migrationConfiguration.maxDowntimeMs"
    assert (caught.value.result["changed"], caught.value.result["object"]["name"]) == (False, "kubevirt")
    assert version(cluster) == before


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"settings": {"bandwidth_per_migration": "fast"}}, "settings.bandwidth_per_migration: 'fast'"),
        ({"settings": {"network": ""}}, "name it in reset"),
        ({"settings": {"network": "a"}, "reset": ["network"]}, "both name network"),
        ({"settings": {"network": "a"}, "undo": True}, "undo takes back the last change"),
        ({"accept_risks": ["Everything"]}, "'Everything' is no code"),
        ({"reason": "x" * 1001}, "at most 1000"),
        ({"wait": True, "wait_timeout": 0}, "wait_timeout is 0"),
    ],
    ids=["quantity", "empty", "both", "undo", "code", "reason", "wait"],
)
def test_options_without_meaning_are_refused_before_any_request(cluster: Cluster, params: Object, said: str) -> None:
    with client_of(cluster, "admin") as client:
        with pytest.raises(WrongInput, match=said):
            run(client, params, Clock(), check_mode=False)
        assert client.requests == 0


# --- who owns it ---


def test_no_kubevirt_is_refused(cluster: Cluster) -> None:
    world(cluster)
    done(cluster.request("DELETE", KUBEVIRT))

    found = ask(cluster, settings=SOME)

    assert [one["code"] for one in found["refusals"]] == ["KubeVirtMissing"]
    assert (found["changed"], found["object"], found["plan"]) == (False, {}, [])


def test_two_kubevirts_are_refused_and_named(cluster: Cluster) -> None:
    world(cluster)
    second = {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "other"}, "spec": {}}
    done(cluster.request("POST", "/apis/kubevirt.io/v1/namespaces/team-a/kubevirts", body=second))

    found = ask(cluster, settings=SOME)

    assert [one["code"] for one in found["refusals"]] == ["KubeVirtAmbiguous"]
    assert "(kubevirt/kubevirt, team-a/other)" in found["refusals"][0]["reason"]


def test_hyperconverged_that_is_not_there_cannot_be_the_owner(cluster: Cluster) -> None:
    world(cluster)

    found = ask(cluster, settings=SOME, owner="hyperconverged")

    assert [one["code"] for one in found["refusals"]] == ["HyperConvergedMissing"]
