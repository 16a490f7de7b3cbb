# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the quotas of a VM's namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quota import ResourceQuota
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.room import (
    find_quota,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Found,
    Grounds,
    Subject,
)
from tests.unit.builders import NOW
from tests.unit.draining import RULES, Drain, a_guest, a_quota

GIB = 2**30


def a_subject(name: str = "vm-1", *, usage: Mapping[str, int] | None = None, namespace: str = "team-a") -> Subject:
    """A VM that takes this of quotas."""
    guest = a_guest(name)
    guest["metadata"]["namespace"] = namespace
    amounts = None if usage is None else {key: Fraction(value) for key, value in usage.items()}
    return Subject(Guest.from_object(guest), usage=amounts)


def quota_of(hard: Mapping[str, Any], used: Mapping[str, Any] | None = None, **more: Any) -> ResourceQuota:
    return ResourceQuota.from_object(a_quota(hard, used or {}, **more))


def quota_found(*quotas: ResourceQuota, subject: Subject, siblings: list[Subject] | None = None) -> list[Found]:
    grounds = Grounds(Snapshot(read_at=NOW), quotas=quotas)
    return list(find_quota(grounds, subject, [subject] if siblings is None else siblings))


MEMORY = {"requests.memory": 9 * GIB}


def test_a_quota_that_is_too_small_is_told_with_what_is_free_of_it() -> None:
    quota = quota_of({"requests.memory": "16Gi", "pods": "3"}, {"requests.memory": "9Gi", "pods": "4"})

    (found,) = quota_found(quota, subject=a_subject(usage={**MEMORY, "pods": 1}))

    name = "ResourceQuota team-a/compute"
    assert found == Cause(
        "ResourceQuotaExceeded",
        "While a VM moves it has two pods, and the quota compute has no room for the second (pods: 1 needed, 0 free of "
        "3; requests.memory: 9 GiB needed, 7 GiB free of 16 GiB).",
        "no",
        None,
        (
            Evidence(name, "status.hard.pods", "3"),
            Evidence(name, "status.used.pods", "4"),
            Evidence(name, "status.hard.requests.memory", "16 GiB"),
            Evidence(name, "status.used.requests.memory", "9 GiB"),
        ),
        names={"quota": "compute", "namespace": "team-a"},
    )


def test_evidence_of_a_quota_ends_after_five_amounts() -> None:
    names = ["count/pods", "limits.cpu", "limits.memory", "pods", "requests.cpu", "requests.memory"]

    (found,) = quota_found(quota_of(dict.fromkeys(names, "0")), subject=a_subject(usage=dict.fromkeys(names, 1)))

    assert isinstance(found, Cause)
    assert [one.field for one in found.evidence[::2]] == [f"status.hard.{name}" for name in names[:5]]


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("memory", "2 GiB"),
        ("limits.memory", "2 GiB"),
        ("requests.ephemeral-storage", "2 GiB"),
        ("requests.storage", "2 GiB"),
        ("requests.hugepages-2Mi", "2 GiB"),
        ("requests.cpu", str(2 * GIB)),
    ],
    ids=lambda value: value,
)
def test_bytes_of_a_quota_are_told_as_bytes(name: str, needed: str) -> None:
    (found,) = quota_found(quota_of({name: "1Gi"}), subject=a_subject(usage={name: 2 * GIB}))

    assert isinstance(found, Cause)
    assert f"{name}: {needed} needed" in found.summary


@pytest.mark.parametrize(
    ("quota", "subject", "why"),
    [
        (
            quota_of({"pods": "x", "requests.cpu": "y"}),
            a_subject(usage={"pods": 1}),
            "ResourceQuota team-a/compute: status.hard.pods is not readable",
        ),
        (
            quota_of({"pods": "5"}),
            a_subject(),
            "ResourceQuota team-a/compute: what its target pod asks for cannot be read",
        ),
        (
            quota_of({"pods": "0"}, scopes=["PriorityClass"]),
            a_subject(usage={"pods": 1}),
            "whether ResourceQuota team-a/compute is about its pod hangs on a scope that is not judged here",
        ),
        (
            replace(quota_of({"pods": "x"}), meta=replace(quota_of({}).meta, namespace="")),
            a_subject(usage={"pods": 1}),
            "ResourceQuota /compute: status.hard.pods is not readable",
        ),
    ],
    ids=["quota spoilt", "pod spoilt", "scope not judged", "of a namespace that is not readable"],
)
def test_why_it_is_not_known_what_a_quota_does(quota: ResourceQuota, subject: Subject, why: str) -> None:
    (gap,) = quota_found(quota, subject=subject)

    assert isinstance(gap, Gap)
    assert (gap.code, gap.rules) == ("ResourceQuotaExceeded", ())
    assert gap.why.startswith(why)


