# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects without what must not be handed on.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.confidential import (
    ACCOUNT_FIELDS,
    ANNOTATIONS,
    ARGUMENT_LISTS,
    FIELDS,
    KNOWN_ANNOTATIONS,
    SECRET_FIELDS,
    SECRET_KINDS,
    VALUE_LISTS,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.redact_text import (
    REDACTED,
    names_credential,
    redact_text,
)

__all__ = ["redact_object"]

# The same few words stand in objects again and again: each is looked at once, and long texts are not kept.
_SHORT = 200
# No object of Kubernetes is nested so deeply; what is deeper is not looked into and not kept.
_DEEPEST = 100
# Where JSON may begin in a text, and how often it may turn out to be none.
_OPENING = re.compile(r"[{\[]\s{0,4}[\"{\[]")
_MOST_FAILURES = 50
_decoder = json.JSONDecoder()
# What holds credentials where it is a list or a mapping.
_PLURAL = re.compile(r"(?:passwords?|passwd|passphrases?|credentials|tokens|keyrings?|auths)$", re.IGNORECASE)
_LAST_APPLIED = re.compile(r"last-?applied", re.IGNORECASE)
_OPTION = re.compile(r"(--[A-Za-z][\w-]*=?)|-[A-Za-z]|[/\w.-]+(?<!-)")


def redact_object(value: Any, /, *, accounts: bool = False) -> Any:
    """A copy of `value` (object, list of objects, any plain data) in which what is confidential says `<redacted>`.

    managedFields are left out. With `accounts` the names of service accounts are confidential too.
    """
    return _redact(value, accounts=accounts, depth=0)


def _redact(value: Any, *, accounts: bool, depth: int) -> Any:
    if depth > _DEEPEST:
        return REDACTED
    if isinstance(value, str):
        return _text(value, accounts=accounts, depth=depth) if _OPENING.search(value) else _words(value, accounts)
    if isinstance(value, Mapping):
        return _mapping(value, accounts=accounts, depth=depth + 1)
    if isinstance(value, (list, tuple)):
        return _list(value, accounts=accounts, depth=depth + 1)
    # Bytes and whatever else is no JSON cannot be looked into.
    return value if value is None or isinstance(value, (bool, int, float)) else REDACTED


# -- text


def _text(text: str, *, accounts: bool, depth: int) -> str:
    return _words(_with_documents(text, accounts=accounts, depth=depth), accounts)


def _words(text: str, accounts: bool, /) -> str:
    """A text, or a key of a mapping, in which no JSON begins."""
    return (_of_short if len(text) <= _SHORT else redact_text)(text, accounts=accounts)


_of_short = functools.lru_cache(maxsize=32768)(redact_text)
_names = functools.lru_cache(maxsize=8192)(names_credential)


def _with_documents(text: str, *, accounts: bool, depth: int) -> str:
    """JSON within a text (a line of a log, an annotation) is looked into by its fields; what stays is not touched."""
    found, place, failures = [], 0, 0
    for match in _OPENING.finditer(text):
        start = match.start()
        if start < place or failures > _MOST_FAILURES:
            continue
        try:
            value, end = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            failures += 1
            continue
        clean = _redact(value, accounts=accounts, depth=depth + 1)
        found += [text[place:start], text[start:end] if clean == value else json.dumps(clean)]
        place = end
    return "".join([*found, text[place:]])


# -- lists


def _list(value: Sequence[Any], *, accounts: bool, depth: int) -> list[Any]:
    found, is_next = [], False
    for one in value:
        found.append(REDACTED if is_next else _redact(one, accounts=accounts, depth=depth))
        # An option that names a credential stands before it.
        is_next = isinstance(one, str) and one.startswith("-") and "=" not in one and _names(one.lstrip("-"))
    return found


def _arguments(words: Sequence[Any], *, has_program: bool) -> list[str]:
    """The program, and the names of options; what is in them may be anything."""
    return [_argument(str(word), is_first=has_program and not place) for place, word in enumerate(words)]


def _argument(word: str, *, is_first: bool) -> str:
    match = _OPTION.match(word)
    if match is None or (not is_first and not word.startswith("-")):
        return REDACTED
    if match.end() == len(word) and not word.endswith("="):
        return word
    return f"{match[1]}{REDACTED}" if match[1] and match[1].endswith("=") else REDACTED


# -- mappings


def _mapping(value: Mapping[Any, Any], *, accounts: bool, depth: int) -> dict[str, Any]:
    if isinstance(value.get("ignition"), Mapping):
        return dict.fromkeys((str(key) for key in value), REDACTED)
    hidden = FIELDS | ANNOTATIONS
    if accounts:
        hidden |= ACCOUNT_FIELDS
    if str(value.get("kind")) in SECRET_KINDS:
        hidden |= SECRET_FIELDS
    if any(_names(str(value.get(key))) for key in ("name", "key")):
        hidden |= {"value"}
    found: dict[str, Any] = {}
    for key, one in value.items():
        if key != "managedFields":
            name = _words(str(key), accounts)
            found[name] = _field(str(key), one, hidden=hidden, accounts=accounts, depth=depth)
    return found


def _field(key: str, value: Any, *, hidden: frozenset[str], accounts: bool, depth: int) -> Any:
    if key in hidden or _LAST_APPLIED.search(key) or (isinstance(value, str) and _names(key)):
        # Whether a volume has such a source counts for its deadline; that it has none is no secret.
        return None if value is None else REDACTED
    if isinstance(value, (list, tuple, Mapping)) and _PLURAL.search(key):
        return REDACTED
    if key in VALUE_LISTS:
        return _values(value, accounts=accounts, depth=depth)
    if key in ARGUMENT_LISTS and isinstance(value, (list, tuple)):
        return _arguments(value, has_program=key == "command")
    if key == "annotations" and isinstance(value, Mapping):
        value = {name: one if _is_known(str(name)) else REDACTED for name, one in value.items()}
    return _redact(value, accounts=accounts, depth=depth)


def _is_known(annotation: str) -> bool:
    domain, slash, _name = annotation.partition("/")
    return bool(slash) and any(domain == one or domain.endswith(f".{one}") for one in KNOWN_ANNOTATIONS)


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
