# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo of an alert tells: moments as they come, the report, and claims that may turn out wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.chain.rulebook import PLAY, Rulebook
from tests.demo import alert
from tests.demo.alert import Timeline, claims_of, report_in

BEFORE = {"db-1": "stuck", "web-1": "healthy"}
AFTER = {"db-1": "new", "web-1": "healthy"}
SAID = f"""{PLAY}, ...] ***

TASK [Report] ****
Live migrations · today

NoDataFlow

ok: [localhost]

TASK [Hand on] ***
"""


class Silent:
    """A program that says what stands in its log."""

    exit_code = None

    def __init__(self, log: Path) -> None:
        self.log = log


def rulebook(folder: Path) -> Rulebook:
    log = folder / "rulebook.log"
    log.write_text("the last words\n", encoding="utf-8")
    return Rulebook(Silent(log), played=folder / "none.log")  # type: ignore[arg-type]


def test_moment_is_printed_once_it_has_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looks = iter([False, True])

    Timeline(rulebook(tmp_path)).wait("the alert fires", until=lambda: next(looks))

    assert re.fullmatch(r"  \d\d:\d\d:\d\d  +\+\d+\.\d s  the alert fires\n", capsys.readouterr().out)


def test_moment_that_does_not_come_is_an_error_with_what_was_said_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alert, "_PATIENCE_SECONDS", 0.0)

    with pytest.raises(RuntimeError, match="this did not come: the alert fires\nthe last words"):
        Timeline(rulebook(tmp_path)).wait("the alert fires", until=lambda: False)

    assert capsys.readouterr().out == ""


def test_report_is_what_the_playbook_printed_between_its_tasks() -> None:
    assert report_in(SAID) == "Live migrations · today\n\nNoDataFlow\n\n"
    assert report_in("PLAY RECAP ***") == ""


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, [True, True, True, True]),
        ({"said": "nothing"}, [False, True, True, True]),
        ({"after": BEFORE}, [True, False, True, True]),
        ({"after": {"web-1": "healthy"}}, [True, False, True, True]),
        ({"after": {**AFTER, "web-1": "new"}}, [True, True, False, True]),
        ({"plays": 2}, [True, True, True, False]),
    ],
    ids=["all as planned", "no cause", "not cancelled", "not made again", "healthy one touched", "ran twice"],
)
def test_claim_that_is_not_so_is_said_to_be_not_so(changed: dict[str, Any], wanted: list[bool]) -> None:
    given: dict[str, Any] = {"after": AFTER, "said": SAID, "plays": 1, **changed}

    assert [claim.holds for claim in claims_of(BEFORE, **given)] == wanted
