# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of a test's own, who have just the rights that the test gives: rights outlive a reset of the cluster."""

from __future__ import annotations

import itertools
import time
from typing import Any

from tests.cluster import Cluster
from tests.integration.simulated import done

__all__ = ["Granting", "Rules"]

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
NUMBERS = itertools.count()
Rules = list[dict[str, Any]]


class Granting:
    """Makes users who have just these rights: a new one each time, as no right can be taken away at once."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._made: list[str] = []

    def __call__(self, rules: Rules) -> str:
        user = f"tuner-{next(NUMBERS)}"
        self._made.append(user)
        meta, group = {"name": user}, "rbac.authorization.k8s.io"
        role = {"apiGroup": group, "kind": "ClusterRole", "name": user}
        subject = {"apiGroup": group, "kind": "User", "name": user}
        binding = {"metadata": meta, "roleRef": role, "subjects": [subject]}
        done(self._cluster.request("POST", f"{RBAC}/clusterroles", body={"metadata": meta, "rules": rules}))
        done(self._cluster.request("POST", f"{RBAC}/clusterrolebindings", body=binding))
        self._wait(user, rules[0])
        return user

    def _wait(self, user: str, rule: dict[str, Any]) -> None:
        """The API server learns of new rights by a watch, some milliseconds later."""
        place = {"group": rule["apiGroups"][0], "resource": rule["resources"][0], "verb": rule["verbs"][0]}
        review = {"spec": {"user": user, "resourceAttributes": place}}
        for _attempt in range(200):
            answer = done(self._cluster.request("POST", REVIEWS, body=review))
            if answer["status"]["allowed"]:
                return
            time.sleep(0.05)
        raise AssertionError(f"{user} never got its rights")

    def forget(self) -> None:
        """Remove what was made."""
        for user in self._made:
            for plural in ("clusterrolebindings", "clusterroles"):
                done(self._cluster.request("DELETE", f"{RBAC}/{plural}/{user}"))
