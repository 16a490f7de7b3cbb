# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubernetes.core makes of connection options and environment: a process of its own, which has that collection.

Reads cases as JSON (`[{"options": {}, "environ": {}}]`) and writes what came of each.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def facts_of(case: dict[str, Any]) -> dict[str, Any]:
    """What its client would be configured with, in the words that the test compares."""
    import kubernetes
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client

    # Both are taken from the environment when the package is imported; here one process asks for many.
    kubernetes.client.Configuration.set_default(None)
    kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION = os.environ.get("KUBECONFIG", "~/.kube/config")
    configuration = client._create_configuration(client._create_auth_spec(**case["options"]))
    headers = client._create_headers(**case["options"])
    # Not asked for by auth_settings: that reads the kubeconfig again, over what the options have replaced.
    token = configuration.api_key.get("authorization") or configuration.api_key.get("BearerToken") or ""
    groups = headers.get("Impersonate-Group") or []
    return {
        "host": configuration.host,
        "token": token,
        "basic": configuration.get_basic_auth_token() if configuration.username else "",
        "verified": bool(configuration.verify_ssl),
        "ca": text_of(configuration.ssl_ca_cert),
        "certificate": text_of(configuration.cert_file),
        "key": text_of(configuration.key_file),
        "proxy": configuration.proxy or "",
        "no_proxy": configuration.no_proxy or "",
        "proxy_headers": dict(configuration.proxy_headers or {}),
        "impersonated": [headers.get("Impersonate-User", ""), *groups],
    }


def text_of(path: str | None) -> str:
    """What a file holds, as data in a kubeconfig becomes a file of any name."""
    return Path(path).expanduser().read_text(encoding="utf-8") if path else ""


def main() -> None:
    """All cases, one after the other, each with its environment."""
    clean = dict(os.environ)
    found = []
    for case in json.load(sys.stdin):
        os.environ.clear()
        os.environ.update({**clean, **case["environ"]})
        found.append(facts_of(case))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
