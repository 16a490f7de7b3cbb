# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks and what they let through: posted to as Alertmanager posts, against the test cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chain.rulebook import Rulebook, Webhook, firing, running_rulebook
from tests.cluster import Cluster
from tests.cluster.pki import Authority
from tests.integration.acting import going_on
from tests.integration.simulated import items

MARK = "live-migration.kubevirt-ops/remediate"
MIGRATIONS = "/apis/kubevirt.io/v1/virtualmachineinstancemigrations"
CRASHED: dict[str, Any] = {"phase": "Scheduling", "since": 200, "pod": {"exit_code": 137, "ended": 150}}
OPEN, CLOSED, HEALTHY = "team-a/open-1", "team-a/closed-1", "team-a/healthy-1"
WORLD: dict[str, Any] = {
    "title": "two crashed target launchers, one of a VM that has opted in, and a healthy copy of one that has too",
    "nodes": [{"name": f"node-{letter}"} for letter in "abcd"],
    "vms": [
        {"name": OPEN, "node": "node-a", "labels": {MARK: "true"}},
        {"name": CLOSED, "node": "node-a"},
        {"name": HEALTHY, "node": "node-b", "memory": "32Gi", "labels": {MARK: "true"}},
    ],
    "migrations": [
        {"vm": OPEN, "target": "node-b", **CRASHED},
        {"vm": CLOSED, "target": "node-c", **CRASHED},
        {"vm": HEALTHY, "phase": "Running", "since": 720, "target": "node-d"},
    ],
}


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Webhook:
    return Webhook.prepared(tmp_path_factory.mktemp("webhook"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rulebook")


@pytest.fixture(scope="module")
def rulebook(cluster: Cluster, webhook: Webhook, folder: Path) -> Iterator[Rulebook]:
    """One for all tests here, as it takes seconds to start. Each VM is told of by one test, as it is throttled."""
    cluster.reset()
    cluster.simulator.play(WORLD)
    kubeconfig = cluster.kubeconfig("admin")
    with (
        going_on(cluster, pause=0.3),
        running_rulebook(folder, webhook=webhook, kubeconfig=kubeconfig) as running,
    ):
        yield running


def migrations(cluster: Cluster, vm: str) -> dict[str, str]:
    """UID and phase of each migration of a VM."""
    found = [one for one in items(cluster, MIGRATIONS) if f"team-a/{one['spec']['vmiName']}" == vm]
    return {one["metadata"]["uid"]: (one.get("status") or {}).get("phase", "") for one in found}


def settle(rulebook: Rulebook, webhook: Webhook, name: str) -> None:
    """Returns once everything that was posted before has been judged."""
    webhook.post(firing(f"team-z/{name}", status="resolved"))
    rulebook.wait_for(f"is resolved for team-z/{name}. Nothing is done.")


def test_alert_of_a_vm_that_has_opted_in_cancels_and_migrates_again_once(
    cluster: Cluster, rulebook: Rulebook, webhook: Webhook
) -> None:
    before = migrations(cluster, OPEN)
    plays = rulebook.plays

    # By two names and two labels, as several rules may find the same VM.
    alert = firing(OPEN)
    other = firing(OPEN, alert="KubeVirtMigrationWaitingTooLong", vmi="open-1")
    assert [webhook.post(alert), webhook.post(alert, other)] == [200, 200]
    rulebook.wait_for_plays(plays + 1)
    webhook.post(alert)
    settle(rulebook, webhook, "twice")

    after = migrations(cluster, OPEN)
    assert not set(before) & set(after)
    assert len(after) == 1
    assert rulebook.plays == plays + 1
    assert "alert KubeVirtVMStuckInMigratingState" in str(items(cluster, "/api/v1/namespaces/team-a/events"))


def test_vm_that_has_not_opted_in_and_a_healthy_migration_are_only_looked_at(
    cluster: Cluster, rulebook: Rulebook, webhook: Webhook
) -> None:
    before, plays = [migrations(cluster, vm) for vm in (CLOSED, HEALTHY)], rulebook.plays

    webhook.post(firing(CLOSED), firing(HEALTHY))
    rulebook.wait_for_plays(plays + 2)

    assert [migrations(cluster, vm) for vm in (CLOSED, HEALTHY)] == before
    assert [code for code in ("NotOptedIn", "TargetPodCrashing", "NotStuck") if code not in rulebook.said] == []


NOT_ACTED_ON = {
    "resolved": [firing("team-a/other-1", status="resolved")],
    "another alert": [firing("team-a/other-1", alert="KubeVirtMigrationsStuckOnNode")],
    "no namespace": [firing("team-a/other-1", namespace="")],
    "no VM": [firing("team-a/other-1", name="")],
    "two VMs": [firing("team-a/other-1", vm="other-2")],
    "no alerts": [],
}


@pytest.mark.parametrize("alerts", NOT_ACTED_ON.values(), ids=NOT_ACTED_ON)
def test_nothing_is_run_for(alerts: list[Any], rulebook: Rulebook, webhook: Webhook, request: Any) -> None:
    plays = rulebook.plays

    assert webhook.post(*alerts) == 200
    settle(rulebook, webhook, request.node.callspec.id.replace(" ", "-").lower())

    assert rulebook.plays == plays


def test_lookup_in_a_label_is_never_run(rulebook: Rulebook, webhook: Webhook, folder: Path) -> None:
    lookup = f"{{{{ lookup('ansible.builtin.pipe', 'touch {folder}/was-run; echo web-1') }}}}"
    plays = rulebook.plays

    webhook.post(
        firing(f"team-a/{lookup}"),
        firing("team-a/other-1", namespace=lookup),
        firing("team-a/other-1", vm=lookup),
        firing("team-a/web-1\n"),
        firing("team-a/other-1", name=lookup),
    )
    settle(rulebook, webhook, "lookup")

    assert rulebook.plays == plays
    assert not (folder / "was-run").exists()
    assert "lookup(" not in rulebook.said


def test_other_text_of_an_alert_does_not_reach_the_playbook(rulebook: Rulebook, webhook: Webhook, folder: Path) -> None:
    lookup = f"{{{{ lookup('ansible.builtin.pipe', 'touch {folder}/was-run') }}}}"
    plays = rulebook.plays
    alert = firing("team-a/nobody-1", severity=lookup, other=lookup)

    webhook.post({**alert, "annotations": {"summary": lookup}, "generatorURL": lookup, "fingerprint": lookup})
    rulebook.wait_for_plays(plays + 1)
    # There is no such VM. ansible-rulebook says all that a playbook said once more where it failed.
    rulebook.wait_for("run_playbook - ERROR")

    assert rulebook.plays == plays + 1
    assert not (folder / "was-run").exists()
    assert "lookup(" not in rulebook.said


@pytest.mark.parametrize("token", ["", "wrong", "a-token-for-the-webhook2"], ids=["none", "wrong", "longer"])
def test_wrong_token_is_refused(rulebook: Rulebook, webhook: Webhook, token: str) -> None:
    plays = rulebook.plays

    assert webhook.post(firing("team-a/token-1"), token=token) == 401
    settle(rulebook, webhook, f"token-{len(token)}")

    assert rulebook.plays == plays


@pytest.mark.parametrize("body", ["text", 7, [], {}, {"alerts": [7, "x", None]}], ids=str)
def test_what_is_no_notification_does_not_end_it(rulebook: Rulebook, webhook: Webhook, body: Any) -> None:
    plays = rulebook.plays
    webhook.post(body=body)

    settle(rulebook, webhook, "alive")

    assert rulebook.plays == plays


# Lets every label through, as a filter of somebody else's may.
CARELESS = """
def main(event, lanes=4):
    labels = event.get("labels", {})
    target = {"namespace": labels.get("namespace"), "vm": labels.get("name")}
    alert = {"name": labels.get("alertname"), "status": event.get("status")}
    return {"alert": alert, "target": target, "lane": 0, "refused": "", "meta": {}}
"""


def test_conditions_alone_admit_no_lookup_and_a_client_needs_a_certificate(
    cluster: Cluster, webhook: Webhook, tmp_path: Path
) -> None:
    lookup = f"{{{{ lookup('ansible.builtin.pipe', 'touch {tmp_path}/was-run; echo web-1') }}}}"
    filters = tmp_path / "filters"
    filters.mkdir()
    (filters / "kubevirt_ops.live_migration.alert_target.py").write_text(CARELESS, encoding="utf-8")
    clients = Authority("client-ca", folder=tmp_path)
    ours = clients.issue("alertmanager", hosts=[])
    theirs = Authority("other-ca", folder=tmp_path).issue("somebody", hosts=[])
    other = Webhook.prepared(tmp_path)

    with running_rulebook(
        tmp_path,
        webhook=other,
        kubeconfig=cluster.kubeconfig("admin"),
        variables={"webhook_client_ca": str(clients.file)},
        arguments=["--filter-dir", str(filters)],
    ) as running:
        assert [other.post(firing("team-a/a")), other.post(firing("team-a/a"), certificate=theirs)] == [0, 0]
        alerts = [
            firing(f"team-a/{lookup}"),
            firing("team-a/other-1", namespace=lookup),
            firing("team-a/web-1\n"),
            firing("team-a/web-1", namespace="team-a\n"),
        ]
        assert other.post(*alerts, certificate=ours) == 200
        assert other.post(firing("team-z/last", status="resolved"), certificate=ours) == 200
        running.wait_for("is resolved for team-z/last. Nothing is done.")
        assert running.plays == 0
    assert not (tmp_path / "was-run").exists()


def test_token_that_is_not_set_is_an_error_at_the_start(tmp_path: Path) -> None:
    other = Webhook.prepared(tmp_path)

    with (
        pytest.raises(AssertionError, match="One of the source plugins failed"),
        running_rulebook(tmp_path, webhook=other, knows_token=False),
    ):
        raise ValueError("it started")
