# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations, VMIs, pods and what stands around them, as facts from raw objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.assemble import assemble_snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node, handler_state
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import (
    Event,
    KubeVirt,
    Lease,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vm import VirtualMachine
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from tests.unit.builders import (
    NOW,
    a_handler,
    a_kubevirt,
    a_launcher,
    a_lease,
    a_migration,
    a_starting_launcher,
    a_state,
    a_vmi,
    ago,
    an_event,
)
from tests.unit.worlds import World, a_world

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS: list[Callable[[Any], Any]] = [
    Migration.from_object, Vmi.from_object, Pod.from_object, Node.from_object, KubeVirt.from_object, Lease.from_object,
    Event.from_object, VirtualMachine.from_object,
]  # fmt: skip


@pytest.mark.parametrize("read", KINDS, ids=lambda read: read.__self__.__name__)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(metadata=JSON, spec=JSON, status=JSON)
def test_nothing_raises_whatever_the_object(read: Callable[[Any], Any], metadata: Any, spec: Any, status: Any) -> None:
    found = read({"metadata": metadata, "spec": spec, "status": status})

    assert isinstance(found.meta.name, str)


MISSING = {
    "spec.vmiName": (lambda found: found["spec"].clear(), "spec.vmiName is missing"),
    "creation": (lambda found: found["metadata"].pop("creationTimestamp"), "metadata.creationTimestamp is missing"),
    "uid": (lambda found: found["metadata"].pop("uid"), "metadata.uid is missing"),
    "phase": (lambda found: found["status"].update(phase="Flying"), "status.phase 'Flying' is not a phase"),
    "time of its phase": (
        lambda found: found["status"].pop("phaseTransitionTimestamps"),
        "status.phaseTransitionTimestamps has no time for phase Scheduling",
    ),
}


@pytest.mark.parametrize("row", MISSING.values(), ids=MISSING.keys())
def test_migration_without_what_it_must_have_cannot_be_judged(row: tuple[Callable[[Any], Any], str]) -> None:
    change, problem = row
    raw = a_migration("Scheduling")
    change(raw)

    assert Migration.from_object(raw).problems[0].startswith(problem)


def test_healthy_migration_has_no_problems() -> None:
    assert Migration.from_object(a_migration("Running")).problems == ()


ORIGINS: dict[str, tuple[dict[str, Any], str]] = {
    "user": ({}, "user"),
    "evacuation": ({"annotations": {"kubevirt.io/evacuationMigration": "n"}}, "evacuation"),
    "workload update": ({"annotations": {"kubevirt.io/workloadUpdateMigration": ""}}, "workload_update"),
    "volume update": (
        {
            "labels": {"kubevirt.io/volume-update-migration": "a"},
            "annotations": {"kubevirt.io/workloadUpdateMigration": ""},
        },
        "volume_update",
    ),
}


@pytest.mark.parametrize("row", ORIGINS.values(), ids=ORIGINS.keys())
def test_origin_by_labels_and_annotations(row: tuple[dict[str, Any], str]) -> None:
    more, origin = row

    assert Migration.from_object(a_migration(**more)).origin == origin


@pytest.mark.parametrize("side", ["sendTo", "receive"])
def test_decentralized_one_is_told_by_either_side(side: str) -> None:
    raw = a_migration()
    raw["spec"][side] = {"migrationID": "x"}

    assert Migration.from_object(raw).origin == "decentralized"


def test_phase_began_at_its_newest_entry() -> None:
    raw = a_migration("Scheduling", age_seconds=90)
    raw["status"]["phaseTransitionTimestamps"].append({"phase": "Scheduling", "phaseTransitionTimestamp": ago(20)})

    assert format_timestamp(Migration.from_object(raw).phase_since) == ago(20)


def test_unset_phase_began_with_the_object() -> None:
    assert format_timestamp(Migration.from_object(a_migration("", age_seconds=90)).phase_since) == ago(90)


def test_state_of_a_vmi_is_read() -> None:
    state = Vmi.from_object(a_vmi(state=a_state(started_seconds=9, mode="Paused", abortRequested=True))).state

    assert state is not None
    assert (state.mode, state.abort_requested, state.completion_timeout_per_gib) == ("Paused", True, 150)


@pytest.mark.parametrize("state", [None, {}], ids=repr)
def test_vmi_without_a_state_has_none(state: Any) -> None:
    assert Vmi.from_object(a_vmi(state=state)).state is None


MEMORY: dict[str, tuple[Any, Any, str, int]] = {
    "guest": ("8Gi", "4Gi", "8Gi", 0),
    "request": (None, "4Gi", "4Gi", 0),
    "a number": (1024, None, "1024", 0),
    "none": (None, None, "", 0),
    "guest of a wrong type": ([], "4Gi", "4Gi", 1),
    "request of a wrong type": (None, {}, "", 1),
}


@pytest.mark.parametrize("row", MEMORY.values(), ids=MEMORY.keys())
def test_guest_memory_is_what_kubevirt_counts(row: tuple[Any, Any, str, int]) -> None:
    guest, request, memory, problems = row
    raw = a_vmi()
    raw["spec"]["domain"] = {"memory": {"guest": guest}, "resources": {"requests": {"memory": request}}}

    found = Vmi.from_object(raw)

    assert (found.guest_memory, len(found.problems)) == (memory, problems)


def test_pod_says_when_its_compute_container_started() -> None:
    pod = Pod.from_object(a_launcher(started_seconds=40))

    assert format_timestamp(pod.launcher_started_at) == ago(40)
    assert (pod.is_ready, pod.is_finished) == (True, False)


def test_pod_that_waits_says_why() -> None:
    status = Pod.from_object(a_starting_launcher(reason="ErrImagePull")).containers[0]

    assert (status.path, status.waiting_reason, status.ready) == (
        "status.containerStatuses[compute]",
        "ErrImagePull",
        False,
    )


@pytest.mark.parametrize(("phase", "finished"), [("Succeeded", True), ("Failed", True), ("Unknown", False)], ids=str)
def test_pod_is_finished_when_its_phase_says_so(phase: str, finished: bool) -> None:
    raw = a_launcher()
    raw["status"] = {"phase": phase}

    assert (Pod.from_object(raw).is_finished, Pod.from_object(raw).is_ready) == (finished, None)


@pytest.mark.parametrize(
    ("limits", "found"), [({}, (5, 2)), ({"per_cluster": 9}, (9, 2)), ({"outbound": 0}, (5, 0))], ids=str
)
def test_limits_that_are_unset_are_kubevirts_own(limits: dict[str, int], found: tuple[int, int]) -> None:
    kubevirt = KubeVirt.from_object(a_kubevirt(**limits))

    assert (kubevirt.per_cluster, kubevirt.outbound_per_node, kubevirt.version) == (*found, "v1.9.0")


def test_lease_is_read() -> None:
    lease = Lease.from_object(a_lease(renewed_seconds=9))

    assert (lease.holder, lease.seconds, format_timestamp(lease.renewed_at)) == ("virt-controller-1", 15, ago(9))


def new_event() -> dict[str, Any]:
    """As the new events API writes it."""
    raw = an_event("x", "Failed")
    raw |= {"firstTimestamp": None, "lastTimestamp": None, "count": None, "eventTime": ago(50)}
    return raw | {"series": {"lastObservedTime": ago(3)}}


EVENTS = {
    "old": (lambda: an_event("x", "Failed", first_seconds=60, last_seconds=5), 60, 5),
    "new": (new_event, 50, 3),
    "bare": (lambda: {"metadata": {"creationTimestamp": ago(7)}}, 7, 7),
}


@pytest.mark.parametrize("row", EVENTS.values(), ids=EVENTS.keys())
def test_event_times_of_both_apis(row: tuple[Callable[[], Any], int, int]) -> None:
    build, first, last = row

    event = Event.from_object(build())

    assert (format_timestamp(event.first_at), format_timestamp(event.last_at)) == (ago(first), ago(last))


def spoilt_handler(**metadata: Any) -> dict[str, Any]:
    raw = a_handler("n")
    raw["metadata"] |= metadata
    return raw


@pytest.mark.parametrize(
    "raw",
    [spoilt_handler(deletionTimestamp=5), spoilt_handler(labels=5), {**a_handler("n"), "spec": 5}],
    ids=["deleted", "labels", "node"],
)
def test_handler_that_cannot_be_read_is_neither_there_nor_away(raw: dict[str, Any]) -> None:
    assert handler_state([raw], "n").problems


@pytest.mark.parametrize(
    "raw",
    [a_handler("n"), a_handler("other"), spoilt_handler(labels={"kubevirt.io": "virt-api"}, uid=5)],
    ids=["own", "other", "api"],
)
def test_handler_that_can_be_read_has_no_problems(raw: dict[str, Any]) -> None:
    assert handler_state([raw], "n").problems == ()


def unseen(**changes: Any) -> set[str]:
    world: World = a_world("Running")
    for name, value in changes.items():
        setattr(world, name, value)
    return set(world.snapshot().unseen)


GIVEN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "all": ({}, set()),
    "no pods": ({"pods": []}, {"pods/team-a", "handlers"}),
    "no launchers": ({"pods": [a_handler("src-web-1")]}, {"pods/team-a"}),
    "no handlers": ({"pods": [a_launcher()]}, {"handlers"}),
    "no nodes": ({"nodes": []}, {"nodes"}),
    "no kubevirt": ({"kubevirt": None}, {"kubevirt"}),
    "no leases": ({"leases": []}, {"lease"}),
    "not the controller's lease": ({"leases": [{"metadata": {"name": "virt-api"}}]}, {"lease"}),
    "no events": ({"events": []}, {"events/team-a"}),
}


