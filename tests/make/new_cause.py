# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the skeleton of a new cause: function, catalogue entry, advice, unit test, scenario and changelog fragment.

Everything is wired up; the function finds nothing yet, so the new unit test and the new scenario fail until it does.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.make.places import FULL_NAME, ROOT

__all__ = ["LEFT_TO_WRITE", "NewCause", "NewCauseError", "main", "make_skeleton"]

_UTILS = f"ansible_collections.{FULL_NAME}.plugins.module_utils"
_VERDICT = Path("plugins/module_utils/_verdict")
_CATALOGUE = _VERDICT / "catalogue.py"
_EXPLAIN = _VERDICT / "explain.py"
_REMEDIES = Path("plugins/module_utils/_plan/remedies.py")
_HELD = Path("tests/unit/held.py")
_LOOKS = Path("tests/unit/more_looks.py")
_CODE = re.compile(r"[A-Z][A-Za-z0-9]{3,62}")
# What the skeleton leaves to its author; a test finds these words where they were left.
LEFT_TO_WRITE = (
    "say here which field of which object tells it",
    "file and function that make it so",
    "Say what to do.",
    "Say why that helps.",
    "the value that is quoted",
)
_HEAD = """# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
# Where a cause may hold: the table of _verdict/explain.py that it goes into, and the phase its examples are in.
_TABLES = {"before-hand-over": ("BEFORE_HAND_OVER_CAUSES", "Pending"), "any": ("CASE_CAUSES", "Running")}


class NewCauseError(Exception):
    """What was asked for cannot be made; the text says why and what would do."""


@dataclass(frozen=True)
class NewCause:
    """`code`: as users see it, CamelCase; `title`: one sentence without its full stop; `acts`: what helps, as in the
    catalogue; `after`: the code it stands behind; `when`: a key of the two places where it may hold."""

    code: str
    title: str
    acts: str
    after: str
    when: str

    @property
    def words(self) -> str:
        """The code with underscores: `NodeIsSad` is `node_is_sad`, `VMIMissing` is `vmi_missing`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.code).lower()

    @property
    def table(self) -> str:
        """The table of explain.py."""
        return _TABLES[self.when][0]

    @property
    def phase(self) -> str:
        """The phase of the example."""
        return _TABLES[self.when][1]


def make_skeleton(new: NewCause, *, root: Path = ROOT) -> list[Path]:
    """The files that were written, new ones first, relative to `root`. NewCauseError, and nothing written, for a code
    that is there, or is no code."""
    catalogue = (root / _CATALOGUE).read_text(encoding="utf-8")
    _check(new, catalogue)
    written = _new_files(new)
    for path in written:
        if (root / path).exists():
            raise NewCauseError(f"{path} is there already: choose another code, or remove it")
    written[_CATALOGUE] = _in_catalogue(new, catalogue)
    for path, change in _CHANGES.items():
        written[path] = change(new, (root / path).read_text(encoding="utf-8"))
    for path, text in written.items():
        (root / path).write_text(text, encoding="utf-8")
    return list(written)


def _check(new: NewCause, catalogue: str) -> None:
    if not _CODE.fullmatch(new.code):
        raise NewCauseError(f"CODE={new.code!r} is no code: write it as CamelCase, as in TargetNodeDown")
    codes = re.findall(r'Entry\(\s*"(\w+)"', catalogue)
    if new.code in codes:
        raise NewCauseError(f"CODE={new.code} is in the catalogue already")
    if new.after not in codes:
        raise NewCauseError(f"AFTER={new.after!r} is not in the catalogue: name the code that is shown before it")
    if not new.acts or set(new.acts) - set("WCRTF"):
        raise NewCauseError(f"ACTS={new.acts!r} is not known: W wait, C cancel, R retry, T tune, F fix something first")
    if not new.title.strip() or '"' in new.title or "\n" in new.title:
        raise NewCauseError(f"TITLE={new.title!r} is no title: one sentence, without quotes")


def _new_files(new: NewCause) -> dict[Path, str]:
    dashes = new.words.replace("_", "-")
    return {
        _VERDICT / "causes" / f"{new.words}.py": _function(new),
        Path(f"tests/unit/plugins/module_utils/_verdict/test_{new.words}.py"): _unit_test(new),
        Path(f"tests/cluster/scenarios/{dashes}.yml"): _scenario(new),
        Path(f"changelogs/fragments/{dashes}.yml"): _fragment(new),
    }


def _function(new: NewCause) -> str:
    return f'''{_HEAD}"""The cause {new.code}.

This module is private to the collection and may change without notice.
Facts: KubeVirt, file and function that make it so.
"""

from __future__ import annotations

from {_UTILS}._verdict.case import Case
from {_UTILS}._verdict.cause import Cause, Gap

__all__ = ["find_{new.words}"]


def find_{new.words}(case: Case, /) -> Cause | Gap | None:
    """{new.title.strip()}: say here which field of which object tells it, and since when."""
    # What was read is in `case` and `case.snapshot`. Return a Cause with its evidence, a Gap where what it needs could
    # not be read, and None where it does not hold.
    if case.migration.is_final:
        return None
    return None
'''


