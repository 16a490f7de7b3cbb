# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VM an alert of Prometheus is about, and nothing else of its text.

This module is private to the collection and may change without notice.

Labels and annotations are written by whoever writes a metric or posts to the webhook, and Ansible takes what a rulebook
hands to a playbook for templates. So only what is built from a few harmless characters comes out of here, and no
sentence quotes what did not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import (
    is_name,
    is_namespace,
    lane_of,
)

__all__ = ["VM_LABELS", "Alert", "alerts_in"]

# In this order: vm is KubeVirt's newer label, name that of its metrics of VMs, vmi that of its metrics of migrations.
VM_LABELS: Final = ("vm", "name", "vmi")
_ALERT: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,199}", re.ASCII)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{1,64}", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Alert:
    """One alert. What is missing or not as it should be is ""; `refused` says why there is no VM, and is "" else."""

    name: str = ""
    status: str = ""
    starts_at: str = ""
    fingerprint: str = ""
    namespace: str = ""
    vm: str = ""
    refused: str = ""

    @classmethod
    def from_object(cls, obj: Any, /) -> Alert:
        """One entry of what Alertmanager posts as `alerts`; anything else gives one without a VM."""
        if not isinstance(obj, Mapping):
            return cls(refused="It is no alert of Alertmanager.")
        labels = obj.get("labels")
        known = {
            "status": _one_of(obj.get("status"), ("firing", "resolved")),
            "starts_at": _like(obj.get("startsAt"), _MOMENT),
            "fingerprint": _like(obj.get("fingerprint"), _FINGERPRINT),
        }
        if not isinstance(labels, Mapping):
            return cls(**known, refused="It has no labels.")
        known["name"] = _like(labels.get("alertname"), _ALERT)
        found = _target(labels)
        return cls(**known, refused=found) if isinstance(found, str) else cls(**known, namespace=found[0], vm=found[1])

    def lane(self, lanes: int, /) -> int:
        """A number below `lanes`, for one VM always the same: what shares it is done one after the other."""
        return lane_of(self.namespace, self.vm, lanes=lanes)

    def told(self, *, lanes: int) -> dict[str, Any]:
        """What the event filter and the filter of templates answer alike: `target` is empty where there is no VM."""
        return {
            "alert": {
                "name": self.name,
                "status": self.status,
                "starts_at": self.starts_at,
                "fingerprint": self.fingerprint,
            },
            "target": {"namespace": self.namespace, "vm": self.vm} if self.vm else {},
            "lane": self.lane(lanes),
            "refused": self.refused,
        }


def alerts_in(event: Any, /) -> list[Alert]:
    """The alerts of an event: one that is split already, one of ansible.eda.alertmanager, or a whole notification."""
    if isinstance(event, Mapping):
        payload = event.get("payload")
        if isinstance(payload, Mapping) and isinstance(payload.get("alerts"), list):
            return [Alert.from_object(one) for one in payload["alerts"]]
        if "alert" in event:
            return [Alert.from_object(event["alert"])]
    return [Alert.from_object(event)]


def _target(labels: Mapping[Any, Any], /) -> tuple[str, str] | str:
    """Namespace and VM, or why there is none."""
    namespace = labels.get("namespace")
    if not namespace:
        return "The label namespace is missing."
    if not is_namespace(namespace):
        return "The label namespace is no name that Kubernetes knows."
    names = {label: labels[label] for label in VM_LABELS if labels.get(label)}
    if not names:
        return f"None of the labels {', '.join(VM_LABELS)} is there."
    for label, value in names.items():
        if not is_name(value):
            return f"The label {label} is no name that Kubernetes knows."
    if len(set(names.values())) > 1:
        return f"The labels {' and '.join(names)} name different VMs."
    return str(namespace), str(next(iter(names.values())))


def _like(value: Any, pattern: re.Pattern[str], /) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _one_of(value: Any, choices: tuple[str, ...], /) -> str:
    return next((one for one in choices if isinstance(value, str) and value == one), "")
