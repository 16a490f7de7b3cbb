# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods: the virt-launcher pods of a VM.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (labels); Kubernetes core/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import (
    Condition,
    ConditionFields,
    Meta,
    MetaFields,
    Reader,
)

__all__ = [
    "COMPUTE",
    "CONDITIONS",
    "HOTPLUG",
    "LABEL_APP",
    "LABEL_CREATED_BY",
    "LABEL_JOB_UID",
    "LAUNCHER",
    "META",
    "NODE",
    "NODE_SELECTOR",
    "PHASE",
    "STATUSES",
    "ContainerStatus",
    "Pod",
]

KIND = "Pod"
LABEL_APP = "kubevirt.io"
LABEL_CREATED_BY = "kubevirt.io/created-by"
LABEL_JOB_UID = "kubevirt.io/migrationJobUID"
LAUNCHER = "virt-launcher"
HOTPLUG = "hotplug-disk"
COMPUTE = "compute"

META = MetaFields(KIND)
CONDITIONS = ConditionFields(KIND)
PHASE = declare(KIND, "status.phase")
NODE = declare(KIND, "spec.nodeName")
NODE_SELECTOR = declare(KIND, "spec.nodeSelector")
REASON = declare(KIND, "status.reason")
MESSAGE = declare(KIND, "status.message")
STATUSES = declare(KIND, "status.containerStatuses")
INIT_STATUSES = declare(KIND, "status.initContainerStatuses")


class _StatusFields:
    def __init__(self, base: str) -> None:
        self.name = declare(KIND, "name", base=base)
        self.ready = declare(KIND, "ready", base=base)
        self.waiting_reason = declare(KIND, "state.waiting.reason", base=base)
        self.waiting_message = declare(KIND, "state.waiting.message", base=base)
        self.running_since = declare(KIND, "state.running.startedAt", base=base)
        self.ended_reason = declare(KIND, "state.terminated.reason", base=base)
        self.ended_message = declare(KIND, "state.terminated.message", base=base)
        self.exit_code = declare(KIND, "state.terminated.exitCode", base=base)
        self.ended_at = declare(KIND, "state.terminated.finishedAt", base=base)
        self.last_exit_code = declare(KIND, "lastState.terminated.exitCode", base=base)
        self.last_message = declare(KIND, "lastState.terminated.message", base=base)


_CONTAINER = _StatusFields("status.containerStatuses[]")
_INIT = _StatusFields("status.initContainerStatuses[]")


@dataclass(frozen=True)
class ContainerStatus:
    """One container's status. `path` is the field that evidence cites; `exit_code` is that of the present end, else of
    the last one."""

    path: str
    name: str
    ready: bool
    waiting_reason: str
    waiting_message: str
    running_since: datetime | None
    exit_code: int | None = None
    exit_message: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Pod:
    """One pod."""

    meta: Meta
    phase: str
    node: str
    reason: str
    message: str
    conditions: Mapping[str, Condition]
    containers: tuple[ContainerStatus, ...]
    node_selector: Mapping[str, str]
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> Pod:
        """The pod in `obj`; what has a wrong shape stands in `problems`, nothing raises."""
        reader = Reader(obj)
        meta = META.read(reader)
        containers = [
            *(_status(item, _INIT, "status.initContainerStatuses") for item in reader.readers(INIT_STATUSES)),
            *(_status(item, _CONTAINER, "status.containerStatuses") for item in reader.readers(STATUSES)),
        ]
        return cls(
            meta=meta,
            phase=reader.text(PHASE),
            node=reader.text(NODE),
            reason=reader.text(REASON),
            message=reader.text(MESSAGE),
            conditions=CONDITIONS.read(reader),
            containers=tuple(containers),
            node_selector=reader.texts(NODE_SELECTOR),
            problems=tuple(dict.fromkeys(reader.problems)),
        )

    @property
    def label(self) -> str:
        """`Pod namespace/name`, as evidence names it."""
        return f"Pod {self.meta.namespace}/{self.meta.name}"

    @property
    def is_finished(self) -> bool:
        """Whether its containers have ended for good."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def is_ready(self) -> bool | None:
        """Its Ready condition; None where it has none."""
        ready = self.conditions.get("Ready")
        return None if ready is None else ready.status == "True"

    @property
    def launcher_started_at(self) -> datetime | None:
        """When its compute container began to run; None where it does not run or the time is unreadable."""
        times = [status.running_since for status in self.containers if status.name == COMPUTE]
        return times[0] if times else None


def _first(*codes: int | None) -> int | None:
    return next((code for code in codes if code is not None), None)


def _status(item: Reader, fields: _StatusFields, path: str) -> ContainerStatus:
    name = item.text(fields.name)
    return ContainerStatus(
        path=f"{path}[{name}]",
        name=name,
        ready=item.boolean(fields.ready) or False,
        waiting_reason=item.text(fields.waiting_reason),
        waiting_message=item.text(fields.waiting_message),
        running_since=item.moment(fields.running_since),
        exit_code=_first(item.integer(fields.exit_code), item.integer(fields.last_exit_code)),
        exit_message=item.text(fields.ended_message)
        or item.text(fields.ended_reason)
        or item.text(fields.last_message),
        ended_at=item.moment(fields.ended_at),
    )
