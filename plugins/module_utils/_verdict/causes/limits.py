# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cause that a configuration can never work, before the copy and in it.

This module is private to the collection and may change without notice.
Facts: KubeVirt v1.9.0, kubevirt-update-admitter.go (the KubeVirt object's timeouts and bandwidth may be anything) and
pkg/virt-launcher/virtwrap/live-migration-source.go (only a timeout of 0 is none).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts import vmi as vmi_facts
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import MODE_POST_COPY
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause, Evidence, Gap
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.convergence import (
    find_bandwidth_too_low,
    find_not_converging,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.causes.pending import (
    find_limits_of_zero,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import MEBIBYTE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.deadline import find_deadline
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import copy_state
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.workload import settings_from

__all__ = ["find_unworkable_limits", "unworkable_settings"]


def find_unworkable_limits(case: Case) -> Cause | Gap | None:
    """A limit of 0 parallel migrations: every one then stays Pending, and nothing says so (seen on KubeVirt's own
    controllers). Of a copy that is past its deadline or does not get on: a timeout below 0, which is over at once, or a
    cap below 1 MiB/s. Where a migration gets on all the same, they are a warning of the module."""
    return find_limits_of_zero(case) or _of_copy(case)


def _of_copy(case: Case) -> Cause | None:
    state = copy_state(case)
    if state is None or state.mode == MODE_POST_COPY or not _is_stuck(case):
        return None
    found = unworkable_settings(state.configuration or {})
    if not found:
        return None
    path = vmi_facts.STATE.configuration.path
    seen = tuple(
        Evidence(case.vmi_name, f"{path}.{name}", str(value), state.started_at) for name, value in found.items()
    )
    said = " and ".join(f"{name} {value}" for name, value in found.items())
    summary = f"The copy runs under settings that cannot work: {said}."
    names = {"copy": "yes", "policy": state.policy}
    return Cause("UnworkableLimits", summary, "no", state.started_at, seen, confidence="likely", names=names)


def unworkable_settings(configuration: Mapping[str, Any], /) -> dict[str, Any]:
    """Of the settings of a copy those under which it can never end: a timeout below 0, a cap below 1 MiB/s."""
    given = settings_from(configuration)
    wrong = {
        "completionTimeoutPerGiB": (given.timeout_per_gib or 0) < 0,
        "progressTimeout": (given.progress_timeout or 0) < 0,
        "bandwidthPerMigration": 0 < (given.bandwidth_bytes or 0) < MEBIBYTE,
    }
    return {name: configuration[name] for name, is_wrong in wrong.items() if is_wrong}


def _is_stuck(case: Case) -> bool:
    """The same settings are no cause of a copy that gets on."""
    deadline = find_deadline(case).at
    if deadline is not None and case.now > deadline:
        return True
    return any(isinstance(find(case), Cause) for find in (find_bandwidth_too_low, find_not_converging))
