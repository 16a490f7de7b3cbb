# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each playbook that talks to a cluster, while the API server is killed in the middle of it and comes back.

The run is right, or it fails with an error that names the request and what to do; the next run completes what it began.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import errors
from tests.cluster import Cluster
from tests.integration.acting import at_real_pace, expire_locks
from tests.integration.alert_worlds import OBJECTS
from tests.integration.keeping import POLICIES
from tests.integration.playing import DIAGNOSE, INSTALL_ALERT, PREFLIGHT, REMEDIATE, TUNE, Run, diagnose
from tests.integration.settings_worlds import world
from tests.integration.simulated import MIGRATIONS, items
from tests.integration.test_act_restart import restarted
from tests.integration.test_remediate_playbook import BOTH, stuck_one, summary
from tests.integration.tuning_worlds import RATES, play_databases
from tests.make.places import ROOT

MIGRATION = "/virtualmachineinstancemigrations"
VMIS = "/virtualmachineinstances"
# What a look reads in the middle, and what an act writes.
LOOKS = {
    "diagnose": (DIAGNOSE, VMIS, {}),
    "preflight": (PREFLIGHT, VMIS, {"nodes": "node-a"}),
    "tune advises": (TUNE, VMIS, {"dirty_rates": RATES}),
}

# What a right run says: never that all is well.
FOUND = {
    "diagnose": ("team-a/web-1", "TargetPodCrashing"),
    "preflight": ("web-1", "would"),
    "tune advises": ("db-1",),
}
CHANGES = ("tune", "install_alert")
# It talks to a controller, and to no cluster.
ASKS_NO_CLUSTER = {"awx_setup"}
REQUEST = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) /apis?/")
# What an error says that there is to do: of each kind its own, and of a 403 the right that is missing.
WAYS_OUT = {
    "Grant this user: ",
    *(one.default_remedy for one in vars(errors).values() if isinstance(one, type) and hasattr(one, "default_remedy")),
} - {""}


@pytest.fixture(autouse=True)
def _real_pace(cluster: Cluster) -> None:
    at_real_pace(cluster)


def run(cluster: Cluster, folder: Path, url: str = "", **variables: Any) -> Run:
    """A run as the administrator, through a proxy's `url` where one is given."""
    where = (
        {"host": url, "api_key": cluster.token("admin")} if url else {"kubeconfig": str(cluster.kubeconfig("admin"))}
    )
    folder.mkdir(exist_ok=True)
    return diagnose(folder, **where, **variables)


def assert_clear(said: str) -> None:
    """It names the request that was not answered, and what to do."""
    text = " ".join(said.split())
    assert REQUEST.search(text), said
    assert any(way in text for way in WAYS_OUT), said


def assert_right_or_clear(cut: Run, *words: str) -> bool:
    """Whether the run was right: it says `words` then. Else its error is a clear one."""
    assert "Traceback" not in cut.output
    if cut.returncode == 0:
        text = " ".join(cut.output.split())
        assert all(word in text for word in words), cut.output
        return True
    assert_clear(cut.output)
    return False


def test_every_playbook_that_talks_to_a_cluster_is_restarted() -> None:
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}

    assert playbooks == {*(name.split()[0] for name in LOOKS), "remediate", *CHANGES, *ASKS_NO_CLUSTER}


@pytest.mark.parametrize("name", LOOKS)
def test_restart_in_the_middle_of_a_look(cluster: Cluster, tmp_path: Path, name: str) -> None:
    playbook, path, variables = LOOKS[name]
    if name == "tune advises":
        play_databases(cluster)
    else:
        stuck_one(cluster)
    with restarted(cluster, "GET", path, is_before=True) as proxy:
        cut = run(cluster, tmp_path / "cut", proxy.url, playbook=playbook, **variables)
    whole = run(cluster, tmp_path / "whole", playbook=playbook, **variables)

    assert whole.returncode == 0, whole.output
    assert_right_or_clear(cut, *FOUND[name])


@pytest.mark.parametrize("is_before", [True, False], ids=["before the delete", "after the delete"])
def test_restart_in_the_middle_of_remediate(cluster: Cluster, tmp_path: Path, is_before: bool) -> None:
    vmim = stuck_one(cluster)
    given = {"playbook": REMEDIATE, "mode": BOTH, "wait_for": "created", "backoff": 0}
    cluster.simulator.run(pause=0.05)
    try:
        with restarted(cluster, "DELETE", MIGRATION, is_before=is_before) as proxy:
            cut = run(cluster, tmp_path / "cut", proxy.url, **given)
        if assert_right_or_clear(cut, "web-1"):
            # An act whose end is not known is no error of the play, and says as much as one.
            for act in [one for one in summary(cut)["acts"] if one["state"] == "unknown"]:
                assert_clear(act["reason"])
        expire_locks(cluster)
        again = run(cluster, tmp_path / "again", **given)
    finally:
        cluster.simulator.rest()

    assert again.returncode == 0, again.output
    left = [one for one in items(cluster, MIGRATIONS) if "completionTime" not in str(one.get("status"))]
    assert vmim["metadata"]["uid"] not in [one["metadata"]["uid"] for one in left]
    assert len(left) <= 1, left


@pytest.mark.parametrize("is_before", [True, False], ids=["before the write", "after the write"])
@pytest.mark.parametrize("name", CHANGES)
def test_restart_in_the_middle_of_a_change(cluster: Cluster, tmp_path: Path, name: str, is_before: bool) -> None:
    if name == "tune":
        play_databases(cluster)
        given: dict[str, Any] = {"playbook": TUNE, "mode": "apply", "dirty_rates": RATES}
        kept, method, part = POLICIES, "POST", "/migrationpolicies"
    else:
        world(cluster)
        given, kept, method, part = {"playbook": INSTALL_ALERT}, OBJECTS, "PATCH", "/prometheusrules"
    # Not the dry run that comes first.
    path = rf"{part}(?!.*dryRun)"
    with restarted(cluster, method, path, is_before=is_before) as proxy:
        cut = run(cluster, tmp_path / "cut", proxy.url, **given)
    was_right = assert_right_or_clear(cut)
    made = items(cluster, kept)
    again = run(cluster, tmp_path / "again", **given)

    assert made or not was_right
    assert again.returncode == 0, again.output
    assert len(items(cluster, kept)) == 1
