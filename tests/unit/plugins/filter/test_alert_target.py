# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter alert_target, as a template calls it, and the event filter of that name, as a rulebook does."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.filter.alert_target import FilterModule
from tests.extensions import names_in

TARGET = FilterModule().filters()["alert_target"]
EVENT_FILTER = names_in("event_filter/alert_target.py")["main"]
LOOKUP = "{{ lookup('ansible.builtin.pipe', 'id') }}"


def an_alert(**labels: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "KubeVirtVMStuckInMigratingState", "namespace": "team-a", "name": "web-1", **labels},
        "annotations": {"summary": LOOKUP},
        "startsAt": "2026-11-23T08:00:00Z",
        "fingerprint": "5ef77f1f8a3ecfe2",
    }


def test_vm_and_what_is_harmless_of_the_alert_come_out_and_nothing_else() -> None:
    found = TARGET(an_alert(severity=LOOKUP))

    lane = found.pop("lane")
    assert lane in range(4)
    assert found == {
        "alert": {
            "name": "KubeVirtVMStuckInMigratingState",
            "status": "firing",
            "starts_at": "2026-11-23T08:00:00Z",
            "fingerprint": "5ef77f1f8a3ecfe2",
        },
        "target": {"namespace": "team-a", "vm": "web-1"},
        "refused": "",
    }


def test_alert_without_a_vm_has_an_empty_target_and_says_why() -> None:
    found = TARGET(an_alert(name=LOOKUP))

    assert (found["target"], found["refused"]) == ({}, "The label name is no name that Kubernetes knows.")


def test_lanes_are_as_many_as_are_asked_for() -> None:
    alerts = [an_alert(name=f"web-{number}") for number in range(200)]

    assert {TARGET(alert, lanes=7)["lane"] for alert in alerts} == set(range(7))


@pytest.mark.parametrize(
    "alert", [an_alert(), an_alert(name="web-2"), an_alert(name=LOOKUP), {}], ids=["a VM", "another", "no VM", "empty"]
)
def test_event_filter_answers_the_same(alert: dict[str, Any]) -> None:
    assert EVENT_FILTER(dict(alert), lanes=5) == TARGET(alert, lanes=5)


@pytest.mark.parametrize("value", [None, "text", 7, [an_alert()]], ids=["null", "text", "number", "list"])
def test_what_is_no_alert_is_an_error_that_names_the_filter(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^kubevirt_ops\.live_migration\.alert_target: the input is not an"):
        TARGET(value)


@pytest.mark.parametrize("lanes", ["4", None, True, 1.5], ids=["text", "null", "boolean", "fraction"])
def test_lanes_that_are_no_number_are_an_error(lanes: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="lanes is not a whole number"):
        TARGET(an_alert(), lanes=lanes)
