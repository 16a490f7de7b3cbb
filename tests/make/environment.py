# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the Python environments and the collection's import tree; runs with nothing but Python's own library.

An environment lies in the user's cache, named by a hash of its requirements and of the Python it is made with, so
checkouts share it and a changed requirement makes a new one. It is usable only once its marker is written: a run that
was broken off leaves nothing that looks ready. The checkout reaches it by the symlink C(.build/venv).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.make.places import BUILD, COLLECTIONS, NAME, NAMESPACE, ROOT, cache_folder

__all__ = ["ENVIRONMENTS", "Environment", "SetupError", "link", "link_collection", "main", "prepare"]

OLDEST_PYTHON = (3, 10)
READY = ".ready"


class SetupError(Exception):
    """What is missing on this machine, and how to get it."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment: its name, the requirement files it is made of, its symlink in the build folder, and
    further options for pip."""

    name: str
    requirements: tuple[str, ...]
    link: str
    options: tuple[str, ...] = ()

    def digest(self) -> str:
        """A short hash of all that decides what is in the environment."""
        seed = hashlib.sha256(f"{platform.python_implementation()} {platform.python_version()}".encode())
        seed.update(" ".join([platform.machine(), sys.base_prefix, *self.options]).encode())
        for file in self.requirements:
            seed.update((ROOT / file).read_bytes())
        return seed.hexdigest()[:12]

    def folder(self) -> Path:
        """Where it lies in the cache."""
        return cache_folder() / f"{self.name}-{self.digest()}"


ENVIRONMENTS = {
    "dev": Environment("venv", ("requirements-dev.txt",), "venv"),
    "eda": Environment("eda", ("requirements-eda.txt",), "eda"),
    "java": Environment("java", ("requirements-java.txt",), "java"),
    "importer": Environment("importer", ("requirements-importer.txt",), "importer"),
    "awx": Environment("awx", ("requirements-awx.txt",), "awx"),
    "site": Environment("site", ("requirements-site.txt",), "site-venv"),
    "look": Environment("look", ("requirements-look.txt",), "look-venv", ("--no-deps",)),
}


def say(text: str) -> None:
    """One line for the person who waits."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def check_python() -> None:
    """Raise SetupError where this Python cannot make an environment."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise SetupError(f"Python {wanted} or later is needed, this is {version}. Name another: make PYTHON=python3.12")
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        minor = ".".join(map(str, sys.version_info[:2]))
        raise SetupError(
            f"Python {version} lacks {' and '.join(missing)}, so it cannot make a virtual environment. "
            f"On Debian and Ubuntu: apt-get install python{minor}-venv. Or name another: make PYTHON=python3.12"
        )


@contextlib.contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold a lock file, so that two checkouts never fill one folder at once."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is making {lock.stem}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def prepare(environment: Environment) -> Path:
    """The environment's folder, made if it is not there."""
    folder = environment.folder()
    if not (folder / READY).exists():
        check_python()
        with only_one(folder.with_suffix(".lock")):
            if not (folder / READY).exists():
                fill(folder, requirements=environment.requirements, options=environment.options)
    link(BUILD / environment.link, target=folder)
    return folder


def fill(folder: Path, *, requirements: tuple[str, ...], options: tuple[str, ...] = ()) -> None:
    """Make the environment anew and mark it ready."""
    started = time.monotonic()
    say(f"making {folder} with Python {platform.python_version()} (once; a minute or two)")
    shutil.rmtree(folder, ignore_errors=True)
    run_shown([sys.executable, "-m", "venv", str(folder)], what="python -m venv")
    pip = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
    ]
    for file in requirements:
        run_shown([*pip, *options, "-r", str(ROOT / file)], what=f"pip install -r {file}")
    (folder / READY).touch()
    say(f"ready after {time.monotonic() - started:.0f} s")


def run_shown(command: list[str], *, what: str) -> None:
    """Run a command, count the packages it fetches, and raise SetupError with its last lines where it fails."""
    lines: list[str] = []
    fetched = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            fetched += line.startswith("Collecting ")
            show_progress(line, fetched=fetched)
    if process.returncode:
        tail = "\n".join(lines[-25:])
        raise SetupError(f"{what} ended with {process.returncode}:\n{tail}")


def show_progress(line: str, *, fetched: int) -> None:
    """Say what pip does: each package in one line of a terminal that is written over, every tenth one elsewhere."""
    if line.startswith("Installing "):
        say(f"{fetched} packages fetched; installing them")
    elif line.startswith("Collecting ") and sys.stderr.isatty():
        package = line.split()[1][:60]
        print(f"\rsetup: package {fetched}: {package:<60}\r", end="", file=sys.stderr, flush=True)
    elif line.startswith("Collecting ") and fetched % 10 == 0:
        say(f"{fetched} packages fetched")


def link(path: Path, *, target: Path) -> None:
    """Make a symlink point to the target, in one step, so that nobody sees it missing."""
    if path.is_symlink() and os.readlink(path) == str(target):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.symlink_to(target)
    fresh.replace(path)


def link_collection() -> Path:
    """The folder to put on the import path, in which the checkout is found under the collection's full name."""
    link(COLLECTIONS / "ansible_collections" / NAMESPACE / NAME, target=ROOT)
    return COLLECTIONS


def main(arguments: list[str]) -> int:
    """Prepare the named environments (dev alone where none is named) and the import tree; 1 where that fails."""
    try:
        link_collection()
        for name in arguments or ["dev"]:
            prepare(ENVIRONMENTS[name])
    except SetupError as error:
        print(f"setup failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
