# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would hold a migration of the VM that is asked for now, before it has a target pod.

This module is private to the collection and may change without notice.
Most of it is what the cause functions say of a migration that exists. Rules besides: KubeVirt v1.9.0,
pkg/virt-controller/watch/drain/evacuation/evacuation.go (a VM with an unfinished migration, or with two live pods, gets
none), pkg/virt-controller/watch/migration/migration.go (a migration for an eviction is system-critical and ends a
backup).
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import evacuation as evacuation_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import migration as migration_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import surroundings
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import vmi as vmi_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.anywhere import (
    find_virt_controller_silent,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.nodes import (
    find_source_handler_down,
    find_source_node_down,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.pending import (
    find_leftover_launcher_pod,
    find_limits_of_zero,
    find_selinux_context_missing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.repeated import REPEATED
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.history import (
    common_reason,
    common_target,
    failures_in_a_row,
    read_attempt,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Found,
    Grounds,
    Subject,
    asked_for_now,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.target_pod import (
    lacks_host_model,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.queue import Holder

__all__ = ["find_obstacles", "find_slots_taken"]

_CHANGES = ("HotVCPUChange", "HotMemoryChange", "MigrationRequired")


def find_obstacles(grounds: Grounds, subject: Subject, /) -> Iterator[Found]:
    """Everything but slots, room, and the copy."""
    pending = asked_for_now(grounds, subject, phase="Pending")
    running = asked_for_now(grounds, subject, phase="Running")
    found = [
        find_virt_controller_silent(pending),
        find_source_node_down(pending),
        find_source_handler_down(running),
        find_limits_of_zero(pending),
        find_selinux_context_missing(pending),
    ]
    yield from (one for one in found if one is not None)
    yield from _unfinished(grounds, subject)
    yield from _guest(grounds, subject)
    yield from _host_model(grounds, subject)
    yield from _history(grounds, subject)


def _unfinished(grounds: Grounds, subject: Subject) -> Iterator[Found]:
    """A migration that the VM has already, or (without one) pods that are left of an earlier one."""
    judgement = grounds.ongoing.get(subject.key)
    rules = grounds.hidden("migrations", namespace=subject.key[0])
    if judgement is None:
        if rules:
            yield Gap("MigrationStuck", rules)
            return
        leftover = find_leftover_launcher_pod(asked_for_now(grounds, subject, phase="Pending"))
        if leftover is not None:
            yield leftover
        return
    migration = judgement.case.migration
    seen = Evidence(judgement.case.name, migration_facts.PHASE.path, migration.phase, migration.phase_since)
    names = {"migration": migration.meta.name}
    if judgement.verdict == "unknown":
        yield Gap("MigrationStuck", (), why=f"whether its migration {migration.meta.name} goes on: {judgement.reason}")
    elif judgement.is_stuck:
        summary = (
            f"Its migration {migration.meta.name} is {judgement.verdict}, and a drain makes no other one before that "
            f"has ended: {judgement.reason}"
        )
        yield Cause("MigrationStuck", summary, "no", migration.phase_since, (seen,), names=names)
    else:
        node = judgement.case.target_node
        target = f" to {node}" if node else ""
        then = ", and moves the VM on as that node is to be drained too" if node in grounds.drained else ""
        summary = f"Its migration {migration.meta.name}{target} is {judgement.verdict}; a drain waits for it{then}."
        yield Cause("AnotherMigrationActive", summary, "yes", migration.phase_since, (seen,), names=names)


def _guest(grounds: Grounds, subject: Subject) -> Iterator[Found]:
    guest = subject.guest
    vmi = guest.vmi
    if guest.problems:
        yield Gap("VMINotRunning", (), why=f"the VMI cannot be read: {guest.problems[0]}")
    if vmi.phase != "Running" or vmi.meta.deleted_at is not None:
        what = "is being stopped" if vmi.meta.deleted_at is not None else f"is in phase {vmi.phase or '(none)'}"
        seen = Evidence(guest.name, vmi_facts.PHASE.path, vmi.phase, vmi.meta.deleted_at)
        yield Cause("VMINotRunning", f"The VM {what}: it is migrated once it runs.", "maybe", None, (seen,))
    if guest.backup:
        seen = Evidence(guest.name, evacuation_facts.BACKUP_NAME.path, guest.backup)
        summary = f"The backup {guest.backup} is running, and a migration for a drain ends it."
        yield Cause("BackupInProgress", summary, "yes", None, (seen,))
    if guest.utility_volumes:
        seen = Evidence(guest.name, evacuation_facts.UTILITY_VOLUMES.path, ", ".join(guest.utility_volumes))
        summary = "Utility volumes are attached; KubeVirt waits until they are gone."
        yield Cause("UtilityVolumesPresent", summary, "yes", None, (seen,))
    changes = [name for name in _CHANGES if (one := vmi.conditions.get(name)) is not None and one.status == "True"]
    if changes:
        path = f"{vmi_facts.CONDITIONS.list.path}[{changes[0]}].status"
        summary = (
            f"A change is not applied yet ({', '.join(changes)}): the target pod will ask for other amounts than the "
            "present one, which is what the placement here was judged by."
        )
        yield Cause("HotplugChangePending", summary, "maybe", None, (Evidence(guest.name, path, "True"),))
    if vmi.has_outdated_launcher:
        seen = Evidence(guest.name, vmi_facts.LAUNCHER_VERSION.path, vmi.launcher_version)
        summary = "Its launcher is of another version than the installed KubeVirt; a migration brings the new one."
        yield Cause("LauncherOutdated", summary, "maybe", None, (seen,))


def _host_model(grounds: Grounds, subject: Subject) -> Iterator[Found]:
    node = grounds.snapshot.nodes.get(subject.node)
    if subject.target is None or node is None:
        return  # The placement says that it is not known.
    if lacks_host_model(subject.target.needs, guest=subject.guest, node=node):
        seen = Evidence(node.label, "metadata.labels[host-model-cpu.node.kubevirt.io/...]", "there is no such label")
        summary = f"{subject.node} does not say which CPU model it has, and KubeVirt makes no target pod without that."
        yield Cause("HostModelUnknown", summary, "no", None, (seen,), names={"node": subject.node})


def _history(grounds: Grounds, subject: Subject) -> Iterator[Found]:
    ended = [one for one in grounds.snapshot.by_vm.get(subject.key, ()) if one.is_final]
    failures = failures_in_a_row([read_attempt(one) for one in ended])
    if len(failures) < REPEATED:
        return
    reason, target = common_reason(failures), common_target(failures)
    summary = f"The last {len(failures)} migrations of this VM failed" + (f", each because {reason}" if reason else "")
    summary += f", all on their way to {target}." if target else "."
    seen = tuple(
        Evidence(
            f"{migration_facts.KIND} {subject.key[0]}/{one.name}",
            migration_facts.STATE.failure_reason.path,
            one.failure_reason,
            one.ended_at,
        )
        for one in failures
    )
    yield Cause("FailingRepeatedly", summary, "no", failures[-1].ended_at, seen, names={"target": target})


def find_slots_taken(grounds: Grounds, subject: Subject, /) -> Iterator[Found]:
    """No slot is free now, in the cluster or on the VM's node. A VM that has its own migration is not asked."""
    kubevirt = grounds.snapshot.kubevirt
    rules = grounds.snapshot.unseen_for("queue") or grounds.snapshot.unseen_for("kubevirt")
    if rules:
        yield Gap("ClusterLimitReached", rules)
        return
    if kubevirt is None or kubevirt.problems:
        why = f"KubeVirt: {kubevirt.problems[0]}" if kubevirt else "the cluster has no KubeVirt object"
        yield Gap("ClusterLimitReached", (), why=why)
        return
    if subject.key in grounds.ongoing or min(kubevirt.per_cluster, kubevirt.outbound_per_node) < 1:
        return
    name = f"KubeVirt {kubevirt.meta.namespace}/{kubevirt.meta.name}"
    limits = (
        ("ClusterLimitReached", surroundings.CLUSTER_LIMIT, kubevirt.per_cluster, grounds.queue.holders, "the cluster"),
        (
            "OutboundLimitReached",
            surroundings.NODE_LIMIT,
            kubevirt.outbound_per_node,
            grounds.queue.outbound(subject.node),
            subject.node,
        ),
    )
    for code, field, limit, holders, where in limits:
        if len(holders) >= limit:
            yield _taken(code, holders, where=where, limit=Evidence(name, field.path, str(limit)))


def _taken(code: str, holders: tuple[Holder, ...], *, where: str, limit: Evidence) -> Found:
    labels = ", ".join(one.label for one in holders[:5]) + (f" and {len(holders) - 5} more" if len(holders) > 5 else "")
    taken = f"{len(holders)} of {limit.value} slots of {where} are taken, by {labels}"
    seen = (limit, *(Evidence(one.object, migration_facts.PHASE.path, one.phase) for one in holders[:10]))
    if all(one.is_stuck for one in holders):
        summary = f"{taken}; all of these are stuck, so no slot becomes free."
        return Cause("SlotsHeldByStuck", summary, "no", None, seen, names={"holder": holders[0].label})
    if not any(one.is_stuck is False for one in holders):
        why = next(one.why for one in holders if one.is_stuck is None)
        return Gap(code, (), why=f"it is not known whether {labels} goes on ({why})")
    return Cause(code, f"{taken}.", "yes", None, seen)
