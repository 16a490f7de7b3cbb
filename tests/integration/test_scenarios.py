# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every scenario on the real API server: the planted cause is found, as whoever looks, by module and filter alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.integration.evidence import without_what_was_found
from tests.integration.looking import by_vm, look, look_at, raw_objects, take_evidence

SCENARIOS = sorted(Path(__file__).parents[1].joinpath("cluster", "scenarios").glob("*.yml"))
HEALTHY_SCENARIOS = [path for path in SCENARIOS if yaml.safe_load(path.read_text()).get("healthy")]
# Its cause rests on migrations of other VMs, which are read only with those.
RESTS_ON_OTHERS = {"bad-target-node": "BadTargetNode"}
SAID = ("read_at", "migrations", "summary", "correlations")
HEALTHY = ("succeeded", "cancelling", "queued", "progressing")


def _expected(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text())
    return {entry["vm"]: entry for entry in loaded.get("expected", ())}


@pytest.fixture(params=SCENARIOS, ids=lambda path: path.stem, scope="module")
def played(request: pytest.FixtureRequest, cluster: Cluster) -> tuple[Cluster, Path]:
    """The cluster with one scenario in it."""
    cluster.reset()
    cluster.simulator.play(request.param.stem)
    return cluster, request.param


def test_verdict_and_first_cause_are_the_planted_ones(played: tuple[Cluster, Path]) -> None:
    cluster, path = played
    found = by_vm(look(cluster, include_finished=True))
    wanted = _expected(path)

    said = {vm: (found[vm]["verdict"], found[vm]["cause"] or None, found[vm]["origin"]) for vm in wanted}

    assert said == {vm: (one["verdict"], one["first_cause"], one["origin"]) for vm, one in wanted.items()}
    assert set(found) == set(wanted)


def test_only_unfinished_migrations_are_judged_unless_asked(played: tuple[Cluster, Path]) -> None:
    cluster, path = played
    ended = {vm for vm, one in _expected(path).items() if one["verdict"] in ("succeeded", "failed")}

    assert set(by_vm(look(cluster))) == set(_expected(path)) - ended


@pytest.mark.parametrize("played", HEALTHY_SCENARIOS, ids=lambda path: path.stem, indirect=True)
def test_healthy_scenario_has_nothing_late_or_stuck(played: tuple[Cluster, Path]) -> None:
    cluster, _path = played

    result = look(cluster, include_finished=True)

    assert [entry["summary"] for entry in result["migrations"] if entry["verdict"] not in HEALTHY] == []
    assert result["summary"]["stuck"] == 0


def test_operator_with_the_shipped_rights_sees_the_same(played: tuple[Cluster, Path]) -> None:
    cluster, _path = played
    admin, operator = look(cluster), look(cluster, "operator")

    assert _verdicts(operator) == _verdicts(admin)
    assert operator["coverage"]["complete"] is True


def test_tenant_gets_the_same_verdict_or_unknown_with_the_missing_rule(played: tuple[Cluster, Path]) -> None:
    cluster, path = played
    wanted = {vm: one for vm, one in _expected(path).items() if vm.startswith("team-a/")}
    result = look(cluster, "tenant", namespaces=["team-a"], include_finished=True)
    found = by_vm(result)

    assert set(found) == set(wanted)
    for vm, one in wanted.items():
        if found[vm]["verdict"] == "unknown" and one["verdict"] != "unknown":
            assert result["coverage"]["missing"], vm
            assert "not allowed to" in found[vm]["summary"], vm
        else:
            assert found[vm]["verdict"] == one["verdict"], vm


def test_filter_on_raw_objects_gives_the_modules_verdicts(played: tuple[Cluster, Path]) -> None:
    from ansible_collections.kubevirt_ops.live_migration.plugins.filter.stuck_migrations import stuck_migrations

    cluster, _path = played
    result = look(cluster, include_finished=True)
    raw = raw_objects(cluster)
    judged = stuck_migrations(
        raw["migrations"],
        raw["vmis"],
        result["read_at"],
        pods=raw["pods"],
        nodes=raw["nodes"],
        kubevirt=raw["kubevirts"][0],
        events=raw["events"],
        leases=raw["leases"],
        all_pods=True,
        include_all=True,
    )

    here = {f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in raw["vmis"]}
    # A list that does not name a VMI may be a part of all: the filter never says that there is none.
    wanted = {key: said if key[0] in here else ("unknown", "Unknown") for key, said in _verdicts(result).items()}

    assert _verdicts({"migrations": judged}) == wanted


def test_each_vm_alone_gets_the_same_verdict_in_twelve_requests(played: tuple[Cluster, Path]) -> None:
    cluster, path = played
    everything = _verdicts(look(cluster, include_finished=True))
    for vm in _expected(path):
        mark = cluster.audit_mark()
        alone = look(cluster, vms=[vm], include_finished=True)
        requests = [entry for entry in cluster.audit_since(mark) if entry["user"] == "admin"]

        own = len(requests) - alone["coverage"]["requests_for_placement"]
        assert own == alone["coverage"]["requests"] <= 12, [entry["requestURI"] for entry in requests]
        unseen = RESTS_ON_OTHERS.get(path.stem)
        wanted = {
            key: (verdict, "" if cause == unseen else cause)
            for key, (verdict, cause) in everything.items()
            if key[0] == vm
        }
        assert _verdicts(alone) == wanted


def test_bundle_without_its_diagnosis_gives_the_same(played: tuple[Cluster, Path], tmp_path: Path) -> None:
    """Verdicts, causes, evidence, times, advice, correlations: all but what the look cost."""
    cluster, _path = played
    taken = take_evidence(cluster, path=str(tmp_path / "bundle"), include_finished=True, log_bytes=0, progress="none")
    seen = _said(look(cluster, include_finished=True))
    without_what_was_found(tmp_path / "bundle")

    again = look_at(tmp_path / "bundle", include_finished=True)

    assert {key: again[key] for key in SAID} == {key: taken["diagnosis"][key] for key in SAID}
    assert again["coverage"]["missing"] == taken["coverage"]["missing"] == []
    # And as a look at the cluster itself finds it, but for what has become older since.
    assert _said(again) == seen


def _said(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (
            *(entry[key] for key in ("namespace", "vm", "name", "verdict", "cause", "target_pod", "configuration")),
            [(cause["code"], cause["holds_since_at"], cause["evidence"]) for cause in entry["causes"]],
        )
        for entry in result["migrations"]
    ]


def _verdicts(result: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (f"{entry['namespace']}/{entry['vm']}", entry["name"]): (entry["verdict"], entry["cause"])
        for entry in result["migrations"]
    }
