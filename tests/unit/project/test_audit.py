# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of the API server's audit log, where a request is never answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cluster import audit
from tests.cluster.audit import AuditLog


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_WAIT_SECONDS", 0.1)


class Log:
    """An audit log, written by hand."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "audit.log"
        self.path.touch()

    def write(self, identity: str, uri: str, *, stages: str = "RequestReceived ResponseComplete") -> None:
        """The stages of one request."""
        with self.path.open("a", encoding="utf-8") as stream:
            for stage in stages.split():
                event = {"auditID": identity, "requestURI": uri, "verb": "delete", "stage": stage}
                stream.write(json.dumps(event | {"user": {"username": "admin"}}) + "\n")

    def reader(self) -> AuditLog:
        return AuditLog(self.path, get=lambda uri: self.write(uri, uri))


def test_request_before_the_mark_that_is_never_answered_is_left_behind(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write("cut-off", "/pods/one", stages="RequestReceived")
    reader = log.reader()

    mark = reader.mark()
    log.write("mine", "/pods/two")

    assert [one["requestURI"] for one in reader.since(mark)] == ["/pods/two"]


def test_request_after_the_mark_that_is_never_answered_is_named(tmp_path: Path) -> None:
    log = Log(tmp_path)
    reader = log.reader()
    mark = reader.mark()
    log.write("cut-off", "/pods/one", stages="RequestReceived")

    with pytest.raises(RuntimeError, match=r"not answered: delete /pods/one of admin$"):
        reader.since(mark)


def test_log_that_nobody_writes_is_an_error(tmp_path: Path) -> None:
    log = Log(tmp_path)

    with pytest.raises(RuntimeError, match="does not write its audit log"):
        AuditLog(log.path, get=lambda _uri: None).mark()
