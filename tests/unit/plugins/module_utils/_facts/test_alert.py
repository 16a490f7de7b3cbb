# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken out of an alert, and that nothing else of its text comes out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.alert import Alert, alerts_in

LABELS = {"alertname": "KubeVirtVMStuckInMigratingState", "namespace": "team-a", "name": "web-1"}
LOOKUP = "{{ lookup('ansible.builtin.pipe', 'id') }}"
NOT_A_NAME = "The label name is no name that Kubernetes knows."


def an_alert(**labels: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {**LABELS, **labels},
        "annotations": {"summary": LOOKUP},
        "startsAt": "2026-11-23T08:00:00.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": LOOKUP,
        "fingerprint": "5ef77f1f8a3ecfe2",
    }


def test_alert_is_read() -> None:
    assert Alert.from_object(an_alert()) == Alert(
        name="KubeVirtVMStuckInMigratingState",
        status="firing",
        starts_at="2026-11-23T08:00:00.123Z",
        fingerprint="5ef77f1f8a3ecfe2",
        namespace="team-a",
        vm="web-1",
    )


@pytest.mark.parametrize("label", ["vm", "name", "vmi"], ids=str)
def test_each_label_of_a_vm_is_known(label: str) -> None:
    found = Alert.from_object(an_alert(**{"name": "", label: "db.prod-2"}))

    assert (found.namespace, found.vm, found.refused) == ("team-a", "db.prod-2", "")


REFUSED = {
    "no namespace": ({"namespace": ""}, "The label namespace is missing."),
    "no VM": ({"name": ""}, "None of the labels vm, name, vmi is there."),
    "two VMs": ({"vmi": "web-2"}, "The labels name and vmi name different VMs."),
    "a lookup": ({"name": LOOKUP}, NOT_A_NAME),
    "a lookup as namespace": ({"namespace": LOOKUP}, "The label namespace is no name that Kubernetes knows."),
    "a lookup beside a name": ({"vm": LOOKUP}, "The label vm is no name that Kubernetes knows."),
    "a namespace with a dot": ({"namespace": "a.b"}, "The label namespace is no name that Kubernetes knows."),
    "a long namespace": ({"namespace": "a" * 64}, "The label namespace is no name that Kubernetes knows."),
    "a long name": ({"name": "a" * 254}, NOT_A_NAME),
    "a line end": ({"name": "web-1\n"}, NOT_A_NAME),
    "capitals": ({"name": "Web-1"}, NOT_A_NAME),
    "a digit of another script": ({"name": "web-\u0661"}, NOT_A_NAME),
    "two dots": ({"name": "a..b"}, NOT_A_NAME),
    "a list": ({"name": ["web-1"]}, NOT_A_NAME),
    "a number": ({"name": 7}, NOT_A_NAME),
}


@pytest.mark.parametrize(("labels", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_name_of_kubernetes_is_refused(labels: dict[str, Any], why: str) -> None:
    found = Alert.from_object(an_alert(**labels))

    assert (found.namespace, found.vm, found.refused) == ("", "", why)


@pytest.mark.parametrize("text", ["now", "2026-11-23", f"2026-11-23T08:00:00Z{LOOKUP}"], ids=["word", "day", "more"])
def test_what_is_not_as_alertmanager_writes_it_is_left_out(text: str) -> None:
    found = Alert.from_object({**an_alert(alertname=text), "startsAt": text, "fingerprint": text, "status": text})

    assert (found.starts_at, found.fingerprint, found.status) == ("", "", "")


def test_events_of_all_sources_are_understood() -> None:
    one, other = an_alert(), an_alert(name="web-2")
    split, of_eda, whole = alerts_in(one), alerts_in({"alert": one, "meta": {}}), {"payload": {"alerts": [one, other]}}

    assert split == of_eda == [Alert.from_object(one)]
    assert [found.vm for found in alerts_in(whole)] == ["web-1", "web-2"]


@pytest.mark.parametrize("event", [None, 7, "x", [], {}, {"payload": {"alerts": 7}}, {"alert": []}], ids=repr)
def test_what_is_no_alert_names_no_vm(event: Any) -> None:
    (found,) = alerts_in(event)

    assert (found.vm, bool(found.refused)) == ("", True)


def test_one_vm_is_always_in_the_same_lane() -> None:
    alerts = [Alert(namespace="team-a", vm=f"web-{number}") for number in range(200)]
    lanes = [alert.lane(4) for alert in alerts]

    assert lanes == [alert.lane(4) for alert in alerts]
    assert set(lanes) == {0, 1, 2, 3}
    assert [alert.lane(0) for alert in alerts] == [0] * 200


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([LOOKUP, "web-1\n", "{%", "a{{b}}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("status", "startsAt", "fingerprint", "labels", "annotations", "alert", "payload")
LABEL_KEYS = ("alertname", "namespace", "name", "vm", "vmi")


@given(
    st.dictionaries(st.sampled_from(KEYS), ANYTHING)
    | st.builds(lambda labels: {"labels": labels}, st.dictionaries(st.sampled_from(LABEL_KEYS), ANYTHING))
    | ANYTHING
)
def test_nothing_that_ansible_takes_for_a_template_comes_out(event: Any) -> None:
    for found in alerts_in(event):
        texts = [found.name, found.status, found.starts_at, found.fingerprint, found.namespace, found.vm]
        assert all(re.fullmatch(r"[-A-Za-z0-9_:.+]*", text) for text in texts)
        assert re.fullmatch(r"[A-Za-z ,.]*", found.refused)
