# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event filter alert_target."""

from __future__ import annotations

DOCUMENTATION = r"""
---
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
version_added: 0.1.0
short_description: Take the VM out of an alert, and leave all other text behind
description:
  - An ansible-rulebook event filter. Of an alert of Prometheus it keeps which VM it is about, its name, its status and
    when it began, and drops everything else.
  - A rulebook hands its event to the playbook as variables, and Ansible templates them. Labels and annotations are text
    of whoever writes a metric, so they must not get there. Only names that Kubernetes knows (RFC 1123) pass.
  - The VM is read from the label V(namespace) and one of V(vm), V(name), V(vmi). Where these name different VMs, none
    is taken.
  - Put it behind C(eda.builtin.event_splitter), behind the source C(ansible.eda.alertmanager), or straight behind a
    webhook; in the last case it splits the notification itself.
options:
  lanes:
    description:
      - In how many lanes VMs are spread. With the lane as C(lock) in a rule at most so many actions run at once, and
        those for one VM one after the other.
    type: int
    default: 4
"""

EXAMPLES = r"""
- eda.builtin.webhook:
    port: 5000
    token: "{{ WEBHOOK_TOKEN ~ '' }}"
  filters:
    - eda.builtin.event_splitter:
        splitter_key: payload.alerts
    - kubevirt_ops.live_migration.alert_target:

# The event then is
#   alert: {name: KubeVirtVMStuckInMigratingState, status: firing, starts_at: "2026-11-23T08:00:00Z",
#           fingerprint: 5ef77f1f8a3ecfe2}
#   target: {namespace: team-a, vm: web-1}
#   lane: 2
#   refused: ""
#   meta: as the source gives it, without the headers of the request
# or, where no VM can be told, an empty target and in refused one sentence why.
"""

import runpy
from pathlib import Path
from typing import Any

runpy.run_path(str(Path(__file__).resolve().parents[1] / "rooms.py"))["find_rooms"]()

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.alert import alerts_in


def main(event: Any, lanes: int = 4) -> dict[str, Any] | list[dict[str, Any]]:
    """What ansible-rulebook calls with each event. One event gives one; a whole notification one for each alert."""
    meta = _meta(event)
    found = [{**alert.told(lanes=lanes), **meta} for alert in alerts_in(event)]
    # Before ansible-rulebook 1.2 a filter may not answer with a list.
    return found[0] if len(found) == 1 else found


def _meta(event: Any) -> dict[str, Any]:
    meta = event.get("meta") if isinstance(event, dict) else None
    if not isinstance(meta, dict):
        return {}
    kept = {key: meta[key] for key in ("uuid", "received_at", "source") if key in meta}
    return {"meta": kept} if kept else {}
