# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods and nodes belong to a migration, and what is said where none does."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import PodIndex
from tests.unit.builders import a_launcher
from tests.unit.worlds import World, a_copy, a_failed, a_world


def case_of(world: World) -> Any:
    return world.first().case


def test_newest_pod_of_a_migration_is_its_target() -> None:
    world = a_world("Scheduling")
    older = a_launcher("target", age_seconds=500, node="dst-web-1")
    older["metadata"] |= {"name": "virt-launcher-web-1-zzz", "uid": "zzz"}
    world.pods.append(older)

    assert case_of(world).target_pod_name == "virt-launcher-web-1-target"


def test_target_pod_is_named_by_the_state_where_it_is_gone() -> None:
    world = a_copy()
    world.pods.remove(world.pod("-target"))

    assert case_of(world).target_pod_name == "virt-launcher-web-1-target"


def test_pending_migration_has_no_target_pod() -> None:
    assert case_of(a_world("Pending")).target_pod_name == ""


def test_pending_migration_leaves_the_node_of_its_vmi_for_no_known_one() -> None:
    case = case_of(a_world("Pending"))

    assert (case.source_node, case.target_node) == ("src-web-1", "")


def test_ended_migration_that_was_never_handed_over_left_no_node() -> None:
    world = a_failed(state={})
    world.vmi["status"].pop("migrationState")

    assert (case_of(world).source_node, case_of(world).target_node) == ("", "")


def test_pod_without_an_owner_is_nobodys() -> None:
    pod = a_launcher()
    del pod["metadata"]["labels"]["kubevirt.io/created-by"]

    assert list(PodIndex.of((Pod.from_object(pod),)).by_vmi) == [""]
