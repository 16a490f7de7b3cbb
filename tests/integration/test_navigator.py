# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-navigator, without an image: it shows the documentation, runs a playbook, and keeps what the run was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.make.places import BUILD
from tests.programs import run_program

NAME = "kubevirt_ops.live_migration"


def navigator(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A run of it in `folder` in the mode that prints, with this environment's ansible-core."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_AUTH_", "KUBE"))}
    environment = {
        **kept,
        "HOME": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(BUILD / "awx" / "bin"), os.environ["PATH"]]),
        "ANSIBLE_COLLECTIONS_PATH": os.environ["LIVE_MIGRATION_COLLECTIONS"],
        "NO_COLOR": "1",
        **more,
    }
    program = str(BUILD / "awx" / "bin" / "ansible-navigator")
    command = [program, *arguments, "--ee", "false", "--mode", "stdout"]
    return run_program(command, folder=folder, environment=environment, seconds=240)


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("module", "migration_info", "which are stuck, why, and"),
        ("role", "migration_remediation", "migration_remediation_mode"),
        ("filter", "stuck_migrations", "Input"),
    ],
    ids=["module", "role", "filter"],
)
def test_documentation_is_shown(tmp_path: Path, kind: str, name: str, text: str) -> None:
    shown = navigator(tmp_path, "doc", f"{NAME}.{name}", "--type", kind)

    assert shown.returncode == 0, shown.stdout
    assert text.lower() in " ".join(shown.stdout.split()).lower()


def test_playbook_runs_and_its_artifact_names_the_stuck_one(cluster: Cluster, tmp_path: Path) -> None:
    cluster.reset()
    cluster.simulator.play("selinux-context-missing")
    artifact = tmp_path / "artifact.json"
    run = navigator(
        tmp_path,
        "run",
        f"{NAME}.diagnose",
        "--playbook-artifact-save-as",
        str(artifact),
        K8S_AUTH_KUBECONFIG=str(cluster.kubeconfig("operator")),
    )

    assert run.returncode == 0, run.stdout
    assert "SELinuxContextMissing" in run.stdout
    assert (tmp_path / "live-migration-report" / "report.html").exists()
    kept = json.loads(artifact.read_text(encoding="utf-8"))
    assert kept["status"] == "successful"
    assert "SELinuxContextMissing" in json.dumps(kept["stdout"])
