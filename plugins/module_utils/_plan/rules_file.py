# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as the text of a rules file, as people read them: expressions stand in blocks, line by line.

This module is private to the collection and may change without notice.
Written by hand because pure rooms know no YAML library, and because PyYAML folds expressions into quoted lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = ["MARK", "is_ours", "render_rules_file", "render_yaml"]

# In the first line of a file of ours: only such a file is removed.
MARK: Final = "kubevirt_ops.live_migration.migration_alert"
_HEAD: Final = f"# Written by {MARK}; changes here are lost when it runs again.\n"
_INDENT: Final = "  "
# Text that can stand in a block as it is.
_BLOCK: Final = re.compile(r"[!-~](?:[ -~\n]*[!-~])?")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
# Words that YAML 1.1 takes for something else than text.
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_UNPRINTABLE: Final = re.compile(r"[^\t\n\r -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\ufeff\u2028\u2029]")


def render_rules_file(groups: Sequence[Mapping[str, Any]], /) -> str:
    """A whole rules file."""
    return f"{_HEAD}---\n{render_yaml({'groups': groups})}"


def is_ours(text: str, /) -> bool:
    """Whether `text` is a rules file that was made here."""
    return text.startswith(_HEAD)


def render_yaml(value: Any, /) -> str:
    """Plain data as YAML; what is no mapping, list, text, number, boolean or null becomes its text."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any, /) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _entry(f"{_key(str(key))}:", inner, child=_INDENT)
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and value:
        for inner in value:
            yield from _item(inner)
    else:
        yield _scalar(value)


def _entry(head: str, value: Any, /, *, child: str) -> Iterator[str]:
    if isinstance(value, str) and "\n" in value and _BLOCK.fullmatch(value):
        yield f"{head} |-"
        yield from (f"{child}{line}" if line else "" for line in value.split("\n"))
    elif isinstance(value, (Mapping, list, tuple)) and value:
        yield head
        yield from (f"{child}{line}" if line else "" for line in _lines(value))
    else:
        yield f"{head} {_scalar(value)}"


def _item(value: Any, /) -> Iterator[str]:
    """One entry of a list: a mapping or a list begins in the line of its dash."""
    if isinstance(value, str):
        yield f"- {_scalar(value)}"
        return
    first, *rest = _lines(value)
    yield f"- {first}"
    yield from (f"{_INDENT}{line}" if line else "" for line in rest)


def _key(key: str, /) -> str:
    return key if _PLAIN_KEY.fullmatch(key) and key.lower() not in _WORDS else _text(key)


def _scalar(value: Any, /) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    return _text(value if isinstance(value, str) else str(value))


def _text(text: str, /) -> str:
    """In double quotes, which in YAML are those of JSON but for what YAML finds unprintable."""
    return _UNPRINTABLE.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(found: re.Match[str], /) -> str:
    return f"\\u{ord(found[0]):04x}"
