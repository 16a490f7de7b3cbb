# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of a test's own, who have just the rights that the test gives: rights outlive a reset of the cluster.

Rights come as rules, or as one of the roles in docs/rbac.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.integration.simulated import done

__all__ = [
    "Granting",
    "Rules",
    "bind",
    "forbidden",
    "lacking",
    "shipped",
    "shipped_for",
    "take_away",
    "wait_for_right",
]

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
SHIPPED = Path(__file__).parents[2] / "docs" / "rbac"
OURS = "kubevirt_ops.live_migration"
GROUP = "rbac.authorization.k8s.io"
NUMBERS = itertools.count()
Object = dict[str, Any]
Rules = list[dict[str, Any]]


class Granting:
    """Makes users who have just these rights: a new one each time, as no right can be taken away at once."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._made: list[str] = []

    def __call__(self, rules: Rules) -> str:
        user = f"tuner-{next(NUMBERS)}"
        role = {"kind": "ClusterRole", "metadata": {"name": user}, "rules": rules}
        self._made += bind(self._cluster, role, user=user, where="")
        _wait_for(self._cluster, user, role, inside="")
        return user

    def forget(self) -> None:
        """Remove what was made."""
        take_away(self._cluster, self._made)


def shipped(name: str) -> Object:
    """A role of docs/rbac."""
    loaded: Object = yaml.safe_load((SHIPPED / f"{name}.yml").read_text(encoding="utf-8"))
    return loaded


def lacking(rules: Rules, verb: str, resource: str) -> Rules:
    """The rules without one verb on one resource."""
    left: Rules = []
    for rule in rules:
        for one in rule["resources"]:
            verbs = [word for word in rule["verbs"] if (word, one) != (verb, resource)]
            if verbs:
                left.append({**rule, "resources": [one], "verbs": verbs})
    return left


def bind(cluster: Cluster, role: Object, *, user: str, where: str) -> list[str]:
    """Make a role and bind it to the user: a Role in its own namespace, a ClusterRole in `where`, "" for all of them.
    Returns the paths of what was made."""
    kind, name = role["kind"], role["metadata"]["name"]
    place = role["metadata"].get("namespace", "")
    inside = place or where
    subject = {"apiGroup": GROUP, "kind": "User", "name": user}
    body = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
        "subjects": [subject],
    }
    made = []
    for path, one in (
        (f"{RBAC}/namespaces/{place}/roles" if kind == "Role" else f"{RBAC}/clusterroles", role),
        (f"{RBAC}/namespaces/{inside}/rolebindings" if inside else f"{RBAC}/clusterrolebindings", body),
    ):
        done(cluster.request("POST", path, body=one))
        made.append(f"{path}/{name}")
    return made


@contextmanager
def shipped_for(
    cluster: Cluster, *names: str, inside: str = "", without: tuple[str, str, str] = ("", "", "")
) -> Iterator[str]:
    """A new user who has these roles of docs/rbac and nothing else, ClusterRoles `inside` one namespace where that is
    given, and one role `without` a right (role, verb, resource); yields the name."""
    name, verb, resource = without
    roles = [shipped(one) for one in names]
    given = [
        {**role, "rules": lacking(role["rules"], verb, resource)} if one == name else role
        for one, role in zip(names, roles, strict=True)
    ]
    user = f"shipped-{next(NUMBERS)}"
    made: list[str] = []
    try:
        for role in given:
            made += bind(cluster, role, user=user, where=inside)
        _wait_for(cluster, user, given[-1], inside=inside)
        yield user
    finally:
        take_away(cluster, made)


def take_away(cluster: Cluster, made: Sequence[str]) -> None:
    """Remove what `bind` made."""
    for path in reversed(made):
        done(cluster.request("DELETE", path))


def forbidden(cluster: Cluster, mark: Any) -> list[tuple[str, str]]:
    """What the collection has asked for in vain since `mark`."""
    entries = cluster.audit_since(mark)
    return [(one["verb"], one["requestURI"]) for one in entries if one["userAgent"] == OURS and one["code"] == 403]


def _is_allowed(cluster: Cluster, user: str, place: Object) -> bool:
    """Whether the API server lets the user do what `place` (ResourceAttributes) says."""
    answer = done(cluster.request("POST", REVIEWS, body={"spec": {"user": user, "resourceAttributes": place}}))
    return bool(answer["status"]["allowed"])


def wait_for_right(cluster: Cluster, user: str, place: Object, *, is_given: bool = True) -> None:
    """The API server learns by a watch, some milliseconds later, of rights that were given, and of those taken away."""
    for _attempt in range(200):
        if _is_allowed(cluster, user, place) is is_given:
            return
        time.sleep(0.05)
    raise AssertionError(f"{user} {'never got' if is_given else 'has not lost'} the right to {place}")


def _wait_for(cluster: Cluster, user: str, role: Object, *, inside: str) -> None:
    rule = role["rules"][0]
    resource, _slash, subresource = rule["resources"][0].partition("/")
    place = {
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
        "verb": rule["verbs"][0],
        "name": rule.get("resourceNames", [""])[0],
        "namespace": role["metadata"].get("namespace", inside),
    }
    wait_for_right(cluster, user, place)
