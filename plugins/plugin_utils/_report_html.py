# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML file that needs nothing from outside: no picture, no address, no script but its own few lines.

This module is private to the collection and may change without notice.

Jinja2 comes with ansible-core. Autoescape is on and the templates are files of this collection: what a cluster said is
data of a template, never a part of it. The page's policy names the hash of its own script, so that no other one runs.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils import _report_plot, _report_timeline
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import ladder_lines
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_compare import comparison_title
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_groups import groups_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_matrix import matrix_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Migration, Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_sentences import (
    PARTIAL,
    UNCAPTURED,
    attempt_words,
    cancel_sentence,
    cause_qualities,
    deadline_of,
    grant_lines,
    policy_of,
    remark_on,
    time_left_of,
    value_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_surroundings import queue_lines
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import nodes_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import (
    ORIGINS,
    VERDICTS,
    duration,
    tone_of,
)

__all__ = ["DETAIL_BYTES", "Pages", "render_html", "template"]

_FOLDER = Path(__file__).parent
# What the details of all migrations may take of a page. The rest of it grows by some hundred bytes a migration, so that
# 500 of them stay below 3 MB, whatever the messages are that the cluster holds.
DETAIL_BYTES = 2_600_000
_ZULU = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z")


def render_html(report: Report) -> str:
    """The page as text; the same report always gives the same text."""
    return template("_report.html.j2").render(report=report, verdicts=VERDICTS, pages=Pages())


class Pages:
    """Renders the details of migrations while there is room for them on the page, and one line each after that."""

    def __init__(self, *, room: int = DETAIL_BYTES) -> None:
        self._room = room
        self._macros: Any = template("_report_migration.html.j2").module

    def details(self, migration: Migration, /, *, anchor: str, level: int, is_open: bool) -> Markup:
        """The block of one migration under a heading of `level`."""
        text = self._macros.migration_details(migration, anchor, level, is_open) if self._room > 0 else ""
        self._room -= len(text.encode("utf-8"))
        if self._room > 0:
            return Markup(text)
        self._room = 0
        return Markup(self._macros.migration_short(migration, anchor, level))


def _moment(at: str) -> str:
    """A time of the API as people read it; any other text as it is."""
    return _ZULU.sub(r"\1 \2 UTC", at)


@functools.cache
def template(name: str) -> Template:
    """The template of that file name, with what its texts need."""
    return _environment().get_template(name)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader(_FOLDER),
    )
    environment.filters.update(duration=duration, tone=tone_of, moment=_moment)
    environment.globals.update(
        PARTIAL=PARTIAL,
        UNCAPTURED=UNCAPTURED,
        ORIGINS=ORIGINS,
        SCALE=_report_timeline.SCALE,
        WIDTH=_report_plot.WIDTH,
        HEIGHT=_report_plot.HEIGHT,
    )
    sentences = (attempt_words, cancel_sentence, cause_qualities, deadline_of, grant_lines, policy_of, remark_on)
    found = (
        *sentences,
        time_left_of,
        value_of,
        comparison_title,
        groups_of,
        ladder_lines,
        matrix_of,
        nodes_of,
        queue_lines,
    )
    environment.globals.update({one.__name__: one for one in found})
    script = environment.get_template("_report_script.js.j2").render().strip()
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    environment.globals.update(script=Markup(script), script_hash=f"sha256-{digest}")
    return environment
