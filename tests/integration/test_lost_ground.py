# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token that ends while an act waits, and an etcd that is gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster
from tests.integration.acting import going_on
from tests.integration.fault_proxy import FaultProxy
from tests.integration.faulty import ATTEMPTS, Ended, assert_clear, run_module
from tests.integration.simulated import MIGRATIONS, items, plant
from tests.integration.test_fault_table import LOOKS
from tests.integration.test_fault_table_of_changes import ACTS, KEEPING, assert_act

Object = dict[str, Any]
CANCEL = ACTS["migration_cancel"][0]
MIGRATION = r"/virtualmachineinstancemigrations/"
# What a look says where it has seen something.
RESULTS = {"migrations", "nodes", "vms"}


def a_kubeconfig(cluster: Cluster, proxy: FaultProxy, token_file: Path) -> Object:
    content: Object = yaml.safe_load(cluster.kubeconfig("admin").read_text())
    content["users"][0]["user"] = {"tokenFile": str(token_file)}
    content["clusters"][0]["cluster"] = {"server": proxy.url}
    return content


@pytest.mark.parametrize("is_renewed", [True, False], ids=["renewed", "not renewed"])
def test_token_that_ends_while_a_cancel_waits_is_read_anew_once(
    cluster: Cluster, tmp_path: Path, is_renewed: bool
) -> None:
    cluster.reset()
    plant(cluster, "Running")
    token_file = tmp_path / "token"
    # Two texts for one user, as only the proxy knows that the first one has ended.
    token_file.write_text(cluster.token("admin"))
    with FaultProxy(cluster) as proxy, going_on(cluster):

        def end() -> None:
            if is_renewed:
                token_file.write_text(cluster.token("operator") + "\n")
            proxy.fail(401, method="GET", path=MIGRATION, times=1000, token=cluster.token("admin"))

        proxy.meanwhile(end, method="DELETE", path=MIGRATION, is_before=False)
        kubeconfig = a_kubeconfig(cluster, proxy, token_file)
        ended = run_module(
            "migration_cancel", CANCEL, cluster=cluster, proxy=proxy, is_hasty=True, host=None, api_key=None,
            kubeconfig=kubeconfig,
        )  # fmt: skip

    (entry,) = ended.printed["results"]
    assert entry["state"] == ("cancelled" if is_renewed else "unknown"), entry
    if is_renewed:
        assert proxy.faults[0].times == 1000 - 1, "asked with a token that had ended"
    else:
        assert "401" in entry["reason"]
        assert "renew the token" in entry["reason"]


def test_etcd_that_is_gone_is_a_clear_error_and_nothing_is_healthy(tmp_path: Path) -> None:
    with Cluster.start(simulator=True) as cluster:
        plant(cluster, "Running")
        assert len(items(cluster, MIGRATIONS)) == 1
        os.kill(cluster.pids["etcd"], signal.SIGKILL)
        with FaultProxy(cluster) as proxy:

            def run(name: str, options: Object) -> Ended:
                return run_module(name, options, cluster=cluster, proxy=proxy, request_timeout=1)

            ended = {name: run(name, look.options) for name, look in LOOKS.items() if name != "migration_evidence"}
            ended["migration_evidence"] = run("migration_evidence", {"path": str(tmp_path / "bundle")})
            ended |= {name: run(name, change.options) for name, change in KEEPING.items()}
            acts = {name: run(name, options) for name, (options, _act, _steps) in ACTS.items()}

    for name, one in ended.items():
        assert one.has_failed, name
        assert_clear(one)
        assert one.printed["error"]["code"] in ("Timeout", "ServerFault", "TooManyRequests"), name
        assert not one.printed.get("changed"), name
        assert not RESULTS & set(one.printed), name
    assert not (tmp_path / "bundle").exists()
    for name, (_options, act, _steps) in ACTS.items():
        assert_act(acts[name], act, is_done=False)
        assert not acts[name].printed["changed"], name
    (entry,) = acts["migration_cancel"].printed["results"]
    assert (entry["state"], entry["plan"]) == ("unknown", [])
    assert entry["reason"].startswith("The API server did not answer as it should: ")
    assert max(one.most_often for one in [*ended.values(), *acts.values()]) <= ATTEMPTS
