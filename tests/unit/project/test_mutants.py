# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test-mutants`: which changes are made, which are noticed, and that too few of them is a failure."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.make.places import ROOT
from tests.mutants.forks import TIMED_OUT, Failed, fork_each
from tests.mutants.report import Equivalent, at_least, judge, parse_equivalents, take_sample
from tests.mutants.room import Room, marked
from tests.mutants.sites import Mutant, find_mutants, mutate

CHANGES = {
    "less": ("x = a < b", ["a <= b"]),
    "at most": ("x = a <= b", ["a < b"]),
    "chain": ("x = a < b >= c", ["a <= b >= c", "a < b > c"]),
    "equal": ("x = a == b", ["a != b"]),
    "identity": ("x = a is b", ["a is not b"]),
    "membership": ("x = a not in b", ["a in b"]),
    "and": ("x = a and b and c", ["a or b or c"]),
    "or": ("x = a or b", ["a and b"]),
    "not": ("x = not a", ["a"]),
    "condition": ("if a: pass", ["not a"]),
    "condition of a choice": ("x = b if a else c", ["b if not a else c"]),
    "condition of a comprehension": ("x = [a for a in b if a]", ["[a for a in b if not a]"]),
    "truth": ("x = True", ["False"]),
    "number": ("x = 60", ["61", "59", "0"]),
    "one": ("x = 1", ["2", "0"]),
    "zero": ("x = 0", ["1", "-1"]),
    "place": ("x = a[0]", ["a[1]", "a[-1]"]),
    "text": ("x = f('Running')", ["f('Running~')"]),
    "empty text": ("x = f('')", ["f('~')"]),
    "default": ("def f(*, a=True): pass", ["False"]),
    "sentence that is looked for": (
        "x = 'failed calling' in a",
        ["'failed calling' not in a", "'failed calling~' in a"],
    ),
    "comparison in a text": ("x = f'{a if n == 1 else b}'", ["f'{(a if n != 1 else b)}'", "f'{(a if n == 2 else b)}'"]),
}
LEFT_OUT = {
    "docstring": '"""Text."""',
    "names offered": "__all__ = ['a', 'b']",
    "annotation": "x: Literal['a']",
    "signature": "def f(a: 'A') -> 'B': return a",
    "decorator": "@dataclass(frozen=True)\nclass A: pass",
    "field": "class A:\n    a: int = field(repr=False)",
    "sentence": "x = f('It does not go on.')",
    "joint": "x = a.rstrip('.')",
    "words of a text": "x = f'it is {a}'",
    "nothing": "x = None",
}


@pytest.mark.parametrize(("source", "changes"), CHANGES.values(), ids=CHANGES.keys())
def test_each_comparison_boolean_and_constant_is_changed_to_its_neighbours(source: str, changes: list[str]) -> None:
    found = find_mutants(source, file="a.py")

    # Python 3.10 and 3.11 write a choice in a text without the brackets.
    assert {one.mutated.replace("(", "").replace(")", "") for one in found} >= {
        change.replace("(", "").replace(")", "") for change in changes
    }
    assert len({ast.unparse(mutate(source, one)) for one in found} - {ast.unparse(ast.parse(source))}) == len(found)


