# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory and lock of one VM: a Lease in the VM's namespace, named from its VMI's UID.

This module is private to the collection and may change without notice.

A cancelled migration is gone with its annotations, so what was tried is kept here: the retries so far, the nodes that
proved bad, the last act. The Lease is written before the act, with the resourceVersion that was read, so of two who
write at once one is refused. It belongs to the VMI and goes with it. Times are the cluster's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import (
    as_bool,
    as_int,
    as_list,
    as_text,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import (
    LEASE_OF,
    MEMORY,
    RETRY_DUE,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import (
    LEASE_VERSION,
    Lease,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    later_by,
    parse_timestamp,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.protocol import Refused

__all__ = ["LEASE_KIND", "Held", "Record", "lease_name", "plan_lease", "read_held"]

LEASE_KIND = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
# More bad nodes than these are no bad nodes but a bad network.
_MOST_NODES = 16
_MOST_ATTEMPTS = 10_000
# The API's field has 31 bits: by hand it may have been filled to the brim.
_MOST_TRANSITIONS = 2**31


@dataclass(frozen=True)
class Record:
    """What was done for one VM. `attempts` counts retries since its last successful migration.

    `last_act` is cancel, retry or ""; `last_migration` the UID that it cancelled or made, `last_at` when.
    `retry_due`: a cancel was meant to be followed by a retry, which has not come yet.
    """

    attempts: int = 0
    last_act: str = ""
    last_migration: str = ""
    last_at: datetime | None = None
    retry_due: bool = False
    bad_targets: tuple[str, ...] = ()

    def to_text(self) -> str:
        """As it stands in the Lease."""
        return json.dumps({**self.__dict__, "last_at": format_timestamp(self.last_at)}, sort_keys=True)

    def cancelled(self, uid: str, *, at: datetime, retry_follows: bool, bad_target: str = "") -> Record:
        """This record with a cancel of the migration `uid`."""
        bad = _with_node(self.bad_targets, bad_target)
        return replace(
            self, last_act="cancel", last_migration=uid, last_at=at, retry_due=retry_follows, bad_targets=bad
        )

    def retried(self, uid: str, *, at: datetime, attempts: int) -> Record:
        """This record with a retry that made, or is about to make (`uid` ""), a migration."""
        return replace(self, attempts=attempts, last_act="retry", last_migration=uid, last_at=at, retry_due=not uid)

    @property
    def is_begun(self) -> bool:
        """Whether an attempt was counted of which nobody knows that its migration was made: the run was killed."""
        return self.last_act == "retry" and not self.last_migration and self.attempts > 0

    def unmade(self) -> Record:
        """This record without the attempt that was counted and never made: the next run makes it."""
        return replace(self, attempts=self.attempts - 1, last_act="", last_at=None)

    def since_success(self, succeeded_at: datetime | None) -> Record:
        """This record, with its count at 0 where the VM has moved since."""
        if succeeded_at is None or self.last_at is None or succeeded_at < self.last_at:
            return self
        return Record(last_act=self.last_act, last_migration=self.last_migration, last_at=self.last_at)


def _with_node(nodes: tuple[str, ...], node: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*nodes, node)))[-_MOST_NODES:] if node else nodes


@dataclass(frozen=True)
class Held:
    """The Lease as it was read. `record` is None where its text cannot be understood: then nobody acts on it.

    `expires_at` is None where nobody holds it.
    """

    version: str
    holder: str
    expires_at: datetime | None
    transitions: int
    record: Record | None

    def refusal(self, *, holder: str, now: datetime) -> Refused | None:
        """Why `holder` may not take it now; None where it may."""
        if self.holder and self.holder != holder and self.expires_at is not None and now < self.expires_at:
            until = format_timestamp(self.expires_at)
            return Refused("LockHeld", f"{self.holder} acts on this VM, until {until} at the latest.", self.expires_at)
        return None


def lease_name(vmi_uid: str) -> str:
    """The Lease of the VMI with this UID: another run of the VM has another one."""
    return f"live-migration-{vmi_uid}"


def read_held(obj: Any) -> Held:
    """What the Lease in `obj` says."""
    lease = Lease.from_object(obj)
    text = lease.meta.annotations.get(MEMORY)
    expires = later_by(lease.renewed_at, lease.seconds) if lease.holder else None
    broken = bool(lease.problems) or (bool(lease.holder) and expires is None)
    return Held(
        version=Reader(obj).text(LEASE_VERSION),
        holder=lease.holder,
        expires_at=expires,
        transitions=lease.transitions,
        record=None if broken else (Record() if text is None else _parse(text)),
    )


def _parse(text: str) -> Record | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, Mapping):
        return None
    attempts, due = as_int(found.get("attempts")), as_bool(found.get("retry_due"))
    nodes = as_list(found.get("bad_targets"))
    act, migration, last = (as_text(found.get(name)) for name in ("last_act", "last_migration", "last_at"))
    if attempts is None or due is None or nodes is None or act is None or migration is None or last is None:
        return None
    at = parse_timestamp(last)
    if not 0 <= attempts <= _MOST_ATTEMPTS or (last and at is None) or not all(isinstance(one, str) for one in nodes):
        return None
    return Record(attempts, act, migration, at, due, tuple(nodes))


def plan_lease(
    vmi: Vmi, record: Record, /, *, held: Held | None, holder: str, seconds: int, now: datetime
) -> dict[str, Any]:
    """The Lease to create, or with `held` the merge patch of what was read, and of only that.

    It is held by `holder`, or free where that is "".
    """
    taken = bool(holder) and (held is None or held.holder != holder)
    spec = {
        "leaseDurationSeconds": max(1, seconds),
        "renewTime": _micro(now),
        "leaseTransitions": ((held.transitions if held else 0) + taken) % _MOST_TRANSITIONS,
        "holderIdentity": holder or None,
    }
    metadata: dict[str, Any] = {
        "labels": {LEASE_OF: "vm", RETRY_DUE: "true" if record.retry_due else None},
        "annotations": {MEMORY: record.to_text()},
    }
    if held is not None:
        return {"metadata": {**metadata, "resourceVersion": held.version}, "spec": spec}
    owner = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "name": vmi.meta.name,
        "uid": vmi.meta.uid,
    }
    name = {"name": lease_name(vmi.meta.uid), "namespace": vmi.meta.namespace, "ownerReferences": [owner]}
    # A null would become an empty value here; in a merge patch it takes the key away.
    labels = {key: value for key, value in metadata["labels"].items() if value is not None}
    return {**LEASE_KIND, "metadata": {**name, **metadata, "labels": labels}, "spec": spec}


def _micro(moment: datetime) -> str:
    return format_timestamp(moment).replace("Z", ".000000Z")
