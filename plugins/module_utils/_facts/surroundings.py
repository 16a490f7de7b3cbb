# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around a migration: the KubeVirt object, virt-controller's lease, events.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-config/virt-config.go (defaults of the limits); Kubernetes core/v1, coordination/v1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import declare
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import (
    Meta,
    MetaFields,
    Reader,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    SettingsFields,
    read_settings,
)

__all__ = [
    "CLUSTER_LIMIT",
    "EVICTION_STRATEGY",
    "LEASE_VERSION",
    "NODE_LIMIT",
    "RENEWED",
    "Event",
    "KubeVirt",
    "Lease",
]

DEFAULT_PER_CLUSTER = 5
DEFAULT_OUTBOUND_PER_NODE = 2

_KUBEVIRT_META = MetaFields("KubeVirt")
CLUSTER_LIMIT = declare("KubeVirt", "spec.configuration.migrations.parallelMigrationsPerCluster")
NODE_LIMIT = declare("KubeVirt", "spec.configuration.migrations.parallelOutboundMigrationsPerNode")
MIGRATIONS = declare("KubeVirt", "spec.configuration.migrations")
_SETTINGS = SettingsFields("KubeVirt", base=MIGRATIONS.path, wanted=lambda setting: setting.in_kubevirt)
OBSERVED_VERSION = declare("KubeVirt", "status.observedKubeVirtVersion")
TARGET_VERSION = declare("KubeVirt", "status.targetKubeVirtVersion")
KUBEVIRT_PHASE = declare("KubeVirt", "status.phase")
EVICTION_STRATEGY = declare("KubeVirt", "spec.configuration.evictionStrategy")

_LEASE_META = MetaFields("Lease")
RENEWED = declare("Lease", "spec.renewTime")
HOLDER = declare("Lease", "spec.holderIdentity")
LEASE_SECONDS = declare("Lease", "spec.leaseDurationSeconds")
LEASE_TRANSITIONS = declare("Lease", "spec.leaseTransitions")
LEASE_VERSION = declare("Lease", "metadata.resourceVersion")
LEASE_OWNERS = declare("Lease", "metadata.ownerReferences")
LEASE_OWNER = declare("Lease", "name", base="metadata.ownerReferences[]")

_EVENT_META = MetaFields("Event")
REASON = declare("Event", "reason")
MESSAGE = declare("Event", "message")
EVENT_TYPE = declare("Event", "type")
COUNT = declare("Event", "count")
FIRST_AT = declare("Event", "firstTimestamp")
LAST_AT = declare("Event", "lastTimestamp")
EVENT_TIME = declare("Event", "eventTime")
SERIES_AT = declare("Event", "series.lastObservedTime")
ABOUT_KIND = declare("Event", "involvedObject.kind")
ABOUT_NAME = declare("Event", "involvedObject.name")
ABOUT_UID = declare("Event", "involvedObject.uid")


