# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_settings where HyperConverged owns the settings: both of its forms, its annotation, its operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Invalid
from tests.cluster import Cluster
from tests.integration.settings_worlds import (
    ANNOTATION,
    DEFAULTS,
    EVERY,
    GATE,
    INSISTING,
    RECORD,
    SOME,
    Managed,
    ask,
    change,
    definitions,
    managed,
    older,
    version,
    world,
)
from tests.integration.test_settings_kubevirt import timeless

Object = dict[str, Any]
OWN = (
    *("allow_auto_converge", "allow_workload_disruption", "bandwidth_per_migration", "completion_timeout_per_gib"),
    *("network", "parallel_migrations_per_cluster", "parallel_outbound_migrations_per_node", "progress_timeout"),
)
BY_ANNOTATION = (
    *("disable_tls", "match_selinux_level_on_migration", "max_downtime_ms", "node_drain_taint_key"),
    *("unsafe_migration_override", "utility_volumes_timeout"),
)
UNSUPPORTED = "UnsupportedHCOModification"
FOREIGN = {"op": "add", "path": "/spec/configuration/developerConfiguration/useEmulation", "value": True}


def add(name: str, value: Any) -> Object:
    return {"op": "add", "path": f"/spec/configuration/migrations/{name}", "value": value}


@pytest.fixture(scope="module")
def older_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = definitions(tmp_path_factory.mktemp("older"), alter=older)
    with Cluster.start(crds=folder, simulator=True) as running:
        yield running


@pytest.fixture(params=["v1", "v1beta1"])
def hco(request: pytest.FixtureRequest) -> Managed:
    """HyperConverged in each of its forms."""
    name = "cluster" if request.param == "v1" else "older_cluster"
    return managed(request.getfixturevalue(name), version=request.param, gates=GATE)


@pytest.fixture
def newest(cluster: Cluster) -> Managed:
    return managed(cluster, gates=GATE)


# --- its own fields ---


@pytest.mark.parametrize("option", OWN)
def test_each_of_its_own_settings_is_set_carried_and_reset(hco: Managed, option: str) -> None:
    name, value = EVERY[option]

    found = hco.ask(settings={option: value}, wait=True)
    was_set, carried = hco.config(), hco.carried()
    again = hco.ask(settings={option: value})
    reset = hco.ask(reset=[option], wait=True)

    assert was_set == carried == {name: value}
    assert found["object"]["api_version"] == f"hco.kubevirt.io/{hco.version}"
    assert found["effective"][option] == {"value": value, "from": "HyperConverged"}
    assert (again["changed"], again["plan"]) == (False, [])
    assert (reset["changed"], hco.config(), hco.carried()) == (True, {}, {})
    assert reset["after"].get(option) == DEFAULTS.get(name)


def test_reset_of_a_default_is_no_change(hco: Managed) -> None:
    before = version(hco.cluster, hco.operator.path)

    found = hco.ask(reset=["progress_timeout", "network"])

    assert (found["changed"], found["plan"], found["diff"]) == (False, [], {})
    assert version(hco.cluster, hco.operator.path) == before


def test_post_copy_alone_can_never_apply_as_hyperconverged_forbids_disruption(hco: Managed) -> None:
    alone = hco.ask(settings={"allow_post_copy": True})
    both = hco.ask(settings={"allow_post_copy": True, "allow_workload_disruption": True}, wait=True)

    assert [one["code"] for one in alone["refusals"]] == ["PostCopyNeverApplies"]
    assert both["changed"]
    assert hco.carried() == {"allowPostCopy": True, "allowWorkloadDisruption": True}


def test_what_a_reset_brings_is_judged_too(hco: Managed) -> None:
    hco.ask(settings={"allow_post_copy": True, "allow_workload_disruption": True})
    before = hco.state()

    found = hco.ask(reset=["allow_workload_disruption"])

    assert [one["code"] for one in found["refusals"]] == ["PostCopyNeverApplies"]
    assert (found["changed"], hco.state()) == (False, before)


def test_undo_restores_its_spec_exactly(hco: Managed) -> None:
    change(hco.cluster, hco.operator.path, hco.body(progressTimeout=7, network="net-1"))
    before = hco.state()
    hco.ask(settings=SOME, reset=["network"])

    found = hco.ask(undo=True, wait=True)

    assert found["changed"]
    assert hco.state()["spec"] == before["spec"]
    assert hco.carried() == {"progressTimeout": 7, "network": "net-1"}
    assert not hco.ask(undo=True)["changed"]