@pytest.mark.parametrize("source", LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_decides_nothing_is_left_alone(source: str) -> None:
    assert find_mutants(source, file="a.py") == []


def test_mutant_names_its_function_and_where_it_stands() -> None:
    source = "class A:\n    @property\n    def b(self):\n        return (\n            1 <\n            self.c)\n"

    first = next(one for one in find_mutants(source, file="a.py") if "<=" in one.mutated)

    assert (first.scope, first.function, first.statement) == ("A.b", ("b", 2), 4)
    assert str(first) == "a.py:5: 1 < self.c  ->  1 <= self.c"


def test_second_change_alike_has_a_name_of_its_own() -> None:
    found = find_mutants("def f(a):\n    g(a == b)\n    g(a == b)\n", file="a.py")

    assert [one.scope for one in found] == ["f", "f#2"]


def test_marks_stand_before_every_statement_of_a_function(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('def f(a):\n    """Text."""\n    if a:\n        return 1\n    return 2\n')
    room = Room(tmp_path, "a", ())
    names: dict[str, Any] = {"__mark__": (reached := []).append}
    exec(compile(marked(room, "a.py"), "a.py", "exec"), names)

    assert names["f"](0) == 2
    assert reached == [3, 5]


def some(count: int, *, file: str = "a.py") -> list[Mutant]:
    return find_mutants("\n".join(f"def f{number}(a): return not a" for number in range(count)), file=file)


def test_sample_takes_of_each_file_its_share() -> None:
    sample = take_sample([*some(80), *some(19, file="b.py"), *some(1, file="c.py")], size=20, seed=1)

    assert [sum(one.file == file for one in sample) for file in ("a.py", "b.py", "c.py")] == [16, 4, 1]


def test_sample_is_the_same_each_time_and_hangs_on_the_seed() -> None:
    first, again, other = (take_sample(some(80), size=20, seed=seed) for seed in (1, 1, 2))

    assert first == again != other


def test_sample_keeps_to_itself_what_is_new() -> None:
    before = take_sample(some(80), size=20, seed=1)
    after = take_sample(some(81), size=20, seed=1)

    assert len({one.name for one in before} - {one.name for one in after}) <= 1


@pytest.mark.parametrize(
    ("killed", "of", "wanted"), [(0, 0, 0.0), (240, 240, 0.989), (228, 240, 0.921), (210, 240, 0.835)], ids=str
)
def test_share_of_a_sample_holds_for_the_whole_within_its_error(killed: int, of: int, wanted: float) -> None:
    assert at_least(killed, of=of) == pytest.approx(wanted, abs=0.001)


def told(killed: int, *, of: int, made: int, listed: Sequence[Equivalent] = (), fewest: int = 1) -> tuple[str, ...]:
    mutants = some(made)
    results = {one: "test" if number < killed else "" for number, one in enumerate(mutants[:of])}
    return judge(mutants, results, equivalents=listed, floor=0.85, fewest=fewest).faults


@pytest.mark.parametrize(("killed", "faults"), [(85, 0), (84, 1), (0, 1)], ids=["floor", "below", "none"])
def test_floor_holds_for_the_whole(killed: int, faults: int) -> None:
    assert len(told(killed, of=100, made=100)) == faults


@pytest.mark.parametrize(("killed", "faults"), [(92, 0), (89, 1)], ids=["surely above", "perhaps above"])
def test_sample_must_be_surely_above_the_floor(killed: int, faults: int) -> None:
    assert len(told(killed, of=100, made=1000)) == faults


def test_too_few_mutants_are_a_failure() -> None:
    assert told(100, of=100, made=100, fewest=101) == ("100 mutants are fewer than 101",)


def test_no_mutant_at_all_is_a_failure() -> None:
    assert told(0, of=0, made=0, fewest=0) == ("0.0% is below the floor of 85.0%",)


@pytest.mark.parametrize(
    ("number", "fault"),
    [(99, ""), (0, "but test notices it"), (100, "no such mutant")],
    ids=["survives", "killed", "gone"],
)
def test_equivalent_mutant_must_be_made_and_survive(number: int, fault: str) -> None:
    faults = told(90, of=100, made=100, listed=[Equivalent(some(101)[number].name, "why")])

    assert [fault in one for one in faults] == ([True] if fault else [])


def test_closing_words_name_survivors_with_their_reason() -> None:
    first, second, third = some(3)

    verdict = judge(
        [first, second, third],
        {first: "test", second: "", third: TIMED_OUT},
        equivalents=[Equivalent(second.name, "it is the same")],
        floor=0.5,
        fewest=1,
    )

    assert verdict.text.splitlines() == [
        "endless: a.py:3: not a  ->  a",
        "survived: a.py:2: not a  ->  a  [it is the same]",
        "mutants: 3 made, 3 run, 2 killed (66.7%), 1 of them by the time limit; 1 survived, 1 of them with a reason",
    ]


ENTRY = {"file": "a.py", "function": "f", "original": "a", "mutated": "b", "reason": "c"}


@pytest.mark.parametrize(
    "found",
    [[{**ENTRY, "reason": " "}], [{**ENTRY, "more": ""}], [{"file": "a.py"}], [ENTRY, ENTRY]],
    ids=["no reason", "unknown part", "no parts", "twice"],
)
def test_list_of_equivalents_has_a_shape(found: list[dict[str, str]]) -> None:
    with pytest.raises(ValueError, match="equivalent mutant"):
        parse_equivalents(found)


def test_forked_process_that_fails_is_heard() -> None:
    def work(_job: int) -> None:
        raise KeyError("what went wrong")

    with pytest.raises(Failed, match="what went wrong"):
        list(fork_each([1], work, workers=1, seconds=lambda _job: 5))


ROOM = """
LIMIT = 3


def is_over(count):
    return count > LIMIT


def unseen(count):
    return count == 7


def count_down(count):
    while count > 0:
        count = count - 1
    return count
"""
TESTS = """
import pytest
from toy.limits import LIMIT, count_down, is_over


@pytest.mark.parametrize("count", [2, 3], ids=str)
def test_not_over(count):
    assert not is_over(count)


def test_over():
    assert is_over(4)


def test_ends():
    assert count_down(2) == 0
"""


def run(folder: Path, *words: str, tests: str = TESTS, listed: str = "[]") -> subprocess.CompletedProcess[str]:
    """The command on a room of three functions."""
    (folder / "toy").mkdir(exist_ok=True)
    (folder / "toy" / "limits.py").write_text(ROOM)
    (folder / "test_toy.py").write_text(tests)
    (folder / "equivalents.yml").write_text(listed)
    paths = {"folder": "toy", "equivalents": "equivalents.yml", "results": "results.tsv", "tests": "test_toy.py"}
    placed = [f"--{name}={folder / path}" for name, path in paths.items()]
    return subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--package=toy", "--fewest=10", "--spare-seconds=1", *placed, *words],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_command_finds_what_is_noticed_and_what_is_not(tmp_path: Path) -> None:
    done = run(tmp_path, "--floor=50")

    killers = dict(line.split("\t") for line in (tmp_path / "results.tsv").read_text().splitlines())
    assert done.returncode == 0, done.stderr
    # In a function, at import, and what never ends.
    assert killers["limits.py:6: count > LIMIT  ->  count >= LIMIT"].endswith("test_not_over[3]")
    assert killers["limits.py:2: 3  ->  4"].endswith("test_over")
    assert killers["limits.py:15: count - 1  ->  count - 0"] == TIMED_OUT
    # No test reaches it.
    assert killers["limits.py:10: count == 7  ->  count != 7"] == ""
    assert "survived: limits.py:10: count == 7  ->  count != 7" in done.stdout
    assert (tmp_path / "toy" / "limits.py").read_text() == ROOM


def test_command_fails_below_the_floor(tmp_path: Path) -> None:
    done = run(tmp_path, "--only=limits.py:10")

    assert done.returncode == 1, done.stderr
    assert "FAILED: 0.0% is below the floor of 85.0%" in done.stdout


def test_command_fails_where_the_unchanged_room_fails(tmp_path: Path) -> None:
    done = run(tmp_path, tests=TESTS.replace("== 0", "== 1"))

    assert done.returncode == 2
    assert "test_ends" in done.stderr


def test_command_fails_where_an_equivalent_one_is_noticed(tmp_path: Path) -> None:
    entry = {"file": "limits.py", "function": "", "original": "3", "mutated": "4", "reason": "wrong"}

    done = run(tmp_path, "--only=limits.py:2", "--floor=0", listed=json.dumps([entry]))

    assert done.returncode == 1
    assert "listed as equivalent, but" in done.stdout


def test_every_listed_equivalent_is_a_mutant_that_is_made() -> None:
    """Who changes such a line hears of it here, and not after minutes of `make mutants`."""
    command = [sys.executable, "-m", "tests.mutants", "--list"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    assert [line for line in done.stdout.splitlines() if line.startswith("FAILED")] == []
    assert done.returncode == 0, done.stderr


def test_listed_equivalent_that_is_not_made_is_named_without_running_any(tmp_path: Path) -> None:
    entry = {"file": "limits.py", "function": "", "original": "3", "mutated": "5", "reason": "gone"}

    done = run(tmp_path, "--list", listed=json.dumps([entry]))

    assert done.returncode == 1
    assert "FAILED: listed as equivalent, but no such mutant is made: limits.py" in done.stdout
