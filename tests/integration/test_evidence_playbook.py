# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook diagnose takes evidence of the test cluster, and diagnoses it again without the cluster."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.playing import Run, diagnose

NOBODY = {"KUBECONFIG": "/nowhere/kubeconfig", "K8S_AUTH_KUBECONFIG": "/nowhere/kubeconfig"}


@pytest.fixture(scope="module")
def taken(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An operator's run that takes evidence."""
    cluster.reset()
    cluster.simulator.play("demo")
    kubeconfig = str(cluster.kubeconfig("operator"))
    return diagnose(
        tmp_path_factory.mktemp("taken"), kubeconfig=kubeconfig, evidence_directory="proof", evidence_log_bytes=0
    )


def entries(run: Run) -> list[tuple[Any, ...]]:
    found = run.report["migrations"]["migrations"]
    return [(one["namespace"], one["vm"], one["verdict"], one["cause"], len(one["causes"])) for one in found]


def test_run_measures_copies_for_the_evidence_and_says_where_it_may_not(taken: Run) -> None:
    """The report and the bundle rest on the same look. The API server of these tests reaches no pods, and says so."""
    missing = {one["resource"] for one in taken.report["migrations"]["coverage"]["missing"]}

    assert "pods/proxy" in missing


def test_run_names_report_and_evidence_and_hands_both_on(taken: Run) -> None:
    path = taken.folder / "proof" / "live-migration-evidence.tar.gz"
    assert taken.returncode == 0, taken.output
    assert f"Evidence: {path}" in taken.output
    assert path.is_file()
    assert taken.stats["clusters"]["localhost"]["evidence"] == str(path)


@pytest.fixture(scope="module")
def again(taken: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Somebody else's run on it, who has no cluster."""
    folder = tmp_path_factory.mktemp("again")
    shutil.copy(taken.folder / "proof" / "live-migration-evidence.tar.gz", folder / "got.tar.gz")
    return diagnose(folder, environment=NOBODY, src="got.tar.gz")


def test_run_on_the_evidence_reports_the_same(taken: Run, again: Run) -> None:
    assert again.returncode == 0, again.output
    assert sorted(entries(again)) == sorted(entries(taken))
    assert again.report["meta"]["headline"] == taken.report["meta"]["headline"]
    assert {one["name"]: one["verdict"] for one in again.report["nodes"]["nodes"]} == {
        one["name"]: one["verdict"] for one in taken.report["nodes"]["nodes"]
    }


def test_connection_beside_a_capture_does_not_count(taken: Run, tmp_path: Path) -> None:
    """module_defaults name it for all modules of a play, so it may always be there."""
    src = str(taken.folder / "proof" / "live-migration-evidence.tar.gz")

    run = diagnose(tmp_path, environment=NOBODY, kubeconfig=str(tmp_path / "nowhere"), src=src)

    assert run.returncode == 0, run.output
    assert sorted(entries(run)) == sorted(entries(taken))


def test_broken_capture_is_an_error_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "capture.tar.gz").write_bytes(b"no tarball")

    run = diagnose(tmp_path, environment=NOBODY, src=str(tmp_path / "capture.tar.gz"))

    assert run.returncode == 2
    assert "is refused: it is no tarball, or a broken one" in run.output
    assert "Traceback" not in run.output


def test_check_mode_says_where_the_evidence_would_be(cluster: Cluster, tmp_path: Path) -> None:
    kubeconfig = str(cluster.kubeconfig("operator"))

    run = diagnose(tmp_path, "--check", kubeconfig=kubeconfig, evidence_directory="proof", evidence_log_bytes=0)

    assert run.returncode == 0, run.output
    assert f"Would write {tmp_path}/proof/live-migration-evidence.tar.gz" in run.output
    assert not (tmp_path / "proof").exists()
