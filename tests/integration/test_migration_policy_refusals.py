# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What migration_policy refuses or warns of on a real API server, and what accept_risks does about it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from tests.cluster import Cluster
from tests.integration.keeping import (
    DB,
    POLICIES,
    WANTED,
    codes,
    keep,
    outcomes,
    play_a_database,
    spec_of,
    stored,
)


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_a_database(cluster)


def test_an_empty_selector_is_refused_and_done_where_somebody_insists(world: Cluster) -> None:
    wanted = {"name": "all", "completion_timeout_per_gib": 800}
    refused = keep(world, **wanted)
    left = stored(world, "all")
    insisted = keep(world, **wanted, accept_risks=["ClusterWidePolicy"])

    assert (codes(refused), refused["changed"], refused["refused"]) == (["ClusterWidePolicy"], False, True)
    assert "1 running now" in refused["refusals"][0]["reason"]
    assert outcomes(refused) == [("create", "refused")]
    assert (refused["diff"], refused["undo"]) == ({}, {})
    assert left is None
    assert (insisted["changed"], spec_of(world, "all")["selectors"]) == (True, {})


def test_taking_the_last_selector_out_is_refused(world: Cluster) -> None:
    keep(world, **WANTED)

    assert codes(keep(world, name="db", vmi_selector={})) == ["ClusterWidePolicy"]
    assert codes(keep(world, name="db", allow_auto_converge=True, purge=True)) == ["ClusterWidePolicy"]
    assert spec_of(world)["selectors"] == {"virtualMachineInstanceSelector": DB}


def test_undo_of_a_cluster_wide_policy_insists_by_itself(world: Cluster) -> None:
    keep(world, name="all", completion_timeout_per_gib=800, accept_risks=["ClusterWidePolicy"])
    deleted = keep(world, name="all", state="absent")

    assert keep(world, **deleted["undo"])["changed"] is True


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"bandwidth_per_migration": "1Mi", "completion_timeout_per_gib": 150}, "BandwidthTooLow"),
        ({"bandwidth_per_migration": "64"}, "BandwidthTooLow"),
        ({"allow_post_copy": True, "completion_timeout_per_gib": 0}, "PostCopyNeverApplies"),
        ({"allow_post_copy": True, "allow_workload_disruption": False}, "PostCopyNeverApplies"),
    ],
    ids=["deadline", "unit", "no deadline", "no disruption"],
)
def test_values_that_cannot_be_meant_are_refused(world: Cluster, params: dict[str, Any], code: str) -> None:
    result = keep(world, name="db", vmi_selector=DB, **params)

    assert (codes(result), stored(world)) == ([code], None)
    assert keep(world, name="db", vmi_selector=DB, **params, accept_risks=[code])["changed"] is True


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"completion_timeout_per_gib": 0}, "(accept_risks: NoCompletionTimeout)"),
        ({"allow_post_copy": True}, "(accept_risks: PostCopyCanLoseVM)"),
        ({}, "(accept_risks: PolicyWithoutSettings)"),
        ({"vmi_selector": {"kubevirt.io/nodeName": "node-a"}, "allow_auto_converge": True}, "SelectorChanges"),
    ],
    ids=["no limit", "post-copy", "no setting", "label of KubeVirt"],
)
def test_what_costs_is_done_with_a_warning_that_can_be_silenced(
    world: Cluster, params: dict[str, Any], words: str
) -> None:
    wanted = {"name": "db", "vmi_selector": DB, **params}
    result = keep(world, **wanted)
    keep(world, name="db", state="absent")
    code = result["notes"][0].rpartition("accept_risks: ")[2].rstrip(")")

    assert (result["changed"], len(result["notes"])) == (True, 1)
    assert words in result["notes"][0]
    assert keep(world, **wanted, accept_risks=[code])["notes"] == []


def test_a_second_run_of_what_was_insisted_on_neither_refuses_nor_warns(world: Cluster) -> None:
    wanted = {"name": "all", "allow_post_copy": True}
    keep(world, **wanted, accept_risks=["ClusterWidePolicy"])

    again = keep(world, **wanted)

    assert (again["changed"], again["refused"], again["notes"]) == (False, False, [])


@pytest.mark.parametrize(
    "params",
    [{"completion_timeout_per_gib": -1}, {"bandwidth_per_migration": "-1Mi"}, {"bandwidth_per_migration": "64MiB"}],
    ids=["time", "bandwidth", "unit"],
)
def test_what_the_webhook_refuses_is_named_before_any_request(world: Cluster, params: dict[str, Any]) -> None:
    mark = world.audit_mark()
    with pytest.raises(WrongInput, match=next(iter(params))):
        keep(world, name="db", vmi_selector=DB, **params)

    assert [one for one in world.audit_since(mark) if one["user"] == "admin" and POLICIES in one["requestURI"]] == []


def test_an_unknown_code_is_wrong_input(world: Cluster) -> None:
    with pytest.raises(WrongInput, match="ClusterWide'"):
        keep(world, **WANTED, accept_risks=["ClusterWide"])
