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
from tests.integration.faulty import ATTEMPTS, assert_clear, run_module
from tests.integration.simulated import MIGRATIONS, items, plant

Object = dict[str, Any]
CANCEL: Object = {"namespace": "team-a", "vm": "web-1", "accept_risks": ["NotStuck"], "wait_timeout": 20}
MIGRATION = r"/virtualmachineinstancemigrations/"


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
            proxy.fail(401, method="GET", path=MIGRATION, times=1 if is_renewed else 1000)

        proxy.meanwhile(end, method="DELETE", path=MIGRATION, is_before=False)
        kubeconfig = a_kubeconfig(cluster, proxy, token_file)
        ended = run_module(
            "migration_cancel", CANCEL, cluster=cluster, proxy=proxy, is_hasty=True, host=None, api_key=None,
            kubeconfig=kubeconfig,
        )  # fmt: skip

    (entry,) = ended.printed["results"]
    assert entry["state"] == ("cancelled" if is_renewed else "unknown"), entry
    if not is_renewed:
        assert "401" in entry["reason"]
        assert "renew the token" in entry["reason"]


def test_etcd_that_is_gone_is_a_clear_error_and_nothing_is_healthy() -> None:
    with Cluster.start(simulator=True) as cluster:
        plant(cluster, "Running")
        assert len(items(cluster, MIGRATIONS)) == 1
        os.kill(cluster.pids["etcd"], signal.SIGKILL)
        with FaultProxy(cluster) as proxy:
            looks = run_module("migration_info", {}, cluster=cluster, proxy=proxy, request_timeout=1)
            acts = run_module("migration_cancel", CANCEL, cluster=cluster, proxy=proxy, request_timeout=1)

    assert looks.has_failed
    assert_clear(looks)
    assert looks.printed["error"]["code"] in ("Timeout", "ServerFault", "TooManyRequests")
    assert "migrations" not in looks.printed
    (entry,) = acts.printed["results"]
    assert (entry["state"], entry["plan"], acts.printed["changed"]) == ("unknown", [], False)
    assert entry["reason"].startswith("The API server did not answer as it should: ")
    assert max(looks.most_often, acts.most_often) <= ATTEMPTS
