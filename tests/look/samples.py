# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages worth a look, written from results as the modules return them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._clusters_files import render_clusters_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._clusters_read import read_clusters
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_files import render_preflight_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_read import read_preflight
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import read_remediation
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_compare import compare_reports
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_files import render_tuning_html
from tests.unit.plugins.plugin_utils.results import (
    AN_ATTEMPT,
    MISSING_PODS,
    PHASES,
    PROGRESS,
    QUEUE,
    SETTINGS,
    a_migration,
    a_node,
    a_result,
    a_storm,
    a_stuck_migration,
    nodes_result,
    report_of,
)
from tests.unit.plugins.plugin_utils.test_preflight_report import a_fine_vm, a_preflight, a_vm
from tests.unit.plugins.plugin_utils.test_tuning_report import a_group, an_advice, read
from tests.unit.plugins.plugin_utils.test_tuning_report import a_vm as a_tuned_vm

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


def _compared() -> str:
    settings = {**SETTINGS, "cluster": {**SETTINGS["cluster"], "completionTimeoutPerGiB": 800}}
    earlier = report_of(
        a_stuck_migration(vm="db-2"), a_stuck_migration(vm="db-3"), read_at="2026-11-23T08:40:14Z", settings=settings
    )
    later = report_of(a_stuck_migration(), a_stuck_migration(vm="db-3"), settings=SETTINGS)
    return render_html(replace(later, comparison=compare_reports(earlier, later=later)))


def _clusters() -> str:
    nodes = nodes_result(a_node(), a_node(name="node-1", verdict="healthy", reasons=[]))
    bad = a_result(a_stuck_migration(phases=PHASES), a_migration(), queue=QUEUE, settings=SETTINGS)
    lost = {"failed": True, "msg": "https://api.west.example.com: connection refused"}
    looks = [
        {"name": "east", "migrations": bad, "nodes": nodes},
        {"name": "west", "migrations": lost},
        {"name": "north", "migrations": a_result(a_migration()), "nodes": nodes},
    ]
    return render_clusters_html(read_clusters(looks, version="1.2.3"))


PAGES = {
    "everything": _everything,
    "calm": lambda: render_html(report_of(a_migration())),
    "acted": _acted,
    "compared": _compared,
    "clusters": _clusters,
    "many": lambda: render_html(a_storm(30)),
    "tuning": lambda: render_tuning_html(read(advice=an_advice(a_tuned_vm(), groups=[a_group()]))),
    "storm": lambda: render_html(a_storm()),
    "preflight": lambda: render_preflight_html(read_preflight(a_preflight(a_vm(), a_fine_vm()))),
}


def write_samples(folder: Path, /) -> dict[str, Path]:
    """Each page by its name, as a file of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, render in PAGES.items():
        written[name] = folder / f"{name}.html"
        written[name].write_text(render(), encoding="utf-8")
    return written
