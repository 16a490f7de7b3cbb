# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings under HyperConverged: who owns the settings, what its operator does, what is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.ineffective import (
    NotCarried,
    NotKept,
    Reverted,
)
from tests.cluster import Cluster
from tests.integration.settings_worlds import (
    ANNOTATION,
    GATE,
    INSISTING,
    SOME,
    ActingClock,
    Managed,
    ask,
    change,
    definitions,
    managed,
    read,
    serve_v1beta1_alone,
    state,
)
from tests.integration.simulated import done


@pytest.fixture(scope="module")
def losing_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = definitions(tmp_path_factory.mktemp("losing"), alter=serve_v1beta1_alone)
    with Cluster.start(crds=folder, simulator=True) as running:
        yield running


@pytest.fixture
def newest(cluster: Cluster) -> Managed:
    return managed(cluster, gates=GATE)


# --- who owns it ---


def test_kubevirt_that_it_manages_is_not_changed(newest: Managed) -> None:
    before = state(newest.cluster, newest.operator.operand_path)

    found = newest.ask(settings=SOME, owner="kubevirt")

    assert [one["code"] for one in found["refusals"]] == ["OwnedByHyperConverged"]
    assert state(newest.cluster, newest.operator.operand_path) == before


def unmarked(hco: Managed) -> None:
    body = {"metadata": {"labels": None, "ownerReferences": None}}
    change(hco.cluster, hco.operator.operand_path, body)


def test_kubevirt_without_its_mark_leaves_open_who_owns_it(newest: Managed) -> None:
    unmarked(newest)

    unclear = newest.ask(settings=SOME)
    told = newest.ask(settings=SOME, owner="hyperconverged")

    assert [one["code"] for one in unclear["refusals"]] == ["OwnerUnclear"]
    assert (told["changed"], told["object"]["kind"]) == (True, "HyperConverged")


def test_two_of_them_are_refused(newest: Managed) -> None:
    body = {
        "apiVersion": "hco.kubevirt.io/v1",
        "kind": "HyperConverged",
        "metadata": {"name": "kubevirt-hyperconverged"},
    }
    done(newest.cluster.request("POST", "/apis/hco.kubevirt.io/v1/namespaces/team-a/hyperconvergeds", body=body))

    found = newest.ask(settings=SOME)

    assert [one["code"] for one in found["refusals"]] == ["HyperConvergedAmbiguous"]


# --- its operator ---


def test_an_operator_that_does_not_carry_it_is_told_and_the_change_stands(newest: Managed) -> None:
    idle = ActingClock(lambda: None)

    with pytest.raises(
        NotCarried, match=r"after 7 s KubeVirt .* has not: .*progress_timeout is 150 and not 240"
    ) as caught:
        ask(newest.cluster, clock=idle, settings=SOME, wait=True, wait_timeout=7)

    assert caught.value.result["changed"]
    assert newest.config() == {"progressTimeout": 240, "bandwidthPerMigration": "64Mi"}
    assert 6 <= idle.pauses <= 7


def test_a_second_run_waits_for_what_the_first_one_did_not_see_carried(newest: Managed) -> None:
    newest.ask(settings=SOME)
    carried = newest.carried()

    found = newest.ask(settings=SOME, wait=True)

    assert (carried, found["changed"]) == ({}, False)
    assert newest.carried() == {"progressTimeout": 240, "bandwidthPerMigration": "64Mi"}


def test_somebody_who_puts_it_back_while_it_waits_is_told(newest: Managed) -> None:
    putting_back = ActingClock(lambda: change(newest.cluster, newest.operator.path, newest.body(progressTimeout=150)))

    with pytest.raises(Reverted, match=r"HyperConverged .* somebody has put back progress_timeout"):
        ask(newest.cluster, clock=putting_back, settings=SOME, wait=True)


def test_others_who_write_elsewhere_in_the_annotation_put_nothing_back(newest: Managed) -> None:
    """Whatever they add while it waits, the setting arrives."""
    theirs = {"op": "add", "path": "/spec/configuration/developerConfiguration/logVerbosity", "value": {"virtAPI": 3}}

    def meanwhile() -> None:
        ours = json.loads(read(newest.cluster, newest.operator.path)["metadata"]["annotations"][ANNOTATION])
        body = {"metadata": {"annotations": {ANNOTATION: json.dumps([*ours, theirs])}}}
        change(newest.cluster, newest.operator.path, body)
        newest.operator.step()

    found = ask(
        newest.cluster,
        clock=ActingClock(meanwhile),
        settings={"disable_tls": True},
        wait=True,
        accept_risks=[*INSISTING, "VirtHandlerRestart"],
    )

    assert (found["changed"], newest.carried()) == (True, {"disableTLS": True})


def test_its_operator_putting_back_a_change_of_kubevirt_is_told(newest: Managed) -> None:
    unmarked(newest)

    with pytest.raises(Reverted, match=r"KubeVirt .* somebody has put back progress_timeout"):
        newest.ask(settings={"progress_timeout": 240}, owner="kubevirt", wait=True)

    assert newest.carried() == {}


# --- what the server leaves out ---


@pytest.mark.parametrize("check_mode", [False, True], ids=["for good", "check mode"])
def test_what_a_missing_conversion_loses_is_an_error_and_nothing_is_changed(
    losing_cluster: Cluster, check_mode: bool
) -> None:
    hco = managed(losing_cluster, version="v1beta1")
    before = read(losing_cluster, hco.operator.path)["metadata"]["resourceVersion"]

    with pytest.raises(NotKept, match=r"left it out without a word .in a dry run, so nothing was changed.\.") as caught:
        hco.ask(settings={"progress_timeout": 240}, check_mode=check_mode)

    assert "progress_timeout" in str(caught.value)
    assert caught.value.result["changed"] is False
    assert read(losing_cluster, hco.operator.path)["metadata"]["resourceVersion"] == before


def test_undo_beside_an_annotation_that_cannot_be_understood_is_made_all_the_same(newest: Managed) -> None:
    newest.ask(settings={"progress_timeout": 240})
    newest.annotate("nonsense")

    with pytest.raises(NotCarried, match="it is not JSON"):
        newest.ask(undo=True, wait=True, wait_timeout=3)

    assert newest.config() == {}
