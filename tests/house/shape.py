# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of files and functions: headers, lengths, parameters, words that promise work not done."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from tests.house.tree import Function, Tree

__all__ = [
    "files_too_long",
    "files_without_licence",
    "functions_too_long",
    "mains_too_long",
    "names_that_say_nothing",
    "paths_of_a_machine",
    "positional_parameters",
    "utils_without_all",
    "words_of_unfinished_work",
]

LONGEST_FUNCTION = 60
LONGEST_MAIN = 30
LONGEST_FILE = 400
HEADER_LINES = 8

SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"
CARRIES_HEADER = {".cfg", ".go", ".j2", ".mod", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
# Written by antsibull-changelog.
GENERATED = {PurePosixPath("CHANGELOG.md"), PurePosixPath("CHANGELOG.rst"), PurePosixPath("changelogs/changelog.yaml")}
TEXT = CARRIES_HEADER | {"", ".css", ".html", ".json"}

# In parts, so that the rule does not find itself.
_WORDS = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "NotImplemented" + "Error")
UNFINISHED = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|root|home/[a-z]\w*|Users/\w+)/[\w.-]+")

DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}


def files_without_licence(tree: Tree) -> list[str]:
    """Files of a kind that takes comments, not empty, without the licence line near the top."""
    return [
        f"{file}: no line {SPDX!r}"
        for file in tree.files
        if file.suffix in CARRIES_HEADER and file not in GENERATED and _lacks_header(tree.text(file))
    ]


def _lacks_header(text: str) -> bool:
    return bool(text) and not any(SPDX in line for line in text.splitlines()[:HEADER_LINES])


def utils_without_all(tree: Tree) -> list[str]:
    """Private utils that do not say what they offer."""
    return [
        f"{file}: no __all__"
        for file in tree.below("plugins/module_utils", "plugins/plugin_utils")
        if "__all__" not in _assigned(tree.parsed(file))
    ]


def _assigned(module: ast.Module) -> dict[str, ast.stmt]:
    """Names assigned at the top level, with their statement."""
    names: dict[str, ast.stmt] = {}
    for statement in module.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        names.update({target.id: statement for target in targets if isinstance(target, ast.Name)})
    return names


def _all_functions(tree: Tree) -> list[Function]:
    return [function for file in tree.below("plugins", "tests") for function in tree.functions(file)]


def functions_too_long(tree: Tree) -> list[str]:
    """Functions longer than a screen."""
    return [
        f"{function.place} has {function.lines} lines, at most {LONGEST_FUNCTION}"
        for function in _all_functions(tree)
        if function.lines > LONGEST_FUNCTION
    ]


def mains_too_long(tree: Tree) -> list[str]:
    """Modules whose main does more than build, run and exit."""
    return [
        f"{function.place} has {function.lines} lines, at most {LONGEST_MAIN}"
        for file in tree.below("plugins/modules")
        for function in tree.functions(file)
        if function.node.name == "main" and function.lines > LONGEST_MAIN
    ]


def files_too_long(tree: Tree) -> list[str]:
    """Files with too many lines, documentation blocks not counted."""
    found = []
    for file in tree.below("plugins", "tests"):
        docs = [node for name, node in _assigned(tree.parsed(file)).items() if name in DOCUMENTATION]
        lines = len(tree.text(file).splitlines()) - sum((node.end_lineno or 0) - node.lineno + 1 for node in docs)
        if lines > LONGEST_FILE:
            found.append(f"{file}: {lines} lines without its documentation, at most {LONGEST_FILE}")
    return found


def positional_parameters(tree: Tree) -> list[str]:
    """Public functions of our utils whose second parameter may be given with its name or without: one or the other."""
    found = []
    for file in tree.below("plugins/module_utils", "plugins/plugin_utils"):
        for function in tree.functions(file):
            if function.is_nested or function.node.name.startswith("_"):
                continue
            arguments = function.node.args
            either = len(arguments.args) - (function.is_method and not arguments.posonlyargs)
            if either + bool(arguments.posonlyargs) > 1:
                found.append(f"{function.place} takes {either} parameters by position or by name")
    return found


def names_that_say_nothing(tree: Tree) -> list[str]:
    """Values that are put away as `_`: ansible-test refuses it, since it is the usual name of gettext."""
    return [
        f"{file}:{node.lineno}: what is not used has a name too, as in _status"
        for file in tree.below("plugins", "tests")
        for node in ast.walk(tree.parsed(file))
        if isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store)
    ]


def words_of_unfinished_work(tree: Tree) -> list[str]:
    """Lines that put work off."""
    return _lines_with(tree, UNFINISHED)


def paths_of_a_machine(tree: Tree) -> list[str]:
    """Lines that name a folder of somebody's machine."""
    return _lines_with(tree, MACHINE_PATH)


def _lines_with(tree: Tree, pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file}:{number}: {match.group(0)}"
        for file in tree.files
        if file.suffix in TEXT and file.name != "LICENSE"
        for number, line in enumerate(tree.text(file).splitlines(), 1)
        if (match := pattern.search(line))
    ]
