# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the acting modules do to the test cluster, run as one of its users while the simulator goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.cluster import Cluster
from tests.integration.fault_proxy import FaultProxy
from tests.integration.looking import client_of, raw_objects
from tests.integration.simulated import done

__all__ = [
    "CANCEL",
    "VM",
    "Skewed",
    "as_is",
    "at_real_pace",
    "cancel",
    "expire_locks",
    "going_on",
    "leases",
    "only",
    "retry",
    "steps",
    "writes",
]

# The defaults of the module's options.
CANCEL: dict[str, Any] = {
    "targets": None,
    "namespace": None,
    "vm": None,
    "found": False,
    "reason": "",
    "actor": "",
    "wait": True,
    "wait_timeout": 120,
    "free_target_pod": False,
    "stop_evacuation": False,
    "retry_follows": False,
    "parallel": 8,
    "min_healthy": "51%",
    "max_stuck_per_node": 3,
    "max_acts_per_run": 5,
    "max_acts_per_hour": 20,
    "accept_risks": [],
}
RETRY: dict[str, Any] = {
    **{name: value for name, value in CANCEL.items() if name not in ("wait", "free_target_pod", "stop_evacuation")},
    "due": False,
    "due_namespaces": [],
    "due_vms": [],
    "max_attempts": 3,
    "backoff": 60,
    "avoid_nodes": ["auto"],
    "wait_for": "created",
}
VM = {"namespace": "team-a", "vm": "web-1"}
_SILENCE_SECONDS = 0.3


def at_real_pace(cluster: Cluster) -> None:
    """An empty cluster in which time passes as it does, and that refuses nothing by itself."""
    cluster.reset()
    cluster.simulator.clock.factor = 1.0
    cluster.simulator.refusals.clear()


@contextmanager
def going_on(cluster: Cluster, *, pause: float = 0.05) -> Iterator[None]:
    """The cluster lives meanwhile: everybody acts again and again."""
    cluster.simulator.run(pause=pause)
    try:
        yield
    finally:
        cluster.simulator.rest()


class Skewed:
    """A clock that is `seconds` wrong, as a runner's may be, and whose pauses and limits pass `rate` times as fast."""

    def __init__(self, seconds: float = 0.0, *, rate: float = 1.0) -> None:
        self._ahead = timedelta(seconds=seconds)
        self._rate = rate

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic() * self._rate

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds / self._rate, 0.1))


class Impatient:
    """A client's transport that gives a request up at once which the proxy will never answer: nothing but the waiting
    is cut short."""

    def __init__(self, transport: Any, proxy: FaultProxy) -> None:
        self._transport = transport
        self._proxy = proxy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def send(self, method: str, *, path: str, query: str, seconds: float, **rest: Any) -> Any:
        """The transport's answer."""
        if self._proxy.will_be_silent(f"{path}?{query}" if query else path, method=method):
            seconds = min(seconds, _SILENCE_SECONDS)
        return self._transport.send(method, path=path, query=query, seconds=seconds, **rest)


@contextmanager
def client_for(
    cluster: Cluster, user: str, proxy: FaultProxy | None, options: dict[str, Any], clock: Skewed
) -> Iterator[Any]:
    """A client of the collection's own, through `proxy` where one is given."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.session import Session

    if proxy is None:
        with client_of(cluster, user, **options) as client:
            yield client
        return
    settings = settings_from({"host": proxy.url, "api_key": cluster.token(user), **options}, environ={})
    transport = Impatient(Session(settings), proxy)
    client = Client(transport, clock=clock, request_timeout=settings.request_timeout)
    try:
        yield client
    finally:
        client.close()


def cancel(
    cluster: Cluster,
    user: str = "admin",
    *,
    check_mode: bool = False,
    skew: float = 0.0,
    rate: float = 1.0,
    proxy: FaultProxy | None = None,
    connection: dict[str, Any] | None = None,
    **params: Any,
) -> dict[str, Any]:
    """The result of migration_cancel of team-a/web-1, or of the targets that are given, as `user`."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_cancel import run

    given = {} if "targets" in params or "vm" in params else VM
    clock = Skewed(skew, rate=rate)
    with client_for(cluster, user, proxy, connection or {}, clock) as client:
        return run(client, {**CANCEL, **given, **params}, clock, check_mode=check_mode)


def retry(
    cluster: Cluster,
    user: str = "admin",
    *,
    check_mode: bool = False,
    skew: float = 0.0,
    rate: float = 1.0,
    proxy: FaultProxy | None = None,
    connection: dict[str, Any] | None = None,
    **params: Any,
) -> dict[str, Any]:
    """The result of migration_retry of team-a/web-1, or of the targets that are given, as `user`."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_retry import run

    given = {} if {"targets", "vm", "due"} & set(params) else VM
    clock = Skewed(skew, rate=rate)
    with client_for(cluster, user, proxy, connection or {}, clock) as client:
        return run(client, {**RETRY, **given, **params}, clock, check_mode=check_mode)


def only(result: dict[str, Any]) -> dict[str, Any]:
    """The one entry of a result."""
    assert len(result["results"]) == 1, result
    return dict(result["results"][0])


def leases(cluster: Cluster, namespace: str = "team-a") -> list[dict[str, Any]]:
    """Our Leases in a namespace."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    status, body = cluster.request("GET", path, query={"labelSelector": "live-migration.kubevirt-ops/lease-of"})
    assert status == 200, body
    assert isinstance(body, dict)
    return list(body["items"])


def expire_locks(cluster: Cluster) -> None:
    """What a run that was cut off holds runs out."""
    for lease in leases(cluster):
        if lease["spec"].get("holderIdentity"):
            path = f"/apis/coordination.k8s.io/v1/namespaces/team-a/leases/{lease['metadata']['name']}"
            done(cluster.request("PATCH", path, body={"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}))


def steps(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Action and outcome of each step."""
    return [(one["action"], one["outcome"]) for one in result["plan"]]


def as_is(cluster: Cluster) -> dict[str, str]:
    """Every object that matters with its resourceVersion; the API server's own Leases change all the time."""
    return {
        f"{kind}/{one['metadata'].get('namespace', '')}/{one['metadata']['name']}": one["metadata"]["resourceVersion"]
        for kind, found in raw_objects(cluster).items()
        for one in found
        if one["metadata"].get("namespace") != "kube-system"
    }


def writes(cluster: Cluster, mark: Any) -> list[tuple[str, str]]:
    """Verb and path of what the collection changed since `mark`; who asks for its own name changes nothing."""
    return [
        (entry["verb"], entry["requestURI"].partition("?")[0])
        for entry in cluster.audit_since(mark)
        if entry["userAgent"] == "kubevirt_ops.live_migration"
        and entry["verb"] not in ("get", "list", "watch")
        and "selfsubjectreviews" not in entry["requestURI"]
    ]
