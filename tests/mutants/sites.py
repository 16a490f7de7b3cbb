# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which small changes are made: every comparison, boolean and constant of a source file to its neighbours.

Left out, since nothing is decided there: docstrings, `__all__`, annotations, decorators, dataclass `field(...)`, the
words of f-strings, and prose: a string with a space in it, or of nothing but punctuation, that is neither compared,
nor looked for, nor looked up.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

__all__ = ["Mutant", "find_mutants", "mutate"]

Path = tuple[tuple[str, int | None], ...]

_WIDEST = 90
_OPPOSITE: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef)
_LOOKS_FOR = {"startswith", "endswith", "removeprefix", "removesuffix", "get", "split", "partition", "count", "find"}
_SKIPPED = {"annotation", "returns", "decorator_list", "format_spec"}


@dataclass(frozen=True)
class Mutant:
    """One change. `function` is the outermost function that holds it, as (name, line), None for what runs at import;
    `statement` the line of its innermost statement; `path` and `new` say what is put where."""

    file: str
    line: int
    scope: str
    original: str
    mutated: str
    function: tuple[str, int] | None
    statement: int
    path: Path = field(repr=False)
    new: ast.AST = field(repr=False, compare=False)

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What stays when lines are added above it."""
        return self.file, self.scope, self.original, self.mutated

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.original}  ->  {self.mutated}"


@dataclass(frozen=True)
class _Step:
    """A node on the way to the one that is looked at, and the field that leads on."""

    node: ast.AST
    field: str
    index: int | None


def find_mutants(source: str, *, file: str) -> list[Mutant]:
    """All changes of `source`, in the order of the text; the second of two alike in one function is called #2."""
    found, seen = [], Counter[tuple[str, ...]]()
    for mutant in _visit(ast.parse(source), (), file):
        seen[mutant.name] += 1
        number = seen[mutant.name]
        found.append(mutant if number == 1 else replace(mutant, scope=f"{mutant.scope}#{number}"))
    return found


def mutate(source: str, mutant: Mutant) -> ast.Module:
    """The syntax of `source` with that change."""
    tree = ast.parse(source)
    _put(tree, mutant.path, mutant.new)
    return tree


def _put(tree: ast.AST, path: Path, new: ast.AST) -> None:
    node: ast.AST = tree
    for name, index in path[:-1]:
        node = _child(node, name, index)
    name, index = path[-1]
    old = _child(node, name, index)
    fresh = ast.fix_missing_locations(ast.copy_location(copy.deepcopy(new), old if hasattr(old, "lineno") else node))
    if index is None:
        setattr(node, name, fresh)
    else:
        getattr(node, name)[index] = fresh


def _child(node: ast.AST, name: str, index: int | None) -> ast.AST:
    found = getattr(node, name)
    child: ast.AST = found if index is None else found[index]
    return child


def _visit(node: ast.AST, steps: tuple[_Step, ...], file: str) -> Iterator[Mutant]:
    if _is_left_out(node, steps):
        return
    for new in _changes(node, steps):
        yield _mutant(node, steps, new, file)
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED:
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST):
                yield from _visit(child, (*steps, _Step(node, name, index)), file)


def _is_left_out(node: ast.AST, steps: tuple[_Step, ...]) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "field"
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_words(node.value, steps)


def _is_words(text: str, steps: tuple[_Step, ...]) -> bool:
    if any(isinstance(step.node, ast.JoinedStr) for step in steps):
        return True
    is_joint = bool(text) and not any(letter.isalnum() for letter in text)
    return (is_joint or " " in text) and not _decides(steps)


def _decides(steps: tuple[_Step, ...]) -> bool:
    """Whether what stands there is compared, looked for or looked up."""
    at = len(steps) - 1
    while isinstance(steps[at].node, ast.Tuple | ast.List | ast.Set):
        at -= 1
    last = steps[at]
    if isinstance(last.node, ast.Compare | ast.Subscript) or (isinstance(last.node, ast.Dict) and last.field == "keys"):
        return True
    if isinstance(last.node, ast.Call) and isinstance(last.node.func, ast.Attribute):
        return last.field == "args" and last.node.func.attr in _LOOKS_FOR
    return isinstance(last.node, ast.Assign) and len(steps[:at]) == 1


def _changes(node: ast.AST, steps: tuple[_Step, ...]) -> Iterator[ast.AST]:
    if type(node) in _OPPOSITE:
        yield _OPPOSITE[type(node)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in _values(node.value))
    elif isinstance(node, ast.expr) and not isinstance(node, ast.Compare | ast.BoolOp) and _is_condition(steps[-1]):
        yield ast.UnaryOp(ast.Not(), copy.deepcopy(node))


def _is_condition(step: _Step) -> bool:
    return step.field == "test" or (step.field == "ifs" and isinstance(step.node, ast.comprehension))


def _values(value: object) -> list[bool | int | float | str]:
    """The neighbours of a constant; none of None and of what else cannot be one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [one for one in dict.fromkeys((value + 1, value - 1, 0)) if one != value]
    return [value + "~"] if isinstance(value, str) else []


def _mutant(node: ast.AST, steps: tuple[_Step, ...], new: ast.AST, file: str) -> Mutant:
    holders = [step.node for step in steps]
    path: Path = tuple((step.field, step.index) for step in steps)
    statement = next(one for one in reversed(holders) if isinstance(one, ast.stmt))
    line = next(one.lineno for one in (node, *reversed(holders)) if isinstance(one, ast.expr | ast.stmt))
    original, mutated = _texts(node, steps, new)
    scope = ".".join(one.name for one in holders if isinstance(one, _SCOPES))
    return Mutant(file, line, scope, original, mutated, _function(steps), statement.lineno, path, new)


def _function(steps: tuple[_Step, ...]) -> tuple[str, int] | None:
    """The outermost function in whose body it stands; its line is that of its first decorator, as in its code."""
    for step in steps:
        if isinstance(step.node, _FUNCTIONS):
            if step.field != "body":
                return None
            return step.node.name, min([step.node.lineno, *(one.lineno for one in step.node.decorator_list)])
        if isinstance(step.node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return None
    return None


def _texts(node: ast.AST, steps: tuple[_Step, ...], new: ast.AST) -> tuple[str, str]:
    """The largest expression around the change that is short enough to read, before and after."""
    at, shown = len(steps), node
    for number in range(len(steps) - 1, -1, -1):
        holder = steps[number].node
        if not isinstance(holder, ast.expr | ast.keyword | ast.comprehension):
            break
        if isinstance(holder, ast.expr) and (not isinstance(shown, ast.expr) or len(ast.unparse(holder)) <= _WIDEST):
            at, shown = number, holder
        elif isinstance(holder, ast.expr):
            break
    if at == len(steps):
        return ast.unparse(node), ast.unparse(ast.fix_missing_locations(copy.deepcopy(new)))
    changed = copy.deepcopy(shown)
    _put(changed, tuple((step.field, step.index) for step in steps[at:]), new)
    return ast.unparse(shown), ast.unparse(changed)
