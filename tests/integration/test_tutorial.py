# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tutorial, run as it stands: its commands in one shell, and what it says of their output."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cluster.build import ensure_programs
from tests.make.places import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
# The environment is there already: this process runs in it.
SET_UP = "make setup cluster\n"
NAMES = re.compile(r"(kubevirt-(?:evacuation|migrate-vm))-[a-z0-9]{5}")
TIMES = re.compile(r"\b\d+[ms]( \d+s)?\b")


def blocks() -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    return re.findall(r"^```(sh|text)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def squeezed(text: str) -> str:
    """Names and durations of one run made alike, spaces and line ends to single spaces."""
    return " ".join(TIMES.sub("?", NAMES.sub(r"\1-?", text)).split())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """The output of each block of commands, with the block."""
    folder = tmp_path_factory.mktemp("tutorial")
    commands = [text for language, text in blocks() if language == "sh"]
    checkout = folder / "checkout"
    checkout.mkdir()
    for entry in ROOT.iterdir():
        if entry.name != "live-migration-report":
            (checkout / entry.name).symlink_to(entry)
    script = "set -e\ntrap 'python -m tests.cluster stop' EXIT\n" + "".join(
        f"echo '<block>'\n{text.replace(SET_UP, '')}" for text in commands
    )
    foreign = ("ANSIBLE_", "K8S_AUTH_", "KUBE", "LIVE_MIGRATION_", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    programs = os.environ.get("KUBEBUILDER_ASSETS") or str(Path(ensure_programs().apiserver).parent)
    environment = {
        **kept,
        "KUBEBUILDER_ASSETS": programs,
        # A cluster of whoever runs the tests stays out of it.
        "XDG_CACHE_HOME": str(folder),
        "ANSIBLE_HOME": str(folder / "ansible"),
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    (folder / "output.txt").write_text(done.stdout, encoding="utf-8")
    assert done.returncode == 0, done.stdout
    return list(zip(commands, done.stdout.split("<block>\n")[1:], strict=True))


def test_every_command_of_the_tutorial_works_and_says_what_the_page_says(run: list[tuple[str, str]]) -> None:
    said = dict(run)
    shown = [
        (one[1], two[1]) for one, two in zip(blocks(), blocks()[1:], strict=False) if (one[0], two[0]) == ("sh", "text")
    ]

    missing = [
        line for command, text in shown for line in text.splitlines() if squeezed(line) not in squeezed(said[command])
    ]

    assert len(shown) == 5
    assert missing == []


def test_tutorial_leaves_no_cluster_running(run: list[tuple[str, str]]) -> None:
    # The page has stopped it; what ends the shell finds none.
    assert "no test cluster runs" in run[-1][1]