def _unit_test(new: NewCause) -> str:
    return f'''{_HEAD}"""The cause {new.code}: what tells it, and what does not."""

from __future__ import annotations

from tests.unit import held
from tests.unit.worlds import a_world, cause_of


def test_it_is_found() -> None:
    cause = cause_of(held.{new.words}(), "{new.code}")

    assert cause is not None
    assert cause.evidence


def test_migration_without_it_is_left_alone() -> None:
    assert cause_of(a_world("{new.phase}"), "{new.code}") is None
'''


def _scenario(new: NewCause) -> str:
    return f"""{_HEAD}title: {new.title.strip()}
nodes:
  - {{name: node-a}}
  - {{name: node-b}}
vms:
  - {{name: team-a/web-1, node: node-a}}
migrations:
  - {{vm: team-a/web-1, phase: {new.phase}, since: 300}}
expected:
  - {{vm: team-a/web-1, verdict: blocked, first_cause: {new.code}, origin: user}}
"""


def _fragment(new: NewCause) -> str:
    return f"""{_HEAD}---
minor_changes:
  - >-
    migration_info, stuck_migrations - new cause ``{new.code}``, {new.title.strip()[0].lower()}{new.title.strip()[1:]}.
"""


def _in_catalogue(new: NewCause, text: str) -> str:
    """With the entry behind that of `after`, which may take one line or several."""
    entry = f'    Entry("{new.code}", "{new.title.strip()}", "{new.acts}"),\n'
    pattern = rf'^    Entry\(\s*"{new.after}".*?\),\n(?=    Entry\(|\))'
    return _once(pattern, lambda found: found[0] + entry, text, what=f"the entry of {new.after}")


def _in_explain(new: NewCause, text: str) -> str:
    """With its file imported, and the function at the end of its table."""
    imported = rf"({re.escape(_UTILS)}\._verdict\.causes import \()(.*?)(\n\))"

    def with_module(found: re.Match[str]) -> str:
        names = sorted([*re.findall(r"\w+", found[2]), new.words])
        return found[1] + "".join(f"\n    {name}," for name in names) + found[3]

    text = _once(imported, with_module, text, what="the import of the causes")
    line = f'    "{new.code}": {new.words}.find_{new.words},\n'
    table = rf"^{new.table}: .*?^}}\n"
    return _once(table, lambda found: found[0][:-2] + line + found[0][-2:], text, what=f"the table {new.table}")


def _in_remedies(new: NewCause, text: str) -> str:
    """With an advice that says nothing yet but what it is for."""
    advice = (
        f'    "{new.code}": (\n        Template(\n            "Say what to do.",\n'
        f'            "Say why that helps.",\n        ),\n    ),\n'
    )
    table = r"^ADVICE: .*?^}\n"
    return _once(table, lambda found: found[0][:-2] + advice + found[0][-2:], text, what="the table ADVICE")


def _in_held(new: NewCause, text: str) -> str:
    """With an example at the end, which holds nothing yet."""
    return f'''{text}

def {new.words}(seconds: int = 60, *, vm: str = "web-1") -> World:
    """{new.title.strip()}."""
    return a_world("{new.phase}", vm=vm, age_seconds=seconds)
'''


def _in_looks(new: NewCause, text: str) -> str:
    """With what a test asks of every cause: when it is absent, whether time cures it, and the value that it quotes."""
    look = (
        f'    "{new.code}": Look(\n        held.{new.words},\n'
        f'        absent=put("migration/status/phase", "Scheduling"),\n        cures="no",\n'
        f'        value="the value that is quoted",\n    ),\n'
    )
    table = r"^ALL_LOOKS: .*?^}\n"
    return _once(table, lambda found: found[0][:-2] + look + found[0][-2:], text, what="the table ALL_LOOKS")


def _once(pattern: str, change: Callable[[re.Match[str]], str], text: str, *, what: str) -> str:
    changed, count = re.subn(pattern, change, text, count=1, flags=re.MULTILINE | re.DOTALL)
    if not count:
        raise NewCauseError(f"{what} was not found: has its file another shape now?")
    return changed


_CHANGES: dict[Path, Callable[[NewCause, str], str]] = {
    _EXPLAIN: _in_explain,
    _REMEDIES: _in_remedies,
    _HELD: _in_held,
    _LOOKS: _in_looks,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the skeleton and says what is left to do; 2 where it cannot be made."""
    parser = argparse.ArgumentParser(prog="make cause", description=__doc__)
    parser.add_argument("code", help="as users see it: TargetNodeDown")
    parser.add_argument("--title", required=True, help="one sentence without its full stop")
    parser.add_argument("--acts", default="F", help="what helps, as in the catalogue (default F)")
    parser.add_argument("--after", default="SELinuxContextMissing", help="the code that is shown before it")
    parser.add_argument("--when", choices=sorted(_TABLES), default="before-hand-over", help="when it may hold")
    given = parser.parse_args(arguments)
    try:
        files = make_skeleton(NewCause(given.code, given.title, given.acts, given.after, given.when))
    except NewCauseError as error:
        print(f"make cause: {error}", file=sys.stderr)
        return 2
    print(*(f"wrote {path}" for path in files), sep="\n")
    print("Now write the function, the example in held.py, its look, the scenario and the advice.")
    print("Then: make causes format unit integration")
    return 0


if __name__ == "__main__":
    sys.exit(main())
