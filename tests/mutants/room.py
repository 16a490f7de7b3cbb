# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The room whose source is changed, and how changed source takes the place of a file when it is imported.

Nothing is written: the changed syntax is compiled under the name and the path of the file.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

__all__ = ["Room", "compiled", "marked", "put_in_place"]

# What marks in instrumented source call; such a name is not changed in classes.
_MARK = "__mark__"
_LINES = 100_000


@dataclass(frozen=True)
class Room:
    """Python files below `folder`, imported as `package` and what follows; `tests` are what pytest is given."""

    folder: Path
    package: str
    tests: tuple[str, ...]

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Relative to the folder, sorted."""
        return tuple(sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*.py")))

    @cached_property
    def sources(self) -> dict[str, str]:
        """The text of each file."""
        return {file: (self.folder / file).read_text(encoding="utf-8") for file in self.files}

    def module(self, file: str) -> str:
        """The name that the file is imported by."""
        return ".".join([self.package, *Path(file).with_suffix("").parts])

    def mark(self, file: str, line: int) -> int:
        """The number that stands for the statement in that line."""
        return self.files.index(file) * _LINES + line

    def marked_file(self, mark: int) -> str:
        """The file of a mark."""
        return self.files[mark // _LINES]


def compiled(room: Room, file: str, tree: ast.Module) -> CodeType:
    """The code of `tree` in place of the file's own."""
    code: CodeType = compile(tree, str(room.folder / file), "exec")
    return code


def marked(room: Room, file: str) -> ast.Module:
    """The syntax of the file in which each statement of a function first says that it is reached."""
    tree = ast.parse(room.sources[file])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _mark_blocks(node, start=room.mark(file, 0))
    return ast.fix_missing_locations(tree)


def _mark_blocks(node: ast.AST, *, start: int) -> None:
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        for inner in [one for one in block if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]:
            _mark_blocks(inner, start=start)
        if name not in ("handlers", "cases"):
            setattr(node, name, [both for one in block for both in _with_mark(one, start)])


def _with_mark(statement: ast.stmt, start: int) -> list[ast.stmt]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return [statement]
    call = ast.Call(ast.Name(_MARK, ast.Load()), [ast.Constant(start + statement.lineno)], [])
    return [ast.copy_location(ast.Expr(call), statement), statement]


class _Loader(SourceFileLoader):
    """Runs the code it is given."""

    def __init__(self, fullname: str, path: str, code: CodeType, mark: Callable[[int], None]) -> None:
        super().__init__(fullname, path)
        self._code, self._mark = code, mark

    def get_code(self, fullname: str) -> CodeType:
        return self._code

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[_MARK] = self._mark
        super().exec_module(module)


class _Finder:
    """Finds the modules whose code is given."""

    def __init__(self, codes: Mapping[str, CodeType], mark: Callable[[int], None]) -> None:
        self._codes, self._mark = codes, mark

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        code = self._codes.get(fullname)
        if code is None:
            return None
        loader = _Loader(fullname, code.co_filename, code, self._mark)
        return importlib.util.spec_from_file_location(fullname, code.co_filename, loader=loader)


def put_in_place(codes: Mapping[str, CodeType], *, mark: Callable[[int], None] = lambda _number: None) -> None:
    """From now on these modules are imported with that code. RuntimeError where one has been imported already."""
    early = sorted(name for name in codes if name in sys.modules)
    if early:
        raise RuntimeError(f"imported before it could be changed: {', '.join(early)}")
    sys.meta_path.insert(0, _Finder(codes, mark))
