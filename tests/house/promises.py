# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written twice must say the same: action group, role defaults, options of modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from tests.house.tree import Tree

__all__ = [
    "action_group_against_modules",
    "defaults_against_specs",
    "options_against_documentation",
    "parts_the_readme_leaves_out",
]

# What counts of an option; descriptions stand in the documentation alone.
COMPARED = {"type": "str", "elements": None, "required": False, "default": None, "choices": None}
INNER_MARK = "__"


def action_group_against_modules(tree: Tree) -> list[str]:
    """Modules that the action group `all` of meta/runtime.yml leaves out, and names in it that do not belong.

    The group gives modules their connection. One that runs as an action plugin has none, and would refuse its options.
    """
    actions = {file.stem for file in tree.below("plugins/action")}
    modules = {file.stem for file in tree.below("plugins/modules")} - actions
    runtime = yaml.safe_load((tree.root / "meta/runtime.yml").read_text(encoding="utf-8")) or {}
    group = set(runtime.get("action_groups", {}).get("all", []))
    missing = [f"meta/runtime.yml: action group all lacks {name}" for name in sorted(modules - group)]
    surplus = [f"meta/runtime.yml: action group all names {name}, no such module" for name in sorted(group - modules)]
    return missing + surplus


def parts_the_readme_leaves_out(tree: Tree) -> list[str]:
    """Modules, filters, roles and playbooks that README.md does not name."""
    readme = (tree.root / "README.md").read_text(encoding="utf-8")
    plugins = {file.stem for file in tree.below("plugins/modules", "plugins/filter")}
    # What lies deeper is a part of a playbook: its tasks, its variables.
    playbooks = {file.stem for file in tree.below("playbooks", suffix=".yml") if len(file.parts) == 2}
    roles = {file.parts[1] for file in tree.below("roles", suffix=".yml")}
    return [
        f"README.md: no word of {name}" for name in sorted(plugins | playbooks | roles) if f"`{name}`" not in readme
    ]


def defaults_against_specs(tree: Tree) -> list[str]:
    """Role defaults that differ from the role's argument_specs (all entry points), in either direction; inner `__`
    variables are free."""
    found = []
    for file in tree.below("roles", suffix=".yml"):
        if file.parts[2:] != ("meta", "argument_specs.yml"):
            continue
        role = file.parts[1]
        points = yaml.safe_load(tree.text(file))["argument_specs"].values()
        path = tree.root / "roles" / role / "defaults" / "main.yml"
        defaults = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}
        specs = [point.get("options", {}) for point in points]
        named = {name for spec in specs for name in spec}
        for spec in specs:
            # An entry point need not have the variables of another one.
            own = {name: value for name, value in defaults.items() if name in spec or name not in named}
            found += [f"roles/{role}: {text}" for text in _differences(spec, own)]
    return found


def _differences(spec: Mapping[str, Any], defaults: Mapping[str, Any], /) -> list[str]:
    documented = {name: option["default"] for name, option in spec.items() if "default" in option}
    shown = {name: value for name, value in defaults.items() if not name.startswith(INNER_MARK)}
    return [
        f"{name} is {shown.get(name, 'absent')!r} in defaults and {documented.get(name, 'absent')!r} in argument_specs"
        for name in sorted({*documented, *shown})
        if name not in documented or name not in shown or documented[name] != shown[name]
    ]


def options_against_documentation(
    spec: Mapping[str, Any], *, documented: Mapping[str, Any], where: str = ""
) -> list[str]:
    """Options whose argument spec differs from the documentation, fragments included; suboptions too."""
    found = []
    for name in sorted({*spec, *documented}):
        place = f"{where}{name}"
        if name not in spec or name not in documented:
            found.append(f"{place} is only in the {'argument spec' if name in spec else 'documentation'}")
            continue
        found += [f"{place}: {text}" for text in _option_differences(spec[name], documented[name])]
        if set(spec[name].get("aliases") or ()) != set(documented[name].get("aliases") or ()):
            found.append(f"{place}: aliases differ")
        inner, inner_documented = spec[name].get("options") or {}, documented[name].get("suboptions") or {}
        found += options_against_documentation(inner, documented=inner_documented, where=f"{place}.")
    return found


def _option_differences(spec: Mapping[str, Any], documented: Mapping[str, Any], /) -> list[str]:
    return [
        f"{key} is {spec.get(key, usual)!r} in the spec and {documented.get(key, usual)!r} in the documentation"
        for key, usual in COMPARED.items()
        if _plain(spec.get(key, usual)) != _plain(documented.get(key, usual))
    ]


def _plain(value: Any) -> Any:
    """A list for any sequence or mapping of choices, so that a tuple equals the list that YAML gives."""
    return list(value) if isinstance(value, (tuple, list, set, dict)) else value
