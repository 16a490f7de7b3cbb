# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module's options are: as its argument spec has them, and as ansible-doc shows them."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest import mock

from tests.make.places import FULL_NAME, NAME, NAMESPACE

__all__ = ["argument_spec", "documented_options"]


class _SpecSeen(Exception):
    """Carries the argument spec out of a module that was about to start."""


def argument_spec(module: str) -> dict[str, Any]:
    """The argument spec that the module's main builds; nothing of the module runs after that."""

    def stop(_self: object, argument_spec: dict[str, Any], **_options: object) -> None:
        raise _SpecSeen(argument_spec)

    code = importlib.import_module(f"ansible_collections.{NAMESPACE}.{NAME}.plugins.modules.{module}")
    with mock.patch("ansible.module_utils.basic.AnsibleModule.__init__", new=stop):
        try:
            code.main()
        except _SpecSeen as seen:
            spec: dict[str, Any] = seen.args[0]
            return spec
    raise AssertionError(f"{module}: main built no AnsibleModule")


def documented_options(modules: Iterable[str]) -> dict[str, dict[str, Any]]:
    """For each module its documented options, fragments merged in; tests/conftest.py names the collections' folder."""
    names = [f"{FULL_NAME}.{module}" for module in modules]
    if not names:
        return {}
    command = [str(Path(sys.executable).parent / "ansible-doc"), "--json", "-t", "module", *names]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": os.environ["LIVE_MIGRATION_COLLECTIONS"]}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if shown.returncode:
        raise AssertionError(f"ansible-doc: {shown.stderr}")
    return {
        name.rsplit(".", 1)[-1]: entry["doc"].get("options", {}) for name, entry in json.loads(shown.stdout).items()
    }
