# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a change of a policy: in its annotation enough to undo it from the cluster alone, and an event.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import COMPONENT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Step

__all__ = ["LONGEST_REASON", "Author", "PolicyRecord", "event_step", "parse_policy_record"]

# An object's annotations together may have 256 KiB, an event's message 1024 characters (k8s.io/kubernetes, validation).
LONGEST_REASON: Final = 1000
_LONGEST_MESSAGE = 1000
# Where events about objects of the whole cluster are kept.
_NAMESPACE = "default"

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class Author:
    """Who changes something: `by` is whom the API server sees, `requested_by` who stands behind that in the caller's
    words; when (UTC text by the cluster's clock) and why. "" where that is not known or given."""

    at: str
    by: str = ""
    requested_by: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, str]:
        """As it stands in the record."""
        return {"at": self.at, "by": self.by, "requested_by": self.requested_by, "reason": self.reason}

    def sentence(self, what: str, /) -> str:
        """`what`, with who did it and why."""
        names = " for ".join(name for name in (self.by, self.requested_by) if name)
        return f"{what} by {names or 'somebody'}{': ' + self.reason if self.reason else ''}"


@dataclass(frozen=True)
class PolicyRecord:
    """One change, with the spec before (None: the policy was made) and after it. `undone`: who undid it, None while it
    stands."""

    author: Author
    before: Spec | None
    after: Spec
    undone: Author | None = None

    def render(self) -> str:
        """The annotation's text; the same for the same change."""
        told = {**self.author.to_json(), "changes": {"spec": {"before": self.before, "after": self.after}}}
        if self.undone is not None:
            told["undone"] = self.undone.to_json()
        return json.dumps(told, sort_keys=True)


def parse_policy_record(text: Any, /) -> PolicyRecord | None:
    """The record in an annotation; None where there is none, or none that can be read."""
    try:
        told = json.loads(text)
        spec = told["changes"]["spec"]
        before, after = spec["before"], spec["after"]
        if not isinstance(after, dict) or not (before is None or isinstance(before, dict)):
            return None
        undone = told.get("undone")
        return PolicyRecord(_author(told), before, after, None if undone is None else _author(undone))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None


def _author(told: Mapping[str, Any]) -> Author:
    return Author(*(str(told[key]) for key in ("at", "by", "requested_by", "reason")))


def event_step(about: Mapping[str, Any], /, *, reason: str, what: str, author: Author) -> Step:
    """The write of an event about an object of the whole cluster. `reason` is one word in the manner of Kubernetes,
    `what` says what was done. That it cannot be written ends nothing."""
    metadata = about.get("metadata") or {}
    name = str(metadata.get("name", ""))
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{name[:200].rstrip('.-')}.", "namespace": _NAMESPACE},
        "involvedObject": {
            "apiVersion": about.get("apiVersion"),
            "kind": about.get("kind"),
            "name": name,
            "uid": metadata.get("uid"),
        },
        "type": "Normal",
        "reason": reason,
        "message": author.sentence(what)[:_LONGEST_MESSAGE],
        "source": {"component": COMPONENT},
        "firstTimestamp": author.at or None,
        "lastTimestamp": author.at or None,
        "count": 1,
    }
    return Step(
        action=f"record it as an event about {about.get('kind')} {name}",
        verb="create",
        path=f"/api/v1/namespaces/{_NAMESPACE}/events",
        body=body,
        is_optional=True,
    )
