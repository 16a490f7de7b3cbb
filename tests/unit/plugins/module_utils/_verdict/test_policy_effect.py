# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMIs a policy wins and loses, what changes for them, and which migrations keep the old values."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_effect import (
    Change,
    Effect,
    PolicyWorld,
    find_effect,
    find_in_flight,
    find_namespaces_needed,
)
from tests.unit.builders import CONFIGURATION, NAMESPACE, a_migration, a_policy, a_state, a_vmi

FAST = a_policy("fast", vmi={"tier": "db"}, completionTimeoutPerGiB=800)


def labelled(vm: str = "web-1", /, labels: dict[str, str] | None = None, **more: Any) -> Vmi:
    raw = a_vmi(vm, **more)
    raw["metadata"]["labels"] |= labels or {"tier": "db"}
    return Vmi.from_object(raw)


def effect_of(*vmis: Vmi, before: list[Any], after: list[Any], configured: Any = None, **world: Any) -> Effect:
    found = PolicyWorld(vmis, namespace_labels=world.get("namespace_labels", {}), configured=configured)
    one, other = ([MigrationPolicy.from_object(item) for item in items] for items in (before, after))
    return find_effect(found, name="fast", before=one, after=other)


def test_a_new_policy_says_what_ruled_before_and_what_really_differs() -> None:
    old = a_policy("all", completionTimeoutPerGiB=150, bandwidthPerMigration="64Mi")
    new = a_policy("fast", vmi={"tier": "db"}, completionTimeoutPerGiB=800, bandwidthPerMigration="67108864")

    effect = effect_of(labelled(), before=[old], after=[old, new], configured={})

    (won,) = effect.wins_for
    assert (won.before, won.after) == ("all", "fast")
    assert won.changes == (Change("completionTimeoutPerGiB", 150, 800),)


def test_a_setting_that_another_policy_made_falls_back_to_the_cluster() -> None:
    old = a_policy("all", bandwidthPerMigration="64Mi")

    effect = effect_of(labelled(), before=[old], after=[old, FAST], configured={"bandwidthPerMigration": "1Gi"})

    assert Change("bandwidthPerMigration", "64Mi", "1Gi") in effect.wins_for[0].changes


def test_without_the_kubevirt_object_only_what_policies_say_is_compared() -> None:
    effect = effect_of(labelled(), before=[], after=[FAST])

    assert effect.wins_for[0].changes == (Change("completionTimeoutPerGiB", None, 800),)


def test_a_deleted_policy_says_who_rules_then() -> None:
    old = a_policy("all")

    effect = effect_of(labelled(), before=[old, FAST], after=[old], configured={})

    assert effect.wins_for == ()
    (lost,) = effect.loses_for
    assert (lost.before, lost.after, lost.why) == ("fast", "all", "it is deleted")
    assert lost.changes == (Change("completionTimeoutPerGiB", 800, 150),)


def test_other_selectors_say_why_a_vmi_is_left() -> None:
    other = a_policy("fast", vmi={"tier": "web"}, completionTimeoutPerGiB=800)

    effect = effect_of(labelled(), before=[FAST], after=[other], configured={})

    assert effect.loses_for[0].why == "it matches no longer: the VMI's label tier is 'db', not 'web'"


@pytest.mark.parametrize("phase", ["Pending", "Scheduled", "Succeeded", "Failed", ""])
def test_only_running_vmis_count(phase: str) -> None:
    effect = effect_of(labelled(phase=phase), before=[], after=[FAST])

    assert effect == Effect()


def test_a_namespace_that_was_not_read_leaves_open_what_it_decides() -> None:
    by_team = a_policy("fast", vmi={"tier": "db"}, namespace={"team": "a"})

    effect = effect_of(labelled(), before=[], after=[by_team])

    assert (effect.wins_for, effect.loses_for) == ((), ())
    assert "the labels of the namespace were not read" in effect.unknown_for[0].why


def test_a_namespace_that_was_not_read_does_not_matter_where_the_vmi_is_not_meant() -> None:
    by_team = a_policy("fast", vmi={"tier": "web"}, namespace={"team": "a"})

    assert effect_of(labelled(), before=[], after=[by_team]) == Effect()


