# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/hostile-input.md names every module that takes text apart, and tests that there are."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from tests.make.places import ROOT

PAGE = (ROOT / "docs/hostile-input.md").read_text(encoding="utf-8")
# What takes text or bytes apart.
CALLS = {
    "json": {"loads", "JSONDecoder"},
    "yaml": {"load", "load_all", "safe_load", "parse"},
    "re": {"compile", "fullmatch", "match", "search", "split", "findall"},
    "tarfile": {"open"},
    "base64": {"b64decode"},
    "bytes": {"fromhex"},
}
NAMES = {"urlsplit", "parsedate_to_datetime"}
FOLDERS = ("plugins", "extensions")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def takes_text_apart(tree: ast.Module) -> bool:
    """Whether a module calls what does."""
    for call in ast.walk(tree):
        func = call.func if isinstance(call, ast.Call) else None
        if isinstance(func, ast.Name) and func.id in NAMES:
            return True
        of = func.value if isinstance(func, ast.Attribute) else None
        if isinstance(of, ast.Name) and isinstance(func, ast.Attribute) and func.attr in CALLS.get(of.id, ()):
            return True
    return False


def parsers() -> set[str]:
    """Their paths as the page writes them."""
    files = [file for folder in FOLDERS for file in ROOT.joinpath(folder).rglob("*.py")]
    return {
        PurePosixPath(file.relative_to(ROOT)).as_posix()
        for file in files
        if takes_text_apart(ast.parse(file.read_text(encoding="utf-8")))
    }


def rows() -> list[list[str]]:
    """The cells of each row of the page's tables, without their heads."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] not in ("what", "---")]


def test_every_module_that_takes_text_apart_is_named() -> None:
    named = set(re.findall(r"`((?:plugins|extensions)/[\w/]+\.py)`", PAGE))

    assert sorted(parsers() - named) == []
    assert sorted(path for path in named if not (ROOT / path).is_file()) == []


def test_no_cell_is_empty_and_each_row_names_tests_that_there_are() -> None:
    broken = []
    for row in rows():
        tests = TEST.findall(row[2]) if len(row) == 4 else []
        missing = [f"{file}::{name}" for file, name in tests if f"def {name}(" not in _text(file)]
        broken += [" | ".join(row)] if not tests or not all(row) else missing

    assert rows()
    assert broken == []


def _text(file: str) -> str:
    path = ROOT / file
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def test_call_that_takes_text_apart_is_seen() -> None:
    seen = ["json.loads(x)", "def f():\n    return urlsplit(x)", "X = re.compile('a')"]

    assert all(takes_text_apart(ast.parse(text)) for text in seen)
    assert not takes_text_apart(ast.parse("json.dumps(x); other.loads(x); print(x)"))
