# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free text (messages, log lines, annotations) without what looks like a credential.

This module is private to the collection and may change without notice.

A text names no fields, so this goes by form: it takes away rather too much than too little.
"""

from __future__ import annotations

import base64
import re

__all__ = ["REDACTED", "names_credential", "redact_text"]

REDACTED = "<redacted>"

# What a password is called; its value may have spaces, so that after a colon all of the line is one.
_PASSWORDS = (
    r"pass(?:wor[dt]|wd|phrase)s?|(?<![a-z])pass(?![a-z])|(?<![a-z])pwd(?![a-z])|kennwort|contrase\S{1,2}a|mot de passe"
    r"|chpasswd|rootpw|bind_?pw|(?:user|network)[_-]?data(?:base64)?"
)
_NAMES = (
    rf"{_PASSWORDS}|tokens?|secret|credentials?|passwordhash|keyring|(?<![a-z])psk(?![a-z])|bearer|authkey"
    r"|(?:api|auth|account|secret|access|private|shared|encryption|signing|master|client|storage)[_-]?key(?:[_-]data)?"
    r"|(?<![a-z])auth(?![a-z])|(?:out|err|input)-data|buf-b64"
)
# A value in escaped quotes (JSON within JSON), in quotes, or up to a space.
_VALUE = r"""(?P<q>\\+)"(?:(?!(?<!\\)(?P=q)")[^\n])*|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s"'}\]]+(?:'[^\s"'}\]]+)*"""
_PRIVATE_KEY = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_HEADERS = r"(?:authorization|(?:set-)?cookie|x-[a-z-]{0,40}(?:token|key|auth|secret))"
# In YAML: a block, or a value on the next line.
_BLOCK = (
    rf"^([ \t]*)([^\n]{{0,200}}?(?:{_NAMES})[\"']?:[ \t]*(?:[|>][^\n]{{0,9}})?\n)"
    r"(?:\1[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n)+"
)
_RULES = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        (rf"-----BEGIN {_PRIVATE_KEY}.*?(?:-----END {_PRIVATE_KEY}|\Z)", re.DOTALL, REDACTED),
        # The end of a log may begin within a key.
        (rf"\A.*-----END {_PRIVATE_KEY}", re.DOTALL, REDACTED),
        # The guest's first boot: to the end of the line where its line ends are escaped, else to the end of the text.
        (r"(?:#cloud-(?:config|boothook)|\{\s{0,4}\\*\"ignition\\*\")(?:\\+n[^\n]*|.*\Z)", re.DOTALL, REDACTED),
        (r"\b(?:I2Nsb3VkL|H4sI)[A-Za-z0-9+/_-]*={0,2}", 0, REDACTED),
        # Copies of whole objects, and Go's way to print an environment.
        (r"(last-applied[\w-]{0,40}[\\\"']*\s{0,4}[:=]\s{0,4})[^\n]+", 0, rf"\1{REDACTED}"),
        (r"(EnvVar\{Name:[^,}\n]{0,253},Value:).*?(?=,ValueFrom|\}|\n|\Z)", 0, rf"\1{REDACTED}"),
        # Headers, to the end of the line or of the string.
        (
            rf"({_HEADERS}[\\\"']*\s{{0,4}}[:=]\s{{0,4}}[\\\"']*)[^\n\"'\\]+(?:\"[^\n]*)?",
            re.IGNORECASE,
            rf"\1{REDACTED}",
        ),
        (r"\b((?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE, rf"\1{REDACTED}"),
        (_BLOCK, re.IGNORECASE | re.MULTILINE, rf"\1\2\1  {REDACTED}\n"),
        (rf"((?:{_PASSWORDS})[\\\"']*\s{{0,4}}:\s{{0,4}})(?![\\\"'<\s])[^\n\"'}}]+", re.IGNORECASE, rf"\1{REDACTED}"),
        (rf"((?:{_NAMES})[\\\"']*\s{{0,4}}[:=]\s{{0,4}})(?:{_VALUE})", re.IGNORECASE, rf"\1{REDACTED}"),
        (rf"(--?(?:{_NAMES})(?:\s{{1,4}}|[\\\"']+,\s{{0,4}}))(?:{_VALUE})", re.IGNORECASE, rf"\1{REDACTED}"),
        (
            r"\b((?:passwor[dt]|passwd|passphrase|rootpw|psk|bindpw)\s{1,4}(?:is\s|to\s|--\w{1,20}\s)?\s{0,4})[^\s<:=]\S*",
            re.IGNORECASE,
            rf"\1{REDACTED}",
        ),
        # XML, such as libvirt's and an answer file of Windows.
        (
            r"<((?:\w{0,40}:)?\w{0,40}(?:password|passwd|secret|token|credential)\w{0,40})\b([^>\n]{0,200})>.*?(?:</\1>|\Z)",
            re.DOTALL | re.IGNORECASE,
            rf"<\1\2>{REDACTED}</\1>",
        ),
        # Short options and pipes of programs that are known for them.
        (r"\b((?:mysql\w{0,9}|sshpass|user(?:add|mod)|login)\b[^\n|;]{0,200}?\s-p\s?)[^\s\"'\\]+", 0, rf"\1{REDACTED}"),
        (r"(\s(?:-u|--user)[\s=]{1,4}[\"']?[^\s:\"']{1,100}:)[^\s\"'\\]+", 0, rf"\1{REDACTED}"),
        (r"(?<!\S)\S{1,200}(\s{0,4}\|\s{0,4}chpasswd)", 0, rf"{REDACTED}\1"),
        (r"\beyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){1,4}", 0, REDACTED),
        (r"\bsha256~[A-Za-z0-9_-]+", 0, REDACTED),
        (
            r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3}|sk-[a-z0-9@.-]{1,60})\s+AAAA[A-Za-z0-9+/=]+",
            0,
            REDACTED,
        ),
        (r"\$(?:1|2[abxy]|5|6|7|y|gy|apr1|argon2\w{1,2}|scrypt|pbkdf2[\w-]{0,20})\$[^\s\"':\\]+", 0, REDACTED),
        # Tokens that are known by how they begin, or by their form (Kubernetes' bootstrap tokens, Ceph's keys).
        (r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AIza|ya29\.|hvs\.|npm_|sk_live_)[\w.-]{8,}", 0, REDACTED),
        (r"(?<![\w.-])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.-])", 0, REDACTED),
        (r"\bAQ[A-Za-z0-9+/]{12,}==", 0, REDACTED),
        (r"(\[client\.[^\]\n]{0,100}\]\s{0,4}key\s{0,4}=\s{0,4})\S+", 0, rf"\1{REDACTED}"),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", 0, REDACTED),
        (r"(io\.systemd\.credential[\w.:-]{0,200}=)[^\s,\"']+", 0, rf"\1{REDACTED}"),
        (r"([?&;](?:sig|x-amz-\w{0,20}|x-goog-\w{0,20})=)[^\s&\"']+", re.IGNORECASE, rf"\1{REDACTED}"),
        (r"(\bx-amz-(?:signature|credential|security-token)=)[^\s&\"']+", re.IGNORECASE, rf"\1{REDACTED}"),
        (r"(://[^\s/:@]{0,100}:)[^\s/]{1,200}(?=@)", 0, rf"\1{REDACTED}"),
        (r"(://)[^\s/:@<]{1,200}(?=@)", 0, rf"\1{REDACTED}"),
    )
)
# Long enough to be told from a word; of what is decoded only text is looked at.
_CODED = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/]{16,}={0,2}(?![A-Za-z0-9+/_=-])")
_ACCOUNT = re.compile(r"(system:serviceaccount:[a-z0-9-]{1,63}:)[a-z0-9.-]{1,253}")


def redact_text(text: str, /, *, accounts: bool = False) -> str:
    """`text` with each credential replaced; with `accounts` the names of service accounts too."""
    text = _CODED.sub(_decoded, text)
    return _plain(text, accounts=accounts)


def _plain(text: str, *, accounts: bool) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _ACCOUNT.sub(rf"\1{REDACTED}", text) if accounts else text


def _decoded(match: re.Match[str]) -> str:
    """What stands there, or that it is confidential: where it is text in base64 in which something would go."""
    coded = match.group()
    try:
        inner = base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-8")
    except ValueError:
        return coded
    return REDACTED if _plain(inner, accounts=False) != inner else coded


def names_credential(key: str, /) -> bool:
    """Whether a key is what credentials are called."""
    return _plain(f"{key}: x", accounts=False).endswith(REDACTED)
