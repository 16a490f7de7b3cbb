# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from outside made fit for an error message: no control characters, bounded, without secrets.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["HIDDEN", "clean", "redact", "secrets_in"]

HIDDEN = "[hidden]"
_LONGEST = 400
# A secret shorter than this would be cut out of ordinary words ("admin" as a password) and say more than it hides.
_SHORTEST_SECRET = 6

# Each pattern keeps its first group, where it has one, and hides the rest.
_SECRET_SHAPES = (
    re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL),
    re.compile(r"(\b(?:Bearer|Basic)\s+)(?!token\b|auth\b|authentication\b)[^\s\"',;]{4,}", re.IGNORECASE),
    re.compile(r"\beyJ[\w-]+(?:\.[\w-]*){0,2}"),
    re.compile(r"\bsha256~[\w-]+"),
    re.compile(r"(//)[^/\s@\"']*:[^/\s@\"']*(?=@)"),
    re.compile(
        r"(\b(?:access[_-]?token|id[_-]?token|token|password|passwd|secret|api[_-]?key|client-key-data)"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]{4,}",
        re.IGNORECASE,
    ),
)
_SECRET_KEYS = frozenset(
    ("token", "password", "client-key-data", "id-token", "refresh-token", "access-token", "client-secret")
)
_SECRET_VARIABLE = re.compile(r"TOKEN|PASSWORD|SECRET|CREDENTIAL|_KEY$")
# Object names hold no capitals, so a long word with capitals, small letters and digits is rather a key than a name.
_LONG_WORD = re.compile(r"[\w+/=~-]{32,}")


def clean(text: str, *, longest: int = _LONGEST) -> str:
    """`text` on one line: control and format characters become spaces, and what exceeds `longest` is cut and said."""
    head = text[: 4 * longest + 64]
    printable = "".join(char if char.isprintable() else " " for char in head)
    line = " ".join(printable.split())
    if len(line) > longest or len(head) < len(text):
        return line[:longest].rstrip() + " [cut]"
    return line


def redact(text: str, *, secrets: Iterable[str] = ()) -> str:
    """`text` with the given secrets, and whatever looks like a token, a key or a password, replaced by `[hidden]`."""
    for secret in sorted({item for item in secrets if len(item) >= _SHORTEST_SECRET}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for shape in _SECRET_SHAPES:
        text = shape.sub(lambda match: (match.group(1) if match.re.groups else "") + HIDDEN, text)
    return _LONG_WORD.sub(lambda match: HIDDEN if _is_key_like(match.group()) else match.group(), text)


def _is_key_like(word: str) -> bool:
    if word.startswith("/") or word.count("/") > len(word) // 10:
        return False
    return all(any(test(char) for char in word) for test in (str.isupper, str.islower, str.isdigit))


def secrets_in(kubeconfig: Any) -> Iterator[str]:
    """The tokens, passwords and keys that stand in a kubeconfig, or in a part of one; nothing for other values.

    Each part is looked at once, as YAML's references can make a few lines endless.
    """
    waiting, seen = [kubeconfig], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen or not isinstance(part, (Mapping, list, tuple)):
            continue
        seen.add(id(part))
        if isinstance(part, Mapping):
            yield from _own_secrets(part)
        waiting += reversed([*part.values()] if isinstance(part, Mapping) else part)


def _own_secrets(part: Mapping[Any, Any]) -> Iterator[str]:
    if isinstance(part.get("name"), str) and _SECRET_VARIABLE.search(part["name"]):
        # A variable for an exec plugin: {name: AWS_SECRET_ACCESS_KEY, value: ...}.
        yield from (one for one in (part.get("value"),) if isinstance(one, str))
    yield from (inner for key, inner in part.items() if key in _SECRET_KEYS and isinstance(inner, str))
