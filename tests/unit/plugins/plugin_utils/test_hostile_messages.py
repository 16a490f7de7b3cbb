# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten megabytes that somebody wrote into the cluster: from the objects to the report, no step takes them along."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import LONGEST_TEXT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.node import runbook_result
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import render_migrations
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import render_json
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import render_text
from tests.unit.builders import an_unschedulable_launcher
from tests.unit.mangling import KINDS
from tests.unit.plugins.plugin_utils.results import a_result
from tests.unit.worlds import World, a_failed, a_world

MEGABYTES = 10_000_000
# A text is shown as a sentence, as evidence, and as both again in the details.
MOST = 40 * LONGEST_TEXT
# A character, one that is spelt with four, and one that takes two cells and three bytes.
TEXTS = {"letters": "x", "escapes": "\x1b", "wide": "網"}


def unschedulable() -> World:
    world = a_world("Scheduling", age_seconds=400)
    world.pods[-1] = an_unschedulable_launcher(age_seconds=400)
    return world


WORLDS: dict[str, Callable[[], World]] = {"unschedulable": unschedulable, "failed": a_failed}


def spoil(value: Any, text: str) -> None:
    for key in ("message", "failureReason"):
        if isinstance(value, dict) and key in value:
            value[key] = text
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        spoil(inner, text)


def longest(value: Any) -> int:
    """Of the texts in it."""
    if isinstance(value, str):
        return len(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(map(longest, inner), default=0)


@pytest.mark.parametrize("char", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_message_of_ten_megabytes_makes_no_report_of_ten(world: Callable[[], World], char: str) -> None:
    found = world()
    for kind in KINDS:
        spoil(getattr(found, kind), char * MEGABYTES)
    entries = render_migrations(found.judge())
    result = a_result(*entries)
    report = read_report(result)
    lines = render_text(report, width=80)

    assert longest(entries) <= 2 * LONGEST_TEXT
    assert "[cut]" in json.dumps(entries)
    assert sum(len(line.text) for line in lines) < MOST
    assert len(render_markdown(report)) < MOST
    assert len(render_html(report)) < MOST + 200_000
    assert len(render_json(report, migrations=result, nodes=None)) < 6 * MOST


def test_conditions_in_the_runbooks_form_are_cut_too() -> None:
    node = {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "message": "x" * MEGABYTES}, 5]}}
    found = runbook_result([node])

    assert longest(found) < LONGEST_TEXT + 10
    assert found["conditions"][0][1] == 5
