# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subresources of the simulated virt-api through the aggregation layer, and what fails while it is dead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.wire import Wire, tls_context
from tests.integration.granting import bind, take_away, wait_for_right
from tests.integration.simulated import (
    CREATE,
    MIGRATIONS,
    NAMESPACE,
    PODS,
    SEVERAL,
    VMIS,
    VMS,
    condition_types,
    create,
    denied,
    items,
    read,
    refusal,
    wanted,
)

CALLS = f"/apis/subresources.kubevirt.io/v1/namespaces/{NAMESPACE}"
ANY = {"Accept": "application/json, */*"}


@pytest.fixture
def quiet(cluster: Cluster) -> Cluster:
    """VMs that do not migrate."""
    cluster.simulator.play(SEVERAL)
    return cluster


@pytest.fixture
def moving(quiet: Cluster) -> tuple[Cluster, dict[str, Any]]:
    """The same with a migration of web-1 in flight."""
    return quiet, create(quiet)


# --- a dead virt-api ---


@pytest.fixture
def dead(quiet: Cluster) -> Iterator[Cluster]:
    quiet.simulator.virt_api.die()
    yield quiet
    quiet.simulator.virt_api.serve()


def test_create_fails_closed_while_virt_api_is_dead(dead: Cluster) -> None:
    code, reason, text = refusal(dead.request("POST", MIGRATIONS, body=wanted()))

    assert (code, reason) == (500, "InternalError")
    assert 'failed calling webhook "migrations-mutator.kubevirt.io"' in text
    assert text.endswith("connect: connection refused")


def test_subresource_is_unavailable_while_virt_api_is_dead(dead: Cluster) -> None:
    code, body = dead.request("PUT", f"{CALLS}/virtualmachines/web-1/migrate", headers=ANY)

    assert code == 503
    assert body.startswith(b"error trying to reach service: dial tcp")


def test_virt_api_that_comes_back_answers_again(dead: Cluster) -> None:
    dead.simulator.virt_api.serve()

    assert dead.request("POST", MIGRATIONS, body=wanted())[0] == 201


def test_create_waits_in_vain_while_virt_api_hangs(quiet: Cluster) -> None:
    quiet.simulator.virt_api.hang()
    try:
        answer = quiet.request("POST", MIGRATIONS, body=wanted(), query={"timeout": "1s"})
    finally:
        quiet.simulator.virt_api.serve()

    assert 500 <= answer[0] < 600, answer
    assert items(quiet, MIGRATIONS) == []


# --- subresources ---


def migrate(cluster: Cluster, name: str, **more: Any) -> tuple[int, Any]:
    return cluster.request("PUT", f"{CALLS}/virtualmachines/{name}/migrate", **{"headers": ANY, **more})


def test_json_alone_is_not_acceptable(quiet: Cluster) -> None:
    code, body = migrate(quiet, "web-1", headers={"Accept": "application/json"})

    assert code == 406
    assert body.startswith(b"406: Not Acceptable")


@pytest.mark.parametrize("user", ["admin", "tenant"])
def test_migrate_makes_a_migration_and_does_not_name_it(quiet: Cluster, user: str) -> None:
    assert migrate(quiet, "web-1", user=user) == (202, b"")
    (made,) = items(quiet, MIGRATIONS)
    assert made["metadata"]["name"].startswith("kubevirt-migrate-vm-")
    assert "priority" not in made["spec"]


def test_migrate_in_dry_run_stores_nothing(quiet: Cluster) -> None:
    assert migrate(quiet, "web-1", body={"dryRun": ["All"]}) == (202, b"")
    assert items(quiet, MIGRATIONS) == []


CONFLICT = 'Operation cannot be fulfilled on virtualmachine.kubevirt.io "web-2": VM is not running'
MIGRATES = {
    "nope": (404, "NotFound", 'virtualmachine.kubevirt.io "nope" not found'),
    "old-1": (404, "NotFound", 'virtualmachineinstance.kubevirt.io "old-1" not found'),
    "web-2": (409, "Conflict", CONFLICT),
}


@pytest.mark.parametrize("name", MIGRATES)
def test_migrate_is_refused(quiet: Cluster, name: str) -> None:
    assert refusal(migrate(quiet, name)) == MIGRATES[name]


def test_migrate_wraps_what_admission_says(moving: tuple[Cluster, dict[str, Any]]) -> None:
    code, reason, text = refusal(migrate(moving[0], "web-1"))

    assert (code, reason) == (500, "InternalError")
    assert text.startswith(f"Internal error occurred: {denied(CREATE, 'in-flight migration detected.')}")


def test_migrate_needs_the_right(quiet: Cluster) -> None:
    code, reason, text = refusal(migrate(quiet, "web-1", user="nobody"))

    assert (code, reason) == (403, "Forbidden")
    assert 'cannot update resource "virtualmachines/migrate" in API group "subresources.kubevirt.io"' in text


def stop_evacuation(cluster: Cluster, name: str = "db-1", *, kind: str = "virtualmachineinstances", **more: Any) -> Any:
    return cluster.request("PUT", f"{CALLS}/{kind}/{name}/evacuate/cancel", **{"headers": ANY, **more})


