# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of a report, taken apart: its elements, its texts, its headings, and what of it could run."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

__all__ = ["VOID", "Page", "without_own_script"]

VOID = {"meta", "br", "hr", "img", "link", "input"}
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Page(HTMLParser):
    """The elements of a page in their order, and whether each was closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        # Such are apart on a screen and in the ear.
        self.texts.extend([" "] if tag in ("td", "th", "dt", "dd", "br") else [])
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            return
        self.texts.append(data)
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)

    def names(self) -> set[str]:
        return {tag for tag, _attributes in self.tags}

    def attribute_names(self) -> set[str]:
        return {name for _tag, given in self.tags for name in given}

    def attributes(self, name: str) -> list[str]:
        """All values of that attribute."""
        return [str(given[name]) for _tag, given in self.tags if name in given]

    @property
    def text(self) -> str:
        """What a reader sees, runs of blanks as one."""
        return " ".join("".join(self.texts).split())


def without_own_script(text: str) -> str:
    """The page without the one script that its own policy lets run; there must be just that one."""
    (script,) = _SCRIPT.findall(text)
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text
    return _SCRIPT.sub("", text)
