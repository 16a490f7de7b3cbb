# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients over a real connection, kubeconfigs for them, and what their server heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client, connect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
from tests.unit.plugins.module_utils._cluster.network import FakeClock, http

TOKEN = "s3cr3t-token-of-a-user"
FINE = http(200, b'{"kind": "Node"}')
NODE = "/api/v1/nodes/n"


def a_client(url: str, *, environ: dict[str, str] | None = None, **params: Any) -> Client:
    given = {"host": url, "api_key": TOKEN, "request_timeout": 5, **params}
    return connect(settings_from(given, environ=environ or {}), clock=FakeClock())


def a_kubeconfig(path: Path, *, server: str, user: dict[str, Any], **cluster: Any) -> str:
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(content))
    return str(path)


def headers_of(head: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in head.strip().split("\r\n")[1:]:
        name, _colon, value = line.partition(": ")
        found.setdefault(name.lower(), []).append(value)
    return found
