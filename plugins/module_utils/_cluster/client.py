# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server as a few calls: read one object, a list, a Table, or many objects at once; write one object.

This module is private to the collection and may change without notice.

Paths are fixed ones (see `paths`), results plain data, errors those of `errors`. Nothing here knows of migrations.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.answer import (
    Table,
    changes_in,
    continue_token,
    json_object,
    list_items,
    resource_version,
    table_page,
    warning_texts,
    without_managed_fields,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    BadRequest,
    ClusterError,
    ConfigError,
    Gone,
    NotFound,
    ResourceMissing,
    TableUnsupported,
    Unauthorized,
    Unreachable,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import ConnectionSettings
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.retry import (
    ATTEMPTS,
    is_retried,
    pause_seconds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.session import (
    PARALLEL_CONNECTIONS,
    Answer,
    Session,
    Transport,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import (
    Query,
    Request,
    Write,
    Written,
    encoded,
    in_doubt,
    request_for,
)

__all__ = ["Client", "Table", "connect"]

T = TypeVar("T")
Rows = list[Any]
Columns = list[str]
Objects = list[dict[str, Any]]
Outcome: TypeAlias = "dict[str, Any] | ClusterError"
# Outside of the class, whose own `list` hides the type.
Changes: TypeAlias = "list[tuple[str, dict[str, Any]]]"
Listings: TypeAlias = "list[Objects | ClusterError]"

# Logs are refused (406) to who takes nothing but text, though they are text.
_TEXT: Final = "text/plain, */*"
_JSON: Final = "application/json"
_TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io"
_METADATA: Final = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_PAGED_READINGS: Final = 3
_MOST_CHANGES_BYTES: Final = 64 * 2**20
_SHORTEST_SECONDS: Final = 0.1


def connect(settings: ConnectionSettings, *, clock: Clock | None = None) -> Client:
    """A client for `settings`. Loads credentials and makes no request; raises ConfigError where they cannot be used."""
    return Client(Session(settings), clock=clock or Clock(), request_timeout=settings.request_timeout)


class Client:
    """Reads and writes over one transport; threads may share it. A request with all of its repetitions ends within
    `request_timeout`.

    `warnings` are sentences for the user, `server` the address that messages name.
    """

    def __init__(self, transport: Transport, *, clock: Clock, request_timeout: float) -> None:
        self._transport = transport
        self._clock = clock
        self._request_timeout = request_timeout
        self._lock = threading.Lock()
        self._renewal = threading.Lock()
        self._renewals = 0
        self._requests = 0
        self._server_time: datetime | None = None
        self.server = transport.server
        self.warnings: list[str] = list(transport.warnings)

    @property
    def requests(self) -> int:
        """The number of requests sent so far, repeated ones too."""
        return self._requests

    @property
    def server_time(self) -> datetime | None:
        """The Date header of the newest answer as an aware UTC datetime; None where no answer has had one."""
        return self._server_time

    def close(self) -> None:
        """End all connections. The client is not used after that."""
        self._transport.close()

    def get(self, path: str, *, query: Query | None = None) -> dict[str, Any]:
        """One object without managedFields, or whatever JSON object the path gives. Raises the errors of `errors`."""
        return without_managed_fields(self._read(path, query=query, accept=_JSON))

    def write(self, write: Write, /, *, dry_run: bool = False) -> Written:
        """Carry out one change, or with `dry_run` let the server check it with all of its admission and store nothing.

        Repeated only where that is safe, see `writing`. Where an answer was lost and the change may have been made all
        the same, the error says so (`is_uncertain`).
        """
        try:
            found, answer = self._exchange(request_for(write, dry_run=dry_run))
        except NotFound as error:
            if write.verb == "delete" and error.is_uncertain and not isinstance(error, ResourceMissing):
                # An earlier try of this very delete found it, or else somebody made it go: it is gone.
                return Written({})
            raise
        return Written(without_managed_fields(found), warning_texts(answer.headers.get("warning", "")))

    def list(self, path: str, *, query: Query | None = None, limit: int = 500) -> Objects:
        """All objects of a collection, read in pages of `limit`; each has apiVersion and kind, none managedFields.

        Always all of them or an error: where the list changed too much between two pages (410) it is read from the
        start again, at most three times in all, then Gone is raised.
        """
        asked = {"limit": limit, **(query or {})}
        return self._collect(path, query=asked, accept=_JSON, take=lambda page: list_items(page, path=path))

    def first_page(self, path: str, *, limit: int) -> tuple[Objects, bool]:
        """At most `limit` objects of a collection, and whether there are no more."""
        page = self._read(path, query={"limit": limit}, accept=_JSON)
        return list_items(page, path=path), not continue_token(page)

    def pages(self, path: str, *, limit: int = 500) -> Iterator[tuple[Objects, str]]:
        """Each page of a collection as it comes, for those that keep little of it, with the list's resourceVersion.

        Raises Gone where the list changed too much between two pages: what came before is no list then.
        """
        for page in self._pages(path, query={"limit": limit}, accept=_JSON):
            yield list_items(page, path=path), resource_version(page)

    def watch(self, path: str, *, since: str, seconds: int) -> Changes:
        """What changed in a collection after the resourceVersion `since`, once `seconds` are over (less than
        request_timeout). All of it or an error, so that the same version may be asked for again.

        Raises Gone where the server does not know that version any more: list anew.
        """
        asked = {"watch": "1", "resourceVersion": since, "timeoutSeconds": seconds, "allowWatchBookmarks": "true"}
        # Not compressed: what is bounded is then what was sent.
        headers = {"Accept": _JSON, "Accept-Encoding": "identity"}
        request = Request("GET", path, query=encoded(asked), headers=headers, longest=_MOST_CHANGES_BYTES)
        _none, answer = self._exchange(request)
        return changes_in(answer.body, path=path)

    def metadata(self, path: str, *, limit: int = 500) -> Objects:
        """The metadata of all objects of a collection and nothing else of them; all of it or an error, as `list`."""
        return self._collect(
            path, query={"limit": limit}, accept=_METADATA, take=lambda page: list_items(page, path=path)
        )

    def table(self, path: str, *, query: Query | None = None) -> Table:
        """The Table form of a collection, without the objects: far cheaper than `list`. One reply, or pages of `limit`.

        The columns are the resource's printer columns, of which a CRD may have any: look them up by name. Raises
        TableUnsupported where the server does not know the form; `list` reads the same objects then.
        """
        columns: Columns = []

        def take(page: dict[str, Any]) -> Rows:
            found = table_page(page, path=path)
            columns[:] = found.columns
            return found.rows

        asked = {"includeObject": "None", **(query or {})}
        refusal: BadRequest | None = None
        try:
            return Table(columns=columns, rows=self._collect(path, query=asked, accept=_TABLE, take=take))
        except BadRequest as exc:
            if exc.status != 406:
                raise
            refusal = exc
        message = f"GET {clean(path)}: the server refuses the Table form of this list."
        raise TableUnsupported(message, method="GET", path=path, status=406, reason=refusal.reason)

    def get_many(self, paths: Iterable[str], *, parallel: int = PARALLEL_CONNECTIONS) -> dict[str, Outcome]:
        """Each path with its object, or with the error that reading it gave. At most `parallel` (of 8) at a time.

        Where the server cannot be reached at all, or does not know the user, the paths not yet tried get that same
        error at once: waiting request_timeout for each of them would tell nothing new.
        """
        wanted = [*dict.fromkeys(paths)]
        answers = _at_once([(path, partial(self.get, path)) for path in wanted], parallel=parallel)
        return dict(zip(wanted, answers, strict=True))

    def get_texts(self, paths: Iterable[str], *, longest: int) -> dict[str, str | ClusterError]:
        """The same for paths that answer with text, such as a pod's metrics: of at most `longest` bytes each."""
        wanted = [*dict.fromkeys(paths)]
        reads = [(path, partial(self._text, path, longest=longest)) for path in wanted]
        return dict(zip(wanted, _at_once(reads, parallel=PARALLEL_CONNECTIONS), strict=True))

    def _text(self, path: str, *, longest: int) -> str:
        # Not compressed: what is bounded is then what was sent.
        headers = {"Accept": _TEXT, "Accept-Encoding": "identity"}
        _none, answer = self._exchange(Request("GET", path, headers=headers, longest=longest))
        return answer.body.decode("utf-8", "replace")

    def list_many(self, path: str, *, queries: Sequence[Query], parallel: int = PARALLEL_CONNECTIONS) -> Listings:
        """The collection once for each of `queries`, all of its pages, or the error that reading it gave; as
        :meth:`get_many` does."""
        return _at_once([(path, partial(self.list, path, query=query)) for query in queries], parallel=parallel)

    def _collect(self, path: str, *, query: Query, accept: str, take: Callable[[dict[str, Any]], Rows]) -> Rows:
        """What `take` finds on all pages. A 410 in between starts over: pages of two states of a list are no list."""

        def read_all() -> Rows:
            return [one for page in self._pages(path, query=query, accept=accept) for one in take(page)]

        for _reading in range(_PAGED_READINGS - 1):
            with contextlib.suppress(Gone):
                return read_all()
        return read_all()

    def _pages(self, path: str, *, query: Query, accept: str) -> Iterator[dict[str, Any]]:
        tokens: set[str] = set()
        asked = dict(query)
        while True:
            page = self._read(path, query=asked, accept=accept)
            yield page
            token = continue_token(page)
            if not token:
                return
            if token in tokens:
                message = f"GET {clean(path)} gave the same page twice, so the list would never end."
                raise BadAnswer(message, method="GET", path=path, status=200)
            tokens.add(token)
            # The token names the state of the list; the server refuses another one beside it.
            asked = {name: value for name, value in query.items() if not name.startswith("resourceVersion")}
            asked["continue"] = token

    def _read(self, path: str, *, query: Query | None, accept: str) -> dict[str, Any]:
        """The JSON object that one GET gives."""
        found, _answer = self._exchange(Request("GET", path, query=encoded(query or {}), headers={"Accept": accept}))
        return found

    def _exchange(self, request: Request) -> tuple[dict[str, Any], Answer]:
        """One request, repeated as `retry` says and once after 401 with renewed credentials, within request_timeout."""
        ends_at = self._clock.monotonic() + self._request_timeout
        has_renewed = is_doubtful = False
        attempt = 0
        while True:
            attempt += 1
            renewals = self._renewals
            seconds = max(_SHORTEST_SECONDS, ends_at - self._clock.monotonic())
            outcome, retry_after = self._ask(request, seconds=seconds)
            if not isinstance(outcome, ClusterError):
                return outcome
            if isinstance(outcome, Unauthorized) and not has_renewed and self._renew(since=renewals):
                has_renewed = True
                continue
            is_doubtful = is_doubtful or request.leaves_doubt(outcome)
            pause = pause_seconds(attempt=attempt, retry_after=retry_after)
            is_last = attempt >= ATTEMPTS or self._clock.monotonic() + pause >= ends_at
            if is_last or not is_retried(outcome, is_safe=request.is_safe):
                raise in_doubt(outcome) if is_doubtful else outcome
            self._clock.sleep(pause)

    def _ask(
        self, request: Request, *, seconds: float
    ) -> tuple[tuple[dict[str, Any], Answer] | ClusterError, str | None]:
        """One request: the object with its answer or the error, and the answer's Retry-After."""
        with self._lock:
            self._requests += 1
        method, path = request.method, request.path
        try:
            answer = self._transport.send(
                method,
                path=path,
                query=request.query,
                headers=request.headers,
                seconds=seconds,
                body=request.body,
                longest=request.longest,
            )
            self._note_time(answer)
            if 200 <= answer.status < 300 and request.may_be_empty and not answer.body:
                return ({}, answer), None
            if 200 <= answer.status < 300:
                return (_object_in(answer, request), answer), None
        except ClusterError as exc:
            return exc, None
        error = error_from_status(
            answer.status,
            method=method,
            path=path,
            body=answer.body,
            reason=answer.reason,
            secrets=self._transport.secrets,
        )
        return error, answer.headers.get("retry-after")

    def _renew(self, *, since: int) -> bool:
        """Whether there are other credentials than those of renewal `since`, which another thread may have loaded."""
        with self._renewal:
            if self._renewals == since and self._transport.renew():
                self._renewals += 1
            return self._renewals != since

    def _note_time(self, answer: Answer) -> None:
        try:
            moment = parsedate_to_datetime(answer.headers.get("date", ""))
        except (TypeError, ValueError):
            return
        with self._lock:
            self._server_time = (
                moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
            )


def _at_once(reads: Sequence[tuple[str, Callable[[], T]]], *, parallel: int) -> list[T | ClusterError]:
    """What each of `reads` (path, read) gives, in their order, at most `parallel` at a time."""
    batch = _Batch()

    def answer(one: tuple[str, Callable[[], T]]) -> T | ClusterError:
        path, read = one
        if batch.hopeless is not None:
            return _same_error(batch.hopeless, path=path)
        try:
            found = read()
        except ClusterError as exc:
            return batch.note_error(exc)
        batch.has_answer = True
        return found

    workers = max(1, min(parallel, PARALLEL_CONNECTIONS, len(reads)))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(answer, reads))


class _Batch:
    """What requests that are sent at once have seen together."""

    def __init__(self) -> None:
        self.hopeless: ClusterError | None = None
        self.has_answer = False

    def note_error(self, error: ClusterError) -> ClusterError:
        if isinstance(error, (ConfigError, Unauthorized)) or (isinstance(error, Unreachable) and not self.has_answer):
            self.hopeless = error
        elif error.status:
            self.has_answer = True
        return error


def _object_in(answer: Answer, request: Request, /) -> dict[str, Any]:
    """The JSON object of an answer; none where text was asked for."""
    if request.longest is not None:
        return {}
    content_type = answer.headers.get("content-type", "")
    return json_object(answer.body, path=request.path, content_type=content_type, method=request.method)


def _same_error(error: ClusterError, *, path: str) -> ClusterError:
    other = copy.copy(error)
    other.path = path
    return other
