# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook tune as a user runs it, against a real API server: advise, plan, apply, undo."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.integration.fault_proxy import FaultProxy
from tests.integration.keeping import POLICIES, allow, keep, spec_of, stored
from tests.integration.playing import TUNE, Run, diagnose, diagnose_in_terminal
from tests.integration.simulated import done
from tests.integration.tuning_worlds import DB_1, DB_2, RATES, play_databases

NAME = "live-migration-tuning"
Object = dict[str, Any]


@pytest.fixture
def world(cluster: Cluster) -> Cluster:
    return play_databases(cluster)


def tune(cluster: Cluster, folder: Path, *arguments: str, user: str = "admin", **variables: Any) -> Run:
    given = {"dirty_rates": RATES, "kubeconfig": str(cluster.kubeconfig(user)), **variables}
    return diagnose(folder, *arguments, playbook=TUNE, **given)


def names(cluster: Cluster) -> list[str]:
    """The policies that there are."""
    return [one["metadata"]["name"] for one in done(cluster.request("GET", POLICIES))["items"]]


def acts(run: Run) -> list[str]:
    """What became of each object, as it is handed on."""
    return [one["state"] for one in run.stats["tuning"]["localhost"]["acts"]]


def test_advice_is_printed_written_and_handed_on_and_changes_nothing(world: Cluster, tmp_path: Path) -> None:
    done_ = tune(world, tmp_path)
    stats = done_.stats["tuning"]["localhost"]

    assert done_.returncode == 0, done_.output
    assert re.search(r"^change +team-a/db-1 +8 GiB +60 MiB/s +64 MiB/s +2044 s +540 s$", done_.output, re.MULTILINE)
    assert "   Take   deadline: completionTimeoutPerGiB 228\n" in done_.output
    assert done_.tuning["tuning"]["advice"]["changes"]["policies"][0]["name"] == NAME
    assert "completionTimeoutPerGiB 228" in (tmp_path / "live-migration-report/tuning.html").read_text("utf-8")
    assert (stats["advised"][0]["vms"], stats["acts"], stats["mode"]) == ([DB_1, DB_2], [], "advise")
    assert names(world) == []


def test_plan_shows_the_diff_and_the_predicted_end_and_leaves_nothing(world: Cluster, tmp_path: Path) -> None:
    mark = world.audit_mark()

    run = tune(world, tmp_path, mode="plan")

    assert run.returncode == 0, run.output
    assert '+    "completionTimeoutPerGiB": 228' in run.output
    assert "team-a/db-1 ends after 2044 s of 2052 s" in run.output
    assert "MigrationPolicy live-migration-tuning: would change\n" in run.output
    assert "Rules team-a/db-1, team-a/db-2." in run.output
    assert acts(run) == ["would change"]
    assert names(world) == []
    ours = [one for one in world.audit_since(mark) if one["userAgent"] == "kubevirt_ops.live_migration"]
    written = [one["requestURI"] for one in ours if one["verb"] not in ("get", "list")]
    # Who one is is asked by a create too, which stores nothing.
    assert [uri for uri in written if "dryRun=All" not in uri and "/selfsubjectreviews?" not in uri] == []


def test_apply_then_the_same_again_changes_nothing_and_undo_restores_the_cluster(
    world: Cluster, tmp_path: Path
) -> None:
    made = tune(world, tmp_path, mode="apply", reason="They write fast", requested_by="jane")
    kept = stored(world, NAME)
    again = tune(world, tmp_path, mode="apply")
    left = stored(world, NAME)
    undone = tune(world, tmp_path, mode="undo")
    twice = tune(world, tmp_path, mode="undo")

    assert [run.returncode for run in (made, again, undone, twice)] == [0, 0, 0, 0], made.output + undone.output
    assert kept is not None
    assert kept["spec"] == {
        "completionTimeoutPerGiB": 228,
        "selectors": {"virtualMachineInstanceSelector": {"tier": "db"}},
    }
    record = json.loads(kept["metadata"]["annotations"]["live-migration.kubevirt-ops/last-change"])
    assert (record["reason"], record["requested_by"]) == ("They write fast", "jane")
    assert left == kept
    assert "Nothing is to be changed." in again.output
    assert "cancel it and migrate again" in " ".join(again.output.split())
    assert f"ansible-playbook kubevirt_ops.live_migration.tune -e mode=undo -e undo_policies={NAME}" in made.output
    assert (acts(made), acts(again), acts(undone), acts(twice)) == (["changed"], [], ["changed"], ["unchanged"])
    assert "does not exist, as it was undone already" in " ".join(twice.output.partition("Report: ")[0].split())
    assert names(world) == []


