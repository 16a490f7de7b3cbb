# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects without what must not be handed on.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.confidential import (
    ACCOUNT_FIELDS,
    ANNOTATIONS,
    FIELDS,
    SECRET_FIELDS,
    SECRET_KINDS,
    VALUE_LISTS,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.redact_text import (
    REDACTED,
    redact_text,
)

__all__ = ["redact_object"]

# The same few words stand in objects again and again: each is looked at once, and long texts are not kept.
_SHORT = 200
_of_short = functools.lru_cache(maxsize=32768)(redact_text)
# No object of Kubernetes is nested so deeply; what is deeper is not looked into and not kept.
_DEEPEST = 100


def redact_object(value: Any, /, *, accounts: bool = False) -> Any:
    """A copy of `value` (object, list of objects, any plain data) in which what is confidential says `<redacted>`.

    managedFields are left out. With `accounts` the names of service accounts are confidential too.
    """
    return _redact(value, accounts=accounts, depth=0)


def _redact(value: Any, *, accounts: bool, depth: int) -> Any:
    if depth > _DEEPEST:
        return REDACTED
    if isinstance(value, str):
        return _text(value, accounts=accounts)
    if isinstance(value, Mapping):
        return _mapping(value, accounts=accounts, depth=depth + 1)
    if isinstance(value, (list, tuple)):
        return [_redact(one, accounts=accounts, depth=depth + 1) for one in value]
    # Bytes and whatever else is no JSON cannot be looked into.
    return value if value is None or isinstance(value, (bool, int, float)) else REDACTED


def _text(text: str, *, accounts: bool) -> str:
    found: str = (_of_short if len(text) <= _SHORT else redact_text)(text, accounts=accounts)
    return found


def _mapping(value: Mapping[Any, Any], *, accounts: bool, depth: int) -> dict[str, Any]:
    hidden = FIELDS | ANNOTATIONS
    if accounts:
        hidden |= ACCOUNT_FIELDS
    if str(value.get("kind")) in SECRET_KINDS:
        hidden |= SECRET_FIELDS
    found: dict[str, Any] = {}
    for key, one in value.items():
        name = _text(str(key), accounts=accounts)
        if key == "managedFields":
            continue
        if key in hidden:
            # Whether a volume has such a source counts for its deadline; that it has none is no secret.
            found[name] = None if one is None else REDACTED
        elif key in VALUE_LISTS:
            found[name] = _values(one, accounts=accounts, depth=depth)
        else:
            found[name] = _named(str(key), _redact(one, accounts=accounts, depth=depth))
    return found


def _named(key: str, value: Any, /) -> Any:
    """A string under a key that names a credential is one, whatever its form."""
    if isinstance(value, str) and _text(f"{key}: x", accounts=False).endswith(REDACTED):
        return REDACTED
    return value


def _values(value: Any, *, accounts: bool, depth: int) -> Any:
    """`env`: names and where a value comes from are kept, never the value; anything else under that name goes."""
    if not isinstance(value, (list, tuple)):
        return REDACTED
    return [
        {**_mapping(one, accounts=accounts, depth=depth + 1), **({"value": REDACTED} if "value" in one else {})}
        if isinstance(one, Mapping)
        else REDACTED
        for one in value
    ]
