# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module as Ansible runs it, in this process and through the fault proxy, with waits that are counted and not waited.

Nothing is replaced but the clock, and the patience with an answer that never comes.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import errors
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.retry import ATTEMPTS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.session import Session
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow import exit as exit_of_modules
from tests.cluster import Cluster
from tests.integration.fault_proxy import FaultProxy
from tests.module_arguments import module_arguments

__all__ = [
    "FAULTS",
    "REQUEST_TIMEOUT",
    "Ended",
    "Told",
    "assert_clear",
    "assert_ended_in_time",
    "disturbed_of",
    "run_module",
]

Object = dict[str, Any]
MODULES = "ansible_collections.kubevirt_ops.live_migration.plugins.modules"
REQUEST_TIMEOUT = 10
# Given up at once: no test waits for what the proxy will never send.
_SILENCE_SECONDS = 0.05
_RATE = 10.0

# What the proxy does to a request. Each name is a column of the table in test_fault_table.py.
FAULTS: dict[str, Object] = {
    "drops the request": {"silent": "lost"},
    "drops the answer": {"silent": "heard"},
    "delays": {"delay": 0.01},
    "truncates": {"is_short": True},
    "duplicates": {"is_twice": True},
    "401": {"status": 401},
    "403": {"status": 403},
    "404": {"status": 404},
    "404 of a gateway": {"status": 404, "text": "default backend - 404"},
    "409": {"status": 409},
    "410": {"status": 410},
    "429": {"status": 429, "headers": {"Retry-After": "0"}},
    "500": {"status": 500},
    "503": {"status": 503},
    "closes before the body": {"cut": 0},
    "closes in mid-body": {"cut": 40},
    "breaks TLS": {"tears_tls": True},
}


class Told(Clock):
    """A clock that is moved by waits alone; each thread has its own, `waited` counts all of them together."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._lock = threading.Lock()
        self.waited = 0.0

    def monotonic(self) -> float:
        return float(getattr(self._own, "passed", 0.0))

    def sleep(self, seconds: float) -> None:
        self.pass_by(max(0.0, seconds))

    def pass_by(self, seconds: float) -> None:
        """So much time is over."""
        self._own.passed = self.monotonic() + seconds
        with self._lock:
            self.waited += seconds


class Hasty(Told):
    """For those that wait for what others do: all threads have the machine's clock, ten times as fast."""

    def monotonic(self) -> float:
        return time.monotonic() * _RATE

    def sleep(self, seconds: float) -> None:
        self.pass_by(max(0.0, seconds))
        time.sleep(min(max(0.0, seconds) / _RATE, 0.1))


class Impatient:
    """A transport that gives up at once where the proxy will never answer, as if it had waited all that it may."""

    def __init__(self, transport: Session, proxy: FaultProxy, clock: Told) -> None:
        self._transport = transport
        self._proxy = proxy
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def send(self, method: str, *, path: str, query: str, seconds: float, **rest: Any) -> Any:
        """The transport's answer."""
        if self._proxy.will_be_silent(f"{path}?{query}" if query else path, method=method):
            self._clock.pass_by(seconds)
            seconds = min(seconds, _SILENCE_SECONDS)
        return self._transport.send(method, path=path, query=query, seconds=seconds, **rest)


@dataclass
class Ended:
    """How a module ended: what it printed, what was asked, how often, and for how long it waited."""

    printed: Object
    requests: list[str]
    waited: float
    warnings: list[str] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        """Whether the module says that it failed."""
        return bool(self.printed.get("failed"))

    @property
    def most_often(self) -> int:
        """How often the request was sent that was sent most often."""
        return max(Counter(self.requests).values(), default=0)


@contextlib.contextmanager
def _told_clock(clock: Told, proxy: FaultProxy) -> Iterator[list[str]]:
    warnings: list[str] = []

    def connect(settings: Any, **_more: Any) -> Client:
        transport = Impatient(Session(settings), proxy, clock)
        return Client(transport, clock=clock, request_timeout=settings.request_timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exit_of_modules, "connect", connect)
        patch.setattr(exit_of_modules, "Clock", lambda: clock)
        patch.setattr(exit_of_modules.Module, "warn", lambda _self, text: warnings.append(text))
        yield warnings


def run_module(
    name: str, options: Object, *, cluster: Cluster, proxy: FaultProxy, is_hasty: bool = False, **connection: Any
) -> Ended:
    """Run `plugins/modules/<name>.py` with these options through `proxy`, as the administrator."""
    module = importlib.import_module(f"{MODULES}.{name}")
    clock = Hasty() if is_hasty else Told()
    before = len(proxy.requests)
    given = {"host": proxy.url, "api_key": cluster.token("admin"), "request_timeout": REQUEST_TIMEOUT, **connection}
    if proxy.is_tls:
        given["ca_cert"] = str(cluster.ca_file)
    out = io.StringIO()
    with (
        _told_clock(clock, proxy) as warnings,
        module_arguments({**given, **options}),
        contextlib.redirect_stdout(out),
        pytest.raises(SystemExit),
    ):
        module.main()
    printed = json.loads(out.getvalue())
    printed.pop("invocation", None)
    return Ended(printed, proxy.requests[before:], clock.waited, warnings)


def disturbed_of(truth: Ended, fault: str, *, stride: int) -> list[str]:
    """Of the requests of a run without faults those that this fault meets in its cell: one of `stride`, in the next
    fault's cell the next ones. No cell is empty."""
    asked = list(dict.fromkeys(truth.requests))
    found = asked[[*FAULTS].index(fault) % min(stride, len(asked)) :: stride]
    assert found
    return found


def assert_ended_in_time(ended: Ended, truth: Ended) -> None:
    """No request was sent more often than may be, and none was waited for longer than request_timeout."""
    for request in set(ended.requests):
        assert ended.requests.count(request) <= ATTEMPTS * max(1, truth.requests.count(request)), request
    assert ended.waited <= REQUEST_TIMEOUT * max(len(truth.requests), len(set(ended.requests)))


def assert_clear(ended: Ended) -> None:
    """The failure names its kind, the request, and says more than that it failed."""
    error = ended.printed["error"]
    assert issubclass(getattr(errors, error["code"]), errors.ClusterError)
    assert error["path"].partition("?")[0] in ended.printed["msg"]
    assert error["reason"] or error["remedy"]
    assert "Traceback" not in json.dumps(ended.printed)
