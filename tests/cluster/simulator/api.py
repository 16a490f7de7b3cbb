# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client for the API server: one pool of connections, in the name of KubeVirt's own service accounts.

KubeVirt's webhooks let its own accounts do what users may not (set a priority, change reserved labels), so each
request says which component speaks. Every write asks for strict field validation: a misspelt field is an error here,
not something pruned in silence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tests.cluster.wire import Wire, tls_context

__all__ = ["Api", "Object", "Refused", "path_of"]

Object = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")

CORE = "/api/v1"
KUBEVIRT = "/apis/kubevirt.io/v1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
# kind -> (group and version, plural, namespaced, has a status subresource)
KINDS: dict[str, tuple[str, str, bool, bool]] = {
    "Namespace": (CORE, "namespaces", False, True),
    "Node": (CORE, "nodes", False, True),
    "Pod": (CORE, "pods", True, True),
    "Event": (CORE, "events", True, False),
    "Service": (CORE, "services", True, True),
    "ConfigMap": (CORE, "configmaps", True, False),
    "ResourceQuota": (CORE, "resourcequotas", True, True),
    "PersistentVolumeClaim": (CORE, "persistentvolumeclaims", True, True),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True, False),
    "DaemonSet": ("/apis/apps/v1", "daemonsets", True, True),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets", True, True),
    "KubeVirt": (KUBEVIRT, "kubevirts", True, True),
    "VirtualMachine": (KUBEVIRT, "virtualmachines", True, True),
    "VirtualMachineInstance": (KUBEVIRT, "virtualmachineinstances", True, False),
    "VirtualMachineInstanceMigration": (KUBEVIRT, "virtualmachineinstancemigrations", True, True),
    "MigrationPolicy": ("/apis/migrations.kubevirt.io/v1alpha1", "migrationpolicies", False, False),
    "ValidatingWebhookConfiguration": (ADMISSION, "validatingwebhookconfigurations", False, False),
    "MutatingWebhookConfiguration": (ADMISSION, "mutatingwebhookconfigurations", False, False),
    "APIService": ("/apis/apiregistration.k8s.io/v1", "apiservices", False, True),
    "SubjectAccessReview": ("/apis/authorization.k8s.io/v1", "subjectaccessreviews", False, False),
}


class Refused(Exception):
    """The API server said no: `status` (HTTP), `reason`, `message`."""

    def __init__(self, method: str, path: str, *, status: int, body: Any) -> None:
        detail = body if isinstance(body, Mapping) else {}
        self.status = status
        self.reason = str(detail.get("reason") or "")
        self.message = str(detail.get("message") or body)
        super().__init__(f"{method} {path}: {status} {self.reason}: {self.message}")


def path_of(kind: str, *, namespace: str | None = None, name: str | None = None, sub: str | None = None) -> str:
    """The path of a collection, an object or a subresource; KeyError for a kind this simulator does not know."""
    base, plural, namespaced, _has_status = KINDS[kind]
    steps = [base]
    if namespaced and namespace:
        steps += ["namespaces", namespace]
    return "/".join([*steps, plural, *(step for step in (name, sub) if step)])


