# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about each cause, with the command ready to paste.

This module is private to the collection and may change without notice.

Commands are built from names that are valid in Kubernetes and are shell-quoted; where a name is not, there is no
command. They look, or they are what a person would type after having read the risk; nothing here is run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import GIVEN_NAME
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.state import (
    MODE_PAUSED,
    MODE_POST_COPY,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.remedies import ADVICE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.template import (
    NOTHING_LOST,
    VMIM,
    Template,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.case import Case
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.cause import Cause

__all__ = ["Advice", "fill_advice", "is_cancel", "plan_advice"]

_PLACE = re.compile(r"\{([a-z_]+)\}")
_POST_COPY = "it is in post-copy: whatever interrupts either node, virt-handler there or the network loses the VM"
_PAUSED = "the guest stands still until the migration ends"
# Who makes the next migration when this one is gone, by origin.
_OWNERS = {
    "evacuation": "the evacuation of its node",
    "workload_update": "KubeVirt's workload update",
    "volume_update": "the update of its volumes",
}
_MODE_UNSEEN = "whether it is in post-copy could not be seen, and there any interruption loses the VM"


@dataclass(frozen=True)
class Advice:
    """One thing to do. `command` is "" where there is none to give."""

    action: str
    why: str
    risk: str
    command: str = ""


def plan_advice(case: Case, cause: Cause, /) -> tuple[Advice, ...]:
    """What to do about `cause`, the best first; empty for a code without advice."""
    migration = case.migration
    names = {
        **cause.names,
        "ns": migration.meta.namespace,
        "migration": migration.meta.name,
        "vm": migration.vmi_name,
    }
    fitting = [one for one in ADVICE.get(cause.code, ()) if _fits(one, names)]
    return tuple(fill_advice(one, names, risk=_risk(case, one)) for one in fitting if not _is_vain(case, one))


def _is_vain(case: Case, template: Template) -> bool:
    """Whether it says to delete a migration that is being deleted, or that no delete can end."""
    return is_cancel(template) and (case.migration.is_being_deleted or _mode(case) == MODE_POST_COPY)


def is_cancel(template: Template, /) -> bool:
    """Whether it is to delete the migration."""
    return template.command.startswith(f"kubectl delete {VMIM} ")


def _mode(case: Case) -> str | None:
    """The copy's mode, "" while there is none; None where it runs and its mode was not seen."""
    if case.migration.phase != "Running":
        return ""
    return case.state.mode if case.state else None


def _risk(case: Case, template: Template) -> str:
    """The risk of doing it now: that the VM keeps running where it is holds only outside of post-copy and pause."""
    mode, tame = _mode(case), template.risk == NOTHING_LOST
    if mode == MODE_POST_COPY:
        return _POST_COPY if tame else f"{template.risk}; {_POST_COPY}"
    if mode is None:
        return _MODE_UNSEEN if tame else f"{template.risk}; {_MODE_UNSEEN}"
    risk = _PAUSED if tame and mode == MODE_PAUSED else template.risk
    owner = _OWNERS.get(case.migration.origin) if is_cancel(template) else None
    if not owner:
        return risk
    kept = NOTHING_LOST.removeprefix("none: ") if risk == NOTHING_LOST else risk
    return f"{kept}; {owner} makes the next migration at once, which meets the same: stop that first"


def _fits(template: Template, names: Mapping[str, str]) -> bool:
    return (not template.needs or bool(names.get(template.needs))) and not names.get(template.unless)


def fill_advice(template: Template, names: Mapping[str, str], /, *, risk: str) -> Advice:
    """The advice with its names; without a command where one of them is no name."""
    action = _PLACE.sub(lambda place: names.get(place.group(1), ""), template.action)
    return Advice(action, template.why, risk, _command(template.command, names))


def _command(text: str, names: Mapping[str, str]) -> str:
    """The words quoted for a shell; "" when a name among them is not a Kubernetes name."""
    words = []
    for word in text.split():
        wanted = _PLACE.findall(word)
        if any(not GIVEN_NAME.fullmatch(names.get(name, "")) for name in wanted):
            return ""
        words.append(shlex.quote(_PLACE.sub(lambda place: names[place.group(1)], word)))
    return " ".join(words)