@pytest.mark.parametrize("row", GIVEN.values(), ids=GIVEN.keys())
def test_what_is_not_given_was_not_read(row: tuple[dict[str, Any], set[str]]) -> None:
    changes, topics = row

    assert unseen(**changes) == topics


def test_nothing_is_missing_for_ended_ones_only() -> None:
    found = assemble_snapshot([a_migration("Succeeded")], now=NOW)

    assert [topic for topic in found.unseen if "/" in topic] == []


def test_subjects_are_all_unless_named() -> None:
    snapshot = a_world().snapshot()
    named = snapshot.__class__(**{**snapshot.__dict__, "subjects": frozenset({"other"})})

    assert snapshot.is_subject(snapshot.migrations[0])
    assert not named.is_subject(snapshot.migrations[0])


def test_events_without_an_object_are_about_nobody() -> None:
    found = assemble_snapshot([], now=NOW, events=[{"reason": "Failed"}])

    assert found.events_about("") == ()


@pytest.mark.parametrize(
    ("devices", "has_vfio"),
    [
        ({"interfaces": [{"name": "default", "bridge": {}}], "hostDevices": []}, False),
        ({"hostDevices": [{"name": "a", "deviceName": "vendor/nic"}]}, True),
        ({"gpus": [{"name": "a", "deviceName": "vendor/gpu"}]}, True),
        ({"interfaces": [{"name": "default", "bridge": {}}, {"name": "fast", "sriov": {}}]}, True),
    ],
    ids=["none", "host device", "gpu", "sriov"],
)
def test_devices_of_the_node_are_seen(devices: dict[str, Any], has_vfio: bool) -> None:
    raw = a_vmi()
    raw["spec"]["domain"]["devices"] = devices

    assert Vmi.from_object(raw).has_vfio is has_vfio