class Api:
    """Requests to one API server; safe to use from many threads."""

    def __init__(self, server: str, *, ca_file: str, token: str, component: str = "controller") -> None:
        self._wire = Wire(server, context=tls_context(ca_file))
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "User-Agent": "virt-controller/v0.0.0 (linux/amd64)",
            "Impersonate-User": f"system:serviceaccount:kubevirt:kubevirt-{component}",
            "Impersonate-Group": "system:masters",
        }
        # Is told the kind of each object that was written.
        self.written: Callable[[str], None] | None = None
        self._workers: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        *,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> Any:
        """The decoded answer; Refused for any status of 400 and above."""
        headers = {**self._headers, "Content-Type": content}
        status, answer = self._wire.request(method, path, body=body, headers=headers, query=query)
        if status >= 400:
            raise Refused(method, path, status=status, body=answer)
        return answer

    def get(self, kind: str, *, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None where there is none."""
        try:
            return dict(self.request("GET", path=path_of(kind, namespace=namespace, name=name)))
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def find(self, kind: str, *, namespace: str | None = None, labels: str | None = None) -> list[Object]:
        """All objects of a kind, or those of a namespace; each with its `kind` and `apiVersion`."""
        query = {"labelSelector": labels} if labels else None
        answer = self.request("GET", path=path_of(kind, namespace=namespace), query=query)
        version = KINDS[kind][0].removeprefix("/apis/").removeprefix("/api/")
        return [{**item, "kind": kind, "apiVersion": version} for item in answer.get("items", [])]

    def create(self, obj: Object, *, dry_run: bool = False) -> Object:
        """Create the object, its status included (in a second request where the kind keeps it apart)."""
        kind = obj["kind"]
        path = path_of(kind, namespace=obj["metadata"].get("namespace"))
        query = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        apart = KINDS[kind][3] and "status" in obj
        sent = {key: value for key, value in obj.items() if not (apart and key == "status")}
        made: Object = self.request("POST", path=path, body=sent, query=query)
        self._tell(kind)
        return self._replace_status(made, obj["status"]) if apart and not dry_run else made

    def _replace_status(self, made: Object, status: Object) -> Object:
        meta = made["metadata"]
        path = path_of(made["kind"], namespace=meta.get("namespace"), name=meta["name"], sub="status")
        body = {**made, "status": status}
        found = dict(self.request("PUT", path=path, body=body, query={"fieldValidation": "Strict"}))
        self._tell(made["kind"])
        return found

    def _tell(self, kind: str) -> None:
        if self.written is not None:
            self.written(kind)

    def set_conditions(self, obj: Object, conditions: Sequence[Mapping[str, Any]], *, sub: str | None = None) -> Object:
        """Replace status.conditions. Not by a merge patch: that would lose the null times KubeVirt writes."""
        has_status = "status" in obj
        value = list(conditions) if has_status else {"conditions": list(conditions)}
        where = "/status/conditions" if has_status else "/status"
        return self.patch(obj, [{"op": "add", "path": where, "value": value}], sub=sub)

    def patch(self, obj: Object, change: Any, *, sub: str | None = None) -> Object:
        """Change an object: a mapping is a merge patch, a list a JSON patch. Returns it as it is afterwards."""
        meta = obj["metadata"]
        content = "application/json-patch+json" if isinstance(change, list) else "application/merge-patch+json"
        path = path_of(obj["kind"], namespace=meta.get("namespace"), name=meta["name"], sub=sub)
        query = {"fieldValidation": "Strict"}
        found = dict(self.request("PATCH", path=path, body=change, query=query, content=content))
        self._tell(obj["kind"])
        return found

    def delete(self, obj: Object, *, grace: int | None = None) -> Object | None:
        """Delete exactly this object (by UID). None where it was gone already."""
        meta = obj["metadata"]
        options: Object = {"preconditions": {"uid": meta["uid"]}} if "uid" in meta else {}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        path = path_of(obj["kind"], namespace=meta.get("namespace"), name=meta["name"])
        try:
            return dict(self.request("DELETE", path=path, body=options))
        except Refused as refusal:
            if refusal.status in (404, 409):
                return None
            raise
        finally:
            self._tell(obj["kind"])

    def changes(self, kind: str, *, seconds: int) -> Iterator[bytes]:
        """A line for each object of a kind that there is, then for each change, for so long. OSError if it breaks."""
        query = {"watch": "true", "timeoutSeconds": str(seconds), "includeObject": "None"}
        table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        return self._wire.lines(path_of(kind), headers={**self._headers, **table}, query=query)

    def every(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Do the same for all items at once, in no order; the results in the order of the items."""
        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="simulator")
            workers = self._workers
        return list(workers.map(work, list(items)))

    def close(self) -> None:
        """Close connections and threads."""
        with self._lock:
            if self._workers is not None:
                self._workers.shutdown(wait=True)
                self._workers = None
        self._wire.close()
