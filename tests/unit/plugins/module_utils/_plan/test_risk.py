# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The risk of an advice is that of the moment: nobody is told that a VM keeps running where it may be lost."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.advice import Advice, plan_advice
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import ORDER
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause
from tests.unit.worlds import World, a_copy, a_world

HARMLESS = "the VM keeps running where it is"
NAMES = dict.fromkeys(("node", "pod", "namespace", "quota", "holder", "source_node", "target_node"), "some-name")


def every_advice(world: World) -> list[Advice]:
    """The advice on each code of the catalogue, were it this migration's cause."""
    case = world.first().case
    causes = [Cause(code, "It is so.", "no", None, (), names=NAMES) for code in ORDER]
    return [one for cause in causes for one in plan_advice(case, cause)]


def without_state(world: World) -> World:
    del world.vmi["status"]["migrationState"]
    return world


@pytest.mark.parametrize(
    ("world", "words"),
    [(a_copy(mode="PostCopy"), "loses the VM"), (without_state(a_copy()), "post-copy"), (a_copy(mode="Paused"), "")],
    ids=["post-copy", "mode not seen", "paused"],
)
def test_no_advice_calls_an_endangered_or_paused_vm_safe(world: World, words: str) -> None:
    found = every_advice(world)

    assert found
    assert [one.action for one in found if HARMLESS in one.risk or words not in one.risk] == []


def test_paused_guest_is_said_to_stand_still() -> None:
    assert any("stands still" in one.risk for one in every_advice(a_copy(mode="Paused")))


def test_risk_of_an_advice_stays_in_post_copy() -> None:
    fence = [one.risk for one in every_advice(a_copy(mode="PostCopy")) if "fence" in one.action]

    assert fence
    assert all("two copies of one guest" in risk and "in post-copy" in risk for risk in fence)


def test_no_cancel_is_advised_in_post_copy() -> None:
    assert any("kubectl delete" in one.command for one in every_advice(a_world("PreparingTarget")))
    assert not any("kubectl delete" in one.command for one in every_advice(a_copy(mode="PostCopy")))


def test_who_touches_virt_handler_is_told_what_goes_through_it() -> None:
    words = ("Bring virt-handler back", "restarting it")
    touching = [one for one in every_advice(a_world()) if any(word in one.action for word in words)]

    assert touching
    assert [one.action for one in touching if "grace period" not in one.risk] == []
