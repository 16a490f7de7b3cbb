# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a controller keeps: the objects that the modules of awx.awx make, with their surveys and associations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.awx.server import Answer

__all__ = ["Store"]

_KINDS = {
    "organizations": "organization",
    "projects": "project",
    "project_updates": "project_update",
    "inventories": "inventory",
    "hosts": "host",
    "credential_types": "credential_type",
    "credentials": "credential",
    "execution_environments": "execution_environment",
    "instance_groups": "instance_group",
    "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template",
    "workflow_job_template_nodes": "workflow_job_template_node",
    "workflow_approval_templates": "workflow_approval_template",
}
_SECRETS = ("bearer_token", "ssl_ca_cert", "kubeconfig")
_ASSOCIATIONS = ("credentials", "instance_groups", "success_nodes", "failure_nodes", "always_nodes")


class Store:
    """Objects by kind, in the order in which they were made."""

    def __init__(self, *, token: str) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in _KINDS}
        self.surveys: dict[int, Any] = {}
        self.associations: dict[tuple[int, str], list[int]] = {}
        self.writes: list[tuple[str, str]] = []
        self._token = token
        self._last = 0
        self._make("organizations", {"name": "Default"})
        self._make("instance_groups", {"name": "east"})
        self._make("credential_types", {"name": "OpenShift or Kubernetes API Bearer Token", "kind": "kubernetes"})

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of a kind by name (nodes by identifier)."""
        return {one.get("identifier") or one["name"]: one for one in self.objects[kind].values()}

    def answer(self, method: str, path: str, *, token: str, body: Mapping[str, Any]) -> Answer:
        """Status and body for one request."""
        if token != f"Bearer {self._token}":
            return 401, {"detail": "Authentication credentials were not provided."}
        if method != "GET":
            self.writes.append((method, path))
        parts = urlsplit(path)
        found = re.fullmatch(r"/api/v2/(\w+)/(?:(\d+)/)?(?:(\w+)/)?", parts.path)
        if found is None or (found[1] not in _KINDS and found[1] != "unified_job_templates"):
            return 404, {"detail": "The requested resource could not be found."}
        kind, number, part = found[1], int(found[2] or 0), found[3] or ""
        if not number:
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            return self._list(kind, query) if method == "GET" else self._create(kind, body)
        if number not in self.objects[kind]:
            return 404, {"detail": "Not found."}
        return self._part(method, kind, number, part, body) if part else self._one(method, kind, number, body)

    def _list(self, kind: str, query: Mapping[str, str]) -> Answer:
        kinds = ("job_templates", "workflow_job_templates") if kind == "unified_job_templates" else (kind,)
        found = [self._shown(each, one) for each in kinds for one in self.objects[each].values()]
        wanted = {name: value for name, value in query.items() if name not in ("page_size", "page", "order_by")}
        fitting = [one for one in found if all(str(one.get(name, "")) == value for name, value in wanted.items())]
        return 200, {"count": len(fitting), "next": None, "previous": None, "results": fitting}

    def _one(self, method: str, kind: str, number: int, body: Mapping[str, Any]) -> Answer:
        one = self.objects[kind][number]
        if method == "PATCH":
            one.update(body)
        shown = self._shown(kind, one)
        if kind == "project_updates":
            # Running when it is first looked at, and then done.
            one["status"] = "successful"
        return 200, shown

    def _part(self, method: str, kind: str, number: int, part: str, body: Mapping[str, Any]) -> Answer:
        if part == "survey_spec":
            if method == "POST":
                self.surveys[number] = body
            return 200, self.surveys.get(number, {})
        if part == "create_approval_template":
            made = self._make("workflow_approval_templates", body)
            self.objects[kind][number]["unified_job_template"] = made["id"]
            return 201, made
        kept = self.associations.setdefault((number, part), [])
        if method == "POST":
            kept.append(body["id"])
            return 204, None
        return 200, {"count": len(kept), "next": None, "results": [{"id": one} for one in kept]}

    def _create(self, kind: str, body: Mapping[str, Any]) -> Answer:
        """As AWX: a project is fetched once it is made, and what is not fetched yet has no playbooks
        (awx/api/serializers.py, JobTemplateSerializer.validate)."""
        if kind == "job_templates" and self._update_of(body.get("project", 0)).get("status") != "successful":
            return 400, {"playbook": ["Playbook not found for project."]}
        made = self._make(kind, body)
        if kind == "projects":
            self._make("project_updates", {"name": body["name"], "project": made["id"], "status": "running"})
        return 201, self._shown(kind, self.objects[kind][made["id"]])

    def _update_of(self, project: int) -> dict[str, Any]:
        return next((one for one in self.objects["project_updates"].values() if one["project"] == project), {})

    def _make(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._last += 1
        self.objects[kind][self._last] = {"id": self._last, **body}
        return self._shown(kind, self.objects[kind][self._last])

    def _shown(self, kind: str, one: Mapping[str, Any]) -> dict[str, Any]:
        own = f"/api/v2/{kind}/{one['id']}/"
        related = {name: f"{own}{name}/" for name in (*_ASSOCIATIONS, "survey_spec", "create_approval_template")}
        template = one.get("unified_job_template")
        if template in self.objects["workflow_approval_templates"]:
            related["unified_job_template"] = f"/api/v2/workflow_approval_templates/{template}/"
        shown = {**one, "type": _KINDS[kind], "url": own, "related": related}
        update = self._update_of(one["id"]) if kind == "projects" else {}
        if update:
            running = {"current_update": {"id": update["id"]}} if update["status"] == "running" else {}
            shown |= {"scm_revision": "", "summary_fields": running}
        if "inputs" in shown:
            # A secret is never shown again.
            hidden = {name: "$encrypted$" for name in _SECRETS if shown["inputs"].get(name)}
            shown["inputs"] = {**shown["inputs"], **hidden}
        return shown
