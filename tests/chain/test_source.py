# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook watch_migrations with its event source, installed from the tarball under a folder of another name."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from tests.chain.rulebook import running_rulebook
from tests.cluster import Cluster
from tests.integration.acting import going_on
from tests.make.package import build_tarball, install_tarball

MARK = "live-migration.kubevirt-ops/remediate"
WORLD: dict[str, Any] = {
    "title": "a crashed target launcher of a VM that has opted in",
    "nodes": [{"name": name} for name in ("node-a", "node-b", "node-c")],
    "vms": [{"name": "team-a/web-1", "node": "node-a", "labels": {MARK: "true"}}],
    "migrations": [
        {
            "vm": "team-a/web-1",
            "phase": "Scheduling",
            "since": 200,
            "target": "node-b",
            "pod": {"exit_code": 137, "ended": 150},
        }
    ],
}


def test_stuck_migration_is_cancelled_and_made_again_without_prometheus(cluster: Cluster, tmp_path: Path) -> None:
    home, collections = tmp_path / "home", tmp_path / "collections"
    home.mkdir()
    installed = install_tarball(build_tarball(tmp_path, home=home), into=collections, home=home)
    assert installed.is_dir()
    cluster.reset()
    cluster.simulator.play(WORLD)

    with (
        going_on(cluster, pause=0.3),
        running_rulebook(
            tmp_path,
            "watch_migrations",
            kubeconfig=cluster.kubeconfig("admin"),
            variables={"interval": 1},
            collections=collections,
        ) as running,
    ):
        running.wait_for("Migration of team-a/web-1 has ended: failed.")
        running.wait_for_plays(1)

    assert running.plays == 1
    assert running.said.count("has ended: failed.") == 1


def test_source_and_filter_are_found_without_the_layout_of_a_collection(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with tarfile.open(build_tarball(tmp_path, home=home)) as archive:
        archive.extractall(tmp_path / "somewhere", filter="data")
    plugins = tmp_path / "somewhere" / "extensions" / "eda" / "plugins"
    code = (
        "import runpy, sys\n"
        f"runpy.run_path({str(plugins / 'event_source' / 'migrations.py')!r})\n"
        f"found = runpy.run_path({str(plugins / 'event_filter' / 'alert_target.py')!r})\n"
        "print(found['main']({'labels': {'namespace': 'a', 'vm': 'b'}})['target'])\n"
        "print(sys.modules['ansible_collections.kubevirt_ops.live_migration'].__path__)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ANSIBLE_HOME")}
    environment.pop("ANSIBLE_COLLECTIONS_PATH", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines() == [
        "{'namespace': 'a', 'vm': 'b'}",
        f"['{tmp_path / 'somewhere'}']",
    ], done.stderr
