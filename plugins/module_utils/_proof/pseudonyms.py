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
# Names of KubeVirt's own parts, which stay whole wherever they stand, also where a VM is called as a part of them.
_OWN: Final = (
    *("virt-launcher", "virt-handler", "virt-controller", "virt-api", "virt-operator", "kubevirt", "kube-system"),
    *("kubevirt-migrate-vm", "kubevirt-evacuation", "kubevirt-workload-update"),
)
# Maps whose keys anybody makes up: of those only the keys of Kubernetes and KubeVirt are words of the API.
_MADE_UP: Final = frozenset(
    {
        *("labels", "annotations", "matchLabels", "nodeSelector", "podSelector", "data"),
        *("namespaceSelector", "virtualMachineInstanceSelector"),
    }
)
_DOMAINS: Final = ("kubevirt.io", "kubernetes.io", "k8s.io", "openshift.io")
# Fields that hold a name of a VM, a node or a namespace, alone or within another one.
_FIELDS: Final = frozenset(
    {
        *("namespace", "namespaces", "vm", "vms", "vmi", "vmiName", "domain", "domainName", "generateName", "title"),
        *("node", "nodes", "nodeName", "sourceNode", "targetNode", "source_node", "target_node", "evacuationNodeName"),
        *("sourcePod", "targetPod", "target_pod", "pod", "hostname", "subdomain", "host", "address", "migrations"),
        *("waiting", "holding", "kubevirt.io/nodeName", "kubevirt.io/domain", "kubevirt.io/migrationTargetNodeName"),
        *("kubevirt.io/vmi-name", "kubevirt.io/vm", "vm.kubevirt.io/name", "vmi.kubevirt.io/id"),
        *("kubernetes.io/hostname", "kubernetes.io/metadata.name", "kubevirt.io/evacuationMigration", "args"),
    }
)
# The same of a field `name` or `value`, by what it stands in.
_NAMED: Final = frozenset(
    {
        *("metadata", "involvedObject", "ownerReferences", "claimRef", "migrations", "nodes", "previous", "absent"),
        *("refused", "correlations", "migration_now"),
    }
)
# Maps from or to names.
_MAPS: Final = frozenset({"activePods", "runbook"})
_SELECTORS: Final = frozenset({"labels", "fields"})
_SELECTED = re.compile(rf"(?<=[=(,]){_RUN.pattern}(?![\w./-]*\s?(?:=|!|in\b|notin\b))")
# What a name follows in a text. A word that is also a name cannot be told from a word elsewhere.
_BEFORE = (
    r"\b(?:namespaces?|nodes?|vmis?|vms?|pods?|domain|virtualmachine(?:instance)?(?:migration)?s?(?:\.kubevirt\.io)?)"
    r"[/=:\s]{1,2}[\\\"']{0,4}|\\*[\"'](?:name|namespace|node(?:Name)?|vmi?|vmiName|host(?:name)?|domain)\\*[\"']\s?:\s?\\*[\"']"
)
_CONTEXT = re.compile(rf"({_BEFORE})({_RUN.pattern})", re.IGNORECASE)
_LAUNCHER = re.compile(rf"(?<![A-Za-z0-9.-])virt-launcher-{_RUN.pattern}")


def words_of_keys(values: Iterable[Any], /) -> frozenset[str]:
    """The words in the keys of objects: a name that is one of them cannot be told from a field."""
    return frozenset(word for value in values for key in _keys(value) for word in _words(key))


def _keys(value: Any) -> Iterator[str]:
    waiting = [("", value)]
    while waiting:
        parent, one = waiting.pop()
        if isinstance(one, Mapping):
            yield from (str(key) for key in one if parent not in _MADE_UP or _is_known(str(key)))
            waiting += [(str(key), inner) for key, inner in one.items()]
        elif isinstance(one, (list, tuple)):
            waiting += [(parent, inner) for inner in one]


def _is_known(key: str) -> bool:
    domain = key.partition("/")[0]
    return any(domain == one or domain.endswith(f".{one}") for one in _DOMAINS)


