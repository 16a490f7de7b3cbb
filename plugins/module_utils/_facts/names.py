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

__all__ = ["GIVEN_NAME", "is_name", "is_namespace", "lane_of"]

# What an option or an answer may hold as a name: it means nothing in a path, a query or a shell. Whether such an object
# can exist is for the API server to say; `is_name` is for text of strangers.
GIVEN_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAMESPACE: Final = re.compile(_LABEL, re.ASCII)
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_LONGEST_NAMESPACE: Final = 63
_LONGEST_NAME: Final = 253


def is_namespace(value: Any, /) -> bool:
    """Whether a namespace can have this name."""
    return isinstance(value, str) and len(value) <= _LONGEST_NAMESPACE and _NAMESPACE.fullmatch(value) is not None


def is_name(value: Any, /) -> bool:
    """Whether an object such as a VM can have this name."""
    return isinstance(value, str) and len(value) <= _LONGEST_NAME and _NAME.fullmatch(value) is not None


def lane_of(namespace: str, vm: str, /, *, lanes: int) -> int:
    """A number below `lanes`, for one VM always the same: what shares it is done one after the other."""
    return int(hashlib.sha256(f"{namespace}/{vm}".encode()).hexdigest()[:8], 16) % max(1, lanes)
