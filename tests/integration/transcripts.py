# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook tune prints in each step of docs/tuning.md, and what that page says of it."""

from __future__ import annotations

import difflib
import re
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.tuning_info import run
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_read import read_tuning
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_text import render_tuning_text
from tests.cluster import Cluster
from tests.integration.keeping import keep
from tests.integration.looking import client_of
from tests.integration.test_progress_of_handlers import HastyClock
from tests.make.places import ROOT

__all__ = ["printed_steps", "shown_steps"]

PAGE = ROOT / "docs" / "tuning.md"
REASON = "CHG-1234"
# A terminal that says nothing of its width has so many columns.
WIDTH = 80
_SHOWN = re.compile(r"<!-- shown: ([a-z-]+) -->\n\n```[a-z]+\n(.*?)\n```\n", re.DOTALL)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Object = dict[str, Any]


def shown_steps() -> dict[str, list[str]]:
    """The paragraphs that the page shows of what is printed, by the name in the comment before each block."""
    text = PAGE.read_text(encoding="utf-8")
    return {name: _timeless(block).split("\n\n") for name, block in _SHOWN.findall(text)}


def printed_steps(cluster: Cluster) -> dict[str, str]:
    """What each step prints on a cluster with the scenario `tuning`, from its advice to its undo."""
    advice = _advise(cluster)
    (change,) = advice["changes"]["policies"]
    wanted = {name: value for name, value in change.items() if name not in ("action", "vms")}
    wanted["reason"] = REASON
    planned = _kept(keep(cluster, check_mode=True, **wanted), item=change)
    applied = _kept(keep(cluster, **wanted), item=change)
    again = _advise(cluster)
    undone = _kept(keep(cluster, name=change["name"], undo=True), item=change["name"])
    return {
        "advise": _report("advise", advice),
        "diff": _diff(planned["diff"]),
        "plan": _report("plan", advice, planned),
        "apply": _report("apply", advice, applied),
        "again": _report("apply", again),
        "undo": _report("undo", {}, undone),
    }


def _advise(cluster: Cluster) -> Object:
    clock: Any = HastyClock()
    with client_of(cluster, "admin") as client:
        return run(client, {"progress": "virt_handler"}, clock)


def _kept(result: Object, *, item: Any) -> Object:
    """The result as the role registers it: what the module warns of stands beside it."""
    return {**result, "item": item, "warnings": result["notes"]}


def _report(mode: str, advice: Object, *policies: Object) -> str:
    report = read_tuning({"mode": mode, "advice": advice, "policies": list(policies)})
    return _timeless("\n".join(line.text for line in render_tuning_text(report, width=WIDTH)))


def _diff(diff: Object) -> str:
    """As Ansible prints the difference of two texts."""
    heads = (f"before: {diff['before_header']}", f"after: {diff['after_header']}")
    found = difflib.unified_diff(diff["before"].splitlines(), diff["after"].splitlines(), *heads, lineterm="")
    return "\n".join(found)


def _timeless(text: str) -> str:
    return _MOMENT.sub("2026-11-25T09:04:20Z", text)
