# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook diagnose over an inventory of clusters: one report on all, and one that does not answer harms none."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.playing import Run, diagnose

REPORTS = "live-migration-report"


@pytest.fixture(scope="module")
def run(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The test cluster for an operator (east), for a tenant without rights (west), and one that does not answer."""
    cluster.reset()
    cluster.simulator.play("selinux-context-missing")
    folder = tmp_path_factory.mktemp("clusters")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        nowhere = f"host=https://127.0.0.1:{bound.getsockname()[1]} api_key={'x' * 20}"
        lines = [
            f"{name} kubeconfig={cluster.kubeconfig(user)}" for name, user in (("east", "operator"), ("west", "nobody"))
        ]
        (folder / "inventory").write_text("\n".join([*lines, f"north {nowhere}", ""]), encoding="utf-8")
        return diagnose(folder, "--inventory", "inventory", clusters="all", report_formats=["json", "html", "markdown"])


def written(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.folder / REPORTS / "clusters.json").read_text(encoding="utf-8"))
    return found


def test_one_report_has_a_row_for_each(run: Run) -> None:
    rows = [(one["name"], one["reached"]) for one in written(run)["clusters"]]

    assert rows == [("east", True), ("north", False), ("west", False)]
    assert written(run)["meta"]["headline"] == (
        "1 of 1 migration is stuck, in east. north and west could not be looked at."
    )


def test_row_of_one_that_does_not_answer_says_why(run: Run) -> None:
    why = {one["name"]: one["error"] for one in written(run)["clusters"]}

    assert "127.0.0.1" in why["north"]
    assert "403" in why["west"]


def test_page_and_markdown_explain_what_is_stuck_where(run: Run) -> None:
    for name in ("clusters.html", "clusters.md"):
        text = (run.folder / REPORTS / name).read_text(encoding="utf-8")
        assert "SELinuxContextMissing" in text
        assert all(cluster in text for cluster in ("east", "north", "west"))


def test_terminal_shows_one_table_of_all(run: Run) -> None:
    printed = run.output.partition("Report on all clusters together")[2]

    assert re.search(r"^CLUSTER +STUCK +OF +UNHEALTHY NODES$", printed, re.MULTILINE)
    assert re.search(r"^east +1 +1 +-$", printed, re.MULTILINE)
    assert re.search(r"^north +\? +\? +\?$", printed, re.MULTILINE)


def test_each_that_was_seen_has_a_report_of_its_own(run: Run) -> None:
    folders = {one.name for one in (run.folder / REPORTS).iterdir() if one.is_dir()}

    assert folders == {"east"}
    assert set(run.stats["clusters"]) == {"east"}


def test_those_that_were_not_seen_are_errors_and_the_rest_is_not(run: Run) -> None:
    recap = dict(re.findall(r"^(\w+) +: .*failed=(\d)", run.output, re.MULTILINE))

    assert run.returncode == 2
    assert recap == {"east": "0", "north": "1", "west": "1"}


def test_no_token_is_written(run: Run) -> None:
    assert not [
        file for file in (run.folder / REPORTS).glob("clusters.*") if "x" * 20 in file.read_text(encoding="utf-8")
    ]


def test_where_no_cluster_answers_the_report_says_so(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        nowhere = f"host=https://127.0.0.1:{bound.getsockname()[1]} api_key={'x' * 20}"
        (tmp_path / "inventory").write_text(f"one {nowhere}\ntwo {nowhere}\n", encoding="utf-8")
        run = diagnose(tmp_path, "--inventory", "inventory", clusters="all")

    assert run.returncode == 2
    assert written(run)["meta"]["headline"].endswith("one and two could not be looked at.")
    assert "No migration is stuck" not in written(run)["meta"]["headline"]
