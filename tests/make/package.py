# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection's tarball, installs it where no network is, and imports it as Galaxy would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.make.places import BUILD, NAME, NAMESPACE, ROOT

__all__ = ["NO_NETWORK", "PackageError", "build_tarball", "import_findings", "install_tarball", "main", "run_alone"]

DIST = BUILD / "dist"
IMPORTER = BUILD / "importer"

# Where nobody listens: whatever asks Galaxy, directly or through a proxy, fails at once.
_NOWHERE = "http://127.0.0.1:1/"
NO_NETWORK = {
    "ANSIBLE_GALAXY_SERVER": _NOWHERE,
    **{name: _NOWHERE for stem in ("http_proxy", "https_proxy", "all_proxy") for name in (stem, stem.upper())},
}


class PackageError(Exception):
    """A command of the packaging failed; the text is what it said."""


def run_alone(command: Sequence[str], *, home: Path, collections: Path | None = None) -> str:
    """The output of a command that sees an empty home, no network, and only the collections in the folder named.

    Cut off from the network altogether where the kernel lets an ordinary user do that. PackageError where it fails.
    """
    environment = {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "ANSIBLE_COLLECTIONS_PATH": str(collections or home / "no-collections"),
        **NO_NETWORK,
    }
    cut_off = ["unshare", "--map-root-user", "--net"] if _can_cut_off() else []
    done = subprocess.run(
        [*cut_off, *command], cwd=home, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise PackageError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _can_cut_off() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = subprocess.run(["unshare", "--map-root-user", "--net", "true"], capture_output=True, check=False)
    return probe.returncode == 0


def tool(name: str) -> str:
    """A command of the environment that runs us."""
    return str(Path(sys.executable).parent / name)


def build_tarball(folder: Path, *, home: Path, source: Path = ROOT) -> Path:
    """The tarball, built from the checkout, or another copy of it, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{NAMESPACE}-{NAME}-*.tar.gz"):
        old.unlink()
    run_alone([tool("ansible-galaxy"), "collection", "build", str(source), "--output-path", str(folder)], home=home)
    (tarball,) = folder.glob(f"{NAMESPACE}-{NAME}-*.tar.gz")
    return tarball


def install_tarball(tarball: Path, *, into: Path, home: Path) -> Path:
    """The installed collection's folder, below the collections folder given."""
    command = [tool("ansible-galaxy"), "collection", "install", str(tarball), "-p", str(into)]
    run_alone(command, home=home, collections=into)
    return into / "ansible_collections" / NAMESPACE / NAME


def import_findings(tarball: Path, *, folder: Path) -> tuple[list[str], list[str]]:
    """Errors and warnings of galaxy-importer; its result file goes into the folder. PackageError where it gives up."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {
        **os.environ,
        "HOME": str(folder),
        "PATH": f"{IMPORTER / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP": str(folder / "tmp"),
    }
    # What points at the checkout must not help the tarball.
    for name in ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME", "PYTHONPATH"):
        environment.pop(name, None)
    done = subprocess.run(
        [str(IMPORTER / "bin" / "python"), "-m", "galaxy_importer.main", str(tarball)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    output = done.stdout + done.stderr
    errors = re.findall(r"^(?:ERROR|CRITICAL): .*$", output, re.MULTILINE)
    warnings = re.findall(r"^WARNING: .*$", output, re.MULTILINE)
    if done.returncode or not (folder / "importer_result.json").exists():
        raise PackageError(f"galaxy-importer gave up on {tarball.name}:\n{output}")
    return errors, warnings


def main() -> int:
    """Build, install and import; 0 when nothing is wrong."""
    home = BUILD / "package-home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    try:
        tarball = build_tarball(DIST, home=home)
        print(f"built {tarball.relative_to(ROOT)} ({tarball.stat().st_size // 1024} KiB)")
        install_tarball(tarball, into=home / "collections", home=home)
        print("installed without a network")
        errors, warnings = import_findings(tarball, folder=BUILD / "importer-run")
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    print(*warnings, *errors, sep="\n")
    print(f"galaxy-importer: {len(errors)} errors, {len(warnings)} warnings")
    return 1 if errors or warnings else 0


if __name__ == "__main__":
    sys.exit(main())
