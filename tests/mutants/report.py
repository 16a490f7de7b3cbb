# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part that stands for the whole, the floor, the mutants that change nothing, and the closing words. Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.mutants.forks import TIMED_OUT
from tests.mutants.sites import Mutant

__all__ = ["Equivalent", "Verdict", "at_least", "faults_of_list", "judge", "parse_equivalents", "take_sample"]

Name = tuple[str, str, str, str]

# One-sided 95 %.
_Z = 1.645


@dataclass(frozen=True)
class Equivalent:
    """A mutant that no test can notice, and why."""

    name: Name
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The closing words, and what is wrong (nothing: passed)."""

    text: str
    faults: tuple[str, ...]


def take_sample(mutants: Sequence[Mutant], *, size: int, seed: int) -> list[Mutant]:
    """So many of them, from each file its share, at least one. Which ones hangs on the seed and on each mutant's own
    name, so a change of the source changes no more than its own part of the sample."""
    by_file: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_file.setdefault(mutant.file, []).append(mutant)
    taken: set[Name] = set()
    for some in by_file.values():
        share = max(1, round(size * len(some) / len(mutants)))
        taken |= {mutant.name for mutant in sorted(some, key=lambda one: _lot(one, seed))[:share]}
    return [mutant for mutant in mutants if mutant.name in taken]


def _lot(mutant: Mutant, seed: int) -> str:
    return hashlib.sha256(repr((seed, mutant.name)).encode()).hexdigest()


def at_least(killed: int, *, of: int) -> float:
    """What share of the whole is killed at least, with 95 % confidence, where `killed` of a sample are: the lower end
    of Wilson's interval."""
    if of == 0:
        return 0.0
    share, z = killed / of, _Z
    middle = share + z * z / (2 * of)
    return (middle - z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))) / (1 + z * z / of)


def parse_equivalents(found: Any) -> list[Equivalent]:
    """From the file's content. ValueError for an entry that lacks a part or stands twice."""
    entries = []
    for entry in found or []:
        parts = [entry.get(key) for key in ("file", "function", "original", "mutated", "reason")]
        if len(entry) != len(parts) or not all(isinstance(part, str) for part in parts) or not parts[-1].strip():
            raise ValueError(f"an equivalent mutant needs file, function, original, mutated and a reason: {entry}")
        entries.append(Equivalent((parts[0], parts[1], parts[2], parts[3]), parts[4]))
    names = [one.name for one in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"an equivalent mutant stands twice: {twice[0]}")
    return entries


def judge(
    made: Sequence[Mutant],
    results: Mapping[Mutant, str],
    *,
    equivalents: Sequence[Equivalent],
    floor: float,
    fewest: int,
) -> Verdict:
    """`results` say which test killed a mutant, "" for none. An equivalent mutant counts as one that survived."""
    killed = [mutant for mutant, by in results.items() if by]
    endless = [mutant for mutant, by in results.items() if by == TIMED_OUT]
    survived = [mutant for mutant, by in results.items() if not by]
    reasons = {one.name: one.reason for one in equivalents}
    share = len(killed) / len(results) if results else 0.0
    is_sample = len(results) < len(made)
    sure = at_least(len(killed), of=len(results)) if is_sample else share
    known = sum(mutant.name in reasons for mutant in survived)
    lines = [
        *(f"endless: {mutant}" for mutant in endless),
        *(
            f"survived: {mutant}" + (f"  [{reasons[mutant.name]}]" if mutant.name in reasons else "")
            for mutant in survived
        ),
        _counted(len(made), len(killed), len(endless), len(survived), known),
    ]
    if is_sample:
        lines.append(f"of all at least {sure:.1%} are killed, with 95 % confidence")
    faults = faults_of_list(made, results, equivalents)
    if sure < floor:
        faults.append(f"{sure:.1%} is below the floor of {floor:.1%}")
    if len(made) < fewest:
        faults.append(f"{len(made)} mutants are fewer than {fewest}")
    return Verdict("\n".join(lines), tuple(faults))


def _counted(made: int, killed: int, endless: int, survived: int, known: int) -> str:
    run = killed + survived
    return (
        f"mutants: {made} made, {run} run, {killed} killed ({killed / max(run, 1):.1%}), {endless} of them by "
        f"the time limit; {survived} survived, {known} of them with a reason"
    )


def faults_of_list(
    made: Sequence[Mutant], results: Mapping[Mutant, str], equivalents: Sequence[Equivalent]
) -> list[str]:
    """What is wrong in the list: mutants that are not made, and those that a test notices."""
    names, killed = {mutant.name for mutant in made}, {mutant.name: by for mutant, by in results.items() if by}
    faults = []
    for one in equivalents:
        what = f"{one.name[0]} {one.name[1]}: {one.name[2]}  ->  {one.name[3]}"
        if one.name not in names:
            faults.append(f"listed as equivalent, but no such mutant is made: {what}")
        elif one.name in killed:
            faults.append(f"listed as equivalent, but {killed[one.name]} notices it: {what}")
    return faults
