# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house: each rule holds in the project, and each rule is seen to fail on a small bad example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.house import promises, rooms, shape, specs
from tests.house.tree import Tree
from tests.make.places import ROOT
from tests.make.tree import project_files

PLUGINS = "ansible_collections.kubevirt_ops.live_migration.plugins"
HEADER = f"# {shape.SPDX}\n"

Rule = Callable[[Tree], list[str]]

RULES: list[Rule] = [
    rooms.ends_of_a_module,
    rooms.imports_against_the_rooms,
    rooms.imports_into_pure_rooms,
    rooms.imports_of_extensions,
    rooms.kubernetes_outside_the_edge,
    rooms.time_outside_the_clock,
    shape.files_too_long,
    shape.files_without_licence,
    shape.functions_too_long,
    shape.mains_too_long,
    shape.names_that_say_nothing,
    shape.paths_of_a_machine,
    shape.positional_parameters,
    shape.utils_without_all,
    shape.words_of_unfinished_work,
    promises.action_group_against_modules,
    promises.defaults_against_specs,
    promises.parts_the_readme_leaves_out,
]


def project() -> Tree:
    return Tree(ROOT, [PurePosixPath(file) for file in project_files()])


def example(root: Path, files: Mapping[str, str]) -> Tree:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Tree(root, [PurePosixPath(name) for name in files])


def long_function(*, name: str, lines: int) -> str:
    return f"def {name}():\n" + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_project_keeps_the_rule(rule: Rule) -> None:
    assert rule(project()) == []


def modules_with_a_spec() -> list[str]:
    """Modules that run on a host; those with an action plugin of the same name are documentation alone."""
    actions = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}
    return sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem not in actions)


def test_options_of_every_module_are_documented_as_they_are() -> None:
    modules = modules_with_a_spec()
    documented = specs.documented_options(modules)
    found = {
        module: promises.options_against_documentation(specs.argument_spec(module), documented=documented[module])
        for module in modules
    }
    assert modules
    assert found == {module: [] for module in modules}


FACTS = "plugins/module_utils/_facts/x.py"
VERDICT = "plugins/module_utils/_verdict/x.py"

