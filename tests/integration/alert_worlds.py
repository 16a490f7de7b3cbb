# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_alert asked as one of the test cluster's users, and the rules that it left in the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_alert import run
from tests.cluster import Cluster
from tests.integration.looking import client_of
from tests.integration.promtool import Rules
from tests.integration.simulated import read

__all__ = ["NAME", "OBJECTS", "PATH", "ask", "installed_rules", "stored"]

NAME = "kubevirt-ops-live-migration"
OBJECTS = "/apis/monitoring.coreos.com/v1/namespaces/kubevirt/prometheusrules"
PATH = f"{OBJECTS}/{NAME}"

Object = dict[str, Any]


def ask(
    cluster: Cluster, user: str = "admin", *, check_mode: bool = False, impersonate: str | None = None, **params: Any
) -> Object:
    """The result of migration_alert for `params`, as `user`, or as the one whom that user impersonates."""
    with client_of(cluster, user, impersonate_user=impersonate) as client:
        return run(client, params, Clock(), check_mode=check_mode)


def stored(cluster: Cluster) -> Object:
    """The PrometheusRule as the API server has it."""
    return read(cluster, PATH)


def installed_rules(cluster: Cluster, folder: Path, **params: Any) -> Rules:
    """What the module applies for `params`, taken from the cluster, as a rules file."""
    ask(cluster, **params)
    file = folder / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": stored(cluster)["spec"]["groups"]}, sort_keys=False), encoding="utf-8")
    return Rules(file)
