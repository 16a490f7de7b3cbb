# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether data from a file is as much as it looks.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from typing import Any

__all__ = ["DEEPEST", "is_as_small"]

# No object of Kubernetes is nested so deeply.
DEEPEST = 200


def is_as_small(value: Any, /, *, limit: int) -> bool:
    """Whether there are no more values in it than bytes in its file, as there must be where each was written out."""
    waiting, seen = [(value, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        seen += 1
        if seen > limit + 2 or depth > DEEPEST:
            return False
        if isinstance(one, dict):
            waiting += [(inner, depth + 1) for inner in one.values()]
        elif isinstance(one, (list, tuple, set)):
            waiting += [(inner, depth + 1) for inner in one]
    return True
