# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action: options, what it prints, what it writes, what it returns."""

from __future__ import annotations

import io
import json
import stat
import tarfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.kubevirt_ops.live_migration.plugins.action import migration_report
from ansible_collections.kubevirt_ops.live_migration.plugins.modules import migration_report as documentation
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_files import collection_version
from tests.house import promises
from tests.unit.plugins.plugin_utils.results import a_migration, a_result, a_stuck_migration
from tests.unit.plugins.plugin_utils.test_preflight_report import a_fine_vm, a_preflight, a_vm

RESULT = a_result(a_stuck_migration(), a_migration())
PREFLIGHT = a_preflight(a_vm(), a_fine_vm())


def run(
    *, check_mode: bool = False, no_log: bool = False, host: str = "localhost", **options: Any
) -> tuple[dict[str, Any], list[Any]]:
    """The result of the action, and the calls of Ansible's display."""
    task = mock.MagicMock(args=options, check_mode=check_mode, no_log=no_log, async_val=0)
    action = migration_report.ActionModule(
        task=task,
        connection=mock.MagicMock(),
        play_context=mock.MagicMock(check_mode=check_mode),
        loader=mock.MagicMock(),
        templar=mock.MagicMock(),
        shared_loader_obj=None,
    )
    # As Ansible's loader does; 2.16 names the module by it in errors.
    action._load_name = "kubevirt_ops.live_migration.migration_report"
    with mock.patch.object(migration_report.display, "display") as shown:
        return action.run(task_vars={"inventory_hostname": host}), shown.call_args_list


def test_lines_are_printed_in_one_piece_and_returned() -> None:
    result, shown = run(migrations=RESULT)
    assert shown == [mock.call("\n".join(result["lines"]))]
    assert "1. team-a/db-1: blocked" in result["lines"]
    assert result["headline"] == "1 of 2 migrations is stuck: TargetPodUnschedulable."
    assert (result["changed"], result["paths"], result["changed_files"]) == (False, {}, [])


def test_task_without_log_prints_nothing() -> None:
    _result, shown = run(migrations=RESULT, no_log=True)
    assert shown == []


def test_color_goes_to_the_screen_and_not_to_the_log() -> None:
    with mock.patch("ansible.utils.color.ANSIBLE_COLOR", new=True):
        result, (screen, log) = run(migrations=RESULT)
    plain = "\n".join(result["lines"])
    assert log == mock.call(plain, log_only=True)
    assert screen.kwargs == {"screen_only": True}
    assert screen.args[0].count("\x1b[") == 2 * 3
    assert "\x1b" not in plain


def test_files_are_written_private_and_once(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "migrations": RESULT,
        "directory": str(tmp_path / "r"),
        "formats": ["json", "html", "markdown"],
    }
    first, _shown = run(**options)
    second, _shown = run(**options)
    names = {"json": "report.json", "html": "report.html", "markdown": "report.md"}
    assert first["paths"] == {name: str(tmp_path / "r" / file) for name, file in names.items()}
    assert first["changed_files"] == list(first["paths"].values())
    assert (first["changed"], second["changed"], second["changed_files"]) == (True, False, [])
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "r").iterdir()} == {0o600}


def test_only_the_file_that_differs_is_written(tmp_path: Path) -> None:
    run(migrations=RESULT, directory=str(tmp_path))
    (tmp_path / "report.html").write_text("old")
    result, _shown = run(migrations=RESULT, directory=str(tmp_path))
    assert result["changed_files"] == [str(tmp_path / "report.html")]


def test_check_mode_says_what_it_would_write_and_writes_nothing(tmp_path: Path) -> None:
    result, _shown = run(migrations=RESULT, directory=str(tmp_path / "r"), check_mode=True)
    assert result["changed"]
    assert f"Would write {tmp_path}/r/report.html" in result["lines"]
    assert list(tmp_path.iterdir()) == []


