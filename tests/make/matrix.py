# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests on other releases: of Python, of ansible-core, and of the kubernetes package.

    make test-matrix    # all cells whose Python is here; those that are not are named
    make matrix         # the oldest cell whose Python is here, with three playbooks: a step of make test

Each cell is an environment of its own in the user's cache. In it the unit tests run, and on the test cluster every
scenario and the playbook diagnose: that takes every room through what differs between releases (module packing,
argument checks, templating, clients). Tools of the developer's environment (linters, the house) are not in a cell.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.make.environment import READY, SetupError, only_one, run_shown, say
from tests.make.places import BUILD, COLLECTIONS, ROOT, cache_folder

__all__ = ["CELLS", "Cell", "main"]

# The floor of each, what AAP 2.5 has, those between, and the newest that there is.
# A release of ansible-core names its Pythons: docs.ansible.com, "ansible-core support matrix".
FLOOR = "24.2.0"
NEWEST = "37.0.2"


@dataclass(frozen=True)
class Cell:
    """One combination of releases."""

    python: str
    ansible: str
    kubernetes: str

    def __str__(self) -> str:
        return f"Python {self.python}, ansible-core {self.ansible}, kubernetes {self.kubernetes}"

    @property
    def requirements(self) -> tuple[str, ...]:
        """What pip installs: the releases of the cell, and what the tests themselves need."""
        named = dict(_pinned())
        others = ("pytest", "pytest-xdist", "hypothesis", "cryptography", "PyYAML", "requests")
        kept = [f"{name}=={named[name]}" for name in others if name in named]
        return (f"ansible-core=={self.ansible}", f"kubernetes=={self.kubernetes}", "jsonpatch", *kept)

    def folder(self) -> Path:
        """Where its environment lies in the cache."""
        seed = hashlib.sha256(f"{self.python} {' '.join(self.requirements)}".encode())
        return cache_folder() / f"matrix-{seed.hexdigest()[:12]}"


CELLS = (
    Cell("3.10", "2.16.14", FLOOR),
    Cell("3.12", "2.16.14", NEWEST),
    Cell("3.11", "2.18.19", FLOOR),
    Cell("3.13", "2.18.19", NEWEST),
    Cell("3.11", "2.19.14", NEWEST),
    Cell("3.12", "2.21.5", FLOOR),
    Cell("3.13", "2.21.5", NEWEST),
)
UNIT = ("tests/unit/plugins",)
CLUSTER = ("tests/integration/test_scenarios.py", "tests/integration/test_diagnose_playbook.py")
# A look with what must never be templated, an act and a change, each by a playbook as a process of its own.
FEW = (
    "tests/integration/test_diagnose_playbook.py::test_strings_of_the_cluster_are_only_ever_shown",
    "tests/integration/test_remediate_playbook.py::test_cancel_and_retry_makes_the_vm_arrive_elsewhere",
    "tests/integration/test_tune_playbook.py::test_apply_then_the_same_again_changes_nothing_and_undo_restores_the_cluster",
)


def _pinned() -> list[tuple[str, str]]:
    """(name, version) of the developer's environment."""
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    parts = (line.partition(";")[0].strip().partition("==") for line in lines if "==" in line)
    return [(name, version) for name, _equals, version in parts]


def interpreter(version: str) -> str | None:
    """A Python of that minor version that runs; None where there is none.

    A shim of a version manager may stand on PATH for a version that it does not start: so each is tried.
    """
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for found in (shutil.which(f"python{version}"), *map(str, managed)):
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    return None


def prepare(cell: Cell, *, python: str) -> Path:
    """The cell's environment, made if it is not there."""
    folder = cell.folder()
    if not (folder / READY).exists():
        with only_one(folder.with_suffix(".lock")):
            if not (folder / READY).exists():
                say(f"making {folder} for {cell} (once)")
                shutil.rmtree(folder, ignore_errors=True)
                run_shown([python, "-m", "venv", str(folder)], what=f"{python} -m venv")
                run_shown(
                    [
                        str(folder / "bin" / "python"),
                        "-m",
                        "pip",
                        "install",
                        "--progress-bar",
                        "off",
                        *cell.requirements,
                    ],
                    what="pip install",
                )
                (folder / READY).touch()
    return folder


def run(cell: Cell, *, folder: Path, tests: Sequence[str], workers: int) -> int:
    """The exit status of pytest in the cell."""
    results = BUILD / "results" / f"matrix-{folder.name}.xml"
    command = [
        str(folder / "bin" / "python"),
        "-m",
        "pytest",
        "-q",
        # Old releases use what newer Pythons warn of; that is theirs.
        "-W",
        "ignore::DeprecationWarning",
        "-n",
        str(workers),
        f"--junitxml={results}",
        *tests,
    ]
    return subprocess.run(command, cwd=ROOT, env=_environment(folder), check=False).returncode


def _environment(folder: Path) -> Mapping[str, str]:
    return {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(COLLECTIONS),
        "LIVE_MIGRATION_COLLECTIONS": str(COLLECTIONS),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(folder / "ansible"),
    }


def _oldest() -> Sequence[Cell]:
    """The oldest cell whose Python is here; the oldest of all where none is, so that this is said."""
    return next(((cell,) for cell in CELLS if interpreter(cell.python)), CELLS[:1])


def main(arguments: Sequence[str]) -> int:
    """1 where a cell failed; a Python that is not here is said, and fails only where CI is set."""
    parser = argparse.ArgumentParser(prog="python -m tests.make.matrix", description=__doc__)
    parser.add_argument("--few", action="store_true", help="three playbooks instead of all tests")
    parser.add_argument("--oldest", action="store_true", help="only the oldest cell whose Python is here")
    parser.add_argument("--only", default="", metavar="TEXT", help='cells that hold this text, such as "Python 3.12"')
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    cells = [cell for cell in (_oldest() if given.oldest else CELLS) if given.only in str(cell)]
    if not cells:
        parser.error(f"--only {given.only}: no cell holds this. There are: {'; '.join(map(str, CELLS))}")
    outcomes: list[tuple[Cell, str, float]] = []
    for cell in cells:
        began = time.monotonic()
        python = interpreter(cell.python)
        if python is None:
            outcomes.append((cell, "no such Python here", 0.0))
            continue
        print(f"\n==> {cell}", flush=True)
        try:
            folder = prepare(cell, python=python)
        except SetupError as error:
            print(f"setup failed: {error}", file=sys.stderr)
            outcomes.append((cell, "no environment", time.monotonic() - began))
            continue
        tests = FEW if given.few else (*UNIT, *CLUSTER)
        status = run(cell, folder=folder, tests=tests, workers=given.workers)
        outcomes.append((cell, "passed" if status == 0 else f"failed ({status})", time.monotonic() - began))
    print()
    for cell, word, seconds in outcomes:
        print(f"{word:<20} {seconds:6.0f} s  {cell}")
    tolerated = {"passed"} if os.environ.get("CI") else {"passed", "no such Python here"}
    return 0 if all(word in tolerated for _cell, word, _seconds in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
