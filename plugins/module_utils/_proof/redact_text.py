# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free text (messages, log lines, annotations) without what looks like a credential.

This module is private to the collection and may change without notice.

A text names no fields, so this goes by form: it takes away rather too much than too little.
"""

from __future__ import annotations

import re

__all__ = ["REDACTED", "redact_text"]

REDACTED = "<redacted>"

_NAMES = (
    r"pass(?:word|wd|phrase)|token|secret|credentials?|api[_-]?key|secret[_-]?key|access[_-]?key|private[_-]?key"
    r"|(?:user|network)data(?:base64)?"
)
# A value in escaped quotes (JSON within JSON), in quotes, or up to where the next thing begins.
_VALUE = r"""\\+"[^"\n]*"|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s,;&"'}\]]+"""
_RULES = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        (
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)",
            re.DOTALL,
            REDACTED,
        ),
        # The guest's first boot: to the end of the line where its line ends are escaped, else to the end of the text.
        (r"#cloud-(?:config|boothook)(?:\\+n[^\n]*|.*\Z)", re.DOTALL, REDACTED),
        (r"\bI2Nsb3VkL[A-Za-z0-9+/_-]*={0,2}", 0, REDACTED),
        (r"\b((?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE, rf"\1{REDACTED}"),
        (rf"((?:{_NAMES})[\\\"']*\s{{0,4}}[:=]\s{{0,4}})(?:{_VALUE})", re.IGNORECASE, rf"\1{REDACTED}"),
        (rf"(--?(?:{_NAMES})\s{{1,4}})(?:{_VALUE})", re.IGNORECASE, rf"\1{REDACTED}"),
        (r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}", 0, REDACTED),
        (r"\bsha256~[A-Za-z0-9_-]+", 0, REDACTED),
        (
            r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3}|sk-[a-z0-9@.-]{1,60})\s+AAAA[A-Za-z0-9+/=]+",
            0,
            REDACTED,
        ),
        (r"\$(?:1|2[aby]|5|6|y|gy)\$[A-Za-z0-9./=,$]+", 0, REDACTED),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", 0, REDACTED),
        (r"(://[^\s/:@]{0,100}:)[^\s/@]{1,200}(?=@)", 0, rf"\1{REDACTED}"),
    )
)
_ACCOUNT = re.compile(r"(system:serviceaccount:[a-z0-9-]{1,63}:)[a-z0-9.-]{1,253}")


def redact_text(text: str, /, *, accounts: bool = False) -> str:
    """`text` with each credential replaced; with `accounts` the names of service accounts too."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _ACCOUNT.sub(rf"\1{REDACTED}", text) if accounts else text
