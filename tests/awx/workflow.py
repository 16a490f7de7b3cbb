# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a workflow that a controller was told to keep, node by node as AWX does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.awx.store import Store

__all__ = ["Ran", "run_workflow", "templates_of"]

SUCCESSFUL, FAILED = "successful", "failed"


@dataclass(frozen=True)
class Ran:
    """One node: its identifier, the template of its job (or what was to be approved), and how it ended."""

    node: str
    what: str
    status: str


def templates_of(store: Store) -> list[dict[str, Any]]:
    """The job templates that it keeps, as the controller that runs jobs takes them."""
    return [{**one, "survey": store.surveys[one["id"]]["spec"]} for one in store.named("job_templates").values()]


def run_workflow(
    store: Store,
    name: str,
    *,
    answers: Mapping[str, Any],
    launch: Callable[[str, dict[str, Any]], str],
    approve: Callable[[str], bool],
) -> list[Ran]:
    """What ran, in order. It begins with the nodes that no other leads to, and goes on where the end of each leads.

    A job is told the answers that the workflow was given, and above them what its node says (extra_data). `launch`
    starts the template of this name and answers with the status of its job; `approve` answers for a person.
    """
    flow = store.named("workflow_job_templates")[name]["id"]
    there = store.objects["workflow_job_template_nodes"].values()
    nodes = {one["id"]: one for one in there if one["workflow_job_template"] == flow}
    led_to = {end for node in nodes for kind in ("success", "failure", "always") for end in _ends(store, node, kind)}
    waiting, ran = [node for node in nodes if node not in led_to], []
    while waiting:
        node = nodes[waiting.pop(0)]
        what, status = _run_node(store, node, answers=answers, launch=launch, approve=approve)
        ran.append(Ran(node["identifier"], what, status))
        waiting += _ends(store, node["id"], "success" if status == SUCCESSFUL else "failure")
        waiting += _ends(store, node["id"], "always")
    return ran


def _ends(store: Store, node: int, kind: str) -> list[int]:
    return store.associations.get((node, f"{kind}_nodes"), [])


def _run_node(
    store: Store,
    node: Mapping[str, Any],
    *,
    answers: Mapping[str, Any],
    launch: Callable[[str, dict[str, Any]], str],
    approve: Callable[[str], bool],
) -> tuple[str, str]:
    template = node["unified_job_template"]
    approval = store.objects["workflow_approval_templates"].get(template)
    if approval is not None:
        return approval["name"], SUCCESSFUL if approve(approval["name"]) else FAILED
    name = store.objects["job_templates"][template]["name"]
    return name, launch(name, {**answers, **(node.get("extra_data") or {})})
