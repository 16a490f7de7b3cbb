# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every actor works with: the API, and a way to give objects the age they should have."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from .api import Api, Object, path_of
from .clock import Clock, stamp

__all__ = ["THREADS", "Stage", "address_of"]

# How many migrations virt-controller works on at once (--migration-controller-threads; KubeVirt v1.9.0,
# pkg/virt-controller/watch/application.go).
THREADS = 3

# Objects younger than this are left as they are: they were made just now.
_FRESH = timedelta(seconds=2)


def address_of(name: str, *, net: str = "10.1") -> str:
    """A fixed address for a name, so that two runs look alike."""
    number = zlib.crc32(name.encode())
    return f"{net}.{number // 250 % 250}.{number % 250 + 2}"


class Stage:
    """The API of one cluster and its past: `backdate(path, creation=..., deletion=...)` is the cluster's."""

    def __init__(self, api: Api, *, clock: Clock, backdate: Callable[..., Any]) -> None:
        self.api = api
        self.clock = clock
        self._backdate = backdate
        # Whoever has one of these is virt-controller. What acts on the nodes is others, and waits for none of it.
        self.controllers = threading.BoundedSemaphore(THREADS)

    def plant(self, obj: Object, *, born: datetime) -> Object:
        """Create an object that was created at `born`."""
        made = self.api.create(obj)
        if self.clock.now() - born < _FRESH:
            return made
        self._backdate(self._path(made), creation=born)
        meta = {**made["metadata"], "creationTimestamp": stamp(born)}
        return {**made, "metadata": meta}

    def delete(self, obj: Object, *, at: datetime, grace: int | None = None) -> Object | None:
        """Delete an object at `at`; None where it is gone, else as it stands, Terminating since then."""
        left = self.api.delete(obj, grace=grace)
        if left is None or not (left.get("metadata") or {}).get("deletionTimestamp"):
            return None
        if self.clock.now() - at >= _FRESH:
            self._backdate(self._path(obj), deletion=at)
            left = {**left, "metadata": {**left["metadata"], "deletionTimestamp": stamp(at)}}
        return {**left, "kind": obj["kind"]}

    def again(self, obj: Object) -> Object | None:
        """The same object as it is now; None where it is gone."""
        meta = obj["metadata"]
        found = self.api.get(obj["kind"], name=meta["name"], namespace=meta.get("namespace"))
        return found if found and found["metadata"]["uid"] == meta["uid"] else None

    def _path(self, obj: Object) -> str:
        meta = obj["metadata"]
        return path_of(obj["kind"], namespace=meta.get("namespace"), name=meta["name"])
