# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The aggregated API subresources.kubevirt.io/v1: migrate and evacuate/cancel, as virt-api answers them.

The API server has checked the rights for the short name (virtualmachineinstances/evacuate) before it forwards a
request; virt-api then asks for the long one (virtualmachineinstances/evacuate/cancel) itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .api import Api, Object, Refused
from .machines import without_eviction
from .migrations import new_migration

__all__ = ["PREFIX", "Answer", "Caller", "answer"]

GROUP = "subresources.kubevirt.io"
PREFIX = f"/apis/{GROUP}/v1"
_ROUTE = re.compile(
    PREFIX + r"/namespaces/([^/]+)/(virtualmachines|virtualmachineinstances)/([^/]+)/(migrate|evacuate/cancel)"
)
_SINGULAR = {"virtualmachines": "virtualmachine", "virtualmachineinstances": "virtualmachineinstance"}
_ROUTES = ("virtualmachines/migrate", "virtualmachines/evacuate", "virtualmachineinstances/evacuate")


@dataclass(frozen=True)
class Caller:
    """Whom the API server vouches for."""

    user: str
    groups: Sequence[str]


@dataclass(frozen=True)
class Answer:
    """Status, body and its media type."""

    status: int
    body: bytes = b""
    content: str = "application/json"


def _status(code: int, *, reason: str, message: str) -> Answer:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Answer(code, json.dumps(body).encode())


def _not_found(resource: str, *, name: str) -> Answer:
    message = f'{_SINGULAR[resource]}.kubevirt.io "{name}" not found'
    return _status(404, reason="NotFound", message=message)


def _conflict(name: str, *, message: str) -> Answer:
    text = f'Operation cannot be fulfilled on virtualmachine.kubevirt.io "{name}": {message}'
    return _status(409, reason="Conflict", message=text)


def discovery() -> Answer:
    """The list of resources, by which the API server sees that this API is there."""
    resources = [
        {"name": name, "singularName": "", "namespaced": True, "kind": "", "verbs": ["update"]} for name in _ROUTES
    ]
    body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/v1", "resources": resources}
    return Answer(200, json.dumps(body).encode())


def answer(method: str, *, path: str, accept: str, body: bytes, caller: Caller, api: Api) -> Answer:
    """What virt-api answers to one request."""
    if method == "GET" and path.rstrip("/") == PREFIX:
        return discovery()
    match = _ROUTE.fullmatch(path)
    if match is None or method != "PUT":
        return Answer(404, b"404: Page Not Found", "text/plain")
    if accept and not any(part.split(";")[0].strip() == "*/*" for part in accept.split(",")):
        # The routes declare no type that they produce, so nothing but */* is acceptable.
        return Answer(406, b"406: Not Acceptable\n\nAvailable representations: ", "text/plain")
    namespace, resource, name, verb = match.groups()
    if not _may(caller, namespace=namespace, resource=resource, name=name, verb=verb, api=api):
        return Answer(401, b"", "text/plain")
    try:
        options = json.loads(body) if body.strip() else {}
    except ValueError as error:
        return _status(400, reason="BadRequest", message=f"Can not unmarshal Request body to struct, error: {error}")
    if verb == "migrate":
        return _migrate(name, namespace=namespace, options=options, api=api)
    return _cancel_evacuation(name, namespace=namespace, resource=resource, options=options, api=api)


def _may(caller: Caller, *, namespace: str, resource: str, name: str, verb: str, api: Api) -> bool:
    attributes = {"group": GROUP, "version": "v1", "verb": "update", "namespace": namespace, "name": name}
    attributes |= {"resource": resource, "subresource": verb}
    spec = {"user": caller.user, "groups": list(caller.groups), "resourceAttributes": attributes}
    asked = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": spec}
    return bool(api.create(asked)["status"].get("allowed"))


def _migrate(name: str, *, namespace: str, options: Mapping[str, Any], api: Api) -> Answer:
    if api.get("VirtualMachine", name=name, namespace=namespace) is None:
        return _not_found("virtualmachines", name=name)
    vmi = api.get("VirtualMachineInstance", name=name, namespace=namespace)
    if vmi is None:
        return _not_found("virtualmachineinstances", name=name)
    if vmi["status"].get("phase") != "Running":
        return _conflict(name, message="VM is not running")
    try:
        api.create(new_migration(name, namespace=namespace), dry_run=bool(options.get("dryRun")))
    except Refused as refusal:
        return _status(500, reason="InternalError", message=f"Internal error occurred: {refusal.message}")
    return Answer(202)


def _cancel_evacuation(name: str, *, namespace: str, resource: str, options: Mapping[str, Any], api: Api) -> Answer:
    if resource == "virtualmachines" and api.get("VirtualMachine", name=name, namespace=namespace) is None:
        return _not_found(resource, name=name)
    vmi = api.get("VirtualMachineInstance", name=name, namespace=namespace)
    if vmi is None and resource == "virtualmachines":
        return _conflict(name, message="VMI is not started")
    if vmi is None:
        return _not_found(resource, name=name)
    node = vmi["status"].get("evacuationNodeName")
    if not node:
        return Answer(200)
    if options.get("evacuationNodeName") != node:
        said = "the server rejected our request due to an error in our request"
        return _status(500, reason="InternalError", message=said)
    if not options.get("dryRun"):
        _end_evacuation(vmi, api=api)
    return Answer(200)


def _end_evacuation(vmi: Object, *, api: Api) -> None:
    """The mark goes, and with it the condition that mirrors it, on VMI and VM."""
    left = without_eviction(vmi)
    api.set_conditions(api.patch(vmi, {"status": {"evacuationNodeName": None}}), left)
    vm = {"kind": "VirtualMachine", "metadata": vmi["metadata"], "status": {}}
    api.set_conditions(vm, left, sub="status")
