# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture in the place of an API server: the same questions, answered from files.

This module is private to the collection and may change without notice.

Reading, judging and explaining do not know that they look at files. What a capture does not hold is refused as the API
server refuses what the user may not see, with a rule that says so.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import unquote

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.answer import Table
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadRequest,
    ClusterError,
    Forbidden,
    NotFound,
    ResourceMissing,
    TableUnsupported,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.session import Answer
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Query, Write, Written
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.asked import (
    parse_fields,
    parse_labels,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.captured import Asked, Captured
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule, rule_from_path
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS, Kind

__all__ = ["CaptureClient", "NotCaptured", "asked_of", "named_in"]

Objects = list[dict[str, Any]]
_KINDS = frozenset(KINDS.values())


class NotCaptured(Forbidden):
    """Files of a capture stand for the cluster, and do not hold this. `rule` is what was asked; no right would help."""


class CaptureClient(Client):
    """Answers from `captured`; what it was made from is called `src` in messages. Nothing is sent to anybody."""

    def __init__(self, captured: Captured, *, src: str) -> None:
        super().__init__(_Nowhere(src), clock=Clock(), request_timeout=0.0)
        self.captured = captured
        self.warnings = list(captured.notes)

    @property
    def requests(self) -> int:
        """None are made."""
        return 0

    @property
    def server_time(self) -> datetime | None:
        """The time of the capture."""
        return self.captured.read_at

    def get(self, path: str, *, query: Query | None = None) -> dict[str, Any]:
        """As `Client.get`."""
        named = named_in(path)
        if named is None:
            _refuse(path, Rule("get", "", path.partition("?")[0], is_uncaptured=True))
        kind, namespace, name = named
        found = self.captured.one(kind, namespace=namespace, name=name)
        if found is None:
            raise _not_found(path, is_resource=self.captured.lacks(kind))
        return copy.deepcopy(dict(found)) if not isinstance(found, Rule) else _refuse(path, found)

    def list(self, path: str, *, query: Query | None = None, limit: int = 500) -> Objects:
        """As `Client.list`."""
        asked = asked_of(path, query=query)
        if asked is None:
            _refuse(path, Rule(**{**vars(rule_from_path(path)), "is_uncaptured": True}))
        found = self.captured.many(asked)
        if isinstance(found, Rule):
            _refuse(path, found)
        if self.captured.lacks(asked.kind):
            raise _not_found(path, is_resource=True)
        return [copy.deepcopy(dict(obj)) for obj in found]

    def first_page(self, path: str, *, limit: int) -> tuple[Objects, bool]:
        """As `Client.first_page`: there is one page."""
        return self.list(path), True

    def pages(self, path: str, *, limit: int = 500) -> Iterator[tuple[Objects, str]]:
        """As `Client.pages`: there is one."""
        yield self.list(path), ""

    def metadata(self, path: str, *, limit: int = 500) -> Objects:
        """As `Client.metadata`."""
        return self.list(path)

    def table(self, path: str, *, query: Query | None = None) -> Table:
        """There is none: the objects themselves are at hand."""
        raise TableUnsupported(f"{path}: a capture has no Table form.", method="GET", path=path)

    def get_texts(self, paths: Iterable[str], *, longest: int) -> dict[str, str | ClusterError]:
        """As `Client.get_texts`: no text is at hand."""
        return {path: _uncaptured(path, rule_from_path(path)) for path in paths}

    def write(self, write: Write, /, *, dry_run: bool = False) -> Written:
        """Nothing can be changed in files of the past."""
        raise BadRequest(f"{write.path}: a capture cannot be changed.", method="GET", path=write.path, status=405)


def named_in(path: str, /) -> tuple[Kind, str, str] | None:
    """Kind, namespace and name of an object's path; None for any other, and for kinds that no capture holds."""
    kind, namespace, rest = _parts(path)
    return (kind, namespace, rest[0]) if kind is not None and len(rest) == 1 else None


def asked_of(path: str, /, *, query: Query | None) -> Asked | None:
    """What a list asks for; None where the path is none of a kind that captures hold, or a selector is not known."""
    kind, namespace, rest = _parts(path)
    if kind is None or rest:
        return None
    given = query or {}
    try:
        labels = parse_labels(str(given.get("labelSelector") or ""))
        fields = parse_fields(str(given.get("fieldSelector") or ""))
    except ValueError:
        return None
    return Asked(kind, namespace, labels, fields)


def _parts(path: str) -> tuple[Kind | None, str, list[str]]:
    """Kind, namespace, and what follows the plural."""
    steps = [unquote(step) for step in path.partition("?")[0].split("/") if step]
    group, rest = ("", steps[2:]) if steps[:1] == ["api"] else ("".join(steps[1:2]), steps[3:])
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) >= 3:
        namespace, rest = rest[1], rest[2:]
    kind = Kind(group, rest[0]) if rest else None
    return (kind if kind in _KINDS else None), namespace, rest[1:]


def _refuse(path: str, rule: Rule) -> NoReturn:
    if rule.is_uncaptured:
        raise _uncaptured(path, rule)
    error = Forbidden(f"GET {path}: this was refused to whoever took the capture.", method="GET", path=path, status=403)
    error.rule = rule
    raise error


def _uncaptured(path: str, rule: Rule) -> NotCaptured:
    error = NotCaptured(f"GET {path}: the capture does not hold this.", method="GET", path=path, status=403)
    error.rule = Rule(rule.verb, rule.group, rule.resource, rule.namespace, is_uncaptured=True)
    return error


def _not_found(path: str, *, is_resource: bool) -> NotFound:
    kind = ResourceMissing if is_resource else NotFound
    return kind(f"GET {path}: not there when the capture was taken.", method="GET", path=path, status=404)


class _Nowhere:
    """The transport of a client that sends nothing."""

    def __init__(self, src: str) -> None:
        self.server = src
        self.warnings: list[str] = []
        self.secrets: frozenset[str] = frozenset()

    def send(self, method: str, *, path: str, **_rest: Any) -> Answer:
        """Every question is answered before it comes here."""
        raise _uncaptured(path, rule_from_path(path, method=method))

    def renew(self) -> bool:
        """There are no credentials."""
        return False

    def close(self) -> None:
        """There is no connection."""
