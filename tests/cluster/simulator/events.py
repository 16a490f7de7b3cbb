# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events as the recorders of KubeVirt, the kubelet and the scheduler write them."""

from __future__ import annotations

import uuid
from datetime import datetime

from .api import Api, Object
from .clock import stamp

__all__ = ["HANDLER", "KUBELET", "SCHEDULER", "VIRT_CONTROLLER", "post_event"]

VIRT_CONTROLLER = "virtualmachine-controller"
EVACUATION = "evacuation-controller"
HANDLER = "virt-handler"
KUBELET = "kubelet"
SCHEDULER = "default-scheduler"
ATTACHER = "attachdetach-controller"


def post_event(
    api: Api,
    about: Object,
    *,
    reason: str,
    message: str,
    at: datetime,
    last: datetime | None = None,
    count: int = 1,
    warning: bool = False,
    source: str = VIRT_CONTROLLER,
) -> Object:
    """Write an event about an object, first seen at `at`, `count` times until `last`."""
    meta = about["metadata"]
    namespace = meta.get("namespace", "")
    involved = {"kind": about["kind"], "apiVersion": about["apiVersion"], "name": meta["name"], "uid": meta["uid"]}
    if namespace:
        involved |= {"namespace": namespace, "resourceVersion": meta["resourceVersion"]}
    return api.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{uuid.uuid4().hex[:16]}", "namespace": namespace or "default"},
            "involvedObject": involved,
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "message": message,
            "firstTimestamp": stamp(at),
            "lastTimestamp": stamp(last or at),
            "count": count,
            "source": {"component": source},
            "reportingComponent": source,
            "reportingInstance": "",
        }
    )
