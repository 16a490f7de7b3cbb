# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The named users of the test cluster and what each may do.

| user | rights |
|---|---|
| admin | everything (group system:masters) |
| operator | what a diagnosis of the whole cluster reads, and no more |
| tenant | in namespace team-a: the roles view, kubevirt.io:view, kubevirt.io:migrate; nothing elsewhere |
| nobody | nothing |
"""

from __future__ import annotations

import csv
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["KUBEVIRT_NAMESPACE", "TENANT_NAMESPACE", "USERS", "grant_rights", "write_kubeconfig", "write_tokens"]

KUBEVIRT_NAMESPACE = "kubevirt"
TENANT_NAMESPACE = "team-a"
USERS = ("admin", "operator", "tenant", "nobody")

_GROUPS = {"admin": "system:masters"}
_DIAGNOSE_ROLE = "kubevirt-ops-live-migration-diagnose"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_READ = ["get", "list"]
_LIST = ["list"]
_WATCH = ["get", "list", "watch"]
_AGGREGATED = ("view", "edit", "admin")

Send = Callable[[str, str, Any], Any]


def _rule(group: str, verbs: list[str], resources: list[str]) -> dict[str, list[str]]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


_DIAGNOSE_RULES = [
    _rule("kubevirt.io", _READ, ["virtualmachineinstancemigrations", "virtualmachineinstances", "virtualmachines"]),
    _rule("kubevirt.io", _LIST, ["kubevirts"]),
    _rule("migrations.kubevirt.io", _LIST, ["migrationpolicies"]),
    _rule("", _READ, ["nodes", "namespaces"]),
    _rule("", _LIST, ["pods", "events", "resourcequotas", "persistentvolumeclaims"]),
    {**_rule("coordination.k8s.io", ["get"], ["leases"]), "resourceNames": ["virt-controller"]},
    _rule("policy", _LIST, ["poddisruptionbudgets"]),
]

# As KubeVirt installs them: kubevirt/kubevirt pkg/virt-operator/resource/generate/rbac/cluster.go.
_KUBEVIRT_VIEW_RULES = [
    _rule("kubevirt.io", _READ, ["kubevirts"]),
    _rule(
        "subresources.kubevirt.io",
        ["get"],
        [
            "virtualmachines/expand-spec",
            "virtualmachineinstances/guestosinfo",
            "virtualmachineinstances/filesystemlist",
            "virtualmachineinstances/userlist",
            "virtualmachineinstances/sev/fetchcertchain",
            "virtualmachineinstances/sev/querylaunchmeasurement",
        ],
    ),
    _rule("subresources.kubevirt.io", ["update"], ["expand-vm-spec"]),
    _rule(
        "kubevirt.io",
        _WATCH,
        [
            "virtualmachines",
            "virtualmachineinstances",
            "virtualmachineinstancepresets",
            "virtualmachineinstancereplicasets",
            "virtualmachineinstancemigrations",
        ],
    ),
    _rule(
        "snapshot.kubevirt.io",
        _WATCH,
        ["virtualmachinesnapshots", "virtualmachinesnapshotcontents", "virtualmachinerestores"],
    ),
    _rule("export.kubevirt.io", _WATCH, ["virtualmachineexports"]),
    _rule("clone.kubevirt.io", _WATCH, ["virtualmachineclones"]),
    _rule(
        "instancetype.kubevirt.io",
        _WATCH,
        [
            "virtualmachineinstancetypes",
            "virtualmachineclusterinstancetypes",
            "virtualmachinepreferences",
            "virtualmachineclusterpreferences",
        ],
    ),
    _rule("pool.kubevirt.io", _WATCH, ["virtualmachinepools"]),
    _rule("migrations.kubevirt.io", _WATCH, ["migrationpolicies"]),
]
_KUBEVIRT_MIGRATE_RULES = [
    _rule("subresources.kubevirt.io", ["update"], ["virtualmachines/migrate"]),
    _rule(
        "kubevirt.io",
        ["get", "delete", "create", "update", "patch", "list", "watch", "deletecollection"],
        ["virtualmachineinstancemigrations"],
    ),
]


def write_tokens(path: Path) -> dict[str, str]:
    """Make a token for each user and write the API server's token file; returns user -> token."""
    tokens = {user: secrets.token_urlsafe(32) for user in USERS}
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = ([tokens[user], user, f"uid-{user}", _GROUPS.get(user, "")] for user in USERS)
        csv.writer(stream).writerows([cell for cell in row if cell] for row in rows)
    return tokens


def write_kubeconfig(path: Path, *, user: str, token: str, server: str, ca_file: Path) -> Path:
    """A kubeconfig for one user (JSON, which is YAML too)."""
    namespace = TENANT_NAMESPACE if user == "tenant" else "default"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": str(ca_file)}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": user, "context": {"cluster": "test", "user": user, "namespace": namespace}}],
        "current-context": user,
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return path


def grant_rights(send: Send) -> None:
    """Namespaces, roles and bindings of all users. `send(method, path, body)` returns the answer or raises."""
    for name in (KUBEVIRT_NAMESPACE, TENANT_NAMESPACE):
        send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    _create_role(send, _DIAGNOSE_ROLE, rules=_DIAGNOSE_RULES, labels={})
    _create_role(
        send,
        "kubevirt.io:view",
        rules=_KUBEVIRT_VIEW_RULES,
        labels={"kubevirt.io": "", "rbac.authorization.k8s.io/aggregate-to-view": "true"},
    )
    _create_role(send, "kubevirt.io:migrate", rules=_KUBEVIRT_MIGRATE_RULES, labels={"kubevirt.io": ""})
    _fill_aggregated_roles(send)
    _bind(send, f"{_RBAC}/clusterrolebindings", role=_DIAGNOSE_ROLE, user="operator")
    for role in ("view", "kubevirt.io:view", "kubevirt.io:migrate"):
        _bind(send, f"{_RBAC}/namespaces/{TENANT_NAMESPACE}/rolebindings", role=role, user="tenant")


def _create_role(send: Send, name: str, *, rules: list[dict[str, list[str]]], labels: dict[str, str]) -> None:
    send("POST", f"{_RBAC}/clusterroles", {"metadata": {"name": name, "labels": labels}, "rules": rules})


def _bind(send: Send, path: str, *, role: str, user: str) -> None:
    body = {
        "metadata": {"name": f"{user}:{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    send("POST", path, body)


def _fill_aggregated_roles(send: Send) -> None:
    """Gather the rules of `view`, `edit` and `admin`: a controller manager would, and none runs here."""
    roles = send("GET", f"{_RBAC}/clusterroles", None)["items"]
    by_name = {role["metadata"]["name"]: role for role in roles}
    for name in _AGGREGATED:
        selectors = by_name[name]["aggregationRule"]["clusterRoleSelectors"]
        wanted = [set(selector["matchLabels"].items()) for selector in selectors]
        parts = [role for role in roles if any(w <= set(role["metadata"].get("labels", {}).items()) for w in wanted)]
        rules = [rule for part in parts if part is not by_name[name] for rule in part.get("rules") or []]
        send("PATCH", f"{_RBAC}/clusterroles/{name}", {"rules": rules})
