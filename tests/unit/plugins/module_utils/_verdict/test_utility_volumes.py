# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long KubeVirt waits for utility volumes to go: who says so, and what is said where nobody does."""

from __future__ import annotations

import pytest

from tests.unit import held
from tests.unit.builders import a_kubevirt
from tests.unit.worlds import World, cause_of

ANNOTATION = "kubevirt.io/migrationUtilityVolumesTimeoutSeconds"


def _says(world: World) -> str:
    cause = cause_of(world, "UtilityVolumesPresent")
    assert cause is not None
    return cause.summary


def _configured(seconds: int) -> World:
    world = held.utility_volumes()
    world.kubevirt = a_kubevirt()
    world.kubevirt["spec"]["configuration"]["migrations"] = {"utilityVolumesTimeout": seconds}
    return world


def _annotated(world: World, text: str) -> World:
    world.migration["metadata"].setdefault("annotations", {})[ANNOTATION] = text
    return world


def _without_kubevirt() -> World:
    world = held.utility_volumes()
    world.kubevirt = None
    return world


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (held.utility_volumes(), "waits up to 150 s for them"),
        (_configured(600), "waits up to 600 s for them"),
        (_annotated(_configured(600), "45"), "waits up to 45 s for them"),
        (_annotated(_configured(600), "0"), "waits up to 0 s for them"),
        (_annotated(_configured(600), "soon"), "waits up to 600 s for them"),
        (_without_kubevirt(), "waits for them to go."),
    ],
    ids=["default", "configured", "annotated", "annotated-zero", "annotation-unreadable", "kubevirt-not-read"],
)
def test_limit_is_the_migrations_own_then_kubevirts(world: World, words: str) -> None:
    assert words in _says(world)
