# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML file, and as nothing but that: no script, no picture, no address of anything outside.

This module is private to the collection and may change without notice.

Jinja2 comes with ansible-core. Autoescape is on and the template is a file of this collection: what a cluster said is
data of the template, never a part of it.
"""

from __future__ import annotations

import functools
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import ladder_lines
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_sentences import (
    PARTIAL,
    cancel_sentence,
    cause_qualities,
    deadline_of,
    facts_of,
    grant_lines,
    remark_on,
    time_left_of,
    value_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_table import nodes_of
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_words import (
    ORIGINS,
    VERDICTS,
    duration,
    tone_of,
)

__all__ = ["render_html", "template"]

_FOLDER = Path(__file__).parent


def render_html(report: Report) -> str:
    """The page as text; the same report always gives the same text."""
    return template("_report.html.j2").render(report=report, verdicts=VERDICTS, origins=ORIGINS)


@functools.cache
def template(name: str) -> Template:
    """The template of that file name, with what its texts need."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader(_FOLDER),
    )
    environment.filters.update(duration=duration, tone=tone_of)
    environment.globals.update(
        PARTIAL=PARTIAL,
        cancel_sentence=cancel_sentence,
        cause_qualities=cause_qualities,
        deadline_of=deadline_of,
        facts_of=facts_of,
        grant_lines=grant_lines,
        ladder_lines=ladder_lines,
        nodes_of=nodes_of,
        remark_on=remark_on,
        time_left_of=time_left_of,
        value_of=value_of,
    )
    return environment.get_template(name)
