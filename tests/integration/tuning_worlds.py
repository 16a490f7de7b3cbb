# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world of the scenario tuning with what a test changes in it, and how fast its guests write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.cluster.simulator.scenario import FOLDER

__all__ = ["DB_1", "DB_2", "RATES", "WEB_1", "play_databases"]

DB_1, DB_2, WEB_1 = "team-a/db-1", "team-a/db-2", "team-a/web-1"
# As the scenario plants them, for tests that measure nothing.
RATES = {DB_1: "60Mi", DB_2: "58Mi", WEB_1: "20Mi"}


def play_databases(
    cluster: Cluster,
    *,
    tier: str = "",
    configuration: Mapping[str, Any] | None = None,
    nodes: Mapping[str, str] | None = None,
) -> Cluster:
    """The cluster with two databases and a web server that are migrated. `tier`: all have this one label alone;
    `nodes`: where VMs run."""
    world: dict[str, Any] = yaml.safe_load((Path(FOLDER) / "tuning.yml").read_text(encoding="utf-8"))
    for vm in world["vms"]:
        vm["labels"] = {"tier": tier} if tier else vm["labels"]
        vm["node"] = (nodes or {}).get(vm["name"], vm["node"])
    world["configuration"]["migrations"].update(configuration or {})
    cluster.reset()
    cluster.simulator.play(world)
    return cluster
