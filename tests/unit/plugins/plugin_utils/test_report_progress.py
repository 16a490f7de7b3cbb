# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a copy in every form of the report, and nothing where none were read."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_progress import progress_sentence
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import render_text
from tests.unit.plugins.plugin_utils.results import a_migration, a_stuck_migration, report_of

MEASURED = {
    "source": "prometheus",
    "remaining_bytes": 1342177280,
    "transfer_bytes_per_second": 67108864,
    "dirty_bytes_per_second": 41943040,
    "trend": "falling",
    "seconds_to_end": 51,
    "ends_before_deadline": True,
}
SENTENCE = "1.3 GiB remain (falling), 64 MiB/s sent, 40 MiB/s written by the guest, ends in about 51s, in time"


def forms(*migrations: Any) -> list[str]:
    report = report_of(*migrations)
    text = " ".join(line.text.strip() for line in render_text(report, width=100))
    return [text, render_markdown(report), render_html(report)]


def test_figures_are_one_sentence() -> None:
    assert progress_sentence(MEASURED) == SENTENCE


@pytest.mark.parametrize("left_out", [name for name in MEASURED if name not in ("source", "remaining_bytes")])
def test_figure_that_is_not_known_is_not_said(left_out: str) -> None:
    assert "None" not in progress_sentence({**MEASURED, left_out: None})
    assert progress_sentence({**MEASURED, left_out: None}) != SENTENCE


def test_estimate_after_the_deadline_says_so() -> None:
    assert progress_sentence({**MEASURED, "ends_before_deadline": False}).endswith(", not in time")


@pytest.mark.parametrize("value", [None, {}, [], "x", {"remaining_bytes": "many"}, {"problem": ""}], ids=repr)
def test_nothing_is_said_where_nothing_was_read(value: Any) -> None:
    assert progress_sentence(value) == ""


def test_why_there_are_no_figures_is_said() -> None:
    assert progress_sentence({"problem": "it does not answer"}) == "no figures: it does not answer"


@pytest.mark.parametrize("build", [a_migration, a_stuck_migration], ids=["on its way", "stuck"])
def test_every_form_of_the_report_shows_them(build: Any) -> None:
    for form in forms(build(progress=MEASURED)):
        assert "1.3 GiB remain" in form
        assert "40 MiB/s written by the guest" in form.replace("\\", "")


def test_report_without_figures_has_no_section_for_them() -> None:
    for form in forms(a_migration(progress={})):
        assert "Copies" not in form