@dataclass(frozen=True)
class KubeVirt:
    """The KubeVirt object: the limits in force (KubeVirt's own default where unset) and where it lives.

    `settings` are the migration settings that it sets, by their names in the API; None where one is of a wrong type.
    `eviction_strategy` holds for VMIs that name none ("None" where unset); None where it is of a wrong type. `doubt`
    says why it is not known which object is in force, "" where it is; then neither of the two is known.
    """

    meta: Meta
    version: str
    target_version: str
    phase: str
    per_cluster: int
    outbound_per_node: int
    settings: Mapping[str, Any] | None
    eviction_strategy: str | None
    problems: tuple[str, ...]
    doubt: str = ""

    @classmethod
    def from_objects(cls, objs: Sequence[Any], /) -> KubeVirt | None:
        """The KubeVirt object in force; None for no object. Of several KubeVirt acts on one only, and what they set is
        not known then: nothing but the namespace is kept, if they share it."""
        found = [cls.from_object(obj) for obj in objs]
        if len(found) < 2:
            return found[0] if found else None
        names = sorted(f"{one.meta.namespace}/{one.meta.name}" for one in found)
        doubt = f"there are {len(names)} KubeVirt objects ({', '.join(names)}), and which one is in force is not known"
        places = {one.meta.namespace for one in found}
        meta = replace(found[0].meta, name="", namespace=places.pop() if len(places) == 1 else "")
        return replace(
            cls.from_object({}), meta=meta, settings=None, eviction_strategy=None, problems=(doubt,), doubt=doubt
        )

    @classmethod
    def from_object(cls, obj: Any) -> KubeVirt:
        """The KubeVirt object in `obj`; a limit of a wrong type stands in `problems`."""
        reader = Reader(obj)
        meta = _KUBEVIRT_META.read(reader)
        cluster, node = reader.integer(CLUSTER_LIMIT), reader.integer(NODE_LIMIT)
        return cls(
            meta=meta,
            version=reader.text(OBSERVED_VERSION),
            target_version=reader.text(TARGET_VERSION),
            phase=reader.text(KUBEVIRT_PHASE),
            per_cluster=DEFAULT_PER_CLUSTER if cluster is None else cluster,
            outbound_per_node=DEFAULT_OUTBOUND_PER_NODE if node is None else node,
            settings=_settings(obj),
            eviction_strategy=_eviction_strategy(obj),
            problems=tuple(reader.problems),
        )

    @property
    def is_changing(self) -> bool:
        """Whether it is being installed, upgraded or removed: not Deployed, or on its way to another version."""
        moving = bool(self.target_version) and self.target_version != self.version
        return self.phase != "Deployed" or moving


def _settings(obj: Any) -> Mapping[str, Any] | None:
    """With problems of its own: a spoilt bandwidth says nothing about the limits."""
    reader = Reader(obj)
    reader.mapping(MIGRATIONS)
    found = read_settings(reader, fields=_SETTINGS)
    return None if reader.problems else found


def _eviction_strategy(obj: Any) -> str | None:
    """With problems of its own too. pkg/virt-config/configuration.go: None is the default."""
    reader = Reader(obj)
    found = reader.text(EVICTION_STRATEGY)
    return None if reader.problems else found or "None"


@dataclass(frozen=True)
class Lease:
    """A Lease, `owners` the names of the objects that it goes with.

    `renewed_at` is None where absent or unreadable (then `problems` says so).
    """

    meta: Meta
    holder: str
    seconds: int
    renewed_at: datetime | None
    transitions: int
    owners: tuple[str, ...]
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> Lease:
        """The lease in `obj`."""
        reader = Reader(obj)
        return cls(
            meta=_LEASE_META.read(reader),
            holder=reader.text(HOLDER),
            seconds=reader.integer(LEASE_SECONDS) or 0,
            renewed_at=reader.moment(RENEWED),
            transitions=reader.integer(LEASE_TRANSITIONS) or 0,
            owners=tuple(item.text(LEASE_OWNER) for item in reader.readers(LEASE_OWNERS)),
            problems=tuple(reader.problems),
        )


@dataclass(frozen=True)
class Event:
    """One event. `first_at` and `last_at` are None where no time is readable."""

    meta: Meta
    reason: str
    message: str
    type: str
    count: int
    first_at: datetime | None
    last_at: datetime | None
    about_kind: str
    about_name: str
    about_uid: str
    problems: tuple[str, ...]

    @classmethod
    def from_object(cls, obj: Any) -> Event:
        """The event in `obj`; the old and the new events API are read alike."""
        reader = Reader(obj)
        meta = _EVENT_META.read(reader)
        once = reader.moment(EVENT_TIME) or meta.created_at
        return cls(
            meta=meta,
            reason=reader.text(REASON),
            message=reader.text(MESSAGE),
            type=reader.text(EVENT_TYPE),
            count=reader.integer(COUNT) or 1,
            first_at=reader.moment(FIRST_AT) or once,
            last_at=reader.moment(SERIES_AT) or reader.moment(LAST_AT) or once,
            about_kind=reader.text(ABOUT_KIND),
            about_name=reader.text(ABOUT_NAME),
            about_uid=reader.text(ABOUT_UID),
            problems=tuple(reader.problems),
        )