def _words(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        yield run
        yield from _SEPARATORS.split(run)


class Pseudonyms:
    """Replaces `names` (name -> vm, node or namespace) by pseudonyms that `key` makes.

    A name that is a word of the API, or has no letter, is replaced where a field or a text says that it is a name.
    `kept` are names of KubeVirt's own parts, which stay. `table` is pseudonym -> name.
    """

    def __init__(self, names: Mapping[str, str], *, key: bytes, words: Collection[str] = ()) -> None:
        self.kept = tuple(sorted(name for name in names if name in _OWN))
        new = {name: _pseudonym(name, kind, key) for name, kind in names.items() if name not in self.kept}
        self.table = {pseudonym: name for name, pseudonym in sorted(new.items())}
        # Logs and host names know a node by the first part of its name.
        short = {name.partition(".")[0]: pseudonym for name, pseudonym in new.items() if names[name] == "node"}
        every = {**short, **new}
        self._anywhere = _Table({name: pseudonym for name, pseudonym in every.items() if not _is_word(name, words)})
        self._as_name = _Table({**every, **{own: own for own in (*_OWN, *self.table)}})
        namespaces = sorted((name for name, kind in names.items() if kind == "namespace"), key=len, reverse=True)
        places = "|".join(map(re.escape, namespaces)) or r"(?!)"
        self._pair = re.compile(rf"(?<![A-Za-z0-9.-])({places})([/_])({_RUN.pattern})")
        self._has_words = any(_is_word(name, words) for name in every)

    def text(self, text: str, /) -> str:
        """`text` with each of the names replaced where it stands by itself or as a part of a longer name."""
        if self._has_words:
            text = _LAUNCHER.sub(lambda match: self._as_name.run(match[0]), text)
            text = self._pair.sub(self._paired, text)
            text = _CONTEXT.sub(lambda match: match[1] + self._as_name.run(match[2]), text)
        return self._anywhere.text(text)

    def apply(self, value: Any, /) -> Any:
        """The same for plain data, its keys too."""
        return self._applied(value, key="", parent="")

    def _applied(self, value: Any, *, key: str, parent: str) -> Any:
        if isinstance(value, str):
            return self._value(value, key=key, parent=parent)
        if isinstance(value, Mapping):
            return {
                self._key(str(one), parent=key): self._applied(inner, key=str(one), parent=key)
                for one, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._applied(one, key=key, parent=parent) for one in value]
        return value

    def _key(self, key: str, *, parent: str) -> str:
        is_name = parent in _MAPS or (parent in _MADE_UP and not _is_known(key))
        return (self._as_name if is_name else self._anywhere).text(key)

    def _value(self, text: str, *, key: str, parent: str) -> str:
        if not self._has_words:
            return self._anywhere.text(text)
        if key in _SELECTORS:
            text = _SELECTED.sub(lambda match: self._as_name.run(match[0]), text)
        return self._as_name.text(text) if _holds_name(key, parent) else self.text(text)

    def _paired(self, match: re.Match[str]) -> str:
        return f"{self._as_name.run(match[1])}{match[2]}{self._as_name.run(match[3])}"


def _holds_name(key: str, parent: str, /) -> bool:
    """Whether a field holds a name, alone or within another; labels, and what selects by them, may hold any."""
    return (
        key in _FIELDS
        or parent in _MAPS
        or (key in ("name", "value") and parent in _NAMED)
        or (parent in _MADE_UP and not _is_known(key))
        or (parent == "matchExpressions" and key in ("key", "values"))
    )


class _Table:
    """Names and what stands for them, looked up in runs of letters, digits, dots and dashes."""

    def __init__(self, new: Mapping[str, str]) -> None:
        self._new = new
        self._known: dict[str, str] = {}
        self._longest = max((len(_SEPARATORS.split(name)) for name in new), default=0)

    def text(self, text: str, /) -> str:
        return _RUN.sub(lambda match: self.run(match.group()), text) if self._new else text

    def run(self, run: str, /) -> str:
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


def _is_word(name: str, words: Collection[str]) -> bool:
    """Whether it cannot be told from a word or a figure; an IP address can."""
    is_figure = not any(char.isalpha() for char in name) and name.count(".") < 3
    return name in words or name in _WORDS or is_figure


def _pseudonym(name: str, kind: str, key: bytes) -> str:
    short = {"namespace": "ns"}.get(kind, kind)
    return f"{short}-{hashlib.blake2b(f'{kind}/{name}'.encode(), key=key, digest_size=_HASH_BYTES).hexdigest()}"
