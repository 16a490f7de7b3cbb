# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: `python -m tests.mutants`; the exit status is 1 where too few mutants are killed or made."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.make.places import BUILD, COLLECTIONS, NAME, NAMESPACE, ROOT
from tests.mutants.forks import Failed
from tests.mutants.report import faults_of_list, judge, parse_equivalents, take_sample
from tests.mutants.room import Room
from tests.mutants.runner import Broken, Run, note_reach, run_mutants
from tests.mutants.sites import Mutant, find_mutants

__all__ = ["main"]

_ROOM = Path("plugins/module_utils/_verdict")
# The rooms below cannot see it, and properties say what holds of all, not what is right for one.
_LEFT_OUT = ("_cluster", "_facts", "_verdict/test_properties.py", "_verdict/test_others_do_not_matter.py")
_TESTS = ["tests/unit/plugins", *(f"--ignore=tests/unit/plugins/module_utils/{part}" for part in _LEFT_OUT)]


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="only so many, a share of each file")
    parser.add_argument("--seed", type=int, default=1, help="which ones (%(default)s)")
    parser.add_argument("--only", nargs="+", default=[""], metavar="TEXT", help="only where file:line: begins so")
    parser.add_argument(
        "--list",
        action="store_true",
        help="show them, check the list of equivalent ones, run none",
    )
    parser.add_argument("--floor", type=float, default=85.0, metavar="PERCENT", help="killed at least (%(default)s)")
    parser.add_argument("--fewest", type=int, default=300, metavar="N", help="made at least (%(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    parser.add_argument("--spare-seconds", type=float, default=5.0, help="a mutant's time besides that of its tests")
    parser.add_argument("--folder", type=Path, default=COLLECTIONS / "ansible_collections" / NAMESPACE / NAME / _ROOM)
    parser.add_argument("--package", default=f"ansible_collections.{NAMESPACE}.{NAME}.{'.'.join(_ROOM.parts)}")
    parser.add_argument("--tests", nargs="+", default=_TESTS)
    parser.add_argument("--equivalents", type=Path, default=ROOT / "tests" / "mutants" / "equivalents.yml")
    parser.add_argument(
        "--results", type=Path, default=BUILD / "results" / "mutants.tsv", help="which test noticed which"
    )
    return parser.parse_args(words)


def _with_a_fixed_hash(words: Sequence[str]) -> None:
    """Start anew where the order of sets differs from run to run."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        command = [sys.executable, "-m", "tests.mutants", *words]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})


def _say(text: str) -> None:
    print(f"mutants: {text}", file=sys.stderr, flush=True)


def main(words: Sequence[str]) -> int:
    """0 where as many are killed and made as should be, and the list of equivalent ones is right."""
    given = _arguments(words)
    room = Room(given.folder, given.package, tuple(given.tests))
    made = [mutant for file, source in room.sources.items() for mutant in find_mutants(source, file=file)]
    chosen = [mutant for mutant in made if str(mutant).startswith(tuple(given.only))]
    if given.sample:
        chosen = take_sample(chosen, size=given.sample, seed=given.seed)
    equivalents = parse_equivalents(yaml.safe_load(given.equivalents.read_text(encoding="utf-8")))
    if given.list:
        unmade = faults_of_list(made, {}, equivalents)
        print(*chosen, *(f"FAILED: {fault}" for fault in unmade), sep="\n")
        return 1 if unmade else 0
    try:
        results = _results(room, chosen, given)
    except (Broken, Failed) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    verdict = judge(made, results, equivalents=equivalents, floor=given.floor / 100, fewest=given.fewest)
    print(verdict.text, *(f"FAILED: {fault}" for fault in verdict.faults), sep="\n")
    return 1 if verdict.faults else 0


def _results(room: Room, chosen: Sequence[Mutant], given: argparse.Namespace) -> dict[Mutant, str]:
    """Which test noticed each; kept as they come, for whoever wants to look while it runs."""
    _say(f"noting which test reaches what, then {len(chosen)} mutants")
    reach = note_reach(room, workers=given.workers)
    _say(f"{len(reach.all)} tests pass on the unchanged room")
    given.results.parent.mkdir(parents=True, exist_ok=True)
    with given.results.open("w", encoding="utf-8") as kept:

        def tell(mutant: Mutant, killed_by: str) -> None:
            kept.write(f"{mutant}\t{killed_by}\n")
            kept.flush()

        run = Run(given.workers, given.spare_seconds, tell)
        found = run_mutants(room, chosen, reach=reach, run=run)
    return {mutant: found[mutant.name] for mutant in chosen}


if __name__ == "__main__":
    _with_a_fixed_hash(sys.argv[1:])
    sys.exit(main(sys.argv[1:]))
