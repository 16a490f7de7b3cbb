# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as they lie in etcd, read and written past the API server, through etcd's JSON gateway (/v3/kv/*).

The API server follows by its own etcd watch, as it would follow another API server. It stores JSON because it is
started with --storage-media-type=application/json.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.cluster.wire import Wire

__all__ = ["REGISTRY", "Store", "Stored", "etcd_key"]

REGISTRY = "/registry/"
_BATCH = 2000
_RETRIES = 50
_MARKER = "/tests-cluster/revision"

# Groups of the API server itself: their keys carry no group. All others are CRDs' or keep theirs.
_BUILT_IN = {
    "", "apps", "autoscaling", "batch", "policy",
    "admissionregistration.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io",
    "flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io",
    "scheduling.k8s.io", "storage.k8s.io",
}  # fmt: skip
_RENAMED = {
    "nodes": "minions",
    "services": "services/specs",
    "endpoints": "services/endpoints",
    "replicationcontrollers": "controllers",
    "ingresses": "ingress",
}


def etcd_key(path: str) -> str:
    """The etcd key of one object given by its API path.

    `/apis/kubevirt.io/v1/namespaces/a/virtualmachines/b` is at `/registry/kubevirt.io/virtualmachines/a/b`,
    `/api/v1/nodes/n` at `/registry/minions/n` (k8s.io/kubernetes pkg/kubeapiserver/default_storage_factory_builder.go
    and pkg/registry). ValueError for a path that is no single object's.
    """
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
    namespace = ""
    if len(rest) == 4 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    if parts[0] not in ("api", "apis") or len(rest) != 2 or not all(rest):
        raise ValueError(f"not the API path of one object: {path}")
    resource, name = rest
    if group in _BUILT_IN:
        resource = _RENAMED.get(resource, resource)
    return REGISTRY + "/".join(filter(None, ["" if group in _BUILT_IN else group, resource, namespace, name]))


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")


def _end_of(prefix: str) -> str:
    """The first key after all that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


@dataclass(frozen=True)
class Stored:
    """One key: its text (empty where only keys were asked for) and the revision of its last change."""

    key: str
    text: str
    revision: int

    @property
    def value(self) -> Any:
        """The decoded object."""
        return json.loads(self.text)


class Store:
    """etcd of one cluster."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def close(self) -> None:
        """Drop this thread's connection."""
        self._wire.close()

    def get(self, key: str) -> Any:
        """The object at `key`; None where there is none."""
        found = self.read(key)
        return None if found is None else found.value

    def read(self, key: str) -> Stored | None:
        """The same with its revision."""
        return next(iter(self._range({"key": _encode(key)})), None)

    def scan(self, prefix: str, *, keys_only: bool = False) -> list[Stored]:
        """All keys that begin with `prefix`, in order."""
        return self._range({"key": _encode(prefix), "range_end": _encode(_end_of(prefix)), "keys_only": keys_only})

    def put(self, key: str, value: Any) -> None:
        """Write `value` as JSON, whatever was there."""
        self._post("put", {"key": _encode(key), "value": _encode(json.dumps(value))})

    def delete_prefix(self, prefix: str) -> int:
        """Delete all keys that begin with `prefix`; how many there were."""
        answer = self._post("deleterange", {"key": _encode(prefix), "range_end": _encode(_end_of(prefix))})
        self._move_on()
        return int(answer.get("deleted", 0))

    def change(self, key: str, edit: Callable[[Any], None]) -> Any:
        """Read the object, let `edit` alter it in place, write it if nobody else did meanwhile (else again).

        Returns what was written; KeyError where there is no such object.
        """
        for _attempt in range(_RETRIES):
            found = self.read(key)
            if found is None:
                raise KeyError(f"nothing in etcd at {key}")
            value = found.value
            edit(value)
            if self._replace(found, text=json.dumps(value)):
                return value
        raise RuntimeError(f"{key} was changed by others {_RETRIES} times in a row")

    def apply(self, *, delete: Iterable[str] = (), put: Iterable[tuple[str, str]] = ()) -> None:
        """Delete keys and write texts, many at a time."""
        deletes = [{"request_delete_range": {"key": _encode(key)}} for key in delete]
        puts = [{"request_put": {"key": _encode(key), "value": _encode(text)}} for key, text in put]
        operations: list[dict[str, Any]] = [*deletes, *puts]
        for start in range(0, len(operations), _BATCH):
            self._post("txn", {"success": operations[start : start + _BATCH]})
        self._move_on()

    def _move_on(self) -> None:
        """Make one more revision, after changes of many keys in one.

        The API server's watch cache takes itself to be as new as a revision at the first event of it, and would answer
        a list while the others of that revision are still to come. A list now waits for a later revision.
        """
        self._post("put", {"key": _encode(_MARKER), "value": ""})

    def _replace(self, found: Stored, *, text: str) -> bool:
        key = _encode(found.key)
        same = {"key": key, "target": "MOD", "result": "EQUAL", "mod_revision": str(found.revision)}
        # Written without a lease on purpose: an event that was back-dated must not expire in the middle of a test.
        write = {"request_put": {"key": key, "value": _encode(text)}}
        answer = self._post("txn", {"compare": [same], "success": [write]})
        return bool(answer.get("succeeded"))

    def _range(self, question: dict[str, Any]) -> list[Stored]:
        answer = self._post("range", question)
        return [
            Stored(key=_decode(kv["key"]), text=_decode(kv.get("value", "")), revision=int(kv["mod_revision"]))
            for kv in answer.get("kvs", [])
        ]

    def _post(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        status, answer = self._wire.request("POST", f"/v3/kv/{verb}", body=body)
        if status != 200 or not isinstance(answer, dict):
            raise RuntimeError(f"etcd answered {status} to {verb}: {answer!r}")
        return answer
