# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the finished migrations that KubeVirt keeps tell: the last one failed, all fail, or all fail on one node.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, pkg/virt-controller/watch/migration/migration.go (a VM keeps its five newest finished ones).

None of them holds a migration back that is under way, so none makes it `blocked`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import (
    migration as migration_facts,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.history import (
    Attempt,
    common_reason,
    common_target,
    failures_in_a_row,
    find_previous,
    read_attempt,
)

__all__ = ["HISTORY", "find_bad_target_node", "find_failing_repeatedly", "find_last_attempt_failed"]

HISTORY = frozenset({"FailingRepeatedly", "BadTargetNode", "LastAttemptFailed"})
REPEATED = 3
BAD_TARGET_VMS = 2


def find_failing_repeatedly(case: Case) -> Cause | Gap | None:
    """At least three failures of the VM in a row, this migration's own among them; said of its newest migration."""
    if case.is_followed:
        return None
    attempts = find_previous(case.snapshot, case.migration)
    if case.migration.is_final:
        attempts = (read_attempt(case.migration), *attempts)
    failures = failures_in_a_row(attempts)
    if len(failures) < REPEATED:
        return None
    reason, target = common_reason(failures), common_target(failures)
    summary = (
        f"The last {len(failures)} migrations of this VM failed"
        + (f", each because {reason}" if reason else ", for different reasons")
        + (f", all on their way to {target}." if target else ".")
    )
    seen = tuple(_evidence(case.migration.meta.namespace, failure) for failure in failures)
    names = {"target": target, "reason": reason}
    since = failures[-1].ended_at
    return Cause("FailingRepeatedly", summary, "no", since, seen, confidence="certain", names=names)


def find_bad_target_node(case: Case) -> Cause | Gap | None:
    """Migrations of at least two VMs failed on the target node since one last succeeded there, and others reached
    other nodes. Looked for among the migrations that were read."""
    node = case.target_node
    if not node or case.migration.phase == "Succeeded" or case.is_followed:
        return None
    failures = _failures_on(case, node)
    vms = sorted({migration.label for migration in failures})
    if len(vms) < BAD_TARGET_VMS:
        return None
    reached = [
        migration for other, some in case.snapshot.ended_by_target.items() if other != node for migration in some
    ]
    elsewhere = sum(migration.phase == "Succeeded" for migration in reached)
    if not elsewhere:
        return None
    summary = (
        f"{len(failures)} migrations of {len(vms)} VMs failed on their way to {node} and none has reached it since; "
        f"{elsewhere} reached other nodes."
    )
    seen = tuple(_evidence(migration.meta.namespace, read_attempt(migration)) for migration in failures[:5])
    since = read_attempt(failures[-1]).ended_at
    return Cause("BadTargetNode", summary, "no", since, seen, confidence="likely", names={"node": node})


def find_last_attempt_failed(case: Case) -> Cause | Gap | None:
    """It has failed and nobody cancelled it: why, in plain words. Said while it is the VM's newest migration."""
    attempt = read_attempt(case.migration)
    if attempt.failure is None or not attempt.has_failed or case.is_followed:
        return None
    target = f" to {attempt.target_node}" if attempt.target_node else ""
    summary = f"The last migration of this VM{target} failed: {attempt.failure.words}."
    seen = (_evidence(case.migration.meta.namespace, attempt),)
    owner = "" if case.migration.origin in ("user", "decentralized") else case.migration.origin
    names = {"node": attempt.target_node, "owner": owner}
    return Cause("LastAttemptFailed", summary, "maybe", attempt.ended_at, seen, names=names)


def _failures_on(case: Case, node: str) -> Sequence[Migration]:
    """What failed on `node`, newest first, back to the last one that reached it."""
    found = []
    for migration in case.snapshot.ended_by_target.get(node, ()):
        if migration.phase == "Succeeded":
            break
        if read_attempt(migration).has_failed:
            found.append(migration)
    return found


def _evidence(namespace: str, attempt: Attempt) -> Evidence:
    field, value = migration_facts.STATE.failure_reason.path, attempt.failure_reason
    if not value:
        field, value = migration_facts.PHASE.path, attempt.phase
    return Evidence(f"VirtualMachineInstanceMigration {namespace}/{attempt.name}", field, value, attempt.ended_at)
