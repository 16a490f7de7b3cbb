# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an eviction of the VM's pod would do: ask for a migration, shut the VM down, or nothing.

This module is private to the collection and may change without notice.
Rules: KubeVirt v1.9.0, pkg/virt-api/webhooks/validating-webhook/admitters/pod-eviction-admitter.go; Kubernetes,
pkg/registry/core/pod/storage/eviction.go: webhooks are asked before disruption budgets, so a budget counts only where
KubeVirt's webhook lets the eviction pass, which is where the VM would be shut down.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import evacuation as evacuation_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import surroundings
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import vmi as vmi_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.budget import (
    DISRUPTIONS_ALLOWED,
    DisruptionBudget,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.evacuation import (
    EXTERNAL,
    LIVE_MIGRATE,
    LIVE_MIGRATE_IF_POSSIBLE,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.subject import (
    Found,
    Grounds,
    Subject,
)

__all__ = ["effective_strategy", "find_eviction", "migrates_on_eviction"]

# KubeVirt's reasons for LiveMigratable=False in plain words (types.go; virt-handler says which one it found first).
WORDS = {
    "DisksNotLiveMigratable": "a disk is not shared between nodes, as its claim is not ReadWriteMany",
    "InterfaceNotLiveMigratable": "a network interface cannot move, as with a bridge to the pod network or SR-IOV",
    "HotplugNotLiveMigratable": "a hot-plugged device cannot move",
    "CPUModeLiveMigratable": "no other node offers the CPU that the guest sees",
    "VirtIOFSNotLiveMigratable": "it has a virtio-fs file system",
    "HostDeviceNotLiveMigratable": "it uses a device of its host, such as a GPU",
    "SEVNotLiveMigratable": "its memory is encrypted (SEV)",
    "SecureExecutionNotLiveMigratable": "it uses Secure Execution",
    "TDXNotLiveMigratable": "its memory is encrypted (TDX)",
    "NoTSCFrequencyNotLiveMigratable": "the frequency of its time stamp counter is not known",
    "HypervPassthroughNotLiveMigratable": "it passes the host's Hyper-V features through",
    "PersistentReservationNotLiveMigratable": "it uses SCSI persistent reservations",
    "DecentralizedNotLiveMigratable": "it can be moved within one cluster only, or not at all",
}


def effective_strategy(grounds: Grounds, subject: Subject, /) -> str | None:
    """The VMI's eviction strategy, else the cluster's; None where the VMI has none and the KubeVirt object is not
    known."""
    if subject.guest.eviction_strategy:
        return subject.guest.eviction_strategy
    kubevirt = grounds.snapshot.kubevirt
    return kubevirt.eviction_strategy if kubevirt is not None else None


def migrates_on_eviction(grounds: Grounds, subject: Subject, /) -> bool:
    """Whether KubeVirt makes a migration when the pod is evicted."""
    strategy = effective_strategy(grounds, subject)
    return strategy in (LIVE_MIGRATE, LIVE_MIGRATE_IF_POSSIBLE) and subject.guest.is_migratable


def find_eviction(grounds: Grounds, subject: Subject, /) -> Iterator[Found]:
    """Why the eviction leads to no migration; nothing where it does."""
    strategy = effective_strategy(grounds, subject)
    if strategy is None:
        rules = grounds.snapshot.unseen_for("kubevirt")
        why = "" if rules else "the cluster's eviction strategy cannot be read from a KubeVirt object"
        yield Gap("EvictionStopsVM", rules, why=why)
    elif strategy == EXTERNAL:
        yield _external(grounds, subject)
    elif strategy == LIVE_MIGRATE:
        if not subject.guest.is_migratable:
            yield _not_migratable(subject)
    elif strategy != LIVE_MIGRATE_IF_POSSIBLE or not subject.guest.is_migratable:
        yield from _stops(grounds, subject, strategy)


def _strategy_seen(grounds: Grounds, subject: Subject) -> Evidence:
    own, kubevirt = subject.guest.eviction_strategy, grounds.snapshot.kubevirt
    if own or kubevirt is None:
        return Evidence(subject.guest.name, evacuation_facts.EVICTION_STRATEGY.path, own)
    name = f"KubeVirt {kubevirt.meta.namespace}/{kubevirt.meta.name}"
    return Evidence(name, surroundings.EVICTION_STRATEGY.path, str(kubevirt.eviction_strategy))


def _migratable_seen(subject: Subject) -> Evidence:
    condition = subject.guest.vmi.conditions.get("LiveMigratable")
    path = f"{vmi_facts.CONDITIONS.list.path}[LiveMigratable]"
    if condition is None:
        return Evidence(subject.guest.name, path, "there is no such condition")
    said = ": ".join(part for part in (condition.reason, condition.message) if part)
    return Evidence(subject.guest.name, f"{path}.status", f"{condition.status} {said}".strip(), condition.changed_at)


def _why_not_migratable(subject: Subject) -> str:
    condition = subject.guest.vmi.conditions.get("LiveMigratable")
    if condition is None:
        return "KubeVirt has not said whether it can be migrated"
    known = WORDS.get(condition.reason, "")
    said = condition.message.rstrip(".") or condition.reason or f"LiveMigratable is {condition.status}"
    return f"{known}; KubeVirt says: {said}" if known else said


def _external(grounds: Grounds, subject: Subject) -> Cause:
    summary = (
        "KubeVirt only marks the VM for eviction and leaves it to somebody else to move it; the drain waits until that "
        "is done."
    )
    return Cause("ExternalEviction", summary, "maybe", None, (_strategy_seen(grounds, subject),))


def _not_migratable(subject: Subject) -> Cause:
    cures = "maybe" if "LiveMigratable" not in subject.guest.vmi.conditions else "no"
    summary = f"KubeVirt refuses the eviction, and the drain waits for ever: {_why_not_migratable(subject)}."
    return Cause("NotLiveMigratable", summary, cures, None, (_migratable_seen(subject),))


def _stops(grounds: Grounds, subject: Subject, strategy: str) -> Iterator[Found]:
    seen = [_strategy_seen(grounds, subject)]
    if strategy == LIVE_MIGRATE_IF_POSSIBLE:
        seen.append(_migratable_seen(subject))
        why = f"it cannot be migrated: {_why_not_migratable(subject)}"
    else:
        why = f"its eviction strategy is {strategy}"
    if subject.pod is None:
        rules = grounds.hidden("pods", namespace=subject.key[0])
        yield Gap("DisruptionBudgetBlocks", rules, why="" if rules else "its launcher pod was not found")
    holding = [] if subject.pod is None else _holding(grounds, subject)
    if holding:
        yield _held(subject, holding, seen)
        return
    # A budget that was not seen could hold the drain, so that the VM lives on.
    unsure = subject.pod is None or bool(grounds.hidden("budgets", namespace=subject.key[0]))
    confidence = "likely" if unsure or _spoilt(grounds, subject) else "certain"
    summary = f"The drain shuts the VM down and migrates nothing: {why}."
    yield Cause("EvictionStopsVM", summary, "no", None, tuple(seen), confidence=confidence)


def _about(grounds: Grounds, subject: Subject, *, answer: bool | None) -> list[DisruptionBudget]:
    pod = subject.pod
    return [] if pod is None else [one for one in grounds.budgets if one.means(pod) is answer]


def _spoilt(grounds: Grounds, subject: Subject) -> bool:
    return bool(_about(grounds, subject, answer=None))


def _holding(grounds: Grounds, subject: Subject) -> list[DisruptionBudget]:
    """The budgets that make the eviction fail: more than one whatever they say, or one that lets nothing go."""
    about = _about(grounds, subject, answer=True)
    if len(about) > 1:
        return about
    return [one for one in about if subject.pod is not None and not one.lets_go(subject.pod)]


def _held(subject: Subject, holding: list[DisruptionBudget], seen: list[Evidence]) -> Cause:
    names = " and ".join(one.meta.name for one in holding)
    if len(holding) > 1:
        what = f"its pod has {len(holding)} disruption budgets ({names}), with which Kubernetes evicts no pod (500)"
    else:
        what = f"the disruption budget {names} lets no pod go (429), so the drain waits and the VM keeps running"
    seen += [Evidence(one.label, DISRUPTIONS_ALLOWED.path, str(one.disruptions_allowed)) for one in holding[:5]]
    budget = {"budget": holding[0].meta.name, "namespace": subject.key[0]}
    summary = f"It would be shut down, not migrated, but {what}."
    return Cause("DisruptionBudgetBlocks", summary, "maybe", None, tuple(seen), names=budget)
