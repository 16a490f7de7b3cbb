# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole chain: Prometheus -> Alertmanager -> ansible-rulebook -> playbook or job -> the cluster -> resolved.

Two copies hang at once. Of the one in team-a Alertmanager tells a rulebook that runs the playbook. Of the one in team-b
it tells one that launches a job template, and that rulebook is down while the alert fires. Rules, route, rulebooks and
playbook are those that are shipped; the times of the rules too, so all of this is played once and looked at by every
test here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.awx.job import Job
from tests.chain.alerting import STUCK, alerting, hung_copy, state_of
from tests.chain.alertmanager import running_alertmanager
from tests.chain.rulebook import Webhook, running_rulebook
from tests.chain.test_job_template import REMEDIATE, controlling
from tests.cluster import Cluster
from tests.integration.acting import going_on
from tests.integration.alert_worlds import ask
from tests.integration.prometheus import MeasuredBy
from tests.integration.simulated import items

MIGRATIONS = "/apis/kubevirt.io/v1/namespaces/{}/virtualmachineinstancemigrations"
BY_PLAYBOOK, BY_JOB = "team-a", "team-b"
RESOLVED = f"{STUCK} is resolved for {{}}/db-1. Nothing is done."


@dataclass(frozen=True)
class Played:
    """What was there before and after."""

    before: dict[str, set[str]]
    after: dict[str, set[str]]
    alert_before: dict[str, str]
    alert_after: dict[str, str]
    said: str
    plays: int
    jobs: list[Job]
    refused: str
    events: dict[str, str]


def uids(cluster: Cluster) -> dict[str, set[str]]:
    """The migrations of each namespace."""
    return {
        namespace: {one["metadata"]["uid"] for one in items(cluster, MIGRATIONS.format(namespace))}
        for namespace in (BY_PLAYBOOK, BY_JOB)
    }


def states(prometheus: MeasuredBy) -> dict[str, str]:
    return {namespace: state_of(prometheus, f"{namespace}/db-1") for namespace in (BY_PLAYBOOK, BY_JOB)}


def progress_from(prometheus: MeasuredBy) -> dict[str, Any]:
    return {"progress": "prometheus", "prometheus": {"url": prometheus.url}}


@pytest.fixture(scope="module")
def played(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("alerting")
    cluster.reset()
    cluster.simulator.play(hung_copy([f"{BY_PLAYBOOK}/db-1", f"{BY_JOB}/db-1"]))
    rules = folder / "rules.yml"
    assert ask(cluster, rule_file=str(rules), stuck_after=120)["changed"]
    before = uids(cluster)
    with ExitStack() as stack:
        stack.enter_context(going_on(cluster, pause=0.3))
        webhooks = {namespace: Webhook.prepared(_made(folder / namespace)) for namespace in before}
        told = {
            namespace: stack.enter_context(running_alertmanager(folder / namespace / "alertmanager", webhook=webhook))
            for namespace, webhook in webhooks.items()
        }
        prometheus = stack.enter_context(alerting(cluster, folder, rules=rules, told=told))
        rulebook = stack.enter_context(
            running_rulebook(
                folder / BY_PLAYBOOK,
                webhook=webhooks[BY_PLAYBOOK],
                kubeconfig=cluster.kubeconfig("admin"),
                variables=progress_from(prometheus),
            )
        )
        rulebook.wait_for(lambda: set(states(prometheus).values()) == {"firing"})
        alert_before = states(prometheus)
        told[BY_JOB].wait_for("connection refused")
        template = {**REMEDIATE, "extra_vars": {"prometheus": {"url": prometheus.url}}}
        late = controlling(
            cluster, folder / BY_JOB, template, webhook=webhooks[BY_JOB], variables={"progress": "prometheus"}
        )
        controller, launcher = stack.enter_context(late)
        rulebook.wait_for(RESOLVED.format(BY_PLAYBOOK))
        launcher.wait_for(RESOLVED.format(BY_JOB))
        controller.wait()
        yield Played(
            before=before,
            after=uids(cluster),
            alert_before=alert_before,
            alert_after=states(prometheus),
            said=rulebook.said,
            plays=rulebook.plays,
            jobs=controller.jobs,
            refused=told[BY_JOB].said,
            events={name: str(items(cluster, f"/api/v1/namespaces/{name}/events")) for name in before},
        )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("namespace", [BY_PLAYBOOK, BY_JOB], ids=["playbook", "job template"])
def test_stuck_copy_is_alerted_cancelled_and_made_again_and_the_alert_resolves(played: Played, namespace: str) -> None:
    assert (played.alert_before[namespace], played.alert_after[namespace]) == ("firing", "")
    assert len(played.before[namespace]) == 1
    assert len(played.after[namespace]) == 1
    assert not played.before[namespace] & played.after[namespace]
    assert f"alert {STUCK}" in played.events[namespace]


def test_playbook_found_the_cause_in_what_prometheus_has_measured_and_ran_once(played: Played) -> None:
    assert "NoDataFlow" in played.said
    assert played.plays == 1
    # Each rulebook heard of the VM that it was told of, and of no other.
    assert "team-b" not in played.said


def test_rulebook_that_was_down_while_the_alert_fired_gets_it_again_and_starts_one_job(played: Played) -> None:
    (job,) = played.jobs
    assert job.status == "successful", job.output
    answers = [job.answers[name] for name in ("vms", "progress", "only_opted_in")]
    assert answers == ["team-b/db-1", "prometheus", "true"]
    assert "NoDataFlow" in job.output
    assert "connection refused" in played.refused
