# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module says, without what a terminal obeys.

This module is private to the collection and may change without notice.

Ansible prints messages and warnings as they are, and results (-v, a failed task) as JSON, in which U+009B, the
direction marks and the like stand raw. Whoever may write a message in the cluster would write to the terminal of who
looks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

__all__ = ["harmless", "one_line"]

# Controls, format characters (direction marks, zero width), halves of characters, line and paragraph separators.
_SPELT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# What a text of several lines is made of.
_KEPT = "\n\t"


def harmless(value: Any, /) -> Any:
    """The same plain data, in whose texts such characters are spelt, as `\\x1b` for the escape character."""
    if isinstance(value, str):
        return value if value.isprintable() else "".join(map(_spelt, value))
    if isinstance(value, Mapping):
        return {harmless(key): harmless(one) for key, one in value.items()}
    return [harmless(one) for one in value] if isinstance(value, (list, tuple)) else value


def one_line(text: str, /) -> str:
    """A sentence in which nothing can pass for a line of its own."""
    return str(harmless(" ".join(text.split())))


def _spelt(char: str) -> str:
    if char in _KEPT or unicodedata.category(char) not in _SPELT:
        return char
    return char.encode("unicode_escape").decode("ascii")
