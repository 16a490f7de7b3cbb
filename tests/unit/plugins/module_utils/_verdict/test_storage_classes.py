# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Late and stuck migrations that share a storage class."""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.correlation import (
    Correlation,
    find_correlations,
)
from tests.unit.builders import NAMESPACE, Object
from tests.unit.worlds import World, a_copy, together

KNOWN = {
    (NAMESPACE, name): storage_class
    for name, storage_class in {"slow-1": "slow", "slow-2": "slow", "fast-1": "fast", "none": ""}.items()
}


def with_claims(vm: str, *claims: str, stuck: bool = False) -> World:
    world = a_copy(1500 if stuck else 60, vm=vm)
    volumes: list[Object] = [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in claims]
    world.vmi["spec"]["volumes"] = volumes
    return world


def found_in(*worlds: World) -> list[tuple[str, int, int, int, int]]:
    some = find_correlations(together(*worlds).judge(), storage_classes=KNOWN)
    return [_figures(one) for one in some if one.kind == "storage_class"]


def _figures(one: Correlation) -> tuple[str, int, int, int, int]:
    return one.value, one.bad, one.total, one.elsewhere_bad, one.elsewhere_total


STUCK = [with_claims("a", "slow-1", stuck=True), with_claims("b", "slow-2", stuck=True)]


def test_shared_class_is_said_with_both_shares() -> None:
    worlds = [*STUCK, with_claims("c", "slow-1"), with_claims("d", "fast-1")]
    assert found_in(*worlds) == [("slow", 2, 3, 0, 1)]
    (one,) = (
        one
        for one in find_correlations(together(*worlds).judge(), storage_classes=KNOWN)
        if one.kind == "storage_class"
    )
    assert one.summary == "2 of 3 migrations of VMs with storage class slow are late or stuck, 0 of 1 elsewhere."


def test_vm_counts_once_for_each_class_it_uses() -> None:
    both = with_claims("b", "slow-2", "fast-1", "slow-1", stuck=True)
    assert found_in(STUCK[0], both, with_claims("d", "fast-1")) == [("slow", 2, 2, 0, 1)]


def test_vms_without_claims_or_class_are_compared_with() -> None:
    assert found_in(*STUCK, with_claims("c"), with_claims("d", "none")) == [("slow", 2, 2, 0, 2)]


def test_claims_of_which_nothing_is_known_count_nowhere() -> None:
    assert found_in(*STUCK, with_claims("c", "unread")) == []


def test_disk_made_by_a_data_volume_has_the_claim_of_its_name() -> None:
    world = with_claims("b", stuck=True)
    world.vmi["spec"]["volumes"] = [{"name": "x", "dataVolume": {"name": "slow-2"}}]
    assert found_in(STUCK[0], world, with_claims("d", "fast-1")) == [("slow", 2, 2, 0, 1)]


def test_nothing_is_said_of_classes_that_were_not_read() -> None:
    judged = together(*STUCK, with_claims("d", "fast-1")).judge()
    assert [one for one in find_correlations(judged) if one.kind == "storage_class"] == []
