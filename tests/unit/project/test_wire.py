# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kept-alive connection that the server has closed meanwhile is replaced once, however its end shows."""

from __future__ import annotations

import http.client
import ssl
from typing import Any
from unittest import mock

import pytest

from tests.cluster.wire import Wire

CLOSED = [http.client.RemoteDisconnected(), BrokenPipeError(), ConnectionResetError(), ssl.SSLEOFError()]


def answering(*outcomes: Any) -> tuple[Wire, mock.Mock]:
    """A wire whose exchanges end as given, one after the other, and the record of them."""
    wire = Wire("https://127.0.0.1:1", context=ssl.create_default_context())
    exchange = mock.Mock(side_effect=outcomes)
    wire._exchange = exchange  # type: ignore[method-assign]
    return wire, exchange


def an_answer() -> tuple[mock.Mock, bytes]:
    answer = mock.Mock(status=200)
    answer.getheader.return_value = "application/json"
    return answer, b'{"a": 1}'


@pytest.mark.parametrize("closed", CLOSED, ids=lambda error: type(error).__name__)
def test_request_on_a_closed_connection_is_sent_again(closed: Exception) -> None:
    wire, exchange = answering(closed, an_answer())
    assert wire.request("GET", "/x") == (200, {"a": 1})
    assert exchange.call_count == 2


def test_request_to_a_server_that_is_gone_fails() -> None:
    wire, exchange = answering(ssl.SSLEOFError(), ConnectionRefusedError(), an_answer())
    with pytest.raises(ConnectionRefusedError):
        wire.request("GET", "/x")
    assert exchange.call_count == 2
