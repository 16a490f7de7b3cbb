# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as Kubernetes allows them (RFC 1123), and nothing that only looks like one.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

__all__ = ["GIVEN_NAME", "is_label_key", "is_label_value", "is_name", "is_namespace", "lane_of"]

# What an option or an answer may hold as a name: it means nothing in a path, a query or a shell. Whether such an object
# can exist is for the API server to say; `is_name` is for text of strangers.
GIVEN_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAMESPACE: Final = re.compile(_LABEL, re.ASCII)
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_LONGEST_NAMESPACE: Final = 63
_LONGEST_NAME: Final = 253
_LONGEST_LABEL: Final = 63


def is_namespace(value: Any, /) -> bool:
    """Whether a namespace can have this name."""
    return isinstance(value, str) and len(value) <= _LONGEST_NAMESPACE and _NAMESPACE.fullmatch(value) is not None


def is_name(value: Any, /) -> bool:
    """Whether an object such as a VM can have this name."""
    return isinstance(value, str) and len(value) <= _LONGEST_NAME and _NAME.fullmatch(value) is not None


def is_label_key(key: str, /) -> bool:
    """Whether a label, an annotation or a taint can have this key."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not 0 < len(prefix) <= _LONGEST_NAME or not all(_is_dns_part(part) for part in prefix.split("."))):
        return False
    return bool(name) and is_label_value(name)


def _is_dns_part(part: str) -> bool:
    return is_label_value(part) and bool(part) and part == part.lower() and "_" not in part


def is_label_value(text: str, /) -> bool:
    """Letters, digits, `-`, `_` and `.`, a letter or digit at both ends, at most 63 of them; or nothing."""
    if not text:
        return True
    inner = text.replace("-", "a").replace("_", "a").replace(".", "a")
    is_right = text.isascii() and inner.isalnum() and text[0].isalnum() and text[-1].isalnum()
    return is_right and len(text) <= _LONGEST_LABEL


def lane_of(namespace: str, vm: str, /, *, lanes: int) -> int:
    """A number below `lanes`, for one VM always the same: what shares it is done one after the other."""
    return int(hashlib.sha256(f"{namespace}/{vm}".encode()).hexdigest()[:8], 16) % max(1, lanes)
