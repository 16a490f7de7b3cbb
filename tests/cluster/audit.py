# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server's audit log: which requests were really made, by whom."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

__all__ = ["AuditLog", "write_policy"]

_POLL_SECONDS = 0.02
_WAIT_SECONDS = 30.0
_SENTINEL = "/version?audit-sentinel="


def write_policy(path: Path) -> Path:
    """Metadata of each request when it came and when it was answered, without the API server's own to itself.

    That a request came is written before it is served, that it was answered may be written after the client has the
    answer: only both together tell when the log is complete.
    """
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["ResponseStarted"],
        "rules": [{"level": "None", "users": ["system:apiserver"]}, {"level": "Metadata"}],
    }
    path.write_text(json.dumps(policy), encoding="utf-8")
    return path


class AuditLog:
    """Reads the log from marks on."""

    def __init__(self, path: Path, *, get: Callable[[str], Any]) -> None:
        self._path = path
        self._get = get
        self._complete_until = 0

    def mark(self) -> int:
        """The place in the log after all requests answered until now.

        What was never answered, as when its client was ended, is left behind after a wait: it stands before the mark.
        """
        self._flush(self._complete_until)
        self._complete_until = self._path.stat().st_size
        return self._complete_until

    def since(self, mark: int) -> list[dict[str, Any]]:
        """Requests answered after `mark`, oldest first: `verb, user, requestURI, code, userAgent, object`.

        RuntimeError that names them where some that came after it are never answered.
        """
        events = self._flush(mark)
        if open_ones := _unanswered(events):
            said = ", ".join(f"{one['verb']} {one['requestURI']} of {one['user']}" for one in map(_entry, open_ones))
            raise RuntimeError(f"requests that are not answered: {said}")
        answered = [event for event in events if event["stage"] == "ResponseComplete"]
        return [_entry(event) for event in answered if not event["requestURI"].startswith(_SENTINEL)]

    def _flush(self, mark: int) -> list[dict[str, Any]]:
        """All events after `mark`, read when a request that we make now is there and every request that came before it
        has been answered, or has not been for so long that it never will."""
        sentinel = f"{_SENTINEL}{uuid4()}"
        self._get(sentinel)
        deadline = time.monotonic() + _WAIT_SECONDS
        events: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            events = self._read(mark)
            if _has(events, sentinel) and not _unanswered(events):
                return events
            time.sleep(_POLL_SECONDS)
        if not _has(events, sentinel):
            raise RuntimeError(f"the API server does not write its audit log {self._path}")
        return events

    def _read(self, mark: int) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as stream:
            stream.seek(mark)
            lines = stream.read().split(b"\n")
        return [json.loads(line) for line in lines[:-1] if line]


def _has(events: list[dict[str, Any]], uri: str) -> bool:
    return any(event["requestURI"] == uri for event in events)


def _unanswered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Requests that came and were not answered yet; a watch is answered when it ends, so it does not count."""
    answered = {event["auditID"] for event in events if event["stage"] != "RequestReceived"}
    came = [event for event in events if event["stage"] == "RequestReceived" and event["verb"] != "watch"]
    return [event for event in came if event["auditID"] not in answered]


def _entry(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "verb": event.get("verb", ""),
        "user": event.get("user", {}).get("username", ""),
        "requestURI": event.get("requestURI", ""),
        "code": event.get("responseStatus", {}).get("code", 0),
        "userAgent": event.get("userAgent", ""),
        "object": event.get("objectRef", {}),
    }
