# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a copy, and what is said where it does not end in time."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import Effective
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.copying import (
    CopyPlan,
    find_copy,
    plan_copy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Found,
    Grounds,
    Subject,
)
from tests.unit.builders import NOW
from tests.unit.draining import a_guest

MIB, GIB = 2**20, 2**30
KEY = ("team-a", "web-1")
VMI = "VirtualMachineInstance team-a/web-1"
DEVICE = {"gpus": [{"name": "gpu", "deviceName": "vendor/gpu"}]}
MOVING = {"migratedVolumes": [{"volumeName": "data"}]}


def a_subject(
    cap: Any = "64Mi",
    per_gib: Any = 10,
    *,
    origin: str = "KubeVirt",
    memory: str = "8Gi",
    device: bool = False,
    status: dict[str, Any] | None = None,
    **settings: Any,
) -> Subject:
    """A VM and what a migration of it would run under; `settings` by KubeVirt's names."""
    guest = a_guest(memory=memory, **(status or {}))
    if device:
        guest["spec"]["domain"]["devices"] = DEVICE
    values = {"bandwidthPerMigration": cap, "completionTimeoutPerGiB": per_gib, **settings}
    effective = {name: Effective(value, origin) for name, value in values.items()}
    return Subject(Guest.from_object(guest), settings=effective)


def grounds(
    *, unseen: str = "", dirty: int | None = None, measured: int | None = None, expected: int | None = None
) -> Grounds:
    rules = {unseen: (Rule("list", "", unseen),)} if unseen else {}
    return Grounds(
        Snapshot(read_at=NOW, unseen=rules),
        dirty_rates={} if dirty is None else {KEY: dirty},
        measured_rates={} if measured is None else {KEY: measured},
        expected_bandwidth=expected,
    )


def found_of(subject: Subject, /, **given: Any) -> list[Found]:
    return list(find_copy(grounds(**given), subject))


