# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape in which a placement stands in results.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import Placement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement_rules import Exclusion

__all__ = ["placement_entry", "placement_result"]

# An entry is read by people; the filter candidate_nodes gives all of them.
_MOST_NODES = 50


def placement_result(placement: Placement, /) -> dict[str, Any]:
    """`possible`, `excluded` with every reason, `warnings`, `not_judged`, `summary`."""
    return {
        "possible": list(placement.possible),
        "excluded": [_excluded(found) for found in placement.reasons.values() if found],
        "warnings": [{"node": one.node, "code": one.code, "reason": one.text} for one in placement.warnings],
        "not_judged": list(placement.not_judged),
        "summary": placement.summary,
    }


def placement_entry(placement: Placement | None, /) -> dict[str, Any]:
    """The key `placement` of a migration: at most 50 nodes in each list, the number of the others in `left_out`;
    empty where no placement was looked for."""
    if placement is None:
        return {}
    found = placement_result(placement)
    possible, excluded = found["possible"], found["excluded"]
    return {
        "summary": found["summary"],
        "possible": possible[:_MOST_NODES],
        "excluded": excluded[:_MOST_NODES],
        "left_out": len(possible[_MOST_NODES:]) + len(excluded[_MOST_NODES:]),
        "not_judged": found["not_judged"],
    }


def _excluded(found: Sequence[Exclusion]) -> dict[str, Any]:
    first = found[0]
    also = [{"code": one.code, "reason": one.text} for one in found[1:]]
    return {"node": first.node, "code": first.code, "reason": first.text, "also": also}
