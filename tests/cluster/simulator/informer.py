# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has changed, as KubeVirt's components learn it: by watches, and not by reading everything again and again."""

from __future__ import annotations

import http.client
import threading

from .api import Api
from .view import KINDS, Found, look

__all__ = ["Informer"]

_WATCH_SECONDS = 20


class Informer:
    """The objects of the kinds that a view shows, read anew where one has changed; from `start` until `stop`."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._found: Found = {}
        self._changed = set(KINDS)
        self._lock = threading.Lock()
        self._rings = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        """Watch each kind in a thread of its own. What we write ourselves we know at once."""
        self._api.written = self._note
        for kind in KINDS:
            threading.Thread(target=self._watch, args=(kind,), name=f"watch {kind}", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Until something changes, or the time is over."""
        self._rings.wait(seconds)
        self._rings.clear()

    def look(self, _api: Api) -> Found:
        """Everything as it is now, but for what others have just changed."""
        with self._lock:
            changed, self._changed = self._changed, set()
        self._found = {**self._found, **look(self._api, kinds=sorted(changed))}
        return {kind: list(objects) for kind, objects in self._found.items()}

    def stop(self) -> None:
        """Watch no more; a watch that hears nothing ends by itself."""
        self._api.written = None
        self._ended.set()
        self._rings.set()

    def _note(self, kind: str) -> None:
        with self._lock:
            self._changed.add(kind)

    def _watch(self, kind: str) -> None:
        while not self._ended.is_set():
            try:
                for _change in self._api.changes(kind, seconds=_WATCH_SECONDS):
                    if self._ended.is_set():
                        return
                    self._note(kind)
                    self._rings.set()
            except (OSError, http.client.HTTPException):
                self._ended.wait(0.2)
            # What changed while nobody watched.
            self._note(kind)