def test_undo_brings_the_policy_back_that_was_there(world: Cluster, tmp_path: Path) -> None:
    wanted: Object = {"name": NAME, "vmi_selector": {"tier": "db"}, "allow_auto_converge": False}
    keep(world, **wanted, completion_timeout_per_gib=61)
    before = spec_of(world, NAME)

    made = tune(world, tmp_path, mode="apply")
    changed = spec_of(world, NAME)
    undone = tune(world, tmp_path, mode="undo", undo_policies=NAME)

    assert (made.returncode, undone.returncode) == (0, 0), made.output + undone.output
    assert changed == {**before, "completionTimeoutPerGiB": 228}
    assert "completionTimeoutPerGiB: 61 → 228" in made.output
    assert spec_of(world, NAME) == before


def test_check_mode_says_what_would_be_done_and_does_nothing(world: Cluster, tmp_path: Path) -> None:
    checked = tune(world, tmp_path, "--check", mode="apply")
    left = names(world)
    made = tune(world, tmp_path, mode="apply")
    check_undo = tune(world, tmp_path, "--check", mode="undo")

    assert [run.returncode for run in (checked, made, check_undo)] == [0, 0, 0], checked.output
    assert (acts(checked), acts(made), acts(check_undo)) == (["would change"], ["changed"], ["would change"])
    assert "Would write" in checked.output
    assert left == []
    assert names(world) == [NAME]


def test_undo_is_refused_where_somebody_changed_it_since(world: Cluster, tmp_path: Path) -> None:
    tune(world, tmp_path, mode="apply")
    done(world.request("PATCH", f"{POLICIES}/{NAME}", body={"spec": {"completionTimeoutPerGiB": 700}}))

    refused = tune(world, tmp_path, mode="undo")
    went_on = tune(world, tmp_path, mode="undo", fail_on_refusal=False)

    assert (refused.returncode, went_on.returncode) == (2, 0), refused.output
    assert "ValueChangedSince" in refused.output
    assert (acts(went_on), spec_of(world, NAME)["completionTimeoutPerGiB"]) == (["refused"], 700)
    assert refused.tuning["tuning"]["policies"][0]["refusals"][0]["code"] == "ValueChangedSince"


def test_an_undo_of_a_name_that_is_none_is_no_success_and_a_plain_one_says_that_there_is_nothing(
    world: Cluster, tmp_path: Path
) -> None:
    named = tune(world, tmp_path, mode="undo", undo_policies="typo")
    plain = tune(world, tmp_path, mode="undo", undo_settings=True, undo_policies="")

    assert (named.returncode, acts(named)) == (2, ["refused"]), named.output
    assert "NothingToUndo: There is no MigrationPolicy typo" in named.output
    assert (plain.returncode, acts(plain)) == (0, ["unchanged"]), plain.output
    assert "has no record of a change by this collection" in " ".join(plain.output.partition("Report: ")[0].split())


def test_undo_without_a_name_leaves_the_change_of_others_alone_where_the_first_name_was_taken(
    world: Cluster, tmp_path: Path
) -> None:
    keep(world, name=NAME, vmi_selector={"tier": "web"}, completion_timeout_per_gib=999, requested_by="others")
    made = tune(world, tmp_path, mode="apply")

    plain = tune(world, tmp_path, mode="undo")
    left = names(world)
    named = tune(world, tmp_path, mode="undo", undo_policies=f"{NAME}-2")

    assert (made.returncode, plain.returncode, named.returncode) == (0, 2, 0), named.output
    assert f"-e undo_policies={NAME}-2" in made.output
    assert "UndoAmbiguous" in plain.output
    assert left == [NAME, f"{NAME}-2"]
    assert names(world) == [NAME]
    assert "Takes back the change of" in named.output


