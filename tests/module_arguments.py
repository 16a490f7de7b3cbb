# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options given to a module in this process, as ansible-core would hand them over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible.module_utils import basic

__all__ = ["module_arguments"]


@contextmanager
def module_arguments(options: Mapping[str, Any]) -> Iterator[None]:
    """A module that is run inside gets these options."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ModuleNotFoundError:
        # ansible-core before 2.18 has nothing for it but the variable that AnsiballZ sets.
        before = basic._ANSIBLE_ARGS
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": dict(options)}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = before
    else:
        with patch_module_args(dict(options)):
            yield
