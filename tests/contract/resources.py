# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the objects of a definition live in the API, and checked writes of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.contract.objects import as_new, lost

__all__ = ["NAMESPACE", "Acceptance", "Resource", "Server", "body_of", "resources_of", "said"]

# The API server makes it by itself.
NAMESPACE = "default"

STRICT = {"fieldValidation": "Strict"}
DRY = {"dryRun": "All"}
_LOOKS = 50
_PAUSE_SECONDS = 0.2


class Server(Protocol):
    """What is asked of a test cluster here."""

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        user: str = "admin",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """The status and the decoded answer."""


@dataclass(frozen=True)
class Resource:
    """One served version of a kind."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    has_status: bool

    @property
    def everywhere(self) -> str:
        """The path of all objects, in whichever namespace."""
        return f"/apis/{self.group}/{self.version}/{self.plural}"

    @property
    def here(self) -> str:
        """The path of the objects in the namespace that the contract writes to."""
        scope = f"namespaces/{NAMESPACE}/" if self.namespaced else ""
        return f"/apis/{self.group}/{self.version}/{scope}{self.plural}"

    def named(self, name: str) -> str:
        """`name`, or the only one that is allowed: a cluster has one HyperConverged."""
        return "kubevirt-hyperconverged" if self.kind == "HyperConverged" else name

    def path(self, name: str) -> str:
        """The path of one object in the namespace that the contract writes to."""
        return f"{self.here}/{self.named(name)}"

    def object(self, name: str, parts: Mapping[str, Any]) -> dict[str, Any]:
        """An object of this kind with `parts` (spec, status)."""
        name = self.named(name)
        metadata = {"name": name, **({"namespace": NAMESPACE} if self.namespaced else {})}
        return {"apiVersion": f"{self.group}/{self.version}", "kind": self.kind, "metadata": metadata, **parts}


def resources_of(definition: Mapping[str, Any]) -> list[Resource]:
    """The served versions of a definition, the stored one first."""
    spec = definition["spec"]
    served = [version for version in spec["versions"] if version["served"]]
    return [
        Resource(
            group=spec["group"],
            version=version["name"],
            plural=spec["names"]["plural"],
            kind=spec["names"]["kind"],
            namespaced=spec["scope"] == "Namespaced",
            has_status="status" in (version.get("subresources") or {}),
        )
        for version in sorted(served, key=lambda version: not version["storage"])
    ]


def said(answer: Any) -> str:
    """What the server gave as its reason."""
    return str(answer.get("message", answer)) if isinstance(answer, Mapping) else repr(answer)


def body_of(server: Server, path: str, *, accept: str = "application/json") -> Any:
    """The answer to a GET that must succeed. The description of a definition comes a moment after the definition."""
    for _look in range(_LOOKS if path.startswith("/openapi/") else 1):
        status, body = server.request("GET", path, headers={"Accept": accept})
        if status != 404:
            break
        time.sleep(_PAUSE_SECONDS)
    assert status == 200, f"GET {path}: {status} {said(body)}"
    return body


class Acceptance:
    """Whether a server takes objects as they are: every field known, valid, and kept.

    Objects are sent as strict dry runs, which the server decodes, prunes and validates like any write. A status is
    sent to the one stored object of the kind, since it needs an object to belong to.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._carriers: dict[Resource, dict[str, Any]] = {}

    def problems(self, resource: Resource, obj: Mapping[str, Any]) -> list[str]:
        """One sentence for each refusal and each field that was not kept; empty when all of `obj` was."""
        sent = as_new(obj, namespace=NAMESPACE)
        status = sent.pop("status", None) if resource.has_status else None
        found = self._sent("POST", resource.here, sent)
        if status is not None and not found:
            carrier = self._carrier(resource, sent)
            found = self._sent("PUT", f"{resource.path('carrier')}/status", {**carrier, "status": status})
        name = f"{resource.kind} {obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
        return [f"{name}: {problem}" for problem in found]

    def _sent(self, method: str, path: str, body: Mapping[str, Any]) -> list[str]:
        status, answer = self._server.request(method, path, body=body, query=STRICT | DRY)
        if status not in (200, 201):
            return [f"{method} {status}: {said(answer)}"]
        return [f"{method}: {where} was not kept" for where in lost(as_new(body), answer)]

    def _carrier(self, resource: Resource, obj: Mapping[str, Any]) -> dict[str, Any]:
        if resource not in self._carriers:
            body = as_new(obj, name=resource.named("carrier"))
            body["metadata"].pop("finalizers", None)
            status, answer = self._server.request("POST", resource.here, body=body)
            assert status == 201, f"POST {resource.here}: {status} {said(answer)}"
            version = answer["metadata"]["resourceVersion"]  # without it an update is refused
            self._carriers[resource] = {**body, "metadata": {**body["metadata"], "resourceVersion": version}}
        return self._carriers[resource]