@pytest.mark.parametrize(
    ("per_gib", "needed", "limit"),
    [(0, None, None), (1, GIB, 9), (2, GIB // 2, 18), (150, GIB // 150, 1350), (-1, None, None), ("x", None, None)],
    ids=["no limit", "1 s", "2 s", "KubeVirt's own", "negative", "spoilt"],
)
def test_limit_and_the_rate_it_needs(per_gib: Any, needed: int | None, limit: int | None) -> None:
    plan = plan_copy(grounds(), a_subject(per_gib=per_gib))

    assert (plan.needed, plan.limit_seconds) == (needed, limit)


def test_a_vm_that_moves_its_disks_too_has_no_limit_by_memory() -> None:
    assert plan_copy(grounds(), a_subject(status=MOVING)).limit_seconds is None


@pytest.mark.parametrize(
    ("cap", "expected", "bandwidth", "origin"),
    [
        ("64Mi", None, 64 * MIB, "KubeVirt"),
        ("64Mi", 65 * MIB, 64 * MIB, "KubeVirt"),
        ("64Mi", 64 * MIB, 64 * MIB, "KubeVirt"),
        ("64Mi", 63 * MIB, 63 * MIB, "expected"),
        ("1", None, 1, "KubeVirt"),
        ("0", None, None, ""),
        ("0", 63 * MIB, 63 * MIB, "expected"),
        ("x", 63 * MIB, 63 * MIB, "expected"),
    ],
    ids=["cap", "cap is less", "both alike", "network is less", "least cap", "no cap", "network alone", "cap spoilt"],
)
def test_bandwidth_is_the_smaller_of_cap_and_network(
    cap: str, expected: int | None, bandwidth: int | None, origin: str
) -> None:
    plan = plan_copy(grounds(expected=expected), a_subject(cap))

    assert (plan.bandwidth, plan.bandwidth_from) == (bandwidth, origin)


@pytest.mark.parametrize(
    ("memory", "bandwidth", "seconds"),
    [(8 * GIB, 64 * MIB, 128), (8 * GIB + 1, 64 * MIB, 129), (None, 64 * MIB, None), (8 * GIB, None, None)],
    ids=["exactly", "rounded up", "memory not known", "bandwidth not known"],
)
def test_seconds_of_one_pass(memory: int | None, bandwidth: int | None, seconds: int | None) -> None:
    assert CopyPlan(memory, bandwidth, "KubeVirt", None, 150, None).seconds == seconds


MEMORY, SETTINGS = "the guest's memory is not readable", "the settings that a migration would run under are not known"


@pytest.mark.parametrize(
    ("subject", "unseen", "rules", "sentence"),
    [
        (a_subject(memory="much"), "", (), MEMORY),
        (a_subject("x"), "", (), SETTINGS),
        (a_subject(per_gib="x"), "", (), SETTINGS),
        (a_subject("x", memory="much"), "", (), MEMORY),
        (a_subject("x"), "policies", ("policies",), "not allowed to list policies"),
        (a_subject("x"), "namespaces", ("namespaces",), "not allowed to list namespaces"),
        (a_subject("x"), "kubevirt", ("kubevirt",), "not allowed to list kubevirt"),
    ],
    ids=["memory", "cap", "limit", "memory first", "policies hidden", "namespaces hidden", "KubeVirt hidden"],
)
def test_why_it_is_not_known_whether_the_copy_ends(
    subject: Subject, unseen: str, rules: tuple[str, ...], sentence: str
) -> None:
    (gap,) = found_of(subject, unseen=unseen)

    assert isinstance(gap, Gap)
    assert (gap.code, tuple(rule.resource for rule in gap.rules)) == ("BandwidthTooLow", rules)
    assert gap.sentence() == sentence


SLOW = (
    "8 GiB at 64 MiB/s (KubeVirt); at least 102.4 MiB/s are needed to end within 10 s for each GiB (90 s for this VM)."
)
DIRTY = (
    "8 GiB at 64 MiB/s (KubeVirt) less 20 MiB/s that the guest writes leave 44 MiB/s; at least 51.2 MiB/s are needed "
    "to end within 20 s for each GiB (180 s for this VM)."
)
ENDLESS = "8 GiB at 64 MiB/s (KubeVirt) less 70 MiB/s that the guest writes leave 0 B/s: the copy never ends."
ABORT = " Past that KubeVirt aborts the copy, and the drain tries again."
PAUSE = " Past that KubeVirt suspends the guest to end the copy."
STANDSTILL = (
    " Past that KubeVirt lets the guest stand still until the copy can end; with a device of its node it never goes "
    "over to post-copy."
)
DISRUPT = {"allowWorkloadDisruption": True}


@pytest.mark.parametrize(
    ("subject", "dirty", "summary", "confidence"),
    [
        (a_subject(), None, SLOW + ABORT, "possible"),
        (a_subject(**DISRUPT), None, SLOW + PAUSE, "possible"),
        (a_subject(device=True, **DISRUPT), None, SLOW + STANDSTILL, "possible"),
        (a_subject(device=True, allowPostCopy=True, **DISRUPT), None, SLOW + STANDSTILL, "possible"),
        (a_subject(device=True), None, SLOW + ABORT, "possible"),
        (a_subject(per_gib=20), 20 * MIB, DIRTY + ABORT, "likely"),
        (a_subject(per_gib=0), 70 * MIB, ENDLESS, "likely"),
        (a_subject(per_gib=0, **DISRUPT), 70 * MIB, ENDLESS, "likely"),
        (a_subject(status=MOVING), None, SLOW.replace(" (90 s for this VM)", "") + ABORT, "possible"),
    ],
    ids=[
        *("aborts", "suspends", "stands still", "no post-copy with a device", "aborts with a device", "guest writes"),
        *("no limit", "no limit, whatever is allowed", "disks too"),
    ],
)
def test_a_copy_that_is_too_slow_says_the_figures_and_what_comes_then(
    subject: Subject, dirty: int | None, summary: str, confidence: str
) -> None:
    (found,) = found_of(subject, dirty=dirty)

    assert isinstance(found, Cause)
    assert (found.code, found.summary) == ("BandwidthTooLow", summary)
    assert (found.time_cures, found.confidence) == ("no", confidence)


def test_post_copy_is_said_where_it_ends_the_copy() -> None:
    (found,) = found_of(a_subject(allowPostCopy=True, **DISRUPT))

    assert isinstance(found, Cause)
    assert (found.code, found.time_cures, found.confidence) == ("PostCopyExpected", "yes", "likely")
    assert found.summary == f"{SLOW} Past that KubeVirt goes over to post-copy, which cannot be cancelled."


@pytest.mark.parametrize(
    ("subject", "dirty", "is_slow"),
    [
        (a_subject("128Mi", 8), None, False),
        (a_subject("128Mi", 8), 1, True),
        (a_subject("128Mi", 8), 0, False),
        (a_subject("134217727", 8), None, True),
        (a_subject(per_gib=0), 64 * MIB, True),
        (a_subject(per_gib=0), 64 * MIB - 1, False),
        (a_subject("0"), 10**12, False),
    ],
    ids=[
        "just enough",
        "a byte less",
        "writes nothing",
        "cap a byte less",
        "writes as fast",
        "a byte slower",
        "no cap",
    ],
)
def test_where_a_copy_becomes_too_slow(subject: Subject, dirty: int | None, is_slow: bool) -> None:
    assert bool(found_of(subject, dirty=dirty)) == is_slow


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"dirty": 20 * MIB}, "dirty rate, as given"),
        ({"measured": 20 * MIB}, "dirty rate, highest of the last hour, by Prometheus"),
        ({"dirty": 20 * MIB, "measured": 5 * MIB}, "dirty rate, as given"),
    ],
    ids=["given", "measured", "given counts"],
)
def test_evidence_names_where_each_figure_comes_from(given: dict[str, int], field: str) -> None:
    (found,) = found_of(a_subject(origin="policy fast"), **given)

    assert isinstance(found, Cause)
    assert found.evidence == (
        Evidence(VMI, "spec.domain.memory.guest", "8Gi"),
        Evidence("MigrationPolicy fast", "bandwidthPerMigration", "64Mi"),
        Evidence("MigrationPolicy fast", "completionTimeoutPerGiB", "10"),
        Evidence(VMI, field, "20 MiB/s"),
    )


def test_evidence_without_a_policy_and_a_dirty_rate() -> None:
    (found,) = found_of(a_subject())

    assert isinstance(found, Cause)
    assert [one.object for one in found.evidence] == [VMI, "KubeVirt", "KubeVirt"]
