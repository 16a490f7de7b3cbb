# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small clusters in which causes take less usual forms."""

from __future__ import annotations

from tests.unit import held, worlds
from tests.unit.builders import a_condition, ago
from tests.unit.looks import Change, no_events
from tests.unit.worlds import World, a_copy, node_down, queue


def but(world: World, *changes: Change) -> World:
    """The same with changes."""
    for change in changes:
        change(world)
    return world


def no_vmi(world: World) -> None:
    world.vmi_is_gone = True


def without_pod(name: str) -> Change:
    return lambda world: world.pods.remove(world.pod(name))


def marked(world: World, **marks: dict[str, str]) -> World:
    """The same with labels or annotations on its migration."""
    for kind, found in marks.items():
        world.migration["metadata"][kind] |= found
    return world


def held_by_nobody() -> World:
    world = worlds.silent_lease()
    world.leases[0]["spec"]["holderIdentity"] = ""
    return world


def started_anew() -> World:
    world = a_copy(70)
    del world.vmi["status"]["migrationState"]
    return world


def peer_says_no() -> World:
    world = held.other_side()
    blocked = a_condition("decentralizedMigrationBlocked", "True", seconds=100, message="No certificate.")
    world.migration["status"]["conditions"] = [{**blocked, "lastProbeTime": ago(100)}]
    return world


def two_changes() -> World:
    world = held.hotplug_change()
    world.vmi["status"]["conditions"] += [
        a_condition("HotVCPUChange", "True", seconds=300),
        a_condition("MigrationRequired", "False", seconds=300),
    ]
    return world


def leftover_going() -> World:
    world = worlds.leftover()
    world.pod("-old")["metadata"]["deletionTimestamp"] = ago(500)
    return world


def leftover_younger() -> World:
    """It appeared while the migration waited."""
    world = worlds.leftover(300)
    world.pod("-old")["metadata"]["creationTimestamp"] = ago(100)
    del world.pod("-old")["metadata"]["labels"]["kubevirt.io/migrationJobUID"]
    return world


def in_an_init_container() -> World:
    world = worlds.image_pull()
    status = world.pod("-target")["status"]
    status["initContainerStatuses"] = [{**status["containerStatuses"][0], "name": "disk"}]
    return but(world, no_events)


def quota_in_words() -> World:
    world = worlds.quota()
    world.migration["status"]["conditions"][0]["lastTransitionTime"] = ago(80)
    return but(world, no_events)


def stuck_holders() -> World:
    return queue(node_down("src", vm="one"), node_down("src", vm="two"), per_cluster=2)


def not_migratable_for_long() -> World:
    world = held.not_migratable()
    world.vmi["status"]["conditions"][1]["lastTransitionTime"] = ago(4000)
    return world
