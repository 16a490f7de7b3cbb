# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a VMI once its migrations are where a scenario wants them."""

from __future__ import annotations

from datetime import datetime, timedelta

from .api import Api, Object
from .clock import stamp
from .events import post_event
from .machines import condition
from .scenario import Condition, Later

__all__ = ["change_vmi", "remove_vmi", "stop_vm"]


def change_vmi(api: Api, vmi: Object, *, later: Later, now: datetime) -> None:
    """Conditions (in place of those of their type), fields of the migration state and of the status, events."""
    found = api.get("VirtualMachineInstance", **_named(vmi)) or vmi
    if later.state:
        found = api.patch(found, {"status": {"migrationState": dict(later.state)}})
    if later.status:
        found = api.patch(found, {"status": dict(later.status)})
    if later.conditions:
        types = {one.type for one in later.conditions}
        left = [one for one in found["status"].get("conditions", []) if one["type"] not in types]
        found = api.set_conditions(found, [*left, *(_written(one, now=now) for one in later.conditions)])
    for event in later.events:
        post_event(
            api, found, reason=event.reason, message=event.message, at=now - timedelta(seconds=event.first),
            last=now - timedelta(seconds=event.last), count=event.count, warning=event.warning, source=event.source,
        )  # fmt: skip


def _named(obj: Object) -> dict[str, str]:
    return {"name": obj["metadata"]["name"], "namespace": obj["metadata"]["namespace"]}


def _written(wanted: Condition, *, now: datetime) -> Object:
    why = {key: value for key, value in (("reason", wanted.reason), ("message", wanted.message)) if value}
    made = condition(wanted.type, status=wanted.status, why=why)
    if wanted.since is not None:
        made["lastTransitionTime"] = stamp(now - timedelta(seconds=wanted.since))
    return made


def remove_vmi(api: Api, vmi: Object) -> None:
    """The VM was stopped: its launchers have ended and are gone, and then its VMI."""
    meta = vmi["metadata"]
    for pod in api.find("Pod", namespace=meta["namespace"], labels=f"kubevirt.io/created-by={meta['uid']}"):
        api.delete(pod, grace=0)
    api.patch(vmi, {"metadata": {"finalizers": None}})
    api.delete(vmi)


def stop_vm(api: Api, vm: Object) -> None:
    """The VM is halted and has no VMI."""
    api.patch(vm, {"spec": {"runStrategy": "Halted"}})
    stopped = {"created": False, "ready": False, "printableStatus": "Stopped", "runStrategy": "Halted"}
    api.patch(vm, {"status": stopped}, sub="status")
