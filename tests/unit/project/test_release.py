# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make release`: what stands against one, and that its tarball is the commit's, summed, and signed to be verified."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.make.package import tool
from tests.make.places import ROOT
from tests.make.release import ReleaseError, make_release, not_ready

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A commit that could be released: of the collection, only what is small."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("galaxy.yml", "LICENSE", "README.md", "meta", "changelogs"):
        take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        take(ROOT / name, folder / name)  # type: ignore[operator]
    for fragment in (folder / "changelogs" / "fragments").glob("*.yml"):
        fragment.unlink()
    git(folder, "init", "-q")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Change")


def change(folder: Path, name: str, *, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home for GnuPG, whose agent is ended afterwards."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(folder))
    yield folder
    subprocess.run(["gpgconf", "--kill", "all"], check=True)


def test_commit_with_its_changelog_is_ready(checkout: Path) -> None:
    assert not_ready(checkout) == []


def test_all_that_stands_against_it_is_said_at_once(checkout: Path) -> None:
    change(checkout, "galaxy.yml", old="version: 0.1.0", new="version: v2")

    found = " ".join(not_ready(checkout))

    assert "version 'v2' in galaxy.yml is not of the form 1.2.3" in found
    assert "differs from its commit" in found
    assert "the changelog has no release v2: run make changelog" in found


def test_fragments_and_tag_stand_against_it(checkout: Path) -> None:
    (checkout / "changelogs" / "fragments").mkdir(exist_ok=True)
    (checkout / "changelogs" / "fragments" / "new.yml").write_text("---\nbugfixes: [a - b.]\n", encoding="utf-8")
    commit(checkout)
    git(checkout, "tag", "0.1.0")

    found = not_ready(checkout)

    assert [one.partition(":")[0] for one in found] == [
        "1 changelog fragments are in no release yet (new.yml)",
        "the tag 0.1.0 is there already",
    ]
    with pytest.raises(ReleaseError, match="the tag"):
        make_release(checkout.parent / "out", root=checkout)
    assert not (checkout.parent / "out").exists()


def test_tarball_holds_the_commit_and_its_sum_stands_beside_it(checkout: Path, tmp_path: Path) -> None:
    (checkout / "docs").mkdir()
    # Not committed and yet no change to git: it must not get into the tarball.
    (checkout / ".git" / "info" / "exclude").write_text("docs\n", encoding="utf-8")
    (checkout / "docs" / "secret.md").write_text("mine", encoding="utf-8")

    tarball = make_release(tmp_path / "out", root=checkout)

    names = subprocess.run(["tar", "-tzf", str(tarball)], capture_output=True, text=True, check=True).stdout.split()
    assert "README.md" in names
    assert "docs/secret.md" not in names
    (line,) = (tmp_path / "out" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert line == f"{hashlib.sha256(tarball.read_bytes()).hexdigest()}  {tarball.name}"


def test_signature_is_one_that_ansible_galaxy_verifies(checkout: Path, tmp_path: Path, keys: Path) -> None:
    gpg = ["gpg", "--batch", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-generate-key", "a@example.org", "ed25519", "sign"], capture_output=True, check=True)
    subprocess.run([*gpg, "--export", "-o", str(keys / "ring.gpg"), "a@example.org"], capture_output=True, check=True)

    tarball = make_release(tmp_path / "out", root=checkout, key="a@example.org")

    (signature,) = (tmp_path / "out").glob("*.asc")
    assert signature.name in (tmp_path / "out" / "SHA256SUMS").read_text(encoding="utf-8")
    command = [tool("ansible-galaxy"), "collection", "install", str(tarball), "-p", str(tmp_path / "installed")]
    command += ["--keyring", str(keys / "ring.gpg"), "--signature", signature.as_uri()]
    command += ["--required-valid-signature-count", "+all"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    signature.write_bytes(signature.read_bytes().replace(b"A", b"B"))
    refused = subprocess.run([*command, "--force"], env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode != 0


def test_key_that_is_not_there_is_an_error(checkout: Path, tmp_path: Path, keys: Path) -> None:
    assert not list(keys.iterdir())
    with pytest.raises(ReleaseError, match="gpg cannot sign with KEY=nobody"):
        make_release(tmp_path / "out", root=checkout, key="nobody")
