# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request as it goes out, and writes as such requests: what is sent, and what may be sent twice.

This module is private to the collection and may change without notice.

========  =======================================  ==========================================================
verb      what is sent                             repeated after a lost answer
========  =======================================  ==========================================================
create    POST of the object                       only where `is_harmless` (nothing is stored, or once is as twice)
patch     PATCH, JSON patch (a list)               with a `test` operation: done twice, the second finds it failed
merge     PATCH, JSON merge patch (an object)      with metadata.resourceVersion in it, as above
apply     PATCH, server-side apply (an object)     always: done twice it is as done once
delete    DELETE of the object with this UID       always: the second finds nothing (404, taken as done) or another UID
call      PUT to a subresource of virt-api         only where `is_harmless`
========  =======================================  ==========================================================

KubeVirt's subresources answer 406 unless any type is accepted, with nothing in the body where all went well, and take
dryRun in the body alone.

A dry run stores nothing and is always repeated. What is not repeated is repeated all the same after 401 (once, with
renewed credentials) and 429, which the server sends before it looks at the request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadAnswer,
    ClusterError,
    ConnectionLost,
    ServerFault,
    Timeout,
)

__all__ = ["FIELD_MANAGER", "VERBS", "Query", "Request", "Write", "Written", "encoded", "in_doubt", "request_for"]

Query = Mapping[str, Any]

# Who the API server notes as the owner of the fields that are written.
FIELD_MANAGER: Final = "kubevirt-ops-live-migration"
_JSON: Final = "application/json"
_ANY: Final = "application/json, */*"

# verb -> (method, content type)
VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "create": ("POST", _JSON),
    "patch": ("PATCH", "application/json-patch+json"),
    "merge": ("PATCH", "application/merge-patch+json"),
    "apply": ("PATCH", "application/apply-patch+yaml"),
    "delete": ("DELETE", _JSON),
    "call": ("PUT", _JSON),
}
# An admission webhook is asked before anything is stored (k8s.io/apiserver, pkg/admission/plugin/webhook/errors).
_NOTHING_STORED: Final = "failed calling webhook"
_IN_DOUBT: Final = "Whether it was done is not known: look at the object before trying again."


@dataclass(frozen=True)
class Write:
    """One change of one object. `path` is the object's, for create that of its collection.

    `uid` and `resource_version` are preconditions of a delete, which needs the first. `is_strict`: a field that the
    server does not know is an error (fieldValidation=Strict). `is_forced`: an apply takes fields from other managers.
    """

    verb: str
    path: str
    body: Any = None
    uid: str = ""
    resource_version: str = ""
    is_strict: bool = True
    is_forced: bool = False
    is_harmless: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice cannot do it twice; see the table above."""
        if self.verb == "patch":
            return any(isinstance(one, Mapping) and one.get("op") == "test" for one in self.body)
        if self.verb == "merge":
            return bool((self.body.get("metadata") or {}).get("resourceVersion"))
        return self.verb in ("apply", "delete") or self.is_harmless


@dataclass(frozen=True)
class Written:
    """The server's answer to a write: the object, or the Status of a delete (empty where it was gone already), and what
    it warns of."""

    obj: dict[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One HTTP request. `query` is encoded; `is_safe`: it may be sent again whatever became of it.

    `longest`: the answer is text of at most so many bytes; None: it is a JSON object. `may_be_empty`: a good answer
    need not hold an object.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    is_safe: bool = True
    is_write: bool = False
    may_be_empty: bool = False
    longest: int | None = None

    def leaves_doubt(self, error: ClusterError) -> bool:
        """Whether the request may have been carried out although it ended with `error`."""
        if not self.is_write:
            return False
        if isinstance(error, ServerFault):
            return _NOTHING_STORED not in error.reason
        return isinstance(error, (ConnectionLost, Timeout, BadAnswer))


def request_for(write: Write, /, *, dry_run: bool) -> Request:
    """The request that carries out `write`. Raises ValueError for a delete without a UID or an unknown verb."""
    if write.verb not in VERBS:
        raise ValueError(f"{write.verb!r} is no way to write")
    method, content_type = VERBS[write.verb]
    return Request(
        method=method,
        path=write.path,
        query=encoded(_query(write, dry_run=dry_run)),
        headers={"Accept": _ANY if write.verb == "call" else _JSON, "Content-Type": content_type},
        body=json.dumps(_body(write, dry_run=dry_run)).encode(),
        is_safe=dry_run or write.is_repeatable,
        is_write=not dry_run and not write.is_harmless,
        may_be_empty=write.verb == "call",
    )


def _query(write: Write, *, dry_run: bool) -> Query:
    if write.verb in ("delete", "call"):
        # With a body, the server reads the options from it and none from the query.
        return {}
    return {
        "fieldManager": FIELD_MANAGER,
        "fieldValidation": "Strict" if write.is_strict else None,
        "force": True if write.verb == "apply" and write.is_forced else None,
        "dryRun": "All" if dry_run else None,
    }


def _body(write: Write, *, dry_run: bool) -> Any:
    if write.verb == "call":
        return {**write.body, "dryRun": ["All"]} if dry_run else write.body
    if write.verb != "delete":
        return write.body
    if not write.uid:
        raise ValueError(f"a delete of {write.path} names no UID")
    preconditions = {"uid": write.uid, "resourceVersion": write.resource_version}
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {name: value for name, value in preconditions.items() if value},
        **({"dryRun": ["All"]} if dry_run else {}),
    }


def in_doubt(error: ClusterError) -> ClusterError:
    """The same error, saying that what it ended may have been done."""
    error.is_uncertain = True
    if _IN_DOUBT not in error.remedy:
        error.remedy = f"{error.remedy} {_IN_DOUBT}".strip()
    return error


def encoded(query: Query) -> str:
    """The query as in a URL; None leaves a parameter out, booleans are written as Go reads them."""
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
    return urlencode({name: value for name, value in texts.items() if value is not None})
