# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node facts: what is read, what is tolerated, and which virt-handler pod speaks for a node."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import (
    HandlerState,
    Node,
    handler_state,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SEEN_AT = "2026-11-23T08:00:00Z"
SEEN = datetime(2026, 11, 23, 8, 0, tzinfo=timezone.utc)
NODE: dict[str, Any] = {
    "metadata": {
        "name": "node-7",
        "creationTimestamp": "2026-11-01T08:00:00Z",
        "annotations": {"kubevirt.io/heartbeat": SEEN_AT},
        "labels": {
            "kubevirt.io/schedulable": "true",
            "node-role.kubernetes.io/worker": "",
            "cpu-model.node.kubevirt.io/Skylake-Server": "true",
            "cpu-model.node.kubevirt.io/Nehalem": "false",
            "cpu-model.node.kubevirt.io/Haswell": "true",
        },
    },
    "spec": {"unschedulable": True, "taints": [{"key": "a", "effect": "NoExecute", "timeAdded": SEEN_AT}]},
    "status": {
        "allocatable": {"cpu": "5", "devices.kubevirt.io/kvm": "1k", "devices.kubevirt.io/tun": "soon"},
        "capacity": {"cpu": "6"},
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": SEEN_AT, "reason": "KubeletReady"}],
    },
}


def a_pod(
    name: str = "virt-handler-a",
    *,
    node: str = "node-7",
    ready: str = "True",
    deleted: str = "",
    phase: str = "Running",
) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"kubevirt.io": "virt-handler"}, "creationTimestamp": "2026-11-23T07:00:00Z"}
    conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": SEEN_AT}]
    return {
        "metadata": metadata | ({"deletionTimestamp": deleted} if deleted else {}),
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": conditions},
    }


def test_node_from_object_reads_what_the_api_says() -> None:
    node = Node.from_object(NODE)
    assert (node.name, node.cordoned, node.schedulable, node.is_worker) == ("node-7", True, True, True)
    assert (node.heartbeat_at, node.conditions["Ready"].changed_at) == (SEEN, SEEN)
    assert node.cpu_models == ("Haswell", "Skylake-Server")
    assert [(taint.key, taint.effect, taint.added_at) for taint in node.taints] == [("a", "NoExecute", SEEN)]
    assert node.problems == ()


def test_node_allocatable_is_exactly_as_the_api_gives_it() -> None:
    node = Node.from_object(NODE)
    assert (node.allocatable, node.capacity) == (NODE["status"]["allocatable"], {"cpu": "6"})


def test_node_devices_absent_or_unreadable_is_none_never_zero() -> None:
    assert Node.from_object(NODE).devices == {"kvm": 1000, "tun": None, "vhost-net": None}


def test_node_from_empty_object_knows_nothing() -> None:
    node = Node.from_object({})
    assert (node.name, node.schedulable, node.heartbeat_at, node.created_at) == ("", None, None, None)
    assert (node.is_worker, node.is_virtualization_node, node.cordoned, node.conditions) == (False, False, False, {})


@pytest.mark.parametrize(
    ("annotations", "labels", "expected"),
    [
        ({"kubevirt.io/heartbeat": SEEN_AT}, {}, True),
        ({}, {"kubevirt.io/schedulable": "false"}, True),
        ({}, {"node-role.kubernetes.io/worker": ""}, False),
    ],
    ids=["heartbeat", "label", "neither"],
)
def test_node_is_virtualization_node_once_virt_handler_reported(
    annotations: dict[str, str], labels: dict[str, str], expected: bool
) -> None:
    node = Node.from_object({"metadata": {"annotations": annotations, "labels": labels}})
    assert node.is_virtualization_node is expected


@pytest.mark.parametrize(
    ("mangled", "problem"),
    [
        ("text", "a str stands where an object belongs"),
        ({"metadata": []}, "metadata is not a mapping"),
        ({"status": {"conditions": {}}}, "status.conditions is not a list"),
        ({"spec": {"unschedulable": "yes"}}, "spec.unschedulable is not a boolean"),
        (
            {"metadata": {"annotations": {"kubevirt.io/heartbeat": "yesterday"}}},
            "metadata.annotations[kubevirt.io/heartbeat] is not an RFC 3339 time",
        ),
    ],
    ids=["no_object", "metadata", "conditions", "unschedulable", "heartbeat"],
)
def test_node_from_mangled_object_names_the_problem(mangled: Any, problem: str) -> None:
    assert problem in Node.from_object(mangled).problems


@given(
    obj=st.fixed_dictionaries(
        {},
        optional={
            "metadata": JSON | st.fixed_dictionaries({}, optional={"labels": JSON, "annotations": JSON, "name": JSON}),
            "spec": JSON | st.fixed_dictionaries({}, optional={"taints": JSON, "nodeName": JSON}),
            "status": JSON | st.fixed_dictionaries({}, optional={"conditions": JSON, "allocatable": JSON}),
        },
    )
)
def test_node_and_handler_state_from_anything_never_raise(obj: Any) -> None:
    node = Node.from_object(obj)
    assert set(node.devices) == {"kvm", "tun", "vhost-net"}
    assert isinstance(handler_state([obj], "node-7").ready, bool)


def test_handler_state_ready_pod_is_ready_since_its_condition_changed() -> None:
    expected = HandlerState(present=True, ready=True, since_at=SEEN, pod="virt-handler-a")
    assert handler_state([a_pod()], "node-7") == expected
    assert handler_state([Pod.from_object(a_pod())], "node-7") == expected


def test_handler_state_no_pod_on_the_node_is_absent_without_a_time() -> None:
    expected = HandlerState(present=False, ready=False, since_at=None, pod="")
    assert handler_state([a_pod(node="node-1")], "node-7") == expected


def test_handler_state_other_pods_on_the_node_do_not_count() -> None:
    other = a_pod()
    other["metadata"]["labels"] = {"kubevirt.io": "virt-launcher"}
    assert not handler_state([other], "node-7").present


def test_handler_state_not_ready_pod_has_its_own_since() -> None:
    assert handler_state([a_pod(ready="False")], "node-7") == HandlerState(True, False, SEEN, "virt-handler-a")


def test_handler_state_pod_that_never_had_a_ready_condition_counts_from_its_creation() -> None:
    pod = a_pod()
    pod["status"]["conditions"] = []
    assert handler_state([pod], "node-7").since_at == datetime(2026, 11, 23, 7, 0, tzinfo=timezone.utc)


def test_handler_state_pod_being_deleted_is_not_ready_from_the_end_of_its_grace() -> None:
    state = handler_state([a_pod(deleted="2026-11-23T08:00:30Z")], "node-7")
    assert (state.ready, state.since_at) == (False, SEEN.replace(second=30))


@pytest.mark.parametrize(
    "other",
    [a_pod("gone", deleted=SEEN_AT), a_pod("evicted", phase="Failed"), a_pod("starting", ready="False")],
    ids=["deleted", "failed", "not_ready"],
)
def test_handler_state_of_several_pods_the_one_that_serves_counts(other: dict[str, Any]) -> None:
    state = handler_state([other, a_pod("serves")], "node-7")
    assert (state.pod, state.ready) == ("serves", True)
