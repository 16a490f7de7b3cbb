# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who did what and why, left where people look: an event on the VMI, annotations on the migration.

This module is private to the collection and may change without notice.

It is written before the act. That it could not be written is a warning and stops nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.act_reads import migration_name_path
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Conflict,
    Forbidden,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_text
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import ACTOR, COMPONENT, REASON
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import META, Migration
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import format_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.course import Acting, Course, send
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step

__all__ = ["annotate_migration", "post_event"]

_LONGEST_MESSAGE = 900


def annotate_migration(acting: Acting, course: Course, /, *, uid: str) -> Migration | None:
    """Actor and reason on the migration itself, for whoever looks at it while it ends.

    The migration as it is now, by the API server's answer; None where that is not known, and in check mode.
    """
    target = course.target
    notes = {name: text for name, text in ((ACTOR, acting.actor), (REASON, acting.reason)) if text}
    step = Step(
        action="annotate_migration",
        verb="merge",
        path=migration_name_path(target.namespace, target.name),
        body={"metadata": {"uid": uid, "annotations": notes}},
        precondition=f"the migration has the UID {uid}",
        expectation="the migration says who ended it and why, until it is gone",
        is_optional=True,
        is_harmless=True,
    )
    answer = send(acting, course, step)
    _warn(acting, course, answer)
    if acting.check_mode or isinstance(answer, ClusterError) or META.uid.read(answer, of=as_text) != uid:
        return None
    return Migration.from_object(answer)


def post_event(acting: Acting, course: Course, /, *, reason: str, subject: str, text: str) -> None:
    """An event on the VMI; the same one again only counts. `subject` is the UID that the act is about."""
    vmi = course.vmi
    if vmi is None:
        return
    key = hashlib.sha256(f"{subject}/{reason}".encode()).hexdigest()[:16]
    name, at = f"{vmi.meta.name[:180]}.live-migration-{key}", format_timestamp(acting.now)
    about = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "name": vmi.meta.name,
        "namespace": vmi.meta.namespace,
        "uid": vmi.meta.uid,
    }
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": vmi.meta.namespace},
        "involvedObject": about,
        "reason": reason,
        "message": text[:_LONGEST_MESSAGE],
        "type": "Normal",
        "count": 1,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": acting.holder,
    }
    place = paths.collection("", version="v1", plural="events", namespace=vmi.meta.namespace)
    answer = send(acting, course, _event_step("create", place, body))
    if isinstance(answer, Conflict):
        again = {"count": _count(acting, f"{place}/{name}") + 1, "lastTimestamp": at}
        answer = send(acting, course, _event_step("merge", f"{place}/{name}", again))
    _warn(acting, course, answer)


def _event_step(verb: str, path: str, body: Mapping[str, Any]) -> Step:
    return Step(
        action="post_event",
        verb=verb,
        path=path,
        body=dict(body),
        precondition="there is no such event yet" if verb == "create" else "the same event is there already",
        expectation="the VMI's events say who did it and why",
        is_optional=True,
        is_harmless=True,
    )


def _count(acting: Acting, path: str) -> int:
    try:
        found = acting.client.get(path).get("count")
    except Forbidden as error:
        acting.miss(error.rule)
        return 1
    except ClusterError:
        return 1
    return found if isinstance(found, int) else 1


def _warn(acting: Acting, course: Course, answer: Mapping[str, Any] | ClusterError) -> None:
    if isinstance(answer, ClusterError):
        target = course.target
        acting.notes.append(f"{target.namespace}/{target.vm}: this act leaves no trace on the objects: {answer}")
