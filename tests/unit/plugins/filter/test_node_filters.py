# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters quantity_bytes and node_verdict, as a template calls them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.filter import node_verdict, quantity_bytes

VERDICT = node_verdict.FilterModule().filters()["node_verdict"]
BYTES = quantity_bytes.FilterModule().filters()["quantity_bytes"]
NOW = "2026-11-23T08:00:00Z"
NODE: dict[str, Any] = {
    "metadata": {"name": "node-7", "labels": {"kubevirt.io/schedulable": "true"}},
    "status": {
        "allocatable": {f"devices.kubevirt.io/{name}": "1k" for name in ("kvm", "tun", "vhost-net")},
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-23T07:00:00Z"}],
    },
}


def test_quantity_bytes_gives_a_plain_number() -> None:
    assert BYTES("3783496Ki") == 3874299904


@pytest.mark.parametrize("value", ["4GB", None, {}, True], ids=repr)
def test_quantity_bytes_other_values_are_an_error_with_the_filters_name(value: Any) -> None:
    with pytest.raises(
        AnsibleFilterError, match=r"kubevirt_ops\.live_migration\.quantity_bytes: .* is not a Kubernetes"
    ):
        BYTES(value)


def test_node_verdict_has_the_keys_of_the_module_without_resources() -> None:
    assert set(VERDICT(NODE, NOW)) == {
        "name",
        "verdict",
        "reasons",
        "conditions",
        "cordoned",
        "taints",
        "devices",
        "virt_handler",
        "heartbeat_age_seconds",
        "schedulable",
        "cpu_models",
    }


def test_node_verdict_without_pods_does_not_judge_virt_handler() -> None:
    assert VERDICT(NODE, NOW)["verdict"] == "healthy"
    assert VERDICT(NODE, NOW)["virt_handler"]["present"] is None


def test_node_verdict_with_no_pod_misses_virt_handler() -> None:
    found = VERDICT(NODE, NOW, pods=[])
    assert (found["verdict"], found["reasons"][0]["code"]) == ("unhealthy", "HandlerMissing")


def test_node_verdict_takes_a_moment_as_well_as_text() -> None:
    moment = datetime(2026, 11, 23, 8, 0, tzinfo=timezone.utc)
    assert VERDICT(NODE, moment) == VERDICT(NODE, NOW)
    assert VERDICT(NODE, NOW)["conditions"][0]["seconds"] == 3600


def test_node_verdict_own_conditions_replace_the_default() -> None:
    own = [{"type": "Ready", "status": "True", "duration": "1h"}]
    assert VERDICT(NODE, NOW, unhealthy_conditions=own)["verdict"] == "unhealthy"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("node-7", NOW), {}, "a Node object is needed, not a str"),
        ((NODE, "noon"), {}, "now is 'noon'; a moment such as"),
        ((NODE, datetime(2026, 11, 23)), {}, "a moment such as"),  # noqa: DTZ001 - a moment without its zone is the point
        ((NODE, NOW), {"pods": "none"}, "pods is a str; a list of Pod objects is needed"),
        ((NODE, NOW), {"unhealthy_conditions": [{"type": "Ready"}]}, "status: None is not one of"),
    ],
    ids=["node", "now", "zone", "pods", "conditions"],
)
def test_node_verdict_bad_arguments_are_an_error_with_the_filters_name(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=f"kubevirt_ops.live_migration.node_verdict: .*{message}"):
        VERDICT(*arguments, **options)
