# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages worth a look, written from results as the modules return them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_files import render_preflight_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_read import read_preflight
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import read_remediation
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from tests.unit.plugins.plugin_utils.results import (
    AN_ATTEMPT,
    MISSING_PODS,
    PHASES,
    PROGRESS,
    QUEUE,
    SETTINGS,
    a_migration,
    a_node,
    a_storm,
    a_stuck_migration,
    nodes_result,
    report_of,
)

__all__ = ["write_samples"]


def _everything() -> str:
    return render_html(
        report_of(
            a_stuck_migration(phases=PHASES, previous=[AN_ATTEMPT], progress=PROGRESS),
            a_migration(verdict="late", summary="late: so far", vm="db-2"),
            a_migration(progress=PROGRESS, phases=PHASES, vm="db-3"),
            nodes=nodes_result(a_node(), a_node(name="node-1", verdict="healthy", reasons=[])),
            correlations=[{"summary": "4 of 4 leave node-7.", "migrations": ["team-a/db-1"]}],
            coverage={"complete": False, "missing": [MISSING_PODS]},
            queue=QUEUE,
            settings=SETTINGS,
        )
    )


def _acted() -> str:
    done = {"namespace": "team-a", "vm": "db-1", "name": "kubevirt-migrate-vm-x7k2p", "state": "cancelled"}
    remediation = read_remediation("cancel", cancelled={"changed": True, "results": [{**done, "reason": "It ended."}]})
    return render_html(report_of(a_stuck_migration(), remediation=remediation))


PAGES = {
    "everything": _everything,
    "calm": lambda: render_html(report_of(a_migration())),
    "acted": _acted,
    "storm": lambda: render_html(a_storm()),
    "preflight": lambda: render_preflight_html(read_preflight({"vms": [], "coverage": {"complete": True}})),
}


def write_samples(folder: Path, /) -> dict[str, Path]:
    """Each page by its name, as a file of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, render in PAGES.items():
        written[name] = folder / f"{name}.html"
        written[name].write_text(render(), encoding="utf-8")
    return written
