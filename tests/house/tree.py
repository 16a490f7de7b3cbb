# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of source files, as the rules look at it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

__all__ = ["Function", "Tree"]

_Defs = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Function:
    """One function or method: where it stands, its syntax, and whether it is a method or lies in another function."""

    path: PurePosixPath
    node: ast.FunctionDef | ast.AsyncFunctionDef
    is_method: bool
    is_nested: bool

    @property
    def lines(self) -> int:
        """Its length with signature and docstring, without decorators."""
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1

    @property
    def place(self) -> str:
        """Where to look."""
        return f"{self.path}:{self.node.lineno}: {self.node.name}"


@dataclass
class Tree:
    """Files below a root. Syntax trees are read once."""

    root: Path
    files: list[PurePosixPath]
    _parsed: dict[PurePosixPath, ast.Module] = field(default_factory=dict)

    def below(self, *folders: str, suffix: str = ".py") -> list[PurePosixPath]:
        """The files with the suffix in any of the folders, at any depth."""
        starts = tuple(f"{folder}/" for folder in folders)
        return [file for file in self.files if file.suffix == suffix and str(file).startswith(starts)]

    def text(self, file: PurePosixPath) -> str:
        """The file's text."""
        return (self.root / file).read_text(encoding="utf-8")

    def parsed(self, file: PurePosixPath) -> ast.Module:
        """The file's syntax."""
        if file not in self._parsed:
            self._parsed[file] = ast.parse(self.text(file), filename=str(file))
        return self._parsed[file]

    def functions(self, file: PurePosixPath) -> Iterator[Function]:
        """Every function of the file, methods and inner ones too."""
        yield from _functions(self.parsed(file), path=file, is_method=False, is_nested=False)


def _functions(node: ast.AST, *, path: PurePosixPath, is_method: bool, is_nested: bool) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Defs):
            yield Function(path, child, is_method=is_method, is_nested=is_nested)
            yield from _functions(child, path=path, is_method=False, is_nested=True)
        else:
            inside_class = isinstance(child, ast.ClassDef) or (is_method and not isinstance(child, ast.Lambda))
            yield from _functions(child, path=path, is_method=inside_class, is_nested=is_nested)
