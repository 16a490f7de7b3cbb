# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an alert to the migrated VM, each moment as it comes: Prometheus, Alertmanager, ansible-rulebook, playbook."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

from tests.chain.alerting import STUCK, alerting, state_of
from tests.chain.alertmanager import running_alertmanager
from tests.chain.rulebook import PLAY, Rulebook, Webhook, running_rulebook
from tests.cluster import Cluster
from tests.cluster.simulator.scenario import Scenario
from tests.demo.remediation import Claim, Say
from tests.integration.prometheus import MeasuredBy
from tests.make.places import BUILD, FULL_NAME

__all__ = ["NAME", "Timeline", "claims_of", "report_in", "show_alert"]

NAME = "alert"
FOLDER = BUILD / "demo"
# Acting needs more than the demo's operator may.
USER = "admin"
NAMESPACE = "shop"
VM, OTHER = "db-1", "web-1"
KUBEVIRT = f"/apis/kubevirt.io/v1/namespaces/{NAMESPACE}"
STUCK_AFTER = 120
_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.1
_REPORT = re.compile(r"^Live migrations .*?(?=^ok: |^TASK )", re.DOTALL | re.MULTILINE)


class Timeline:
    """Prints each moment when it has come, with the seconds since the beginning."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._began = time.monotonic()

    def wait(self, text: str, /, *, until: Callable[[], bool]) -> None:
        """Returns once it is so; RuntimeError where it does not come to that."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not until():
            if time.monotonic() > deadline:
                raise RuntimeError(f"this did not come: {text}\n{self._rulebook.said[-3000:]}")
            time.sleep(_POLL_SECONDS)
        now = datetime.now(timezone.utc)
        print(f"  {now:%H:%M:%S}  {time.monotonic() - self._began:+6.1f} s  {text}", flush=True)


def show_alert(cluster: Cluster, _scenario: Scenario, *, say: Say) -> list[Claim]:
    """Rules, programs, the course of one alert. Every claim that was looked at; RuntimeError where something failed."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    rules = _install_rules(cluster, say)
    before = _migrations(cluster)
    cluster.simulator.run(pause=0.3)
    try:
        with ExitStack() as programs:
            prometheus, rulebook = _started(programs, cluster, rules=rules, say=say)
            timeline = Timeline(rulebook)
            print(f"\nThe course of the alert about {NAMESPACE}/{VM} (time of day, seconds from here):\n")
            _follow(timeline, cluster, prometheus=prometheus, rulebook=rulebook, uid=before[VM])
            said, plays = rulebook.said, rulebook.plays
    finally:
        cluster.simulator.rest()
    print(f"\nWhat the playbook said:\n\n{report_in(said)}")
    claims = list(claims_of(before, after=_migrations(cluster), said=said, plays=plays))
    print("What the demo shows, held against the cluster:\n")
    for claim in claims:
        print(f"  {'so' if claim.holds else 'NOT SO':<8}{claim.text}")
    return claims


def _install_rules(cluster: Cluster, say: Say) -> Path:
    """The alert rules, installed as a user does who has a plain Prometheus."""
    file = FOLDER / "rules.yml"
    command = ["ansible-playbook", f"{FULL_NAME}.install_alert", "-e", f"rule_file={file}"]
    command += ["-e", f"stuck_after={STUCK_AFTER}"]
    kubeconfig = cluster.kubeconfig(USER)
    say(f"KUBECONFIG={kubeconfig} {shlex.join(command)}")
    program = Path(sys.executable).with_name(command[0])
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    done = subprocess.run(
        [str(program), *command[1:]], cwd=FOLDER, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the playbook ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return file


def _started(programs: ExitStack, cluster: Cluster, *, rules: Path, say: Say) -> tuple[MeasuredBy, Rulebook]:
    say("starting Alertmanager with docs/alerts/alertmanager.yml, Prometheus with the rules, and ansible-rulebook")
    webhook = Webhook.prepared(FOLDER)
    told = programs.enter_context(running_alertmanager(FOLDER / "alertmanager", webhook=webhook))
    prometheus = programs.enter_context(alerting(cluster, FOLDER, rules=rules, told={NAMESPACE: told}))
    rulebook = running_rulebook(
        FOLDER,
        webhook=webhook,
        kubeconfig=cluster.kubeconfig(USER),
        variables={"progress": "prometheus", "prometheus": {"url": prometheus.url}},
        arguments=["--print-events"],
    )
    return prometheus, programs.enter_context(rulebook)


def _follow(timeline: Timeline, cluster: Cluster, *, prometheus: MeasuredBy, rulebook: Rulebook, uid: str) -> None:
    """The moments in the order in which they have to come."""
    vm = f"{NAMESPACE}/{VM}"
    pending = f"the alert is pending: the copy runs longer than {STUCK_AFTER} s"
    timeline.wait(pending, until=lambda: state_of(prometheus, vm) != "")
    timeline.wait("the alert fires: that has held for a minute", until=lambda: state_of(prometheus, vm) == "firing")
    for text, mark in _MARKS.items():
        timeline.wait(text, until=lambda mark=mark: mark in rulebook.said)  # type: ignore[misc]
    timeline.wait("the migration is cancelled", until=lambda: _migrations(cluster).get(VM) != uid)
    timeline.wait("the VM is migrated again", until=lambda: _migrations(cluster).get(VM, uid) != uid)
    timeline.wait("the VM has arrived on another node", until=lambda: _node(cluster) != "node-a")
    timeline.wait("the alert is resolved", until=lambda: state_of(prometheus, vm) == "")
    resolved = f"{STUCK} is resolved for {vm}. Nothing is done."
    timeline.wait("ansible-rulebook has heard that too", until=lambda: resolved in rulebook.said)


# What stands in the log of ansible-rulebook then.
_MARKS: Mapping[str, str] = {
    "Alertmanager has posted it, over TLS and with the token": "received_at",
    "ansible-rulebook runs the playbook": PLAY,
    "the diagnosis is made": "TASK [kubevirt_ops.live_migration.migration_remediation : Cancel those",
}


def claims_of(before: Mapping[str, str], *, after: Mapping[str, str], said: str, plays: int) -> Iterator[Claim]:
    """Each claim, held against the migrations before and after, what was said, and how many playbooks ran."""
    yield Claim("the cause that was planted was found: no data flows (NoDataFlow)", "NoDataFlow" in said)
    yield Claim(f"the stuck migration of {VM} is gone, and a new one was made", after.get(VM) not in (None, before[VM]))
    yield Claim(f"the healthy migration of {OTHER} was not touched", after.get(OTHER) == before[OTHER])
    yield Claim("the playbook ran once", plays == 1)


def report_in(said: str) -> str:
    """The report that the playbook printed; "" where there is none."""
    found = _REPORT.search(said)
    return found.group() if found else ""


def _migrations(cluster: Cluster) -> dict[str, str]:
    """The UID of each VM's newest migration."""
    _status, body = cluster.request("GET", f"{KUBEVIRT}/virtualmachineinstancemigrations")
    found = sorted(body["items"], key=lambda one: str(one["metadata"]["creationTimestamp"]))
    return {one["spec"]["vmiName"]: one["metadata"]["uid"] for one in found}


def _node(cluster: Cluster) -> str:
    _status, body = cluster.request("GET", f"{KUBEVIRT}/virtualmachineinstances/{VM}")
    return str(body["status"]["nodeName"])
