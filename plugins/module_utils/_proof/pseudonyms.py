# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of VMs, nodes and namespaces replaced by others, each always by the same one as long as the key is the same.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

__all__ = ["Pseudonyms", "words_of_keys"]

_RUN = re.compile(r"[A-Za-z0-9]+(?:[-.]+[A-Za-z0-9]+)*")
_SEPARATORS = re.compile(r"([-.]+)")
# Parts of names and values that KubeVirt itself gives; a VM that is called so keeps its name, which tells nothing.
_WORDS: Final = frozenset(
    {
        *("virt", "launcher", "handler", "controller", "api", "operator", "compute", "kubevirt", "io", "kube"),
        *("virt-launcher", "virt-handler", "virt-controller", "virt-api", "default", "system", "node", "pod", "vm"),
        *("vmi", "true", "false", "running", "pending", "failed", "none", "live", "migration"),
    }
)
_HASH_BYTES: Final = 5


def words_of_keys(values: Iterable[Any], /) -> frozenset[str]:
    """The words in the keys of objects: a name that is one of them cannot be told from a field."""
    return frozenset(word for value in values for key in _keys(value) for word in _words(key))


def _keys(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            yield from map(str, one)
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one


def _words(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        yield run
        yield from _SEPARATORS.split(run)


class Pseudonyms:
    """Replaces `names` (name -> vm, node or namespace) by pseudonyms that `key` makes.

    `kept` are names that stay, as they are words of the API or have no letter. `table` is pseudonym -> name.
    """

    def __init__(self, names: Mapping[str, str], *, key: bytes, words: Collection[str] = ()) -> None:
        self.kept = tuple(sorted(name for name in names if _stays(name, words)))
        self._new = {name: _pseudonym(name, kind, key) for name, kind in names.items() if name not in self.kept}
        self.table = {new: name for name, new in sorted(self._new.items())}
        # Logs and host names know a node by the first part of its name.
        short = {name.partition(".")[0]: new for name, new in self._new.items() if names[name] == "node"}
        self._new = {**{name: new for name, new in short.items() if not _stays(name, words)}, **self._new}
        self._known: dict[str, str] = {}
        self._longest = max((len(_SEPARATORS.split(name)) for name in self._new), default=0)

    def text(self, text: str, /) -> str:
        """`text` with each of the names replaced where it stands by itself or as a part of a longer name."""
        return _RUN.sub(self._replaced, text) if self._new else text

    def apply(self, value: Any, /) -> Any:
        """The same for plain data, its keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.apply(one) for key, one in value.items()}
        return [self.apply(one) for one in value] if isinstance(value, (list, tuple)) else value

    def _replaced(self, match: re.Match[str]) -> str:
        run = match.group()
        found = self._known.get(run)
        if found is None:
            found = self._known[run] = self._new.get(run) or self._in_parts(run)
        return found

    def _in_parts(self, run: str) -> str:
        parts, found, place = _SEPARATORS.split(run), [], 0
        while place < len(parts):
            end = self._end(parts, place)
            found.append(self._new["".join(parts[place:end])] if end else parts[place])
            place = end or place + 1
        return "".join(found)

    def _end(self, parts: list[str], place: int) -> int:
        """Where the longest name ends that begins at this part; 0 for none."""
        last = min(len(parts), place + self._longest)
        return next((end for end in range(last, place, -1) if "".join(parts[place:end]) in self._new), 0)


def _stays(name: str, words: Collection[str]) -> bool:
    return name in words or name in _WORDS or not any(char.isalpha() for char in name)


def _pseudonym(name: str, kind: str, key: bytes) -> str:
    short = {"namespace": "ns"}.get(kind, kind)
    return f"{short}-{hashlib.blake2b(f'{kind}/{name}'.encode(), key=key, digest_size=_HASH_BYTES).hexdigest()}"
