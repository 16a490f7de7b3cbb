# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes event about something that the collection did.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import COMPONENT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import Who
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step

__all__ = ["LONGEST_MESSAGE", "NO_NAMESPACE", "plan_event"]

# Events about objects without a namespace lie there (k8s.io/client-go, tools/record).
NO_NAMESPACE: Final = "default"
LONGEST_MESSAGE: Final = 1000


def plan_event(obj: Mapping[str, Any], /, *, reason: str, message: str, who: Who) -> Step:
    """The step that posts an event about `obj`. That it fails is worth a warning: the change itself is done by then."""
    metadata = obj.get("metadata") or {}
    namespace = str(metadata.get("namespace") or NO_NAMESPACE)
    name, told = str(metadata.get("name") or ""), message[:LONGEST_MESSAGE]
    # Named after its content: sent twice it is one event.
    digest = hashlib.sha256(f"{metadata.get('uid')} {who.at} {reason} {told}".encode()).hexdigest()[:16]
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{digest}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": obj.get("apiVersion"),
            "kind": obj.get("kind"),
            "name": name,
            "namespace": str(metadata.get("namespace") or ""),
            "uid": metadata.get("uid"),
            "resourceVersion": metadata.get("resourceVersion"),
        },
        "reason": reason,
        "message": told,
        "type": "Normal",
        "action": reason,
        "count": 1,
        "firstTimestamp": who.at,
        "lastTimestamp": who.at,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": COMPONENT,
    }
    return Step(
        action=f"Tell it in an event of {obj.get('kind')} {name}",
        verb="create",
        path=f"/api/v1/namespaces/{namespace}/events",
        body=body,
        expectation=f"An event {reason} stands at the object as long as the cluster keeps events.",
        undo="none needed",
        is_optional=True,
        is_harmless=True,
    )
