# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests can see a change: each test with the statements that it reaches, noted once on the unchanged room."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from hypothesis import is_hypothesis_test

from tests.mutants.room import Room, compiled, marked, put_in_place
from tests.mutants.sites import Mutant

__all__ = ["Noted", "Only", "Reach", "Seen", "note_part"]


@dataclass(frozen=True)
class Seen:
    """One test: its file, the marks of the statements it reaches, and its seconds of processor time."""

    test: str
    file: str
    marks: frozenset[int]
    seconds: float


class Only:
    """Runs these tests in this order, and notes those that failed. Property tests are left out: what they notice is
    luck, and a mutant that survives them takes a minute."""

    def __init__(self, tests: Iterable[str] | None = None, *, part: int = 0, parts: int = 1) -> None:
        self.ranks = None if tests is None else {test: rank for rank, test in enumerate(tests)}
        self.part, self.parts = part, parts
        self.failed: dict[str, str] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if not is_hypothesis_test(getattr(one, "obj", None))][self.part :: self.parts]
        if self.ranks is not None:
            ranks = self.ranks
            items[:] = sorted((one for one in items if one.nodeid in ranks), key=lambda one: ranks[one.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext


class _Noting(Only):
    def __init__(self, marks: set[int], *, part: int, parts: int) -> None:
        super().__init__(part=part, parts=parts)
        self.marks, self.seen = marks, list[Seen]()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.marks.clear()
        started = time.process_time()
        done = yield
        spent = time.process_time() - started
        self.seen.append(Seen(item.nodeid, str(item.path), frozenset(self.marks), spent))
        return done


@dataclass(frozen=True)
class Noted:
    """What some tests reach, what failed, and what was imported for them that is not the project's own."""

    seen: list[Seen]
    failed: dict[str, str]
    others: list[str]


def note_part(room: Room, part: int, *, parts: int, options: list[str]) -> Noted:
    """Every so manieth test. To be run in a process that has not imported the room."""
    marks = set[int]()
    codes = {room.module(file): compiled(room, file, marked(room, file)) for file in room.files}
    put_in_place(codes, mark=marks.add)
    noting = _Noting(marks, part=part, parts=parts)
    status = pytest.main([*options, *room.tests], plugins=[noting])
    if status and not noting.failed:
        noting.failed["pytest"] = f"ended with {status}"
    own = {"tests", "__main__", *(name.split(".")[0] for name in (room.package, "ansible_collections"))}
    others = [name for name in sys.modules if name.split(".")[0] not in own and not name.startswith("test_")]
    return Noted(noting.seen, noting.failed, others)


class Reach:
    """The tests that can see a change, those first that are likely to notice it soon."""

    def __init__(self, room: Room, seen: Sequence[Seen], *, others: Iterable[str] = ()) -> None:
        """`others`: the modules that the tests import, besides the project's own."""
        self.room, self.others = room, tuple(others)
        self.seen = {one.test: one for one in seen}
        self.at_import: dict[tuple[str, int], list[Seen]] = {}
        self.by_mark: dict[int, set[str]] = {}
        for one in seen:
            for mark in one.marks:
                self.by_mark.setdefault(mark, set()).add(one.test)
        self.all = sorted(seen, key=self._promise)
        self.ranks = {one.test: rank for rank, one in enumerate(self.all)}

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The syntax of each file."""
        return {file: ast.parse(source) for file, source in self.room.sources.items()}

    @cached_property
    def _places(self) -> dict[str, int]:
        """How many cases of the same test function stand before each."""
        counts: dict[str, int] = {}
        places = {}
        for test in sorted(self.seen):
            name = test.split("[")[0]
            places[test] = counts[name] = counts.get(name, -1) + 1
        return places

    def _promise(self, one: Seen) -> tuple[int, int, str]:
        """Cases of one test function are alike, so one of each comes first; those that reach little come soon."""
        return self._places[one.test], len(one.marks), one.test

    def tests_of(self, mutant: Mutant) -> list[Seen]:
        """In the order in which they are run. What runs at import can be seen by all that reach the file or one that
        imports it; those first that reach a statement which names what is made there."""
        if mutant.function is not None:
            return self._sorted(self.by_mark.get(self.room.mark(mutant.file, mutant.statement), ()))
        place = mutant.file, mutant.statement
        if place not in self.at_import:
            first = self._sorted(self._reaching(self._naming(self._names_made(mutant))))
            importing = {mutant.file, *self._importers(mutant.file)}
            marks = {mark for mark in self.by_mark if self.room.marked_file(mark) in importing}
            self.at_import[place] = list(dict.fromkeys([*first, *self._sorted(self._reaching(marks))]))
        return self.at_import[place]

    def _sorted(self, tests: Iterable[str]) -> list[Seen]:
        return [self.seen[test] for test in sorted(tests, key=self.ranks.__getitem__)]

    def _reaching(self, marks: Iterable[int]) -> set[str]:
        return {test for mark in marks for test in self.by_mark.get(mark, ())}

    def _importers(self, file: str) -> Iterator[str]:
        module = self.room.module(file)
        for other, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and (node.module or "") == module:
                    yield other

    def _names_made(self, mutant: Mutant) -> set[str]:
        """What the statement of the mutant gives a name to, and what is made of that by others at import."""
        names, more = set[str](), _targets(_statement(self.trees[mutant.file], mutant))
        while more - names:
            names |= more
            for tree in self.trees.values():
                for statement in tree.body:
                    if isinstance(statement, ast.Assign | ast.AnnAssign) and _mentions(statement, names):
                        more |= _targets(statement)
        return names

    def _naming(self, names: set[str]) -> Iterator[int]:
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.stmt) and (node.name in names or _mentions(inner, names)):
                            yield self.room.mark(file, inner.lineno)


def _statement(tree: ast.Module, mutant: Mutant) -> ast.stmt:
    return next(one for one in ast.walk(tree) if isinstance(one, ast.stmt) and one.lineno == mutant.statement)


def _targets(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    nodes: list[Any] = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {inner.id for node in nodes if node for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(
        (isinstance(inner, ast.Name) and inner.id in names)
        or (isinstance(inner, ast.Attribute) and inner.attr in names)
        for inner in ast.walk(node)
    )
