# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a release: builds the tarball from the commit, holds it against the commit, writes its sum and signs it.

Nothing is published and no tag is made: the commands for both are printed. What ansible-galaxy verifies is a signature
of the tarball's MANIFEST.json, which holds the sum of the list of all files, so that is what is signed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.make.package import PackageError, build_tarball, import_findings, install_tarball
from tests.make.places import BUILD, ROOT

__all__ = ["ReleaseError", "main", "make_release", "not_ready"]

FOLDER = BUILD / "release"
# What ansible-galaxy writes by itself.
_MADE = {"FILES.json", "MANIFEST.json"}
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


class ReleaseError(Exception):
    """Why this is no release; the text says what to do."""


def _git(*arguments: str, root: Path) -> bytes:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]} ended with {done.returncode}: {done.stderr.decode().strip()}")
    return done.stdout


def version_of(root: Path) -> str:
    """The version in galaxy.yml."""
    return str(yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"])


def not_ready(root: Path = ROOT) -> list[str]:
    """All that stands against a release of the commit that is checked out, each with what to do."""
    version = version_of(root)
    changelog = yaml.safe_load((root / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    fragments = sorted((root / "changelogs" / "fragments").glob("*.y*ml"))
    found = []
    if not _VERSION.fullmatch(version):
        found.append(f"version {version!r} in galaxy.yml is not of the form 1.2.3: write it so")
    if _git("status", "--porcelain", root=root).strip():
        found.append("the checkout differs from its commit: commit the changes, or take them back")
    if version not in changelog.get("releases", {}):
        found.append(f"the changelog has no release {version}: run make changelog, and commit")
    elif fragments:
        names = ", ".join(path.name for path in fragments[:3])
        found.append(
            f"{len(fragments)} changelog fragments are in no release yet ({names}): run make changelog, and commit"
        )
    if _git("tag", "--list", version, root=root).strip():
        found.append(f"the tag {version} is there already: write the next version into galaxy.yml")
    return found


def make_release(folder: Path, *, root: Path = ROOT, key: str = "") -> Path:
    """The tarball of the commit in `folder`, with SHA256SUMS, and signed where a `key` is given. ReleaseError where
    something stands against it."""
    if problems := not_ready(root):
        raise ReleaseError("\n".join(problems))
    shutil.rmtree(folder, ignore_errors=True)
    source, home = folder / "source", folder / "home"
    source.mkdir(parents=True)
    home.mkdir()
    subprocess.run(["tar", "-x", "-C", str(source)], input=_git("archive", "HEAD", root=root), check=True)
    tarball = build_tarball(folder, home=home, source=source)
    if strange := _differing(tarball, root=root):
        raise ReleaseError(f"the tarball is not what was committed: {', '.join(strange)}")
    install_tarball(tarball, into=home / "collections", home=home)
    files = [tarball, *([_sign(tarball, key=key)] if key else [])]
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
    return tarball


def _differing(tarball: Path, *, root: Path) -> list[str]:
    """Files of the tarball that the commit does not hold with these bytes."""
    found = []
    with tarfile.open(tarball) as archive:
        for member in archive:
            if not member.isfile() or member.name in _MADE:
                continue
            inside = archive.extractfile(member)
            committed = subprocess.run(
                ["git", "-C", str(root), "show", f"HEAD:{member.name}"], capture_output=True, check=False
            )
            if inside is None or committed.returncode or committed.stdout != inside.read():
                found.append(member.name)
    return found


def _sign(tarball: Path, *, key: str) -> Path:
    """A detached, armored signature of MANIFEST.json beside the tarball."""
    if shutil.which("gpg") is None:
        raise ReleaseError("KEY was given and gpg is not there: install GnuPG, or leave KEY out")
    with tarfile.open(tarball) as archive:
        manifest = archive.extractfile("MANIFEST.json")
        text = manifest.read() if manifest else b""
    signature = tarball.with_name(f"{tarball.name}.MANIFEST.json.asc")
    command = ["gpg", "--batch", "--yes", "--armor", "--detach-sign", "--local-user", key, "--output", str(signature)]
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    if done.returncode:
        raise ReleaseError(f"gpg cannot sign with KEY={key}: {done.stderr.decode(errors='replace').strip()}")
    return signature


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the release in .build/release and says what is left to do; 1 where something stands against it."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--key", default="", help="the GnuPG key that signs (default: not signed)")
    parser.add_argument("--ready", action="store_true", help="only say what stands against a release")
    given = parser.parse_args(arguments)
    try:
        if given.ready:
            print(*(problems := not_ready()), sep="\n", end="\n" if problems else "")
            return 1 if problems else 0
        tarball = make_release(FOLDER, key=given.key)
        errors, warnings = import_findings(tarball, folder=FOLDER / "importer")
    except (PackageError, ReleaseError) as error:
        print(f"make release: {error}", file=sys.stderr)
        return 1
    print(*warnings, *errors, sep="\n")
    if errors or warnings:
        return 1
    version = version_of(ROOT)
    print((FOLDER / "SHA256SUMS").read_text(encoding="utf-8"), end="")
    print("" if given.key else "not signed: name a key with KEY=...")
    print(f"Now: git tag -s {version} && git push origin {version}")
    print(f"     ansible-galaxy collection publish {os.path.relpath(tarball)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
