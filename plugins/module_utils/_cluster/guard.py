# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request with one time limit for all of it.

This module is private to the collection and may change without notice.

urllib3's timeouts count from the last byte, so a server that drips holds a request for ever. A :class:`Guard` ends the
connection at the deadline whatever it is doing; it learns of the socket from the connection classes made here.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

__all__ = ["Guard", "use_guarded_connections"]

_LOCAL = threading.local()


class Guard:
    """Context manager: after `seconds` the socket of the request that this thread is making is shut down.

    `is_sent`: the whole request went out, so whatever comes is about its answer.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self.is_sent = False
        self._socket: Any = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(0.0, seconds), self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Guard:
        _LOCAL.guard = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _LOCAL.guard = None
        with self._lock:
            self._socket = None

    def watch(self, found: Any) -> None:
        """The request went out over `found`, a connected socket: that is what ends at the deadline."""
        with self._lock:
            self.is_sent = True
            self._socket = found
            if self.expired:
                _shut_down(found)

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None:
                _shut_down(self._socket)


def _shut_down(found: Any) -> None:
    try:
        # Not the SSL socket's own method: that one forgets its TLS state while another thread reads from it.
        socket.socket.shutdown(found, socket.SHUT_RDWR)
    except TypeError:
        # TLS inside TLS (a proxy reached by https) is not a socket, but holds one.
        found.close()
    except OSError:
        pass


def use_guarded_connections(manager: Any, *, is_verified: bool) -> None:
    """Make the pools of urllib3's PoolManager `manager` tell their sockets to the guard of the requesting thread.

    Where certificates are not checked, the pools also skip urllib3's warning, which would come with every connection;
    ours, by name, comes once. No filter of the process is touched.
    """
    extra: dict[str, Any] = {} if is_verified else {"_validate_conn": _connect_without_warning}
    manager.pool_classes_by_scheme = {
        scheme: type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": _guarded(pool.ConnectionCls), **extra})
        for scheme, pool in _pools(manager).items()
    }


def _pools(manager: Any) -> Mapping[str, Any]:
    return dict(manager.pool_classes_by_scheme)


def _guarded(base: Any) -> Any:
    def getresponse(self: Any, *args: Any, **kwargs: Any) -> Any:
        guard = getattr(_LOCAL, "guard", None)
        if guard is not None and self.sock is not None:
            guard.watch(self.sock)
        return base.getresponse(self, *args, **kwargs)

    return type(f"Guarded{base.__name__}", (base,), {"getresponse": getresponse})


def _connect_without_warning(self: Any, conn: Any) -> None:
    if getattr(conn, "sock", None) is None:
        conn.connect()
