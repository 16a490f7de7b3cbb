# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs for each mutant the tests that can see it, until one fails.

What stands in a function is changed in a process that has imported everything: the functions get the code of the
changed source. What runs at import needs a process that has not imported the room yet. Both are copies (forks) of one
that is kept, so neither pytest nor the collection starts anew each time.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.mutants.forks import fork_each
from tests.mutants.reach import Noted, Only, Reach, Seen, note_part
from tests.mutants.room import Room, compiled, put_in_place
from tests.mutants.sites import Mutant, mutate

__all__ = ["Broken", "Run", "note_reach", "run_mutants"]

Name = tuple[str, str, str, str]
Told = Iterator[tuple[Name, str]]

# Without an end of its own.
_STAGE_SECONDS = 100_000.0
# A mutant may take so much longer than its tests did, and so long to read them.
_TIMES = 10.0
_READING_SECONDS = 15.0
# Most of what runs at import is noticed by the tests of so many files.
_FIRST_FILES = 4


class Broken(Exception):
    """The tests fail where nothing was changed."""


@dataclass(frozen=True)
class Run:
    """How mutants are run: how many at once, how many seconds of processor time each has besides ten times that of
    its tests, and who is told what each came to."""

    workers: int
    spare_seconds: float
    tell: Callable[[Mutant, str], None]


@dataclass(frozen=True)
class _Job:
    """A mutant and its tests; None: nothing is changed, and no test may fail."""

    mutant: Mutant | None
    tests: tuple[Seen, ...]
    seconds: float

    def __str__(self) -> str:
        return str(self.mutant or "the unchanged room")


def _options() -> list[str]:
    """For every run of pytest; what it keeps between runs is not wanted."""
    kept = f"cache_dir={tempfile.gettempdir()}/live-migration-mutants"
    # Its plugins were imported by us already.
    return ["-q", "-s", "--tb=native", "-p", "no:xdist", "-o", kept, "-W", "ignore::pytest.PytestAssertRewriteWarning"]


def _stage(work: Callable[[int], Any], *, count: int = 1) -> list[Any]:
    """What `work` returns, each in a process of its own."""
    return [value for _job, value in fork_each(range(count), work, workers=count, seconds=lambda _job: _STAGE_SECONDS)]


def note_reach(room: Room, *, workers: int) -> Reach:
    """Which test reaches what. Broken where a test fails."""
    parts: list[Noted] = _stage(lambda part: note_part(room, part, parts=workers, options=_options()), count=workers)
    failed = {test: text for part in parts for test, text in part.failed.items()}
    if failed:
        raise Broken("\n".join(f"{test}\n{text}" for test, text in sorted(failed.items())))
    return Reach(
        room, [one for part in parts for one in part.seen], others={name for part in parts for name in part.others}
    )


def run_mutants(room: Room, mutants: Sequence[Mutant], *, reach: Reach, run: Run) -> dict[Name, str]:
    """Which test noticed each, "" for none, TIMED_OUT where they took too long."""
    control = _Job(None, tuple(reach.all), _STAGE_SECONDS)
    warm, cold = [control], [control]
    for mutant in mutants:
        tests = tuple(reach.tests_of(mutant))
        is_cold = mutant.function is None
        seconds = run.spare_seconds + _TIMES * sum(one.seconds for one in tests) + is_cold * _READING_SECONDS
        (cold if is_cold else warm).append(_Job(mutant, tests, seconds))
    (found,) = _stage(lambda _job: _run_warm(room, warm, run))
    found |= _run_cold(room, cold, run, others=reach.others)
    return {mutant.name: found[mutant.name] for mutant in mutants}


def _collect(jobs: Sequence[_Job], work: Callable[[_Job], str], run: Run) -> Told:
    for job, killed_by in fork_each(jobs, work, workers=run.workers, seconds=lambda job: job.seconds):
        if job.mutant is not None:
            yield job.mutant.name, killed_by
            run.tell(job.mutant, killed_by)
        elif killed_by:
            raise Broken(f"{killed_by} fails on the unchanged room, run as for a mutant")


def _changed(room: Room, mutant: Mutant | None) -> dict[str, ast.Module]:
    if mutant is None:
        return {file: ast.parse(source) for file, source in room.sources.items()}
    return {mutant.file: mutate(room.sources[mutant.file], mutant)}


