# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape in which users see which MigrationPolicy rules a VM.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import MigrationPolicy
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.policy_match import PolicyMatch

__all__ = ["render_policy_match"]


def render_policy_match(match: PolicyMatch, *, objects: Sequence[Any]) -> dict[str, Any]:
    """`name` of the policy that rules ("" for none, None where not known), its object out of `objects`, the others."""
    wanted = match.winner.name if match.winner else ""
    policy: Any = next((item for item in objects if wanted and MigrationPolicy.from_object(item).name == wanted), {})
    return {
        "name": match.name,
        "policy": dict(policy),
        "others": [
            {
                "name": one.policy,
                "matches": one.matches,
                "vmi_labels": one.vmi_labels,
                "namespace_labels": one.namespace_labels,
                "why_not": one.why_not,
            }
            for one in match.others
        ],
    }
