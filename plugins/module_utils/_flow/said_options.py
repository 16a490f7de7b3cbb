# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a change is made and who stands behind it, as the caller says it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import LONGEST_REASON

__all__ = ["parse_said"]


def parse_said(params: Mapping[str, Any], name: str, /) -> str:
    """The text of the option `name` without white space around it. Bytes that are no UTF-8, which a terminal of another
    encoding hands on as lone surrogates, become question marks: no server takes them. Raises WrongInput for a text that
    is too long to be kept."""
    text = str(params.get(name) or "").strip().encode("utf-8", "replace").decode("utf-8")
    if len(text) > LONGEST_REASON:
        raise WrongInput(f"{name} has {len(text)} characters; at most {LONGEST_REASON} are kept.")
    return text