@pytest.mark.parametrize(
    "quota",
    [
        quota_of({"pods": "0"}, scopes=["BestEffort"]),
        quota_of({"pods": "1"}),
        quota_of({"pods": "1"}, scopes=["PriorityClass"]),
        quota_of({"services": "1"}, {"services": "2"}),
        replace(quota_of({"pods": "0"}), meta=replace(quota_of({}).meta, namespace="")),
        replace(quota_of({"pods": "0"}), meta=replace(quota_of({}).meta, namespace="vm-1")),
        replace(quota_of({"pods": "x"}), meta=replace(quota_of({}).meta, namespace="team-b")),
    ],
    ids=[
        *("for other pods", "just enough", "just enough, scope not judged", "of something else, overdrawn"),
        *("of no namespace", "of another namespace", "spoilt, of another namespace"),
    ],
)
def test_quotas_that_do_not_matter(quota: ResourceQuota) -> None:
    assert not quota_found(quota, subject=a_subject(usage={"pods": 1}))


def test_a_scope_that_is_not_judged_makes_no_quota_tight() -> None:
    vms = [a_subject(f"vm-{number}", usage={"pods": 1}) for number in range(3)]

    assert not quota_found(quota_of({"pods": "1"}, scopes=["PriorityClass"]), subject=vms[0], siblings=vms)


def test_hidden_quotas_are_a_gap_with_the_rule() -> None:
    outlook = Drain(hidden=("quotas/team-a",)).only()

    assert Gap("ResourceQuotaExceeded", (RULES["quotas/team-a"],)) in outlook.gaps


@pytest.mark.parametrize(
    ("free", "asked", "count"),
    [
        (20, (9, 9, 9), 2),
        (18, (9, 9, 9), 2),
        (17, (9, 9, 9), 1),
        (20, (16, 3, 3), 2),
        (12, (1, 16, 1), 1),
        (12, (7, None, 7), 1),
    ],
    ids=["some", "exactly two", "one", "the largest first", "the largest does not fit", "one that is not readable"],
)
def test_a_quota_for_some_of_them_says_for_how_many(free: int, asked: tuple[int | None, ...], count: int) -> None:
    vms = [
        a_subject(f"vm-{number}", usage=None if gib is None else {"requests.memory": gib * GIB})
        for number, gib in enumerate(asked)
    ]
    number = len([gib for gib in asked if gib is not None])

    found = quota_found(
        quota_of({"requests.memory": "64Gi"}, {"requests.memory": f"{64 - free}Gi"}), subject=vms[0], siblings=vms
    )

    summary = (
        f"The quota compute has {free} GiB requests.memory free, enough for {count} of the {number} target pods that "
        "could run at a time; the others wait until a source pod has ended."
    )
    seen = Evidence("ResourceQuota team-a/compute", "status.used.requests.memory", f"{64 - free} GiB")
    names = {"quota": "compute", "namespace": "team-a"}
    assert found == [Cause("ResourceQuotaTight", summary, "yes", None, (seen,), names=names)]


def test_vms_that_ask_for_none_of_a_quota_neither_take_of_it_nor_give_to_it() -> None:
    vms = [a_subject("vm-0", usage={}), *(a_subject(f"vm-{number}", usage={"pods": 1}) for number in (1, 2))]

    two, one, none = (quota_found(quota_of({"pods": free}), subject=vms[0], siblings=vms) for free in "210")

    assert (two, [cause.code for cause in (*one, *none)]) == ([], ["ResourceQuotaTight"] * 2)
    assert quota_found(quota_of({"pods": "0"}), subject=vms[0], siblings=vms[:2])


@pytest.mark.parametrize(
    ("hard", "used", "said"),
    [({"pods": "3"}, {}, []), ({"count/pods": "2", "pods": "2"}, {}, ["count/pods"])],
    ids=["exactly all", "the first that is short speaks for all"],
)
def test_a_quota_is_tight_once(hard: dict[str, str], used: dict[str, str], said: list[str]) -> None:
    vms = [a_subject(f"vm-{number}", usage={"pods": 1, "count/pods": 1}) for number in range(3)]

    found = quota_found(quota_of(hard, used), subject=vms[0], siblings=vms)

    assert [one.evidence[0].field.removeprefix("status.used.") for one in found if isinstance(one, Cause)] == said