def test_quantities_that_its_operator_writes_otherwise_are_the_same(hco: Managed) -> None:
    hco.ask(settings={"bandwidth_per_migration": "1024Mi"}, wait=True)

    assert (hco.config(), hco.carried()) == ({"bandwidthPerMigration": "1024Mi"}, {"bandwidthPerMigration": "1Gi"})


# --- what goes by its annotation ---


def test_what_it_has_no_field_for_is_refused_and_a_policy_is_offered(newest: Managed) -> None:
    before = newest.state()
    wish = {"max_downtime_ms": 500, "utility_volumes_timeout": 9, "progress_timeout": 7}

    found = newest.ask(settings=wish)

    assert [one["code"] for one in found["refusals"]] == [UNSUPPORTED]
    reason = found["refusals"][0]["reason"]
    assert "HyperConverged has no field for max_downtime_ms, utility_volumes_timeout" in reason
    assert "A MigrationPolicy can set max_downtime_ms without that" in reason
    assert "alert UnsupportedHCOModification" in reason
    assert newest.state() == before


@pytest.mark.parametrize("option", BY_ANNOTATION)
def test_each_of_the_others_goes_by_the_annotation(newest: Managed, option: str) -> None:
    name, value = EVERY[option]

    found = newest.ask(settings={option: value}, accept_risks=INSISTING, wait=True)
    text, carried = newest.annotation(), newest.carried()
    again = newest.ask(settings={option: value})
    undone = newest.ask(undo=True, wait=True)

    assert json.loads(str(text)) == [add(name, value)]
    assert carried == {name: value}
    assert found["effective"][option] == {"value": value, "from": "HyperConverged annotation"}
    assert found["diff"]["after"][f"metadata.annotations[{ANNOTATION}] (raises {UNSUPPORTED})"] == [add(name, value)]
    assert f"raises its alert {UNSUPPORTED}" in found["plan"][0]["expectation"]
    assert (again["changed"], again["refused"]) == (False, False)
    assert (undone["changed"], newest.annotation(), newest.carried()) == (True, None, {})


def test_its_annotation_is_merged_with_what_others_put_there_and_undone_to_the_letter(hco: Managed) -> None:
    text = f"[ {json.dumps(FOREIGN)},\n {json.dumps(add('disableTLS', False))} ]"
    hco.annotate(text)
    before = hco.state()

    hco.ask(
        settings={"disable_tls": True, "node_drain_taint_key": "k", "progress_timeout": 7},
        accept_risks=INSISTING,
        wait=True,
    )
    merged = json.loads(str(hco.annotation()))
    carried = hco.carried()
    hco.ask(undo=True, wait=True)

    assert merged == [FOREIGN, add("disableTLS", True), add("nodeDrainTaintKey", "k")]
    assert carried == {"disableTLS": True, "nodeDrainTaintKey": "k", "progressTimeout": 7}
    assert hco.annotation() == text
    assert hco.state()["spec"] == before["spec"]


def test_reset_takes_ours_out_of_the_annotation_without_insisting(newest: Managed) -> None:
    newest.annotate(json.dumps([FOREIGN, add("disableTLS", True)]))

    found = newest.ask(reset=["disable_tls"], wait=True)

    assert (found["changed"], found["refused"]) == (True, False)
    assert json.loads(str(newest.annotation())) == [FOREIGN]
    assert newest.carried() == {}


@pytest.mark.parametrize(
    "wish", [{"settings": {"network": "ours"}}, {"settings": {"disable_tls": True}}], ids=["own field", "annotation"]
)
def test_undo_is_refused_where_the_annotation_has_been_changed_since(newest: Managed, wish: Object) -> None:
    newest.ask(**wish, accept_risks=INSISTING)
    newest.annotate(json.dumps([FOREIGN]))
    before = newest.state()

    found = newest.ask(undo=True)

    assert newest.ask(undo=True)["changed"] is False
    codes = [one["code"] for one in found["refusals"]]
    # A change of its own field alone left the annotation as it was: what became of that is nothing to it.
    assert codes == (["ValueChangedSince"] if "disable_tls" in wish["settings"] else [])
    assert (newest.state()["spec"] == before["spec"]) is bool(codes)