def test_where_no_dirty_rate_is_known_nothing_is_applied_and_that_is_no_error(world: Cluster, tmp_path: Path) -> None:
    run = tune(world, tmp_path, mode="apply", dirty_rates={})

    assert run.returncode == 0, run.output
    assert "Nothing is to be changed. Of 3 copies, 3 cannot be judged." in run.output
    assert "without how fast memory is dirtied" in " ".join(run.output.split())
    assert names(world) == []


def test_post_copy_is_applied_only_where_it_is_asked_for_by_name(world: Cluster, tmp_path: Path) -> None:
    asked: Object = {
        "mode": "apply",
        "bears": "post_copy",
        "link": "70Mi",
        "dirty_rates": {**RATES, DB_1: "4000Mi", DB_2: "4000Mi"},
    }
    by_itself = tune(world, tmp_path, **asked)
    left = names(world)
    by_name = tune(world, tmp_path, **asked, tuning_action="post_copy")

    assert (by_itself.returncode, by_name.returncode) == (0, 0), by_name.output
    assert "done only where it is asked for by name" in " ".join(by_itself.output.split())
    assert left == []
    assert spec_of(world, NAME)["allowPostCopy"] is True
    # Warned of, as the module does, and the warning stands in the report too.
    assert "PostCopyCanLoseVM" in str(by_name.tuning["tuning"]["policies"][0].get("warnings", "")) + by_name.output


def test_where_all_labels_are_shared_the_command_is_given_and_nothing_is_applied(
    cluster: Cluster, tmp_path: Path
) -> None:
    play_databases(cluster, tier="shop")

    run = tune(cluster, tmp_path, mode="apply")

    assert run.returncode == 0, run.output
    assert "kubectl label vmi -n team-a db-1 live-migration-tuning=needed" in run.output
    assert names(cluster) == []


def test_a_policy_of_ones_own_is_kept_without_advice(world: Cluster, tmp_path: Path) -> None:
    policy = {"name": "databases", "vmi_selector": {"tier": "db"}, "bandwidth_per_migration": "128Mi"}

    run = tune(world, tmp_path, mode="apply", policy=policy, progress="virt_handler")

    assert run.returncode == 0, run.output
    assert spec_of(world, "databases")["bandwidthPerMigration"] == "128Mi"
    assert run.tuning["tuning"]["advice"] == {}
    assert "Rules team-a/db-1, team-a/db-2." in run.output


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"settings": {"completion_timeout": 300}}, "completion_timeout"),
        ({"policy": {"name": "databases", "completion_timeout_per_gb": 300}}, "completion_timeout_per_gb"),
        ({"policy": {"vmi_selector": {"tier": "db"}}}, "needs name"),
    ],
    ids=["a setting that is none", "an option that is none", "no name"],
)
def test_what_the_modules_do_not_know_is_an_error_and_nothing_is_called_done(
    world: Cluster, tmp_path: Path, asked: Object, named: str
) -> None:
    run = tune(world, tmp_path, mode="apply", **asked)

    assert run.returncode != 0, run.output
    assert named in " ".join(run.output.split())
    assert "Already so" not in run.output
    assert names(world) == []


