# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples beside the pages of the alerts speak of the alerts and metrics that there are."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import (
    ALERTS,
    MISSING,
    NOT_STARTING,
    ON_NODE,
    Thresholds,
    make_groups,
)
from tests.make.places import ROOT

FOLDER = ROOT / "docs" / "alerts"
(GROUP,) = make_groups(Thresholds(seconds_per_gib=150, per_cluster=5, per_node=2))
EXPRESSIONS = "\n".join(one["expr"] for one in GROUP["rules"])
OF_A_VM = {one["alert"] for one in GROUP["rules"] if "vm" in one.get("labels", {})}


def sample(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def routes_of_alertmanager() -> dict[str, set[str]]:
    """Receiver -> the alerts that its route picks."""
    found = {}
    for route in sample("alertmanager.yml")["route"]["routes"]:
        (matcher,) = route["matchers"]
        key, _sign, value = matcher.split(" ", 2)
        assert key == "alertname"
        found[route["receiver"]] = picked(value.strip('"'))
    return found


def routes_of_the_config() -> dict[str, set[str]]:
    spec = sample("alertmanagerconfig.yml")["spec"]
    (whole,) = spec["route"]["matchers"]
    assert picked(whole["value"]) == set(ALERTS)
    return {route["receiver"]: picked(route["matchers"][0]["value"]) for route in spec["route"]["routes"]}


def picked(pattern: str) -> set[str]:
    return {name for name in ALERTS if re.fullmatch(pattern, name)}


@pytest.mark.parametrize("routes", [routes_of_alertmanager, routes_of_the_config], ids=["plain", "operator"])
def test_vms_go_to_the_automation_and_a_node_to_the_pager(routes: Any) -> None:
    assert routes() == {"automation": OF_A_VM, "pager": {ON_NODE}}


def test_every_receiver_of_a_route_is_there() -> None:
    plain, operated = sample("alertmanager.yml"), sample("alertmanagerconfig.yml")["spec"]
    for document in (plain, operated):
        route = document["route"]
        wanted = {route["receiver"], *(one["receiver"] for one in route["routes"])}
        assert wanted == {one["name"] for one in document["receivers"]}


def test_what_is_inhibited_is_there() -> None:
    (rule,) = sample("alertmanager.yml")["inhibit_rules"]
    assert rule["source_matchers"][0] == f'alertname = "{MISSING}"'
    assert rule["source_matchers"][1].split('"')[1] in EXPRESSIONS
    assert rule["target_matchers"] == [f'alertname = "{NOT_STARTING}"']


def test_kube_state_metrics_gives_just_what_the_rules_read() -> None:
    (resource,) = sample("kube-state-metrics.yml")["spec"]["resources"]
    given = {f"{resource['metricNamePrefix']}_{one['name']}" for one in resource["metrics"]}

    assert given == set(re.findall(r"live_migration_[a-z_]+", EXPRESSIONS))
    assert set(resource["labelsFromPath"]) == {"namespace", "name", "migration"}
    assert [set(one["each"]["info"]["labelsFromPath"]) for one in resource["metrics"] if "info" in one["each"]] == [
        {"phase"}
    ]