# Rule, files that break it, and what the first finding must name.
BAD: dict[str, tuple[Rule, dict[str, str], str]] = {
    "facts_import_verdict": (
        rooms.imports_against_the_rooms,
        {FACTS: f"from {PLUGINS}.module_utils._verdict.y import z\n"},
        "_facts may not see _verdict",
    ),
    "cluster_imports_verdict": (
        rooms.imports_against_the_rooms,
        {"plugins/module_utils/_cluster/x.py": f"import {PLUGINS}.module_utils._verdict.y\n"},
        "_cluster may not see _verdict",
    ),
    "filter_imports_cluster_in_a_function": (
        rooms.imports_against_the_rooms,
        {"plugins/filter/x.py": f"def f():\n    from {PLUGINS}.module_utils._cluster import client\n"},
        "filter may not see _cluster",
    ),
    "import_of_the_room_by_its_parent": (
        rooms.imports_against_the_rooms,
        {VERDICT: f"from {PLUGINS}.module_utils import _plan\n"},
        "_verdict may not see _plan",
    ),
    "import_of_plugins": (
        rooms.imports_against_the_rooms,
        {VERDICT: f"from {PLUGINS} import modules\n"},
        "_verdict may not see modules",
    ),
    "relative_import": (rooms.imports_against_the_rooms, {VERDICT: "from ._facts import x\n"}, "relative"),
    "unknown_room": (rooms.imports_against_the_rooms, {"plugins/module_utils/_other/x.py": ""}, "_other"),
    "event_filter_imports_flow": (
        rooms.imports_of_extensions,
        {"extensions/eda/plugins/event_filter/x.py": f"from {PLUGINS}.module_utils._flow.watch import Watch\n"},
        "event_filter may not see _flow",
    ),
    "event_source_imports_verdict": (
        rooms.imports_of_extensions,
        {"extensions/eda/plugins/event_source/x.py": f"def f():\n    from {PLUGINS}.module_utils import _verdict\n"},
        "event_source may not see _verdict",
    ),
    "event_source_imports_another_package": (
        rooms.imports_of_extensions,
        {"extensions/eda/plugins/event_source/x.py": "from kubernetes import client\n"},
        "kubernetes is no part",
    ),
    "relative_import_in_an_extension": (
        rooms.imports_of_extensions,
        {"extensions/eda/plugins/event_source/x.py": "from ..rooms import find_rooms\n"},
        "..rooms is no part",
    ),
    "what_finds_the_rooms_imports_one": (
        rooms.imports_of_extensions,
        {"extensions/eda/plugins/rooms.py": f"import {PLUGINS}.module_utils._facts.names\n"},
        "rooms.py may not see _facts",
    ),
    "extension_in_another_folder": (
        rooms.imports_of_extensions,
        {"extensions/eda/plugins/event_sink/x.py": ""},
        "nothing is kept in event_sink",
    ),
    "file_in_a_pure_room": (rooms.imports_into_pure_rooms, {FACTS: "from pathlib import Path\n"}, "pathlib"),
    "ansible_in_a_pure_room": (
        rooms.imports_into_pure_rooms,
        {VERDICT: "from ansible.module_utils.basic import AnsibleModule\n"},
        "ansible",
    ),
    "network_in_a_pure_room": (rooms.imports_into_pure_rooms, {FACTS: "import urllib.request\n"}, "urllib.request"),
    "time_in_a_module": (rooms.time_outside_the_clock, {"plugins/modules/x.py": "import time\n"}, "time"),
    "sleep_in_flow": (
        rooms.time_outside_the_clock,
        {"plugins/module_utils/_flow/x.py": "from time import sleep\n"},
        "time",
    ),
    "now_in_facts": (
        rooms.time_outside_the_clock,
        {FACTS: "import datetime\n\nx = datetime.datetime.now()\n"},
        "datetime.datetime.now",
    ),
    "now_in_a_default": (
        rooms.time_outside_the_clock,
        {FACTS: "from datetime import datetime\n\nfactory = datetime.now\n"},
        "datetime.now",
    ),
    "kubernetes_in_flow": (
        rooms.kubernetes_outside_the_edge,
        {"plugins/module_utils/_flow/x.py": "def f():\n    from kubernetes import client\n"},
        "kubernetes",
    ),
    "exit_in_flow": (
        rooms.ends_of_a_module,
        {"plugins/module_utils/_flow/x.py": "def f(module):\n    module.exit_json()\n"},
        "exit_json",
    ),
    "fail_in_a_filter": (
        rooms.ends_of_a_module,
        {"plugins/filter/x.py": "def f(module):\n    module.fail_json(msg='')\n"},
        "fail_json",
    ),
    "system_exit": (rooms.ends_of_a_module, {"plugins/filter/x.py": "raise SystemExit\n"}, "SystemExit"),
    "module_class_in_the_edge": (
        rooms.ends_of_a_module,
        {"plugins/module_utils/_cluster/x.py": "from ansible.module_utils.basic import AnsibleModule\n"},
        "AnsibleModule",
    ),
    "no_all": (shape.utils_without_all, {FACTS: "x = 1\n"}, "__all__"),
    "no_licence": (shape.files_without_licence, {"roles/a/tasks/main.yml": "---\n"}, "SPDX"),
    "licence_far_below": (shape.files_without_licence, {FACTS: "#\n" * 20 + HEADER}, "SPDX"),
    "long_function": (shape.functions_too_long, {FACTS: long_function(name="f", lines=61)}, "f has 61 lines"),
    "long_method": (
        shape.functions_too_long,
        {FACTS: "class C:\n" + "\n".join("    " + row for row in long_function(name="f", lines=61).splitlines())},
        "f has 61 lines",
    ),
    "long_main": (
        shape.mains_too_long,
        {"plugins/modules/x.py": long_function(name="main", lines=31)},
        "main has 31 lines",
    ),
    "long_file": (shape.files_too_long, {FACTS: "x = 1\n" * 401}, "401 lines"),
    "two_positional": (shape.positional_parameters, {FACTS: "def f(a, b): ...\n"}, "f takes 2"),
    "positional_after_a_nameless_one": (
        shape.positional_parameters,
        {FACTS: "def f(a, /, b): ...\n"},
        "f takes 1",
    ),
    "two_positional_in_a_method": (
        shape.positional_parameters,
        {FACTS: "class C:\n    def f(self, a, b): ...\n"},
        "f takes 2",
    ),
    "nameless_value": (shape.names_that_say_nothing, {FACTS: "a, _ = f()\n"}, "x.py:1"),
    "nameless_loop": (shape.names_that_say_nothing, {"tests/x.py": "x = [1 for _ in y]\n"}, "tests/x.py:1"),
    "unfinished": (shape.words_of_unfinished_work, {"README.md": "later: " + "TO" + "DO\n"}, "README.md:1"),
    "machine_path": (shape.paths_of_a_machine, {"a.yml": "x: /" + "root/x/y\n"}, "a.yml:1"),
    "module_not_in_the_group": (
        promises.action_group_against_modules,
        {"plugins/modules/x.py": "", "meta/runtime.yml": "action_groups: {all: []}\n"},
        "lacks x",
    ),
    "group_names_an_action": (
        promises.action_group_against_modules,
        {"plugins/modules/x.py": "", "plugins/action/x.py": "", "meta/runtime.yml": "action_groups: {all: [x]}\n"},
        "names x",
    ),
    "group_names_no_module": (
        promises.action_group_against_modules,
        {"meta/runtime.yml": "action_groups: {all: [y]}\n"},
        "names y",
    ),
    "part_not_in_the_readme": (
        promises.parts_the_readme_leaves_out,
        {"README.md": "`a` and b\n", "plugins/filter/a.py": "", "plugins/filter/b.py": ""},
        "no word of b",
    ),
    "role_default_differs": (
        promises.defaults_against_specs,
        {
            "roles/r/meta/argument_specs.yml": "argument_specs: {main: {options: {r_a: {default: 1}}}}\n",
            "roles/r/defaults/main.yml": "r_a: 2\n",
        },
        "r_a is 2",
    ),
    "role_default_undocumented": (
        promises.defaults_against_specs,
        {
            "roles/r/meta/argument_specs.yml": "argument_specs: {main: {options: {}}}\n",
            "roles/r/defaults/main.yml": "r_a: 2\n",
        },
        "r_a is 2 in defaults and 'absent'",
    ),
}