def test_relative_directory_starts_where_ansible_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result, _shown = run(migrations=RESULT, directory="r", formats=["json"])
    assert result["paths"] == {"json": str(tmp_path / "r" / "report.json")}
    assert json.loads((tmp_path / "r" / "report.json").read_text())["meta"]["version"]


def test_folder_that_cannot_be_written_costs_the_files_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        mock.patch.object(migration_report, "_show") as shown,
        pytest.raises(AnsibleError, match=r"cannot write .*/file/r/report\.json: Not a directory\. Name"),
    ):
        run(migrations=RESULT, directory=str(tmp_path / "file" / "r"))
    assert shown.called


BAD = {
    "no result": {"migrations": {"changed": False}},
    "skipped": {"migrations": {"skipped": True}},
    "failed": {"migrations": {"failed": True, "msg": "unreachable"}},
    "no mapping": {"migrations": "text"},
    "absent": {},
    "unknown format": {"migrations": RESULT, "formats": ["pdf"]},
    "unknown option": {"migrations": RESULT, "kubeconfig": "x"},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_wrong_options_are_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(AnsibleError):
        run(**options)


def test_title_names_the_inventory_host() -> None:
    assert run(migrations=RESULT, host="east-1")[0]["lines"][1].startswith("Live migrations of east-1 · ")
    assert run(migrations=RESULT, host="east-1", title="East")[0]["lines"][1].startswith("East · ")


@pytest.mark.parametrize(("columns", "width"), [(0, 80), (79, 80), (199, 200)], ids=["none", "no terminal", "wide"])
def test_terminal_width(columns: int, width: int) -> None:
    assert migration_report.terminal_width(columns) == width


VERSIONS = {
    "installed": ("MANIFEST.json", '{"collection_info": {"version": "1.2.3"}}', "1.2.3"),
    "checkout": ("galaxy.yml", "name: x\nversion: 0.4.0\n", "0.4.0"),
    "neither": ("README.md", "", ""),
    "broken": ("MANIFEST.json", "{", ""),
}


@pytest.mark.parametrize(("name", "text", "version"), VERSIONS.values(), ids=VERSIONS)
def test_collection_version(tmp_path: Path, name: str, text: str, version: str) -> None:
    (tmp_path / name).write_text(text)
    assert collection_version(tmp_path) == version


def test_options_are_those_of_the_documentation() -> None:
    documented = yaml.safe_load(documentation.DOCUMENTATION)["options"]
    assert promises.options_against_documentation(migration_report.ARGUMENT_SPEC, documented=documented) == []


def test_returned_keys_are_documented(tmp_path: Path) -> None:
    result, _shown = run(migrations=RESULT)
    returned = yaml.safe_load(documentation.RETURN)
    assert set(result) - {"changed"} == set(returned)
    before, _shown = run(preflight=PREFLIGHT)
    tuned, _shown = run(tuning={"mode": "advise"})
    acted, _shown = run(migrations=RESULT, mode="cancel")
    many, _shown = run(clusters=[{"name": "east", "migrations": RESULT}])
    run(migrations=RESULT, directory=str(tmp_path))
    compared, _shown = run(migrations=RESULT, compare_with=str(tmp_path))
    seen = [one["summary"] for one in (result, before, tuned, acted, many, compared)]
    assert {key for summary in seen for key in summary} == set(returned["summary"]["contains"])


def test_preflight_is_printed_and_written_under_names_of_its_own(tmp_path: Path) -> None:
    result, _shown = run(preflight=PREFLIGHT, directory=str(tmp_path), formats=["json", "html", "markdown"])

    assert "1. team-a/db-1: would_not_migrate" in result["lines"]
    assert {file.name for file in tmp_path.iterdir()} == {"preflight.json", "preflight.html", "preflight.md"}
    assert [one["vm"] for one in result["summary"]["holding"]] == ["db-1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of the following is required"),
        ({"migrations": RESULT, "preflight": PREFLIGHT}, "mutually exclusive"),
        ({"preflight": RESULT}, "no result of kubevirt_ops.live_migration.preflight_info"),
    ],
    ids=["neither", "both", "another result"],
)
def test_one_result_is_needed_and_the_right_one(options: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleError, match=words):
        run(**options)


