# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load CustomResourceDefinitions from a folder and wait until their resources are served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

__all__ = ["OUR_CRDS", "load_crds", "read_crds", "wait_for_crds"]

OUR_CRDS = Path(__file__).with_name("crds")
_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.05
# The C loader reads the real definitions (up to 750 kB each) ten times faster; not every PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Request = Callable[..., tuple[int, Any]]


def read_crds(folder: Path) -> list[dict[str, Any]]:
    """All CustomResourceDefinitions in the YAML files of `folder`; ValueError when there is none."""
    found = list(_documents(folder))
    if not found:
        raise ValueError(f"no CustomResourceDefinition in {folder}/*.yml or *.yaml")
    return found


def _documents(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=_LOADER):
            if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition":
                yield document


def load_crds(folder: Path, *, request: Request) -> list[str]:
    """Apply all definitions of `folder` and wait until the server serves them; returns their names.

    Server-side apply, because client-side apply's annotation cannot hold a definition above 256 kB.
    """
    definitions = read_crds(folder)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda crd: _apply(crd, request=request), definitions))
    _wait_for(definitions, request=request)
    return [crd["metadata"]["name"] for crd in definitions]


def wait_for_crds(request: Request) -> None:
    """Wait until the server serves all definitions that it has: after its start their storage comes last."""
    _status, found = request("GET", _PATH)
    _wait_for(found["items"], request=request)


def _wait_for(definitions: list[dict[str, Any]], *, request: Request) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    for crd in definitions:
        _wait_until_served(crd, request=request, deadline=deadline)


def _apply(crd: dict[str, Any], *, request: Request) -> None:
    name = crd["metadata"]["name"]
    body = {key: value for key, value in crd.items() if key != "status"}
    query = {"fieldManager": "tests-cluster", "force": "true"}
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        status, answer = request("PATCH", f"{_PATH}/{name}", body=body, headers=_APPLY, query=query)
        # One that is being deleted takes the change and goes all the same.
        if status != 200 or "deletionTimestamp" not in answer["metadata"] or time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    if status not in (200, 201):
        raise RuntimeError(f"the API server refuses the definition {name} ({status}): {_message(answer)}")


def _message(answer: Any) -> str:
    return str(answer.get("message")) if isinstance(answer, dict) else str(answer)


def _wait_until_served(crd: dict[str, Any], *, request: Request, deadline: float) -> None:
    spec = crd["spec"]
    versions = [version["name"] for version in spec["versions"] if version["served"]]
    paths = [f"/apis/{spec['group']}/{version}/{spec['names']['plural']}" for version in versions]
    while not all(request("GET", path, query={"limit": 1})[0] == 200 for path in paths):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{crd['metadata']['name']} is still not served: {_conditions(crd, request=request)}")
        time.sleep(_POLL_SECONDS)


def _conditions(crd: dict[str, Any], *, request: Request) -> str:
    _status, found = request("GET", f"{_PATH}/{crd['metadata']['name']}")
    status = found.get("status", {}) if isinstance(found, dict) else {}
    if not isinstance(status, dict):
        return _message(found)
    return "; ".join(f"{each['type']}={each['status']}: {each.get('message')}" for each in status.get("conditions", []))
