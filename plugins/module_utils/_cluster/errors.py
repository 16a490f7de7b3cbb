# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between a module and the API server, in our own words.

This module is private to the collection and may change without notice.

::

    ClusterError
    ├── ConfigError            the options or the kubeconfig cannot be used; nothing was sent
    ├── Unreachable            no answer came
    │   ├── CertificateRefused     TLS: one side does not accept the other's certificate or key
    │   ├── ConnectionLost         the connection ended before the whole answer was there
    │   └── Timeout                request_timeout is over
    ├── BadAnswer              an answer that is not the API server's: no JSON, not the shape asked for
    ├── TableUnsupported       the server has no Table form of this list: read the list itself
    └── Refused                the server said no
        ├── BadRequest             400, 405, 406, 415
        │   └── Invalid                422, its `causes` name the fields
        ├── Unauthorized           401
        ├── Forbidden              403, carries the missing `rule`
        ├── NotFound               404
        │   └── ResourceMissing        404 for the resource itself: its CRD or API is not installed
        ├── Conflict               409, 412
        │   └── ChangedMeanwhile       a `test` operation of a JSON patch failed: the object is not as it was read
        ├── Gone                   410
        ├── TooManyRequests        429
        ├── Redirected             3xx, not followed
        └── ServerFault            5xx

A message names method, path, status, the server's reason and the way out. What comes from the server or from a library
goes through `text`: no control characters, bounded, no tokens or keys. The text of a library's exception is never used,
as it can hold a header, a URL with a password or a piece of the kubeconfig; its type and errno are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean, redact
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule, rule_from_path

__all__ = [
    "BadAnswer",
    "BadRequest",
    "Cause",
    "CertificateRefused",
    "ChangedMeanwhile",
    "ClusterError",
    "ConfigError",
    "Conflict",
    "ConnectionLost",
    "Forbidden",
    "Gone",
    "Invalid",
    "NotFound",
    "Redirected",
    "Refused",
    "ResourceMissing",
    "ServerFault",
    "TableUnsupported",
    "Timeout",
    "TooManyRequests",
    "Unauthorized",
    "Unreachable",
    "error_from_status",
]


class ClusterError(Exception):
    """Head of the tree. `status` is 0 where no answer came, `reason` the server's own words, `remedy` the way out.

    `is_uncertain`: a write that may have been done all the same. `result`: what the module has to say besides, such as
    the steps that were done before.
    """

    default_remedy: str = ""
    is_uncertain: bool = False

    def __init__(
        self, message: str, *, method: str = "", path: str = "", status: int = 0, reason: str = "", remedy: str = ""
    ) -> None:
        super().__init__(message)
        self.method = method
        self.path = path
        self.status = status
        self.reason = reason
        self.remedy = remedy or self.default_remedy
        self.result: dict[str, Any] = {}

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message} {self.remedy}" if self.remedy else message


class ConfigError(ClusterError):
    """The options, the environment or the kubeconfig cannot be used; no request was made."""


class Unreachable(ClusterError):
    """No answer came from the API server."""

    default_remedy = "Check the option host (or the kubeconfig's server), the network and the proxy."


class CertificateRefused(Unreachable):
    """TLS failed: one side does not accept the other's certificate or key."""

    default_remedy = (
        "Give the cluster's own CA with ca_cert, or use the kubeconfig that belongs to this cluster; "
        "validate_certs=false only switches the check off."
    )


class ConnectionLost(Unreachable):
    """The connection ended before the whole answer was there."""

    default_remedy = (
        "Something between here and the API server ends connections: check its load balancer and the proxy."
    )


class Timeout(Unreachable):
    """The whole answer did not come within request_timeout."""

    default_remedy = "Check that the address answers at all; for a slow cluster raise request_timeout."


class BadAnswer(ClusterError):
    """An answer came, but not one that an API server gives."""

    default_remedy = "Check that host is the API server's address and not a web console, a login page or a proxy."


class TableUnsupported(ClusterError):
    """The server ignored or refused the Table form: `Client.list` reads the same objects."""


@dataclass(frozen=True)
class Cause:
    """One reason why the server finds an object invalid; `field` is "" where it names none."""

    field: str
    reason: str
    message: str


class Refused(ClusterError):
    """The API server answered with an error status. `causes` are those that its Status lists."""

    causes: tuple[Cause, ...] = ()


class BadRequest(Refused):
    """The server does not understand the request, or refuses it as it is (400, 405, 406, 415)."""


class Invalid(BadRequest):
    """The server, or an admission webhook, finds the object's content invalid (422)."""


class Unauthorized(Refused):
    """The server does not know who asks (401)."""

    default_remedy = (
        "The credentials are missing, wrong or expired: renew the token or the kubeconfig (api_key, K8S_AUTH_API_KEY)."
    )


class Forbidden(Refused):
    """The server knows who asks, and that user may not (403). `rule` is what RBAC would have to grant."""

    rule: Rule


class NotFound(Refused):
    """The object does not exist (404)."""


class ResourceMissing(NotFound):
    """The resource itself is not served: its CRD or its API is not installed (404 in the server's words for that)."""

    default_remedy = (
        "The cluster does not serve this resource: its CRD or API is not installed, or serves another version."
    )


