# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adviser: will a VM's copy end, and which smallest change makes it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import PROGRESS_TIMEOUT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_levers import (
    NO_DIRTY_RATE,
    SIZE_UNKNOWN,
    find_auto_converge,
    find_bandwidth,
    find_deadline,
    find_parallelism,
    find_pause,
    find_post_copy,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.tuning_option import (
    Option,
    Situation,
    Withheld,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import (
    Network,
    Outcome,
    Settings,
    Workload,
    predict,
)

__all__ = ["LEVERS", "Advised", "plan_tuning"]

_DEFAULT_PROGRESS_TIMEOUT = 150
# Why a lever cannot be judged, and the figure that would tell.
_UNKNOWN: Mapping[str, str] = {SIZE_UNKNOWN: "deadline", NO_DIRTY_RATE: "dirty_rate"}

# In the order of their risk, as in RISKS.
LEVERS: Mapping[str, Callable[[Situation], Option | str | None]] = {
    "deadline": find_deadline,
    "bandwidth": find_bandwidth,
    "parallelism": find_parallelism,
    "auto_converge": find_auto_converge,
    "pause": find_pause,
    "post_copy": find_post_copy,
}


@dataclass(frozen=True)
class Advised:
    """`answer` is none_needed, change, no_setting_helps (the network moves nothing), nothing_fits (what would help may
    not be done, see `withheld`) or unknown (`outcome.missing` says why). `outcome` is the end under the settings as
    they are; `options` stand in the order of their risk."""

    answer: str
    outcome: Outcome
    options: tuple[Option, ...] = ()
    withheld: tuple[Withheld, ...] = ()


def plan_tuning(workload: Workload, *, network: Network, settings: Settings) -> Advised:
    """What to change for one VM. Without a figure that decides there is no advice but what does not hang on it."""
    outcome = predict(workload, network=network, settings=settings)
    if outcome.finishes:
        return Advised("none_needed", outcome)
    if outcome.finishes is None:
        return Advised("unknown", outcome)
    if outcome.reason == "no_flow":
        return Advised("no_setting_helps", outcome)
    if outcome.reason == "progress_timeout":
        return _with_progress_timeout(workload, network=network, settings=settings, outcome=outcome)
    situation = Situation(workload, network, settings)
    found = {action: find(situation) for action, find in LEVERS.items()}
    options = tuple(one for one in found.values() if isinstance(one, Option))
    withheld = tuple(Withheld(action, one) for action, one in found.items() if isinstance(one, str))
    unknown = tuple(_UNKNOWN[one.why] for one in withheld if one.why in _UNKNOWN)
    if not options and unknown:
        missing = tuple(dict.fromkeys((*outcome.missing, *unknown)))
        return Advised("unknown", replace(outcome, missing=missing), (), withheld)
    return Advised("change" if options else "nothing_fits", outcome, options, withheld)


def _with_progress_timeout(workload: Workload, *, network: Network, settings: Settings, outcome: Outcome) -> Advised:
    """A negative progressTimeout aborts every copy at KubeVirt's first look; each way out begins with another one."""
    repaired, cluster = (
        replace(settings, progress_timeout=_DEFAULT_PROGRESS_TIMEOUT),
        {PROGRESS_TIMEOUT: _DEFAULT_PROGRESS_TIMEOUT},
    )
    inner = plan_tuning(workload, network=network, settings=repaired)
    if inner.answer == "none_needed":
        option = Situation(workload, network, settings).option(
            "progress_timeout", settings=repaired, policy={}, cluster=cluster, figures={}
        )
        return Advised("change", outcome, (option,))
    if inner.answer == "unknown":
        why = f"it has to be {_DEFAULT_PROGRESS_TIMEOUT} in any case, and whether that is enough is not known"
        missing = replace(outcome, missing=inner.outcome.missing)
        return Advised("unknown", missing, (), (Withheld("progress_timeout", why),))
    options = tuple(replace(one, cluster={**one.cluster, **cluster}) for one in inner.options)
    return Advised(inner.answer, outcome, options, inner.withheld)