@pytest.mark.parametrize(("rule", "files", "named"), BAD.values(), ids=BAD)
def test_rule_finds_a_bad_example(rule: Rule, files: dict[str, str], named: str, tmp_path: Path) -> None:
    found = rule(example(tmp_path, files))
    assert len(found) == 1
    assert named in found[0]


KEYWORD_ONLY = """
def f(a, *, b): ...
def g(a, b, /): ...
def _h(a, b): ...
class C:
    def f(self, a): ...
    def g(self, a, b, /, *, c): ...
"""

# What looks like the above and is allowed.
GOOD: dict[str, tuple[Rule, dict[str, str]]] = {
    "verdict_imports_facts": (
        rooms.imports_against_the_rooms,
        {VERDICT: f"from {PLUGINS}.module_utils._facts.y import z\n"},
    ),
    "own_room": (rooms.imports_against_the_rooms, {VERDICT: f"from {PLUGINS}.module_utils._verdict.y import z\n"}),
    "pure_library": (rooms.imports_into_pure_rooms, {FACTS: "from collections.abc import Mapping\nimport re\n"}),
    "clock_reads_time": (
        rooms.time_outside_the_clock,
        {str(rooms.CLOCK): "import time\nfrom datetime import datetime\n\nx = datetime.now()\n"},
    ),
    "exit_ends_a_module": (rooms.ends_of_a_module, {str(rooms.EXIT): "def f(module):\n    module.exit_json()\n"}),
    "keyword_only": (
        shape.positional_parameters,
        {FACTS: KEYWORD_ONLY},
    ),
    "unused_with_a_name": (shape.names_that_say_nothing, {FACTS: "for _attempt in x:\n    pass\n"}),
    "function_of_60_lines": (shape.functions_too_long, {FACTS: long_function(name="f", lines=60)}),
    "long_documentation": (
        shape.files_too_long,
        {"plugins/modules/x.py": 'DOCUMENTATION = """' + "\n" * 401 + '"""\n'},
    ),
    "empty_file_needs_no_licence": (shape.files_without_licence, {"tests/unit/__init__.py": ""}),
    "inner_role_variable": (
        promises.defaults_against_specs,
        {
            "roles/r/meta/argument_specs.yml": "argument_specs: {main: {options: {r_a: {}}}}\n",
            "roles/r/defaults/main.yml": "__r_b: 2\n",
        },
    ),
}


@pytest.mark.parametrize(("rule", "files"), GOOD.values(), ids=GOOD)
def test_rule_lets_a_good_example_pass(rule: Rule, files: dict[str, str], tmp_path: Path) -> None:
    assert rule(example(tmp_path, files)) == []


SPEC: dict[str, Any] = {"a": {"type": "list", "elements": "str", "aliases": ["b"], "choices": ("x", "y")}}
DOCUMENTED: dict[str, Any] = {"a": {"type": "list", "elements": "str", "aliases": ["b"], "choices": ["x", "y"]}}


def test_options_that_agree_give_no_finding() -> None:
    assert promises.options_against_documentation(SPEC, documented=DOCUMENTED) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"type": "str"}, "a: type"),
        ({"elements": "dict"}, "a: elements"),
        ({"default": []}, "a: default"),
        ({"required": True}, "a: required"),
        ({"choices": ["x"]}, "a: choices"),
        ({"aliases": []}, "a: aliases"),
        ({"suboptions": {"c": {"type": "int"}}}, "a.c is only in the documentation"),
    ],
    ids=["type", "elements", "default", "required", "choices", "aliases", "suboptions"],
)
def test_options_that_differ_are_named(change: dict[str, Any], named: str) -> None:
    found = promises.options_against_documentation(SPEC, documented={"a": DOCUMENTED["a"] | change})
    assert len(found) == 1
    assert named in found[0]


def test_option_missing_from_the_documentation_is_named() -> None:
    assert promises.options_against_documentation(SPEC, documented={}) == ["a is only in the argument spec"]