class Conflict(Refused):
    """Somebody else changed the object in between, or it exists already (409, 412)."""


class ChangedMeanwhile(Conflict):
    """A JSON patch does not apply to the object as it is now, so somebody else changed what it rests on (422)."""

    default_remedy = "Somebody else changes this object too. Look at it, then run again."


class Gone(Refused):
    """The asked-for state of a list is too old (410)."""

    default_remedy = "The list changes faster than it can be read in pages: try again, or ask for fewer namespaces."


class TooManyRequests(Refused):
    """The server, or a gate before it, is overloaded (429)."""

    default_remedy = "The API server is overloaded: try again later, or raise request_timeout to wait longer."


class Redirected(Refused):
    """The server points elsewhere (3xx). Not followed: the credentials would go along."""

    default_remedy = "Give the final address of the API server as host."


class ServerFault(Refused):
    """The server failed (5xx)."""

    default_remedy = "The fault is on the server's side: look at the API server, etcd and, for a webhook, its service."


_BY_STATUS: Final[Mapping[int, type[Refused]]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: BadRequest,
    406: BadRequest,
    409: Conflict,
    410: Gone,
    412: Conflict,
    415: BadRequest,
    422: Invalid,
    429: TooManyRequests,
}
# All that kube-apiserver 1.36 says of a JSON patch that does not apply to the object as it is (a `test` that fails, a
# path that is not there). Every other 422 has causes.
_NOT_APPLICABLE: Final = "the server rejected our request due to an error in our request"
# All that is said of a path that nobody serves, by kube-apiserver (Go's http.NotFound; seen at 1.36) and by virt-api
# (go-restful). What lies behind `proxy` has words of its own.
_NOT_SERVED: Final = ("404 page not found", "404: page not found")
_BEHIND: Final = "/proxy/"
_STRICT: Final = "strict decoding error: "
_TO_ALL: Final = ("because it is being terminated", "is forbidden: exceeded quota:")  # 403 that no right helps against
_MOST_CAUSES: Final = 20
_BY_HUNDREDS: Final[Mapping[int, type[Refused]]] = {3: Redirected, 4: BadRequest, 5: ServerFault}


def error_from_status(
    status: int, *, method: str, path: str, body: bytes, reason: str = "", secrets: Iterable[str] = ()
) -> ClusterError:
    """The error for an answer with an error status. `body` may be a Status object, any text, or megabytes of it.

    A 404 that an API server does not give is a BadAnswer: a gateway's word must not stand for that of the cluster.
    """
    is_known = bool(_status_object(body)) or _plain_text(body).lower() in _NOT_SERVED
    if status == 404 and not is_known and _BEHIND not in path:
        message = f"{method} {clean(path)} answered 404, and not as an API server does."
        return BadAnswer(message, method=method, path=path, status=404)
    return _refusal(status, method=method, path=path, body=body, reason=reason, secrets=secrets)


def _refusal(status: int, *, method: str, path: str, body: bytes, reason: str, secrets: Iterable[str]) -> Refused:
    kind = _BY_STATUS.get(status) or _BY_HUNDREDS.get(status // 100, ServerFault)
    said = _status_object(body)
    words = said.get("message") or said.get("reason") or _plain_text(body) or reason
    words = clean(redact(_without_object(str(words))[:4000], secrets=secrets))
    causes = _causes(said)
    if kind is NotFound and not said:
        kind = ResourceMissing
    if kind is Invalid and not causes and _NOT_APPLICABLE in words:
        kind = ChangedMeanwhile
    if kind is Forbidden and any(text in words for text in _TO_ALL):
        kind = BadRequest
    name = clean(str(said.get("reason") or reason), longest=60)
    head = f"{method} {clean(path)} answered {status}{' ' + name if name else ''}"
    error = kind(
        f"{head}: {words.rstrip('.')}." if words else f"{head}.", method=method, path=path, status=status, reason=words
    )
    error.causes = causes
    if isinstance(error, Forbidden):
        error.rule = rule_from_path(path, method="POST" if "cannot create resource" in words else method)  # Apply.
        error.remedy = f"Grant this user: {error.rule.sentence()}."
    return error


def _without_object(words: str) -> str:
    """A refusal of an unknown field quotes the whole object before it comes to the field."""
    return words[max(0, words.rfind(_STRICT)) :]


def _causes(said: Mapping[str, Any]) -> tuple[Cause, ...]:
    details = said.get("details")
    found = details.get("causes") if isinstance(details, Mapping) else None
    return tuple(
        Cause(
            *(clean(redact(_without_object(str(one.get(key) or ""))[:1000])) for key in ("field", "reason", "message"))
        )
        for one in (found if isinstance(found, list) else ())[:_MOST_CAUSES]
        if isinstance(one, Mapping)
    )


def _status_object(body: bytes) -> Mapping[str, Any]:
    # A Status is small; what is larger is not one, and is not worth parsing for a message.
    if len(body) > 1_000_000:
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _plain_text(body: bytes) -> str:
    text = body[:4000].decode("utf-8", "replace").strip()
    return "" if text.startswith("<") else text
