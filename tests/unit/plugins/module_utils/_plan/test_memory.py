# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VM's Lease remembers, and who may take it when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.memory import (
    Held,
    Record,
    plan_lease,
    read_held,
)
from tests.unit.builders import NOW, a_vmi

VMI = Vmi.from_object(a_vmi())


def stored(
    record: Record, *, holder: str = "", now: datetime = NOW, seconds: int = 150, version: str = "7", **spec: Any
) -> dict[str, Any]:
    """The Lease as the API server would give it back."""
    body = plan_lease(VMI, record, held=None, holder=holder, seconds=seconds, now=now)
    return {**body, "metadata": {**body["metadata"], "resourceVersion": version}, "spec": {**body["spec"], **spec}}


def test_lease_is_named_from_the_vmi_and_goes_with_it() -> None:
    body = plan_lease(VMI, Record(), held=None, holder="one", seconds=150, now=NOW)

    assert body["metadata"]["name"] == "live-migration-vmi-web-1"
    assert body["metadata"]["ownerReferences"] == [
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "name": "web-1", "uid": "vmi-web-1"}
    ]
    assert "resourceVersion" not in body["metadata"]


def test_lease_that_was_read_is_replaced_as_it_was_read_and_only_so() -> None:
    held = read_held(stored(Record(), holder="one", version="41"))
    body = plan_lease(VMI, Record(), held=held, holder="two", seconds=150, now=NOW)

    assert body["metadata"]["resourceVersion"] == "41"
    assert body["spec"]["leaseTransitions"] == 2


@pytest.mark.parametrize("due", [False, True], ids=["done", "a retry is due"])
def test_retry_that_is_due_can_be_found_by_a_label(due: bool) -> None:
    body = stored(Record(retry_due=due))
    patch = plan_lease(VMI, Record(retry_due=due), held=read_held(body), holder="", seconds=1, now=NOW)

    assert ("live-migration.kubevirt-ops/retry-due" in body["metadata"]["labels"]) is due
    assert patch["metadata"]["labels"]["live-migration.kubevirt-ops/retry-due"] == ("true" if due else None)


@pytest.mark.parametrize(
    ("holder", "age", "taken"),
    [("one", 149, False), ("one", 150, True), ("", 0, True), ("me", 0, True)],
    ids=["held", "expired", "free", "mine"],
)
def test_lock_is_taken_where_nobody_holds_it_by_the_clusters_time(holder: str, age: int, taken: bool) -> None:
    held = read_held(stored(Record(), holder=holder, now=NOW - timedelta(seconds=age)))
    refusal = held.refusal(holder="me", now=NOW)

    assert (refusal is None) is taken
    if refusal is not None:
        assert (refusal.code, refusal.next_allowed_at) == ("LockHeld", NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"attempts": -1}', '{"attempts": true}', "9" * 5000, '{"attempts": 1, "bad_targets": "a"}'],
    ids=["empty", "list", "cut off", "negative", "boolean", "number", "no list"],
)
def test_record_that_is_spoilt_is_not_taken_for_an_empty_one(text: str) -> None:
    body = stored(Record(attempts=2))
    body["metadata"]["annotations"]["live-migration.kubevirt-ops/memory"] = text

    assert read_held(body).record is None


def test_holder_without_a_time_is_not_taken_for_a_free_lock() -> None:
    assert read_held(stored(Record(), holder="one", renewTime="yesterday")).record is None


def test_lease_of_another_origin_remembers_nothing() -> None:
    body = stored(Record(attempts=2))
    body["metadata"]["annotations"] = {}

    assert read_held(body) == Held("7", "", None, 0, Record())


def test_cancel_keeps_count_and_the_bad_node() -> None:
    record = Record(attempts=1).cancelled("mig-1", at=NOW, retry_follows=True, bad_target="node-b")

    assert (record.attempts, record.retry_due, record.bad_targets) == (1, True, ("node-b",))


def test_retry_is_due_until_its_migration_is_there() -> None:
    begun = Record(retry_due=True).retried("", at=NOW, attempts=1)

    assert (begun.retry_due, begun.attempts) == (True, 1)
    assert begun.retried("mig-2", at=NOW, attempts=1).retry_due is False


@pytest.mark.parametrize(("seconds", "attempts"), [(1, 0), (-1, 3)], ids=["moved since", "moved before"])
def test_count_begins_anew_once_the_vm_has_moved(seconds: int, attempts: int) -> None:
    record = Record(attempts=3, last_act="retry", last_at=NOW, bad_targets=("node-b",))

    assert record.since_success(NOW + timedelta(seconds=seconds)).attempts == attempts


def test_begun_attempt_is_the_one_whose_migration_nobody_knows() -> None:
    begun = Record(attempts=1, last_act="retry", last_at=NOW)

    assert (begun.is_begun, begun.unmade()) == (True, Record())
    assert not Record(last_act="retry", last_at=NOW).is_begun
    assert not Record(attempts=1, last_act="retry", last_migration="mig-2", last_at=NOW).is_begun


def test_newest_sixteen_bad_nodes_are_kept() -> None:
    record = Record()
    for count in range(17):
        record = record.cancelled("mig", at=NOW, retry_follows=False, bad_target=f"node-{count}")

    assert record.bad_targets == tuple(f"node-{count}" for count in range(1, 17))


@pytest.mark.parametrize(("attempts", "is_known"), [(10_000, True), (10_001, False)], ids=str)
def test_count_beyond_all_reason_is_not_understood(attempts: int, is_known: bool) -> None:
    assert (read_held(stored(Record(attempts=attempts))).record is not None) is is_known


@given(
    st.builds(
        Record,
        attempts=st.integers(0, 100),
        last_act=st.sampled_from(["", "cancel", "retry"]),
        last_migration=st.text(),
        last_at=st.none() | st.just(NOW),
        retry_due=st.booleans(),
        bad_targets=st.lists(st.text(), max_size=5).map(tuple),
    )
)
def test_what_is_written_is_what_is_read(record: Record) -> None:
    assert read_held(stored(record)).record == record
