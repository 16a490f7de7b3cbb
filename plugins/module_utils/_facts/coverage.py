# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one look could not see, as the RBAC rules that would show it.

This module is private to the collection and may change without notice.

An answer 403 is no answer: whatever stands behind it is unknown. Each such request becomes a :class:`Rule`, and the
result carries the rule and a Role (a ClusterRole where no namespace bounds it) that can be pasted as it is. A look at
files has gaps too: what they do not hold is a rule that no permission would show.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Coverage", "Rule", "lacking", "render_role", "rule_from_path"]

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, order=True)
class Rule:
    """One permission. `group` is "" for the core group; `namespace` is "" where the whole cluster was asked for.

    `resource` is the plural, with its subresource after a slash (`pods/log`). `is_uncaptured`: it was asked of files
    that do not hold it, so that no permission is what is missing.
    """

    verb: str
    group: str
    resource: str
    namespace: str = ""
    is_uncaptured: bool = False

    def sentence(self) -> str:
        """`list pods in namespace team-a`, `get nodes`: as a person says it."""
        group = f" ({self.group})" if self.group else ""
        place = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{group}{place}"

    def to_result(self) -> dict[str, str]:
        """The entry of `coverage.missing`, with a ready Role or ClusterRole in `role`."""
        return {
            "verb": self.verb,
            "group": self.group,
            "resource": self.resource,
            "namespace": self.namespace,
            "reason": "not_captured" if self.is_uncaptured else "forbidden",
            "role": render_role((self,)),
        }


def lacking(rules: Iterable[Rule], /) -> str:
    """Why something is not known: `not allowed to list nodes, get leases`, `not in the capture: list pods`; "" for no
    rules."""
    found = tuple(dict.fromkeys(rules))
    forbidden = ", ".join(rule.sentence() for rule in found if not rule.is_uncaptured)
    uncaptured = ", ".join(rule.sentence() for rule in found if rule.is_uncaptured)
    parts = (
        f"not allowed to {forbidden}" if forbidden else "",
        f"not in the capture: {uncaptured}" if uncaptured else "",
    )
    return "; ".join(part for part in parts if part)


@dataclass(frozen=True)
class Coverage:
    """The rules that were missing and the requests that were made, to the API server (those for placement counted
    apart) and to Prometheus."""

    missing: tuple[Rule, ...] = ()
    requests: int = 0
    requests_for_placement: int = 0
    requests_to_prometheus: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for could be read."""
        return not self.missing

    def lacks(self, *, resource: str, namespace: str = "") -> bool:
        """Whether reading `resource` was refused, in that namespace or in the whole cluster."""
        return any(rule.resource == resource and rule.namespace in ("", namespace) for rule in self.missing)

    def adding(self, rules: Iterable[Rule]) -> Coverage:
        """This coverage with `rules` missing too; each stands once, in the order in which it was met."""
        return replace(self, missing=tuple(dict.fromkeys((*self.missing, *rules))))

    def to_result(self) -> dict[str, Any]:
        """The key `coverage` of every result. `role` is one paste for all that is missing, "" when nothing is."""
        return {
            "complete": self.complete,
            "missing": [rule.to_result() for rule in self.missing],
            "role": render_role(self.missing),
            "requests": self.requests,
            "requests_for_placement": self.requests_for_placement,
            "requests_to_prometheus": self.requests_to_prometheus,
        }


def rule_from_path(path: str, *, method: str = "GET") -> Rule:
    """The rule that a request needs. A GET of a collection is `list`, of a name `get`; the query is left out.

    `/api/v1/namespaces/a/pods` -> list pods in a; `/api/v1/nodes/n` -> get nodes; `/api/v1/namespaces/a` -> get
    namespaces. A path outside the API (`/version`) gives its own text as the resource.
    """
    steps = [step for step in path.partition("?")[0].split("/") if step]
    group, rest = _group_and_rest(steps)
    if not rest:
        return Rule(_VERBS.get(method.upper(), "get"), "", path.partition("?")[0])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3:
        namespace, rest = rest[1], rest[2:]
    named = len(rest) >= 2
    verb = _VERBS.get(method.upper(), "get" if named else "list")
    if rest[2:3] == ["proxy"]:
        rest = rest[:3]  # What follows is a path of whoever stands behind the proxy.
    return Rule(verb, group, "/".join([rest[0], *rest[2:]]), namespace)


def _group_and_rest(steps: list[str]) -> tuple[str, list[str]]:
    if steps[:1] == ["api"]:
        return "", steps[2:]
    if steps[:1] == ["apis"]:
        return (steps[1] if len(steps) > 1 else ""), steps[3:]
    return "", []


def render_role(rules: Iterable[Rule]) -> str:
    """YAML that grants `rules`: a Role for each namespace and a ClusterRole for the rest; "" where none would help."""
    by_namespace: dict[str, list[Rule]] = {}
    for rule in dict.fromkeys(rule for rule in rules if not rule.is_uncaptured):
        by_namespace.setdefault(rule.namespace, []).append(rule)
    return "---\n".join(_render_one(namespace, found) for namespace, found in sorted(by_namespace.items()))


def _render_one(namespace: str, rules: list[Rule]) -> str:
    kind = "Role" if namespace else "ClusterRole"
    name = "live-migration-" + ("-".join([rules[0].verb, _dns(rules[0].resource)]) if len(rules) == 1 else "read")
    where = f"  namespace: {json.dumps(namespace)}\n" if namespace else ""
    flag = f" --namespace {namespace}" if namespace else ""
    verb = f"create {kind.lower()}binding {name} --{kind.lower()}={name} --user=USER"
    return (
        f"# bind it: kubectl{flag} {verb}\n"
        f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{where}rules:\n"
        + "".join(_render_rule(group, resource, verbs) for (group, resource), verbs in _merged(rules).items())
    )


def _merged(rules: list[Rule]) -> dict[tuple[str, str], list[str]]:
    verbs: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        verbs.setdefault((rule.group, rule.resource), []).append(rule.verb)
    return verbs


def _render_rule(group: str, resource: str, verbs: list[str]) -> str:
    return (
        f"  - apiGroups: [{json.dumps(group)}]\n"
        f"    resources: [{json.dumps(resource)}]\n"
        f"    verbs: [{', '.join(json.dumps(verb) for verb in verbs)}]\n"
    )


def _dns(resource: str) -> str:
    return resource.replace("/", "-")
