# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom, and what only one room may touch."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.house.tree import Tree
from tests.make.places import NAME, NAMESPACE

__all__ = [
    "ends_of_a_module",
    "imports_against_the_rooms",
    "imports_into_pure_rooms",
    "imports_of_extensions",
    "kubernetes_outside_the_edge",
    "time_outside_the_clock",
]

PLUGINS = f"ansible_collections.{NAMESPACE}.{NAME}.plugins."

_JUDGING = {"_facts", "_verdict", "_plan", "_proof"}
# For each room the rooms it may import from, besides itself. docs/decisions.md and CONTRIBUTING.md say why.
ROOMS: dict[str, set[str]] = {
    "_facts": set(),
    "_verdict": {"_facts"},
    "_plan": {"_facts", "_verdict"},
    "_proof": {"_facts", "_verdict", "_plan"},
    "_cluster": {"_facts"},
    "_flow": _JUDGING | {"_cluster"},
    "modules": {"_flow", "_cluster"},
    "filter": {"_facts", "_verdict", "_proof", "plugin_utils"},
    "plugin_utils": {"_facts", "_verdict", "_proof"},
    "action": {"_facts", "_proof", "_cluster", "plugin_utils"},
    "doc_fragments": set(),
}

# The same for what ansible-rulebook loads, by the folder of extensions/eda/plugins ("" is that folder itself).
EXTENSIONS: dict[str, set[str]] = {"": set(), "event_filter": {"_facts"}, "event_source": {"_cluster", "_flow"}}
EXTENSIONS_FOLDER = "extensions/eda/plugins"

# What of Python's own library reads no file, no clock, no network and no environment.
PURE_LIBRARY = {
    *("__future__", "abc", "base64", "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "hashlib", "heapq", "html", "ipaddress", "itertools", "json", "math", "operator", "re"),
    *("shlex", "string", "textwrap", "types", "typing", "unicodedata", "urllib.parse"),
}

CLOCK = PurePosixPath("plugins/module_utils/_cluster/clock.py")
EXIT = PurePosixPath("plugins/module_utils/_flow/exit.py")


def _imports(module: ast.Module) -> Iterator[tuple[int, str, list[str]]]:
    """Each import: line, dotted module, names taken from it (none for a plain import). Inner and typing ones too."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, []
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or ""), [alias.name for alias in node.names]


def _room(dotted: str) -> str:
    """The room of a dotted name below plugins, as `_facts` or `filter`."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "module_utils" and len(parts) > 1 else parts[0]


def _room_of(file: PurePosixPath) -> str:
    """The room of a file of ours."""
    return _room(".".join(file.with_suffix("").parts[1:]))


def _seen_rooms(dotted: str, *, names: list[str]) -> set[str]:
    """The rooms that an import of ours reaches into."""
    inside = dotted[len(PLUGINS) :] if dotted.startswith(PLUGINS) else ""
    if inside not in ("", "module_utils"):
        return {_room(inside)}
    return {_room(f"{inside}.{name}".lstrip(".")) for name in names}


def imports_against_the_rooms(tree: Tree) -> list[str]:
    """Imports of a room that this room may not see; relative imports and rooms that the table does not know."""
    found = []
    for file in tree.below("plugins"):
        room = _room_of(file)
        if room not in ROOMS:
            found.append(f"{file}: no room is called {room}")
            continue
        for line, dotted, names in _imports(tree.parsed(file)):
            if dotted.startswith("."):
                found.append(f"{file}:{line}: a relative import; write the full name")
            elif (dotted + ".").startswith(PLUGINS):
                seen = _seen_rooms(dotted, names=names) - ROOMS[room] - {room}
                found += [f"{file}:{line}: {room} may not see {other}" for other in sorted(seen)]
    return found


def imports_of_extensions(tree: Tree) -> list[str]:
    """Imports of an event source or filter that it may not see. ansible-rulebook runs these by their file, with no
    collection loader and without knowing what they need: so nothing but Python's own library and our rooms."""
    found = []
    for file in tree.below(EXTENSIONS_FOLDER):
        kind = "/".join(file.relative_to(EXTENSIONS_FOLDER).parts[:-1])
        if kind not in EXTENSIONS:
            found.append(f"{file}: nothing is kept in {kind}")
            continue
        for line, dotted, names in _imports(tree.parsed(file)):
            if (dotted + ".").startswith(PLUGINS):
                seen = _seen_rooms(dotted, names=names) - EXTENSIONS[kind]
                found += [f"{file}:{line}: {kind or file.name} may not see {other}" for other in sorted(seen)]
            elif dotted.split(".")[0] not in sys.stdlib_module_names:
                found.append(f"{file}:{line}: {dotted or 'a relative import'} is no part of Python's own library")
    return found


def imports_into_pure_rooms(tree: Tree) -> list[str]:
    """Imports in a pure room of anything that could do more than compute."""
    found = []
    for file in tree.below(*(f"plugins/module_utils/{room}" for room in sorted(_JUDGING))):
        for line, dotted, names in _imports(tree.parsed(file)):
            whole = {dotted, dotted.split(".")[0]} | {f"{dotted}.{name}" for name in names}
            if not dotted.startswith(PLUGINS) and not whole & PURE_LIBRARY:
                found.append(f"{file}:{line}: {dotted} in a pure room")
    return found


def _dotted(node: ast.expr) -> str:
    """`a.b.c` as text, empty for what is not such a chain."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def time_outside_the_clock(tree: Tree) -> list[str]:
    """Uses of the clock anywhere in plugins but in the one file that is handed around as the clock."""
    moments = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")
    found = []
    for file in tree.below("plugins"):
        if file == CLOCK:
            continue
        for line, dotted, _names in _imports(tree.parsed(file)):
            if dotted.split(".")[0] in {"time", "asyncio", "sched"}:
                found.append(f"{file}:{line}: {dotted} outside {CLOCK}")
        for node in ast.walk(tree.parsed(file)):
            if isinstance(node, ast.Attribute) and _dotted(node).endswith(moments):
                found.append(f"{file}:{node.lineno}: {_dotted(node)} outside {CLOCK}")
    return found


def kubernetes_outside_the_edge(tree: Tree) -> list[str]:
    """Imports of the API's client or its HTTP library outside `_cluster`."""
    return [
        f"{file}:{line}: {dotted} outside _cluster"
        for file in tree.below("plugins")
        if _room_of(file) != "_cluster"
        for line, dotted, _names in _imports(tree.parsed(file))
        if dotted.split(".")[0] in {"kubernetes", "urllib3", "requests", "http", "socket", "ssl"}
    ]


def ends_of_a_module(tree: Tree) -> list[str]:
    """Places that end a module, besides the modules and the one util that may."""
    found = []
    for file in tree.below("plugins"):
        if file == EXIT or _room_of(file) == "modules":
            continue
        for node in ast.walk(tree.parsed(file)):
            named = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if named in {"exit_json", "fail_json", "SystemExit", "_exit"}:
                found.append(f"{file}:{node.lineno}: {named} outside {EXIT}")  # type: ignore[attr-defined]
        for line, _dotted_name, names in _imports(tree.parsed(file)):
            if "AnsibleModule" in names:
                found.append(f"{file}:{line}: AnsibleModule outside {EXIT}")
    return found
