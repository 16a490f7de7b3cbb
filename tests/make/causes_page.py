# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/causes.md: a section for each cause, from the catalogue, the cause functions and the remedies."""

from __future__ import annotations

import inspect
import re
import shlex
import sys

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.remedies import ADVICE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.template import Template
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict import explain
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import CATALOGUE, Entry
from tests.make.places import ROOT

__all__ = ["PAGE", "main", "render_page"]

PAGE = ROOT / "docs" / "causes.md"
_PLACE = re.compile(r"\{[a-z_]+\}")
_ACTS = {
    "W": "wait",
    "C": "cancel",
    "R": "retry",
    "T": "tune the migration configuration",
    "F": "fix something outside of the migration first",
}
_HEAD = """<!--
Copyright (c) 2026, kubevirt_ops.live_migration contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
# Causes

Why a live migration does not go on, one section for each code that `migration_info` returns, in the order in which
causes are shown: the root stands before what follows from it. This page is written from the catalogue by `make causes`;
a test holds the two together. Words in braces stand for names of the migration at hand, and of the ways to help the
module shows those that fit it.
"""


def render_page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_section(entry) for entry in CATALOGUE)])


def _section(entry: Entry) -> str:
    parts = [f"## {entry.code}", "", f"{entry.title}.", "", f"*Seen by:* {_seen_by(entry.code)}"]
    if entry.explains:
        parts += ["", f"*What follows from it:* {', '.join(entry.explains)}"]
    if not entry.blocks:
        parts += ["", "*It never makes a migration `blocked` by itself.*"]
    if entry.acts:
        parts += ["", f"*What helps:* {', or '.join(_ACTS[act] for act in entry.acts)}."]
    # The same advice with another command stands there once.
    ways = {(one.action, one.why): one for one in reversed(ADVICE.get(entry.code, ()))}
    return "\n".join([*parts, "", *(line for one in reversed(ways.values()) for line in _advice(one)), ""])


def _seen_by(code: str) -> str:
    """The docstring of the function that finds it; Unknown is what is left when none does."""
    rooms = (explain.BEFORE_HAND_OVER_CAUSES, explain.CASE_CAUSES, explain.QUEUE_CAUSES, explain.ENDED_CAUSES)
    found = next((room[code] for room in rooms if code in room), None)
    if found is None:
        return "no other cause was found where there should be one, or what could not be read may hide one."
    return re.sub(r"\s+", " ", inspect.getdoc(found) or "")


def _advice(template: Template) -> list[str]:
    lines = [f"- {template.action} {template.why} Risk: {template.risk.rstrip('.')}."]
    return [*lines, "", f"      {_for_a_shell(template.command)}", ""] if template.command else lines


def _for_a_shell(command: str) -> str:
    """Quoted as the module quotes it; the names in braces need no quotes, as those of Kubernetes never do."""
    return " ".join(
        word if shlex.quote(_PLACE.sub("x", word)) == _PLACE.sub("x", word) else shlex.quote(word)
        for word in command.split()
    )


def main() -> int:
    """Writes the page; 0."""
    PAGE.write_text(render_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