@pytest.fixture
def evacuating(cluster: Cluster) -> Cluster:
    cluster.simulator.play("healthy-evacuation")
    return cluster


BODIES: dict[str, Any] = {"none": None, "empty": {}, "another node": {"evacuationNodeName": "node-b"}}


@pytest.mark.parametrize("body", BODIES)
def test_stopping_an_evacuation_needs_its_node(evacuating: Cluster, body: str) -> None:
    said = "the server rejected our request due to an error in our request"

    assert refusal(stop_evacuation(evacuating, body=BODIES[body])) == (500, "InternalError", said)
    assert stop_evacuation(evacuating, body={"evacuationNodeName": "node-a", "dryRun": ["All"]})[0] == 200
    assert read(evacuating, f"{VMIS}/db-1")["status"]["evacuationNodeName"] == "node-a"


@pytest.mark.parametrize("kind", ["virtualmachines", "virtualmachineinstances"])
def test_stopped_evacuation_leaves_its_migration_in_flight(evacuating: Cluster, kind: str) -> None:
    assert stop_evacuation(evacuating, kind=kind, body={"evacuationNodeName": "node-a"})[0] == 200
    vmi, vm = read(evacuating, f"{VMIS}/db-1"), read(evacuating, f"{VMS}/db-1")

    assert "evacuationNodeName" not in vmi["status"]
    assert "EvictionRequested" not in condition_types(vmi) + condition_types(vm)
    assert items(evacuating, MIGRATIONS)[0]["status"]["phase"] == "Running"
    assert stop_evacuation(evacuating, kind=kind)[0] == 200


def test_stopping_an_evacuation_of_what_is_not_there(quiet: Cluster) -> None:
    assert stop_evacuation(quiet, "nope", kind="virtualmachines")[0] == 404
    assert stop_evacuation(quiet, "nope")[0] == 404
    assert refusal(stop_evacuation(quiet, "old-1", kind="virtualmachines"))[2].endswith("VMI is not started")


RIGHTS = {
    "short name alone": (["virtualmachineinstances/evacuate"], 401),
    "long name alone": (["virtualmachineinstances/evacuate/cancel"], 403),
    "both": (["virtualmachineinstances/evacuate", "virtualmachineinstances/evacuate/cancel"], 200),
}


@pytest.fixture
def rights(quiet: Cluster, request: pytest.FixtureRequest) -> Iterator[int]:
    """The user nobody may update these subresources; the code that follows."""
    resources, code = RIGHTS[request.param]
    group, verb = "subresources.kubevirt.io", "update"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "stop-evacuations", "namespace": NAMESPACE},
        "rules": [{"apiGroups": [group], "resources": resources, "verbs": [verb]}],
    }
    made = bind(quiet, role, user="nobody", where=NAMESPACE)
    for one in RIGHTS["both"][0]:
        resource, _slash, subresource = one.partition("/")
        about = {"group": group, "resource": resource, "subresource": subresource, "verb": verb}
        wait_for_right(quiet, "nobody", {**about, "namespace": NAMESPACE}, is_given=one in resources)
    yield code
    take_away(quiet, made)


@pytest.mark.parametrize("rights", RIGHTS, indirect=True)
def test_both_names_of_the_right_are_needed(quiet: Cluster, rights: int) -> None:
    code, body = stop_evacuation(quiet, "web-1", user="nobody")

    assert code == rights
    assert code == 403 or body == b""


def test_only_the_api_server_may_call_the_aggregated_api(quiet: Cluster) -> None:
    port = quiet.simulator.virt_api.port
    wire = Wire(f"https://127.0.0.1:{port}", context=tls_context(str(quiet.ca_file)))
    claimed = {**ANY, "X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
    status, _body = wire.request("PUT", f"{CALLS}/virtualmachines/web-1/migrate", headers=claimed)
    wire.close()

    assert status == 401
    assert items(quiet, MIGRATIONS) == []


def test_eviction_of_a_launcher_asks_for_a_migration(quiet: Cluster) -> None:
    pod = next(pod for pod in items(quiet, PODS) if pod["metadata"]["labels"]["vm.kubevirt.io/name"] == "web-1")
    path = f"{PODS}/{pod['metadata']['name']}/eviction"
    meta = {"name": pod["metadata"]["name"], "namespace": NAMESPACE}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
    text = f'Eviction triggered evacuation of VMI "{NAMESPACE}/web-1"'

    dry = quiet.request("POST", path, body=eviction, query={"dryRun": "All"})
    assert "evacuationNodeName" not in json.dumps(read(quiet, f"{VMIS}/web-1"))
    first, second = (quiet.request("POST", path, body=eviction) for _turn in range(2))

    assert [answer[0] for answer in (dry, first, second)] == [429] * 3
    assert refusal(first)[2].endswith(f"denied the request: {text}")
    assert refusal(second)[2].endswith(f"denied the request: Evacuation in progress: {text}")