class Meddled(FaultProxy):
    """Somebody else changes the policy before the first write that is meant to be kept."""

    def __init__(self, cluster: Cluster, spec: Object) -> None:
        super().__init__(cluster)
        self.spec = spec
        self.is_done = False

    def forward(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if method == "PATCH" and target.startswith(POLICIES) and "dryRun" not in target and not self.is_done:
            self.is_done = True
            done(self.cluster.request("PATCH", f"{POLICIES}/{NAME}", body={"spec": self.spec}))
        return super().forward(method, target, headers=headers, body=body)


@pytest.mark.parametrize(
    ("theirs", "returncode", "timeout"),
    [({"allowAutoConverge": True}, 0, 228), ({"completionTimeoutPerGiB": 77}, 2, 77)],
    ids=["another setting", "the same setting"],
)
def test_somebody_who_changes_the_policy_meanwhile_is_never_overwritten(
    world: Cluster, tmp_path: Path, theirs: Object, returncode: int, timeout: int
) -> None:
    keep(world, name=NAME, vmi_selector={"tier": "db"}, completion_timeout_per_gib=61)

    with Meddled(world, theirs) as proxy:
        access = {"kubeconfig": None, "host": proxy.url, "api_key": world.token("admin")}
        run = diagnose(tmp_path, playbook=TUNE, mode="apply", dirty_rates=RATES, **access)

    assert proxy.is_done
    assert run.returncode == returncode, run.output
    assert spec_of(world, NAME) == {
        "selectors": {"virtualMachineInstanceSelector": {"tier": "db"}},
        "completionTimeoutPerGiB": timeout,
        **theirs,
    }
    if returncode:
        assert "ChangedMeanwhile" in run.output
        assert run.tuning["tuning"]["policies"][0]["error"]["code"] == "ChangedMeanwhile"


def test_without_the_right_to_write_the_error_names_the_rule_after_the_report(world: Cluster, tmp_path: Path) -> None:
    run = tune(world, tmp_path, user="operator", mode="apply")

    assert run.returncode == 2
    assert run.output.index("Failed: MigrationPolicy live-migration-tuning.") < run.output.index("FAILED!")
    assert "   - may not create migrationpolicies (migrations.kubevirt.io)\n" in run.output
    assert "kubectl apply -f - <<'EOF'" in run.output.splitlines()
    assert acts(run) == ["failed"]
    assert names(world) == []


def test_the_roles_of_the_readme_are_enough(world: Cluster, tmp_path: Path) -> None:
    """The operator may read what a diagnosis reads; what the policy needs comes on top."""
    allow(world, "operator")
    try:
        run = tune(world, tmp_path, user="operator", mode="apply")
    finally:
        for kind in ("clusterrolebindings", "clusterroles"):
            done(world.request("DELETE", f"/apis/rbac.authorization.k8s.io/v1/{kind}/operator"))

    assert run.returncode == 0, run.output
    assert (acts(run), names(world)) == (["changed"], [NAME])
    assert run.stats["tuning"]["localhost"]["coverage_complete"]


def test_surveys_give_text(world: Cluster, tmp_path: Path) -> None:
    run = tune(world, tmp_path, namespaces="team-a, team-b", vms="team-a/db-1\nteam-a/db-2", bears="", link="")

    assert run.returncode == 0, run.output
    assert [one["vm"] for one in run.tuning["tuning"]["advice"]["vms"]] == ["db-1", "db-2"]


def test_a_mode_that_does_not_exist_is_named_with_those_that_do(world: Cluster, tmp_path: Path) -> None:
    run = tune(world, tmp_path, mode="aply")

    assert run.returncode == 2
    assert "must be one of: advise, plan, apply, undo, got: aply" in " ".join(run.output.split())


@pytest.mark.parametrize("columns", [80, 200])
def test_no_line_is_wider_than_the_terminal(world: Cluster, tmp_path: Path, columns: int) -> None:
    kubeconfig = str(world.kubeconfig("admin"))
    run = diagnose_in_terminal(
        tmp_path, columns=columns, playbook=TUNE, kubeconfig=kubeconfig, dirty_rates=RATES, mode="plan"
    )

    assert run.returncode == 0, run.output
    printed = run.output.partition(": Report] *")[2].partition("Report: ")[0].split("\n")[1:]
    plain = [re.sub("\x1b[^m]*m", "", line) for line in printed]
    assert [line for line in plain if len(line) > columns and "ansible-playbook" not in line] == []
    assert any("ENDS AFTER" in line for line in plain)
