# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an alert to a job of the controller, which checks the survey and runs the playbook as AWX does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.awx.controller import Controller
from tests.awx.project import bare_clone
from tests.chain.rulebook import Rulebook, Webhook, firing, running_rulebook
from tests.cluster import Cluster
from tests.make.places import ROOT

TOKEN = "a-token-of-the-controller"
SETUP = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text(encoding="utf-8"))
(REMEDIATE,) = [{**one, "name": "remediate"} for one in SETUP["awx_setup_templates"] if one["key"] == "remediate"]


@contextmanager
def controlling(
    cluster: Cluster,
    folder: Path,
    template: dict[str, Any],
    *,
    webhook: Webhook,
    variables: dict[str, Any] | None = None,
) -> Iterator[tuple[Controller, Rulebook]]:
    """A controller that has this template, and the rulebook that launches it."""
    credential = {
        "host": cluster.server,
        "bearer_token": cluster.token("admin"),
        "verify_ssl": True,
        "ssl_ca_cert": cluster.ca_file.read_text(encoding="utf-8"),
    }
    with (
        Controller(
            folder, project=bare_clone(folder), templates=[template], token=TOKEN, credential=credential
        ) as controller,
        running_rulebook(
            folder,
            "remediate_with_job_template",
            webhook=webhook,
            variables={"job_template": template["name"], **(variables or {})},
            arguments=["--controller-url", controller.url, "--controller-token", TOKEN],
            environment={"EDA_JOB_TEMPLATE_REFRESH_DELAY": "1"},
        ) as running,
    ):
        yield controller, running


def test_storm_of_alerts_starts_one_job_for_each_vm(cluster: Cluster, tmp_path: Path) -> None:
    names = [f"team-a/storm-{number}" for number in range(20)]
    alerts = ["KubeVirtVMStuckInMigratingState", "KubeVirtMigrationWaitingTooLong"]
    # What the jobs do is not looked at here, so they fail at once.
    template = {**REMEDIATE, "playbook": "playbooks/none.yml"}

    webhook = Webhook.prepared(tmp_path)
    with controlling(cluster, tmp_path, template, webhook=webhook) as (controller, running):
        for turn in range(10):
            assert webhook.post(*[firing(name, alert=alerts[turn % 2]) for name in names]) == 200
        webhook.post(firing("team-z/last", status="resolved"))
        running.wait_for("is resolved for team-z/last. Nothing is done.")
        running.wait_for(lambda: len(controller.jobs) >= len(names))

    assert Counter(job.answers["vms"] for job in controller.jobs) == Counter(names)
