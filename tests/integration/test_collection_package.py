# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball as a user gets it: what is in it, and that it works with an empty home and no network."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.make.package import build_tarball, install_tarball, run_alone, tool
from tests.make.places import FULL_NAME, ROOT
from tests.make.tree import project_files

ALLOWED_FILES = {
    ".ansible-lint",
    "CHANGELOG.md",
    "CHANGELOG.rst",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
}
ALLOWED_FOLDERS = {"changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"}
WANTED = {"LICENSE", "README.md", "changelogs/changelog.yaml", "meta/execution-environment.yml", "meta/runtime.yml"}


@dataclass(frozen=True)
class Installed:
    """The tarball, where it is installed, and the home that commands run with."""

    tarball: Path
    folder: Path
    collections: Path
    home: Path

    def run(self, command: str, *arguments: str) -> str:
        return run_alone([tool(command), *arguments], home=self.home, collections=self.collections)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    home = tmp_path_factory.mktemp("home")
    collections = tmp_path_factory.mktemp("collections")
    tarball = build_tarball(tmp_path_factory.mktemp("dist"), home=home)
    return Installed(tarball, install_tarball(tarball, into=collections, home=home), collections, home)


def names_in(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive if member.isfile()}


def plugin_names(kind: str) -> list[str]:
    return [f"{FULL_NAME}.{file.stem}" for file in sorted((ROOT / "plugins" / kind).glob("*.py"))]


def test_tarball_holds_only_what_a_user_needs(installed: Installed) -> None:
    surplus = {
        name
        for name in names_in(installed.tarball)
        if name not in ALLOWED_FILES and name.split("/")[0] not in ALLOWED_FOLDERS
    }
    assert surplus == set()


def test_tarball_holds_no_file_that_git_does_not_keep(installed: Installed) -> None:
    generated = {"MANIFEST.json", "FILES.json"}
    assert names_in(installed.tarball) - generated - {file.as_posix() for file in project_files()} == set()


def test_tarball_holds_what_galaxy_and_ansible_builder_read(installed: Installed) -> None:
    assert names_in(installed.tarball) >= WANTED


def test_tarball_holds_all_of_plugins_roles_and_playbooks(installed: Installed) -> None:
    kept = {file.as_posix() for file in project_files() if file.parts[0] in {"plugins", "roles", "playbooks"}}
    assert kept - names_in(installed.tarball) == set()


def test_tarball_depends_on_no_other_collection(installed: Installed) -> None:
    manifest = json.loads((installed.folder / "MANIFEST.json").read_text())
    assert manifest["collection_info"]["dependencies"] == {}
    assert manifest["collection_info"]["license"] == ["GPL-3.0-or-later"]


@pytest.mark.parametrize(("kind", "folder"), [("module", "modules"), ("filter", "filter")], ids=["modules", "filters"])
def test_documentation_of_each_plugin_is_read_from_the_installed_tarball(
    installed: Installed, kind: str, folder: str
) -> None:
    names = plugin_names(folder)
    shown = json.loads(installed.run("ansible-doc", "--json", "-t", kind, *names))
    assert names
    assert sorted(shown) == names
    assert all(entry["doc"]["filename"].startswith(str(installed.collections)) for entry in shown.values())
    assert all(entry["doc"]["short_description"] and entry["examples"] for entry in shown.values())


def test_documentation_of_each_role_is_read_from_the_installed_tarball(installed: Installed) -> None:
    roles = [f"{FULL_NAME}.{folder.parent.name}" for folder in sorted((ROOT / "roles").glob("*/meta"))]
    shown = json.loads(installed.run("ansible-doc", "--json", "-t", "role", *roles))
    assert roles
    assert sorted(shown) == roles
    points = [point for entry in shown.values() for point in entry["entry_points"].values()]
    assert len(points) > len(roles)
    assert all(point["options"] and point["short_description"] for point in points)


def test_each_playbook_is_found_by_its_full_name(installed: Installed) -> None:
    files = sorted(file.name for file in (ROOT / "playbooks").glob("*.yml"))
    names = [f"{FULL_NAME}.{name.removesuffix('.yml')}" for name in files]
    shown = installed.run("ansible-playbook", "--syntax-check", "-i", "localhost,", *names)
    assert files
    assert [line for line in shown.splitlines() if line.startswith("playbook: ")] == [
        f"playbook: {installed.folder / 'playbooks' / name}" for name in files
    ]


def test_execution_environment_names_files_that_are_there(installed: Installed) -> None:
    meta = installed.folder / "meta"
    assert "kubernetes>=24.2.0" in (meta / "ee-requirements.txt").read_text().splitlines()
    assert "jsonpatch" in (meta / "ee-requirements.txt").read_text().splitlines()
    assert (meta / "ee-bindep.txt").is_file()
