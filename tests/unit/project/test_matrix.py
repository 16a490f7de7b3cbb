# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix of releases: its floor is what is promised, and the tests that it names are there."""

from __future__ import annotations

import pytest
import yaml

from tests.make import matrix
from tests.make.matrix import CELLS, CLUSTER, FEW, FLOOR, UNIT, Cell
from tests.make.places import ROOT


@pytest.mark.parametrize("test", FEW)
def test_test_that_is_named_is_there(test: str) -> None:
    path, _mark, name = test.partition("::")

    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [*UNIT, *CLUSTER])
def test_place_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_oldest_cell_is_what_the_collection_promises() -> None:
    promised = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]

    assert promised == f">={CELLS[0].ansible.rpartition('.')[0]}.0"
    assert f"kubernetes>={FLOOR}" in (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8")
    assert CELLS[0].python == "3.10"


def test_every_python_and_ansible_core_has_a_cell() -> None:
    assert {cell.python for cell in CELLS} == {"3.10", "3.11", "3.12", "3.13"}
    assert {cell.ansible.rpartition(".")[0] for cell in CELLS} == {"2.16", "2.18", "2.19", "2.21"}


def test_oldest_cell_whose_python_is_here_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "interpreter", lambda version: "/bin/python" if version != "3.10" else None)

    assert matrix._oldest() == (CELLS[1],)


def test_no_python_at_all_is_said_and_fails_where_nobody_watches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "interpreter", lambda version: None)
    monkeypatch.setenv("CI", "true")

    assert matrix.main(["--oldest", "--few"]) == 1
    assert f"no such Python here       0 s  {CELLS[0]}" in capsys.readouterr().out


def test_only_the_cells_that_are_asked_for_are_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "interpreter", lambda version: None)

    matrix.main(["--only", "ansible-core 2.18"])

    shown = [line.partition(" s  ")[2] for line in capsys.readouterr().out.splitlines() if line]
    assert shown == [str(cell) for cell in CELLS if cell.ansible.startswith("2.18")]


def test_cell_that_there_is_not_is_an_error_that_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        matrix.main(["--only", "Python 2.7"])

    assert f"--only Python 2.7: no cell holds this. There are: {CELLS[0]};" in capsys.readouterr().err


def test_other_requirements_are_another_environment() -> None:
    assert Cell("3.10", "2.16.14", FLOOR).folder() != Cell("3.10", "2.16.13", FLOOR).folder()
