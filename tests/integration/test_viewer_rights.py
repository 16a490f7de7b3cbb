# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each right of the viewer is needed for a feature: without it something is asked for in vain, and said to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.granting import Granting, forbidden, lacking, shipped
from tests.integration.simulated import a_world
from tests.integration.test_shipped_roles import ask


@dataclass(frozen=True)
class Feature:
    """What a right is for: a module with its options on a scenario.

    `changes`: what of the result is another one without the right; "" where a missing rule says it all.
    """

    what: str
    module: str
    scenario: Any = "target-pod-unschedulable"
    params: dict[str, Any] = field(default_factory=dict)
    changes: str = ""


# Two copies past their deadline and one that is not, each VM with a disk.
SINCE = {"slow-1": 1500, "slow-2": 1500, "fast-1": 60}
STORED = a_world(
    vms=[{"name": f"team-a/{vm}", "node": "node-a", "claims": [f"disk-{vm}"], "storage_class": vm[:4]} for vm in SINCE],
    migrations=[
        {"vm": f"team-a/{vm}", "phase": "Running", "since": since, "target": "node-b"} for vm, since in SINCE.items()
    ],
)
FEATURES: dict[tuple[str, str], Feature] = {
    ("list", "virtualmachineinstancemigrations"): Feature("which migrations there are", "migration_info"),
    ("get", "virtualmachineinstancemigrations"): Feature(
        "a migration whose VMI is gone is looked at again before it is called stuck", "migration_info", "vmi-gone"
    ),
    ("get", "virtualmachineinstances"): Feature("how far the hand-over is", "migration_info"),
    ("list", "virtualmachineinstances"): Feature("whom a policy would rule", "tuning_info", "tuning"),
    ("get", "virtualmachines"): Feature(
        "a VM that is named and does not migrate is known", "migration_info", params={"vms": ["team-a/idle-1"]},
        scenario=a_world(vms=[{"name": "team-a/idle-1"}]), changes="",
    ),
    ("list", "virtualmachines"): Feature(
        "a VM that is named without its namespace is found", "preflight_info",
        a_world(vms=[{"name": "team-a/idle-1"}]), {"vms": ["idle-1"]},
    ),
    ("list", "kubevirts"): Feature("the settings in force", "migration_info", "limits-of-zero"),
    ("list", "migrationpolicies"): Feature("the policy that rules a VM", "tuning_info", "tuning"),
    ("get", "nodes"): Feature("whether the nodes of a migration are well", "migration_info", "source-node-down"),
    ("list", "nodes"): Feature("which nodes are well", "node_health_info"),
    ("get", "namespaces"): Feature(
        "a namespace that is mistyped is told", "migration_info", params={"namespaces": ["team-typo"]}, changes="error"
    ),
    ("list", "namespaces"): Feature("the namespaces that a policy selects", "tuning_info", "tuning"),
    ("list", "pods"): Feature("why a target pod does not start", "migration_info", "image-pull-failing"),
    ("list", "events"): Feature("why volumes cannot be attached", "migration_info", "volume-attach-failing"),
    ("list", "resourcequotas"): Feature(
        "a quota that a drain meets", "preflight_info", "preflight", {"nodes": ["node-7"]}
    ),
    ("list", "persistentvolumeclaims"): Feature("what stuck VMs have in common", "migration_info", STORED),
    ("get", "leases"): Feature("whether virt-controller works", "migration_info", "controller-silent-pending"),
    ("list", "poddisruptionbudgets"): Feature(
        "a budget that holds a drain", "preflight_info", "preflight", {"nodes": ["node-7"]}
    ),
}  # fmt: skip
RULES = shipped("viewer")["rules"]


@pytest.fixture
def grant(cluster: Cluster) -> Iterator[Granting]:
    granting = Granting(cluster)
    yield granting
    granting.forget()


def test_every_right_of_the_viewer_is_for_a_feature() -> None:
    rights = {(verb, one) for rule in RULES for one in rule["resources"] for verb in rule["verbs"]}

    assert rights == set(FEATURES)


def asked(cluster: Cluster, user: str, feature: Feature) -> dict[str, Any]:
    """The result; of a look that was not possible its error, in the shape of a result."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
    from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

    try:
        return {"error": "", **ask(cluster, user, feature.module, **feature.params)}
    except (ClusterError, WrongInput) as error:
        return {"error": str(error), "coverage": {"missing": []}, "notes": []}


@pytest.mark.parametrize(
    ("verb", "resource"), list(FEATURES), ids=[f"{verb}-{resource}" for verb, resource in FEATURES]
)
def test_right_is_missed_where_it_is_taken_away(cluster: Cluster, grant: Granting, verb: str, resource: str) -> None:
    feature = FEATURES[verb, resource]
    cluster.reset()
    cluster.simulator.play(feature.scenario)
    mark = cluster.audit_mark()
    full = asked(cluster, grant(RULES), feature)
    assert forbidden(cluster, mark) == []
    mark = cluster.audit_mark()
    found = asked(cluster, grant(lacking(RULES, verb, resource)), feature)

    assert [one for one, _uri in forbidden(cluster, mark) if one == verb], f"nothing asked for it: {feature.what}"
    if feature.changes:
        assert found.get(feature.changes) != full.get(feature.changes), feature.what
        return
    missing = [(one["verb"], one["resource"]) for one in found["coverage"]["missing"]]
    said = f"{found['error']} {' '.join(found.get('notes', ()))}"
    assert (verb, resource) in missing or f"{verb} {resource}" in said, (feature.what, missing, said)
