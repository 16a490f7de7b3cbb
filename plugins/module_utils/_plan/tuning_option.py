# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One change of the settings, and the situation of one VM that it is tried on.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    Copy,
    known,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Outcome,
    Settings,
    Workload,
    copy_of,
    is_held_by_cap,
    predict,
)

__all__ = [
    "RISKS",
    "Option",
    "Situation",
    "Withheld",
]

# Every action, the least risky first.
RISKS: Mapping[str, str] = {
    "progress_timeout": "none: KubeVirt's default instead of a value that no copy survives; for the whole cluster",
    "deadline": "none for the VM; a copy that fails all the same holds its slot for longer",
    "bandwidth": "the copy takes more of the network from whatever else is on it",
    "parallelism": "draining a node takes longer; for the whole cluster, and all VMs of it",
    "auto_converge": "the guest loses CPU time until the copy ends",
    "pause": "the guest stands still until the copy ends",
    "post_copy": "the VM is lost if a node or the network fails before the copy ends, and it cannot be cancelled",
}


@dataclass(frozen=True)
class Option:
    """One change. `policy` are fields of a MigrationPolicy's spec, `cluster` settings of the whole cluster, both by
    their names in the API. `outcome` is the end predicted with them, and `figures` what the values were computed from,
    in bytes and seconds. `tolerated_dirty_rate`: how fast memory may be dirtied until it fails again; None where that
    does not decide. `network` and `settings` are the whole situation that it leads to.
    """

    action: str
    policy: Mapping[str, Any]
    cluster: Mapping[str, Any]
    outcome: Outcome
    figures: Mapping[str, float]
    network: Network
    settings: Settings
    assumes: tuple[str, ...] = ()
    tolerated_dirty_rate: float | None = None

    @property
    def risk(self) -> str:
        """What it may cost."""
        return RISKS[self.action]


@dataclass(frozen=True)
class Withheld:
    """An action that is not advised, and why."""

    action: str
    why: str


@dataclass(frozen=True)
class Situation:
    """One VM, its network and its settings as they are."""

    workload: Workload
    network: Network = field(default_factory=Network)
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def copy(self) -> Copy:
        """The figures of its copy."""
        return copy_of(self.workload, network=self.network, settings=self.settings)

    @property
    def gigabytes(self) -> int:
        """Its memory as KubeVirt counts it, 0 where not known."""
        return self.workload.gigabytes or 0

    @property
    def limit(self) -> float | None:
        """KubeVirt's limit in seconds; None: not known."""
        return self.copy.limit

    @property
    def one_pass_seconds(self) -> float | None:
        """How long it takes to send all memory once."""
        rate, memory = known(self.copy.bytes_per_second), known(self.copy.memory_bytes)
        return memory / rate if rate and memory else None

    @cached_property
    def link_bytes_per_second(self) -> float | None:
        """What the link carries: as given, or less where a migration was measured that no cap held back, times those
        that left the node with it. None: not known."""
        rate = known(self.network.rate_bytes_per_second)
        seen = None
        if rate is not None and not is_held_by_cap(rate, bandwidth_bytes=self.settings.bandwidth_bytes):
            seen = rate * max(1, self.network.outbound or 1)
        found = [value for value in (known(self.network.link_bytes_per_second), seen) if value is not None]
        return min(found, default=None)

    @property
    def network_beyond_cap(self) -> Network:
        """The network without what was measured under a cap that is about to change."""
        return Network(self.link_bytes_per_second, None, self.network.outbound)

    def by_itself(self, **changes: Any) -> Outcome:
        """The end by pre-copy alone under the settings with these `changes`."""
        settings = replace(self.settings, workload_disruption=False, post_copy=False, **changes)
        return predict(self.workload, network=self.network, settings=settings)

    def option(
        self,
        action: str,
        /,
        *,
        settings: Settings,
        policy: Mapping[str, Any],
        cluster: Mapping[str, Any] | None = None,
        network: Network | None = None,
        **more: Any,
    ) -> Option:
        """The option that makes the settings and the network these."""
        network = network or self.network
        outcome = predict(self.workload, network=network, settings=settings)
        return Option(
            action=action,
            policy=policy,
            cluster=cluster or {},
            outcome=outcome,
            network=network,
            settings=settings,
            **more,
        )