def test_a_spoilt_policy_leaves_open_what_it_could_take() -> None:
    spoilt = a_policy("odd", vmi={"tier": 5})

    effect = effect_of(labelled(), before=[spoilt], after=[spoilt, FAST], configured={})

    assert "odd: it cannot be read" in effect.unknown_for[0].why


@pytest.mark.parametrize(
    ("policies", "needed"),
    [
        ([a_policy("fast", vmi={"tier": "db"})], False),
        ([a_policy("fast", vmi={"tier": "db"}, namespace={"team": "a"})], True),
        ([a_policy("fast", vmi={"tier": "web"}, namespace={"team": "a"})], False),
        ([a_policy("fast", namespace={"team": "a"}), a_policy("z", vmi={"tier": "db"})], True),
        ([FAST, a_policy("a", namespace={"team": "a"})], False),
        ([FAST, a_policy("a", namespace={"team": "a", "stage": "b"})], True),
    ],
    ids=["no", "own", "not meant", "own that cannot win", "other that cannot win", "other"],
)
def test_the_namespace_is_asked_for_where_it_decides_who_rules_or_whether_ours_matches(
    policies: list[Any], needed: bool
) -> None:
    read = [MigrationPolicy.from_object(policy) for policy in policies]

    vmis = [labelled(), labelled("off", phase="Scheduled")]
    wanted = [NAMESPACE] if needed else []
    assert find_namespaces_needed(vmis, name="fast", before=[], after=read) == wanted
    assert find_namespaces_needed(vmis, name="fast", before=read, after=[]) == wanted
    assert find_namespaces_needed(vmis[1:], name="fast", before=[], after=read) == []


def in_flight(vmi: Vmi, *, migrations: Any, settings: Any = None) -> Any:
    policy = MigrationPolicy.from_object(a_policy("fast", vmi={"tier": "db"}, **(settings or {})))
    world = PolicyWorld((vmi,), namespace_labels={NAMESPACE: {}}, configured={})
    effect = find_effect(world, name="fast", before=[], after=[policy])
    return find_in_flight(world, effect.wins_for, after=[policy], migrations=migrations)


MOVING = {"state": a_state(started_seconds=60)}
SLOW = {"completionTimeoutPerGiB": 800}


def test_a_migration_that_was_handed_over_keeps_what_was_recorded() -> None:
    migration = Migration.from_object(a_migration("Running"))

    (kept,) = in_flight(labelled(**MOVING), migrations=[migration], settings=SLOW)

    assert kept.migration == migration
    assert kept.keeps == (Change("completionTimeoutPerGiB", CONFIGURATION["completionTimeoutPerGiB"], 800),)
    assert kept.can_cancel


def test_without_the_migration_objects_the_vmis_word_is_taken() -> None:
    (kept,) = in_flight(labelled(**MOVING), migrations=None, settings=SLOW)

    assert kept.migration is None


def test_post_copy_cannot_be_cancelled() -> None:
    moving = labelled(state=a_state(started_seconds=60, mode="PostCopy"))

    assert not in_flight(moving, migrations=None, settings=SLOW)[0].can_cancel


NOT_IN_FLIGHT: dict[str, Any] = {
    "ended": (a_state(started_seconds=60, ended_seconds=5), None, SLOW),
    "failed": (a_state(started_seconds=60, failed=True), None, SLOW),
    "never": (None, None, SLOW),
    "its migration is gone": (a_state(started_seconds=60), [], SLOW),
    "its migration has ended": (
        a_state(started_seconds=60), [Migration.from_object(a_migration("Succeeded"))], SLOW,
    ),
    "no other value": (a_state(started_seconds=60), None, {"completionTimeoutPerGiB": 150}),
}  # fmt: skip


@pytest.mark.parametrize(("state", "migrations", "settings"), NOT_IN_FLIGHT.values(), ids=NOT_IN_FLIGHT)
def test_nothing_in_flight_where_nothing_keeps_another_value(state: Any, migrations: Any, settings: Any) -> None:
    assert in_flight(labelled(state=state), migrations=migrations, settings=settings) == ()
