# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the event source and filter: well formed, and as the code is.

ansible-doc knows no plugins of ansible-rulebook. So antsibull-docs reads them as modules of a copy of the collection,
in which what they refer to is there too.
"""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.watch import OPTIONS
from tests.extensions import names_in
from tests.make.places import NAME, NAMESPACE, ROOT
from tests.programs import run_program

PLUGINS = ("event_source/migrations.py", "event_filter/alert_target.py")
FOUND = {name: names_in(name) for name in PLUGINS}
IDS = ["source", "filter"]


def documented(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FOUND[name]["DOCUMENTATION"])
    return found


def as_module(name: str) -> str:
    """The documentation in the form of a module of another name, as a filter is called alert_target too."""
    document = {"module": f"event_{Path(name).stem}", **documented(name)}
    text = yaml.safe_dump(document, sort_keys=False)
    return f'DOCUMENTATION = r"""\n{text}"""\nEXAMPLES = r"""{FOUND[name]["EXAMPLES"]}"""\nRETURN = ""\n'


def linted(folder: Path, **texts: str) -> subprocess.CompletedProcess[str]:
    """What antsibull-docs says of the collection with these modules more, by file name."""
    inside = folder / "ansible_collections" / NAMESPACE / NAME
    modules = inside / "plugins" / "modules"
    shutil.copytree(ROOT / "plugins", inside / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "meta", inside / "meta")
    shutil.copy(ROOT / "galaxy.yml", inside)
    for name, text in texts.items():
        (modules / f"{name}.py").write_text(text, encoding="utf-8")
    program = str(Path(sys.executable).with_name("antsibull-docs"))
    command = [program, "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", str(inside)]
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return run_program(command, folder=folder, environment=environment, seconds=240)


def test_documentation_is_well_formed_and_refers_to_what_there_is(tmp_path: Path) -> None:
    texts = {f"event_{Path(name).stem}": as_module(name) for name in PLUGINS}
    # One with a fault, so that it is seen that one is found.
    spoilt = as_module("event_source/migrations.py").replace("migration_info)", "no_such_module)")

    done = linted(tmp_path, **texts, event_spoilt=spoilt.replace("module: event_migrations", "module: event_spoilt"))

    faults = done.stdout.splitlines()
    assert any("there is no module kubevirt_ops.live_migration.no_such_module" in fault for fault in faults)
    assert [fault for fault in faults if "/event_spoilt.py" not in fault] == []


def test_options_of_the_source_are_documented_with_their_defaults() -> None:
    options = documented("event_source/migrations.py")["options"]
    own = {name: one.get("default") for name, one in options.items() if name not in AUTH_SPEC}

    assert own == OPTIONS
    assert {name for name in options if name in AUTH_SPEC} >= {"kubeconfig", "context", "host", "api_key"}


def test_options_of_the_filter_are_documented_with_their_defaults() -> None:
    options = documented("event_filter/alert_target.py")["options"]
    _event, *parameters = inspect.signature(FOUND["event_filter/alert_target.py"]["main"]).parameters.values()

    assert {one.name: one.default for one in parameters} == {name: one["default"] for name, one in options.items()}


@pytest.mark.parametrize("name", PLUGINS, ids=IDS)
def test_example_gives_only_documented_options(name: str) -> None:
    (example,) = yaml.safe_load(FOUND[name]["EXAMPLES"])
    entries = [example, *example.get("filters", [])]
    full_name = f"kubevirt_ops.live_migration.{Path(name).stem}"
    (given,) = [entry[full_name] for entry in entries if full_name in entry]

    assert set(given or {}) <= set(documented(name)["options"])