# -- what stands in functions


def _run_warm(room: Room, jobs: Sequence[_Job], run: Run) -> dict[Name, str]:
    loop = _Loop(room, jobs, run)
    status = pytest.main([*_options(), *room.tests], plugins=[loop])
    if status or loop.error:
        raise Broken(loop.error or f"pytest ended with {status}")
    return loop.results


class _Loop(Only):
    """In place of running all tests once: for each job some, in a copy of this process."""

    def __init__(self, room: Room, jobs: Sequence[_Job], run: Run) -> None:
        super().__init__()
        self.room, self.jobs, self.run = room, jobs, run
        self.results: dict[Name, str] = {}
        self.items: dict[str, pytest.Item] = {}
        self.functions: dict[str, list[FunctionType]] = {}
        self.error = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        self.functions = _functions_of(self.room)
        gc.collect()
        gc.freeze()
        try:
            self.results.update(_collect(self.jobs, self._run, self.run))
        except Exception as error:  # noqa: BLE001 - pytest would show it where nobody looks
            self.error = f"{type(error).__name__}: {error}"
        return True

    def _run(self, job: _Job) -> str:
        """The test that fails."""
        for file, tree in _changed(self.room, job.mutant).items():
            self._change(file, tree, job.mutant)
        items = [self.items[one.test] for one in job.tests]
        for item, following in itertools.zip_longest(items, items[1:]):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return str(item.nodeid)
        return ""

    def _change(self, file: str, tree: ast.Module, mutant: Mutant | None) -> None:
        codes = _codes_in(compiled(self.room, file, tree))
        changed = set()
        for function in self.functions[file]:
            key = _key(function.__code__)
            function.__code__ = codes[key]
            changed.add(key)
        if mutant is not None and mutant.function not in changed:
            raise RuntimeError(f"{mutant.function} of {file} was not found among what is imported")


def _functions_of(room: Room) -> dict[str, list[FunctionType]]:
    """Every function and method of the room that is imported, by its file."""
    paths = {getattr(sys.modules.get(room.module(file)), "__file__", None): file for file in room.files}
    found: dict[str, list[FunctionType]] = {file: [] for file in room.files}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and not one.__name__.startswith("<") and one.__code__.co_filename in paths:
            found[paths[one.__code__.co_filename]].append(one)
    return found


def _key(code: CodeType) -> tuple[str, int]:
    return code.co_name, code.co_firstlineno


def _codes_in(code: CodeType) -> dict[tuple[str, int], CodeType]:
    found: dict[tuple[str, int], CodeType] = {}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            found |= {_key(one): one, **_codes_in(one)}
    return found


# -- what runs at import


def _run_cold(room: Room, jobs: Sequence[_Job], run: Run, *, others: Iterable[str]) -> dict[Name, str]:
    """In two rounds, as most are noticed by the first files of tests, and reading all files takes longest."""
    for name in sorted(others):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    first = replace(run, tell=lambda mutant, killed_by: run.tell(mutant, killed_by) if killed_by else None)
    found = dict(_collect([_part(job, first=True) for job in jobs], lambda job: _run_one_cold(room, job), first))
    left = [_part(job, first=False) for job in jobs if job.mutant is None or not found[job.mutant.name]]
    return found | dict(_collect(left, lambda job: _run_one_cold(room, job), run))


def _files_of(job: _Job) -> list[str]:
    return list(dict.fromkeys(one.file for one in job.tests))


def _part(job: _Job, *, first: bool) -> _Job:
    """The job with the tests of its first files, or with those of all others."""
    files = _files_of(job)[:_FIRST_FILES]
    return replace(job, tests=tuple(one for one in job.tests if (one.file in files) is first))


def _run_one_cold(room: Room, job: _Job) -> str:
    trees = _changed(room, job.mutant)
    put_in_place({room.module(file): compiled(room, file, tree) for file, tree in trees.items()})
    if not job.tests:
        return ""
    only = Only(one.test for one in job.tests)
    status = pytest.main([*_options(), "-x", *_files_of(job)], plugins=[only])
    if status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return ""
    if status in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED) and only.failed:
        return next(iter(only.failed))
    raise RuntimeError(f"pytest ended with {status} in {os.getcwd()}")
