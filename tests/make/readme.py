# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README.md gives users to paste, for the tests that try it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.make.places import ROOT

__all__ = ["role_in_readme"]


def role_in_readme(name: str) -> dict[str, Any]:
    """The one role of this name. Raises ValueError where there is none, or several."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    roles = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(apiVersion: rbac.*?)```", text, re.DOTALL)]
    (role,) = (role for role in roles if role["metadata"]["name"] == name)
    found: dict[str, Any] = role
    return found
