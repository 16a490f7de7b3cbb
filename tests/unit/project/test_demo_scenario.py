# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo shows the scenario that is asked for, and the one with every cause keeps what its name promises."""

from __future__ import annotations

import pytest

from tests.cluster.simulator.scenario import load
from tests.demo.__main__ import wanted_scenario
from tests.demo.alert import STUCK_AFTER


def test_scenario_without_a_name_is_the_demo() -> None:
    assert wanted_scenario([]).name == "demo"


def test_scenario_by_name_is_that_one() -> None:
    assert wanted_scenario(["all"]).name == "all"


@pytest.mark.parametrize("name", ["nope", "", "../demo"])
def test_unknown_scenario_is_refused_with_those_that_exist(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        wanted_scenario([name])

    said = capsys.readouterr().err
    assert left.value.code == 2
    assert f"no scenario {name!r}; there are: alert, all, " in said
    assert "Traceback" not in said


def test_tuning_alone_is_there_to_be_tuned() -> None:
    assert wanted_scenario(["tuning"]).tune
    assert not wanted_scenario([]).tune


def test_alert_plants_a_copy_that_hangs_and_one_that_ends_before_it_is_called_stuck() -> None:
    hung, healthy = load("alert").migrations

    assert (hung.copy and hung.copy.stops_after, hung.since > STUCK_AFTER) == (60, True)
    assert healthy.ends_in is not None
    assert healthy.since + healthy.ends_in < STUCK_AFTER


def test_all_plants_many_different_causes_and_healthy_migrations() -> None:
    expected = load("all").expected

    assert len({wanted.first_cause for wanted in expected if wanted.first_cause}) >= 18
    assert sum(wanted.first_cause is None for wanted in expected) >= 2