def test_report_on_several_clusters_has_files_of_its_own(tmp_path: Path) -> None:
    looks = [{"name": "east", "migrations": RESULT}, {"name": "west", "migrations": {"failed": True, "msg": "refused"}}]
    formats = ["json", "html", "markdown"]
    result, _shown = run(clusters=looks, directory=str(tmp_path), formats=formats)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["clusters.html", "clusters.json", "clusters.md"]
    assert result["headline"] == "1 of 2 migrations is stuck, in east. west could not be looked at."
    assert "   west: Could not be looked at: refused" in result["lines"]


def test_report_is_compared_before_it_is_written_over(tmp_path: Path) -> None:
    run(migrations=a_result(a_migration()), directory=str(tmp_path))
    result, _shown = run(migrations=RESULT, directory=str(tmp_path), compare_with=str(tmp_path))

    assert [one["vm"] for one in result["summary"]["compared"]["got_stuck"]] == ["team-a/db-1"]


def test_nothing_to_compare_with_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(AnsibleError, match=r"option compare_with: cannot read .*/none: No such file"):
        run(migrations=RESULT, compare_with=str(tmp_path / "none"))


def a_bundle(path: Path, **files: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


@pytest.mark.parametrize(
    ("name", "given"),
    [("x.tar.gz", "x.tar.gz"), ("x.tgz", "x.tgz"), ("y/live-migration-evidence.tar.gz", "y")],
    ids=["tar.gz", "tgz", "folder"],
)
def test_report_is_compared_with_the_tarball_of_a_bundle(name: str, given: str, tmp_path: Path) -> None:
    earlier = json.dumps({"migrations": a_result(a_migration())})
    more = {"live-migration-evidence/a/b/report.json": "{", "live-migration-evidence/README.md": "x"}
    a_bundle(tmp_path / name, **{"live-migration-evidence/report.json": earlier, **more})

    result, _shown = run(migrations=RESULT, compare_with=str(tmp_path / given))

    assert [one["vm"] for one in result["summary"]["compared"]["got_stuck"]] == ["team-a/db-1"]


NO_BUNDLE: dict[str, tuple[dict[str, str], str]] = {
    "outside": ({"../report.json": "{}"}, r"option compare_with: .* is refused: .* leads out of it"),
    "none": ({"a/README.md": "x"}, r"option compare_with: .*x.tar.gz holds 0 report.json; name a bundle"),
    "two": ({"a/report.json": "{}", "b/report.json": "{}"}, r"option compare_with: .* holds 2 report.json"),
    "no_json": ({"a/report.json": "{"}, r"option compare_with: a/report.json in .*x.tar.gz is no JSON"),
    "another": ({"a/report.json": "{}"}, r"option compare_with: .* is no report of live migrations"),
}


@pytest.mark.parametrize(("files", "why"), NO_BUNDLE.values(), ids=NO_BUNDLE)
def test_tarball_that_cannot_be_compared_with_is_an_error_that_names_the_option(
    files: dict[str, str], why: str, tmp_path: Path
) -> None:
    a_bundle(tmp_path / "x.tar.gz", **files)

    with pytest.raises(AnsibleError, match=why):
        run(migrations=RESULT, directory=str(tmp_path / "out"), compare_with=str(tmp_path / "x.tar.gz"))

    assert not (tmp_path / "out").exists()


def test_no_tarball_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_text("hello")

    with pytest.raises(AnsibleError, match=r"option compare_with: .* is no tarball, or a broken one"):
        run(migrations=RESULT, compare_with=str(tmp_path / "x.tar.gz"))


@pytest.mark.parametrize("option", ["directory", "compare_with"])
def test_path_with_a_zero_byte_is_an_error_that_names_the_option(option: str, tmp_path: Path) -> None:
    with pytest.raises(AnsibleError, match=option) as caught:
        run(migrations=RESULT, **{option: f"{tmp_path}/a\0\x1bb"})

    assert "\0" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