@pytest.mark.parametrize(
    ("operations", "wish"),
    [
        ([add("allowAutoConverge", False)], {"settings": {"allow_auto_converge": True}}),
        (
            [{"op": "add", "path": "/spec/configuration/migrations", "value": {"network": "theirs"}}],
            {"settings": {"network": "ours"}},
        ),
        (
            [{"op": "add", "path": "/spec/configuration/migrations", "value": {"disableTLS": True}}],
            {"reset": ["disable_tls"]},
        ),
        (
            [{"op": "test", "path": "/spec/configuration/migrations/progressTimeout", "value": 150}],
            {"settings": {"progress_timeout": 240}},
        ),
        (
            [{"op": "remove", "path": "/spec/configuration/migrations/bandwidthPerMigration"}],
            {"reset": ["bandwidth_per_migration"]},
        ),
    ],
    ids=[
        "a field of its own",
        "the whole object",
        "reset of a part of the whole object",
        "a test",
        "a remove of what is reset",
    ],
)
def test_what_operations_of_others_decide_is_refused(newest: Managed, operations: list[Object], wish: Object) -> None:
    change(newest.cluster, newest.operator.path, newest.body(bandwidthPerMigration="64Mi"))
    newest.annotate(json.dumps(operations))
    assert not newest.operator.step().startswith("invalid")
    before = newest.state()

    found = newest.ask(**wish, accept_risks=INSISTING)

    assert [one["code"] for one in found["refusals"]] == ["AnnotationOfOthers"]
    assert newest.state() == before


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "{}",
        "[1]",
        json.dumps([{"op": "move", "from": "/spec/configuration/migrations/network", "path": "/spec/x"}]),
        json.dumps([{"op": "add", "path": "/metadata/labels/a", "value": "b"}]),
        json.dumps([{"op": "remove", "path": "/spec/configuration/migrations/network"}]),
    ],
    ids=["no JSON", "no list", "no operations", "move", "outside of the spec", "a remove of what is absent"],
)
def test_an_annotation_that_cannot_be_understood_is_refused_and_still_shown(newest: Managed, text: str) -> None:
    newest.annotate(text)

    found = newest.ask(settings={"progress_timeout": 7})
    shown = newest.ask()

    assert [one["code"] for one in found["refusals"]] == ["AnnotationUnreadable"]
    assert (shown["changed"], shown["refused"], shown["before"]["progress_timeout"]) == (False, False, 150)


@pytest.mark.parametrize("check_mode", [False, True], ids=["for good", "check mode"])
def test_what_kubevirt_would_refuse_is_found_before_hyperconverged_is_changed(
    cluster: Cluster, check_mode: bool
) -> None:
    hco = managed(cluster)
    before = hco.state()

    with pytest.raises(Invalid, match="MigrationStallDetection"):
        hco.ask(settings={"max_downtime_ms": 500}, accept_risks=INSISTING, check_mode=check_mode)

    assert hco.state() == before


def test_a_setting_that_the_served_kubevirt_lacks_is_refused(older_cluster: Cluster) -> None:
    hco = managed(older_cluster, version="v1beta1")
    under = hco.ask(settings={"utility_volumes_timeout": 9}, accept_risks=INSISTING)
    world(older_cluster)
    alone = ask(older_cluster, settings={"utility_volumes_timeout": 9})

    for found in (under, alone):
        assert [one["code"] for one in found["refusals"]] == ["SettingNotServed"]
        assert "has no utility_volumes_timeout" in found["refusals"][0]["reason"]


def test_a_reset_is_judged_by_the_default_that_the_server_gives(newest: Managed) -> None:
    """Before the server has answered, what is reset looks as if it were taken away."""
    change(newest.cluster, newest.operator.path, newest.body(progressTimeout=240))
    path = "/spec/configuration/migrations/"
    newest.annotate(json.dumps([{"op": "test", "path": f"{path}allowPostCopy", "value": False}]))
    made = newest.ask(reset=["progress_timeout", "allow_post_copy"])
    newest.annotate(json.dumps([{"op": "test", "path": f"{path}allowPostCopy", "value": True}]))
    change(newest.cluster, newest.operator.path, newest.body(allowPostCopy=True))

    refused = newest.ask(reset=["allow_post_copy"])

    assert (made["changed"], made["after"]["progress_timeout"]) == (True, 150)
    assert [one["code"] for one in refused["refusals"]] == ["AnnotationOfOthers"]


# --- check mode ---


def test_check_mode_tells_what_a_run_does_and_leaves_nothing(hco: Managed) -> None:
    hco.annotate(json.dumps([FOREIGN]))
    before = version(hco.cluster, hco.operator.path)
    wish = {"settings": {"progress_timeout": 7, "disable_tls": True}, "accept_risks": INSISTING}

    predicted = hco.ask(check_mode=True, **wish)
    untouched = version(hco.cluster, hco.operator.path) == before
    real = hco.ask(**wish)

    same = ("changed", "before", "after", "effective", "diff", "patch", "undo_patch", "notes")
    assert untouched
    assert {key: timeless(predicted[key]) for key in same} == {key: timeless(real[key]) for key in same}
    assert RECORD in hco.state()["annotations"]
