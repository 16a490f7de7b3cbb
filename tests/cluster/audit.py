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
    """Metadata of each finished request, without those that the API server makes to itself."""
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{"level": "None", "users": ["system:apiserver"]}, {"level": "Metadata"}],
    }
    path.write_text(json.dumps(policy), encoding="utf-8")
    return path


class AuditLog:
    """Reads the log from marks on."""

    def __init__(self, path: Path, *, get: Callable[[str], Any]) -> None:
        self._path = path
        self._get = get

    def mark(self) -> int:
        """The place in the log after all requests answered until now."""
        self._flush(0)
        return self._path.stat().st_size

    def since(self, mark: int) -> list[dict[str, Any]]:
        """Requests finished after `mark`, oldest first: `verb, user, requestURI, code, userAgent, object`."""
        return [_entry(event) for event in self._flush(mark) if not event["requestURI"].startswith(_SENTINEL)]

    def _flush(self, mark: int) -> list[dict[str, Any]]:
        """All events after `mark`, read when the log holds a request that we make now (it is written in order)."""
        sentinel = f"{_SENTINEL}{uuid4()}"
        self._get(sentinel)
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            events = self._read(mark)
            if any(event["requestURI"] == sentinel for event in events):
                return events
            time.sleep(_POLL_SECONDS)
        raise RuntimeError(f"the API server does not write its audit log {self._path}")

    def _read(self, mark: int) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as stream:
            stream.seek(mark)
            lines = stream.read().split(b"\n")
        return [json.loads(line) for line in lines[:-1] if line]


def _entry(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "verb": event.get("verb", ""),
        "user": event.get("user", {}).get("username", ""),
        "requestURI": event.get("requestURI", ""),
        "code": event.get("responseStatus", {}).get("code", 0),
        "userAgent": event.get("userAgent", ""),
        "object": event.get("objectRef", {}),
    }
