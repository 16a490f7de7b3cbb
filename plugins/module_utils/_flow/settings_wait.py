# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether changed settings are there, stay there, and arrive at KubeVirt.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.ineffective import (
    NotCarried,
    NotKept,
    Reverted,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import ANNOTATION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import (
    KUBEVIRT_STEPS,
    Found,
    Target,
    value_at,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import BY_NAME, same_value
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.hco_patch import AnnotationProblem
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.settings import read_settings_of

__all__ = ["as_answered", "check_kept", "wait_until_carried"]

_PAUSE_SECONDS: Final = 1.0
# HyperConverged's operator watches the KubeVirt object and answers a change of it within a second or two.
_SETTLE_SECONDS: Final = 5


def as_answered(target: Target, obj: Mapping[str, Any], /) -> Target:
    """The target as the server answered it."""
    found = Found(obj, target.found.path)
    return replace(target, found=found, kubevirt=target.kubevirt if target.is_hyperconverged else found)


def check_kept(wanted: Target, answered: Target, /, *, dry_run: bool) -> None:
    """Raises NotKept where the server's answer lacks a setting, or the annotation, that it was sent."""
    lost = _lost(wanted, answered)
    if lost:
        when = "in a dry run, so nothing was changed" if dry_run else "so the rest of the change stands"
        message = (
            f"The API server accepted {', '.join(lost)} for {wanted.label} and left it out without a word ({when})."
        )
        raise NotKept(message, method="PATCH", path=wanted.found.path, status=200)


def _lost(wanted: Target, answered: Target, /) -> list[str]:
    found = [
        name for name, value in wanted.settings.items() if not same_value(name, answered.settings.get(name), value)
    ]
    lost = [BY_NAME[name].option if name in BY_NAME else name for name in found]
    if wanted.annotations.get(ANNOTATION) != answered.annotations.get(ANNOTATION):
        lost.append(f"the annotation {ANNOTATION}")
    return lost


def wait_until_carried(client: Client, answered: Target, /, *, clock: Clock, seconds: int) -> None:
    """Reads again until KubeVirt has what `answered` says, at most for so many seconds.

    With 0 seconds it looks once whether the change is still there. Where KubeVirt itself was changed there is nothing
    to be carried: it looks for five seconds whether somebody puts it back. Raises Reverted for that, NotCarried where
    HyperConverged's operator has not carried the change in time.
    """
    ends_at = clock.monotonic() + (seconds if answered.is_hyperconverged else min(seconds, _SETTLE_SECONDS))
    while True:
        now = _check_there(client, answered)
        missing = _not_carried(client, now) if seconds and answered.is_hyperconverged else []
        is_over = clock.monotonic() + _PAUSE_SECONDS > ends_at
        if is_over and missing:
            message = (
                f"{answered.label} has the change, but after {seconds} s KubeVirt {answered.kubevirt.name} has not: "
                f"{', '.join(missing)}."
            )
            raise NotCarried(message, method="GET", path=answered.kubevirt.path, status=200)
        if is_over or (answered.is_hyperconverged and not missing):
            return
        clock.sleep(_PAUSE_SECONDS)


def _check_there(client: Client, answered: Target, /) -> Target:
    """The target as it is now. What others write elsewhere in the annotation meanwhile puts nothing back."""
    now = as_answered(answered, client.get(answered.found.path))
    lost = _lost(answered, now)
    if lost and not _is_elsewhere(answered, now):
        message = f"The change of {answered.label} was made, and somebody has put back {', '.join(lost)}."
        raise Reverted(message, method="GET", path=answered.found.path, status=200)
    return now


def _is_elsewhere(answered: Target, now: Target, /) -> bool:
    """Whether what has changed since is none of the settings."""
    try:
        before, after = read_settings_of(answered), read_settings_of(now)
    except AnnotationProblem:
        return False
    return all(same_value(name, before.get(name), after.get(name)) for name in BY_NAME)


def _not_carried(client: Client, target: Target, /) -> list[str]:
    """Each setting that KubeVirt has otherwise than HyperConverged with its annotation says."""
    kubevirt = client.get(target.kubevirt.path)
    found = value_at(kubevirt, KUBEVIRT_STEPS)
    found = found if isinstance(found, Mapping) else {}
    try:
        wanted = read_settings_of(target)
    except AnnotationProblem as problem:
        return [f"what its annotation {ANNOTATION} says cannot be told, as {problem}"]
    return [
        f"{setting.option} is {found.get(name)} and not {wanted.get(name)}"
        for name, setting in BY_NAME.items()
        if setting.in_kubevirt and not same_value(name, found.get(name), wanted.get(name))
    ]
