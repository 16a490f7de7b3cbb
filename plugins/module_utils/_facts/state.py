# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""status.migrationState, which a VMI and a finished migration both carry.

This module is private to the collection and may change without notice.

It describes the last migration that was handed to the nodes (KubeVirt staging/src/kubevirt.io/api/core/v1/types.go,
VirtualMachineInstanceMigrationState), so it counts for a migration only when `migration_uid` is that migration's UID.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader

__all__ = ["MODE_PAUSED", "MODE_POST_COPY", "MigrationState", "StateFields"]

MODE_POST_COPY = "PostCopy"
MODE_PAUSED = "Paused"


@dataclass(frozen=True)
class MigrationState:
    """One status.migrationState. Strings are "" and times None where absent; `configuration` is as in the API."""

    migration_uid: str = ""
    source_node: str = ""
    source_pod: str = ""
    target_node: str = ""
    target_pod: str = ""
    target_node_address: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    completed: bool = False
    failed: bool = False
    failure_reason: str = ""
    abort_requested: bool = False
    abort_status: str = ""
    mode: str = ""
    policy: str = ""
    configuration: Mapping[str, Any] | None = None
    completion_timeout_per_gib: int | None = None
    target_domain_ready_at: datetime | None = None
    persistent_claim: str = ""


class StateFields:
    """The declared fields of one kind's status.migrationState."""

    def __init__(self, kind: str) -> None:
        base = "status.migrationState."
        self.state = declare(kind, "status.migrationState")
        self.migration_uid = declare(kind, base + "migrationUid")
        self.source_node = declare(kind, base + "sourceNode")
        self.source_pod = declare(kind, base + "sourcePod")
        self.target_node = declare(kind, base + "targetNode")
        self.target_pod = declare(kind, base + "targetPod")
        self.target_node_address = declare(kind, base + "targetNodeAddress")
        self.started = declare(kind, base + "startTimestamp")
        self.ended = declare(kind, base + "endTimestamp")
        self.completed = declare(kind, base + "completed")
        self.failed = declare(kind, base + "failed")
        self.failure_reason = declare(kind, base + "failureReason")
        self.abort_requested = declare(kind, base + "abortRequested")
        self.abort_status = declare(kind, base + "abortStatus")
        self.mode = declare(kind, base + "mode")
        self.policy = declare(kind, base + "migrationPolicyName")
        self.configuration = declare(kind, base + "migrationConfiguration")
        self.target_domain_ready = declare(kind, base + "targetNodeDomainReadyTimestamp")
        self.persistent_claim = declare(kind, base + "sourcePersistentStatePVCName")
        self.completion_timeout = declare(kind, base + "migrationConfiguration.completionTimeoutPerGiB")

    def read(self, reader: Reader) -> MigrationState | None:
        """The state, or None where the object has none."""
        if not reader.mapping(self.state):
            return None
        return MigrationState(
            migration_uid=reader.text(self.migration_uid),
            source_node=reader.text(self.source_node),
            source_pod=reader.text(self.source_pod),
            target_node=reader.text(self.target_node),
            target_pod=reader.text(self.target_pod),
            target_node_address=reader.text(self.target_node_address),
            started_at=reader.moment(self.started),
            ended_at=reader.moment(self.ended),
            completed=reader.boolean(self.completed) or False,
            failed=reader.boolean(self.failed) or False,
            failure_reason=reader.text(self.failure_reason),
            abort_requested=reader.boolean(self.abort_requested) or False,
            abort_status=reader.text(self.abort_status),
            mode=reader.text(self.mode),
            policy=reader.text(self.policy),
            configuration=reader.mapping(self.configuration),
            completion_timeout_per_gib=reader.integer(self.completion_timeout),
            target_domain_ready_at=reader.moment(self.target_domain_ready),
            persistent_claim=reader.text(self.persistent_claim),
        )
