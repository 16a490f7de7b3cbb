# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator of one cluster: plants scenarios and goes on from there as KubeVirt would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from .api import Api
from .clock import Clock
from .planting import Planter, World
from .scenario import load, parse
from .stage import Stage
from .virt_api import VirtApi

__all__ = ["Simulator"]


class Cluster(Protocol):
    """What the simulator needs of a cluster."""

    server: str
    ca_file: Path
    webhook_cert_file: Path
    webhook_key_file: Path
    front_proxy_ca_file: Path

    def token(self, user: str) -> str: ...
    def backdate(self, path: str, *, creation: Any = None, deletion: Any = None) -> None: ...
    def reset(self) -> None: ...


class Simulator:
    """KubeVirt's control plane and nodes, played against a real API server."""

    def __init__(self, cluster: Cluster, *, factor: float = 1.0) -> None:
        self._cluster = cluster
        self.clock = Clock(factor=factor)
        self.api = Api(cluster.server, ca_file=str(cluster.ca_file), token=cluster.token("admin"))
        self.stage = Stage(self.api, clock=self.clock, backdate=cluster.backdate)
        self.virt_api = VirtApi(
            Api(cluster.server, ca_file=str(cluster.ca_file), token=cluster.token("admin"), component="apiserver"),
            cert_file=cluster.webhook_cert_file,
            key_file=cluster.webhook_key_file,
            ca_file=cluster.ca_file,
            front_proxy_ca_file=cluster.front_proxy_ca_file,
        )
        self.world: World | None = None

    def play(self, scenario: str | Mapping[str, Any], *, keep: bool = False) -> World:
        """Load a scenario by name or from data; what was there before goes, except with `keep`."""
        wanted = load(scenario) if isinstance(scenario, str) else parse(scenario)
        if not keep:
            self._cluster.reset()
        self.world = Planter(self.stage, scenario=wanted).plant()
        return self.world

    def start(self) -> None:
        """Serve what virt-api serves: webhooks and the aggregated API."""
        self.virt_api.start()

    def reset(self) -> None:
        """Forget the world: the cluster is being emptied."""
        self.world = None

    def stop(self) -> None:
        """Stop serving and close connections."""
        self.virt_api.die()
        self.api.close()
