# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One VM that is asked about, and all that is known around it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.budget import DisruptionBudget
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import Guest
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.launcher import Launcher
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.node import Node
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.pod import Pod
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quota import ResourceQuota
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import Meta
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case, PodIndex
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Found
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.configuration import Effective
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import Judgement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.node import NodeVerdict
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.placement import Placement
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.target_pod import (
    TargetPod,
    predict_target_pod,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Queue

__all__ = ["Found", "Grounds", "Subject", "asked_for_now", "subject_of"]

Key = tuple[str, str]


@dataclass(frozen=True)
class Subject:
    """One VM of the drain. What was not read is None.

    `pod` is the one it runs in; `target` what its next one would ask for; `usage` what that takes of quotas;
    `placement` where it could go; `settings` what a migration asked for now would run under.
    """

    guest: Guest
    pod: Pod | None = None
    target: TargetPod | None = None
    usage: Mapping[str, Fraction] | None = None
    placement: Placement | None = None
    settings: Mapping[str, Effective] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """(namespace, name)."""
        return self.guest.key

    @property
    def node(self) -> str:
        """Where it runs."""
        return self.guest.vmi.node


def subject_of(
    guest: Guest, launchers: Sequence[Launcher], /, *, node: Node | None, settings: Mapping[str, Effective]
) -> Subject:
    """The VM with the pod that it runs in: the only unfinished one of `launchers` that is its own and on its node.
    Where that does not tell it, what hangs on the pod is not known. `node` is its node, None where it was not read."""
    uid, place = guest.vmi.meta.uid, guest.vmi.node
    own = [one for one in launchers if uid and one.owner == uid and not one.pod.is_finished]
    here = [one for one in own if place and one.pod.node == place]
    if len(here) != 1:
        return Subject(guest, settings=settings)
    launcher = here[0]
    target = predict_target_pod(launcher.needs, guest=guest, node=node)
    return Subject(guest, launcher.pod, target, launcher.usage, settings=settings)


@dataclass(frozen=True)
class Grounds:
    """All that is known besides the VMs. Topics of `snapshot.unseen` say what is not: besides the usual ones `budgets`,
    `quotas` and `placement/...`.

    `ongoing`: judgements of the unfinished migrations by VM; `health`: verdicts on nodes. `dirty_rates` and
    `expected_bandwidth` are bytes a second, given by the caller; `measured_rates` are the highest of the last hour, as
    Prometheus has them, of VMs for which none is given.
    """

    snapshot: Snapshot
    drained: frozenset[str] = frozenset()
    queue: Queue = field(default_factory=Queue)
    ongoing: Mapping[Key, Judgement] = field(default_factory=dict)
    health: Mapping[str, NodeVerdict] = field(default_factory=dict)
    budgets: tuple[DisruptionBudget, ...] = ()
    quotas: tuple[ResourceQuota, ...] = ()
    dirty_rates: Mapping[Key, int] = field(default_factory=dict)
    measured_rates: Mapping[Key, int] = field(default_factory=dict)
    expected_bandwidth: int | None = None

    @cached_property
    def pods(self) -> PodIndex:
        """The launcher pods by their VMI."""
        return PodIndex.of(self.snapshot.pods)

    def hidden(self, topic: str, *, namespace: str) -> tuple[Rule, ...]:
        """The rules that would show `topic`, whether it was asked for in one namespace or in all."""
        return self.snapshot.unseen_for(topic) or self.snapshot.unseen_for(topic, namespace=namespace)


def asked_for_now(grounds: Grounds, subject: Subject, /, *, phase: str) -> Case:
    """The case of a migration of the VM that would be in `phase` now, as the cause functions take it: what would hold
    it back is what holds back one that exists."""
    namespace, name = subject.key
    # A UID that no object has: a state of the VMI that names none must not count as its own.
    meta = Meta(namespace, "", "(asked for now)", None, None, {}, {})
    migration = Migration(meta, name, "system-critical", phase, (), {}, None, False, False, ())
    vmis = {subject.key: subject.guest.vmi}
    snapshot = replace(grounds.snapshot, vmis=vmis, migrations=(), subjects=None)
    return Case(snapshot, migration, grounds.pods)
