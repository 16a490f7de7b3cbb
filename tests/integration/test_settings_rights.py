# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role that README.md gives for migration_settings suffices, and each rule that is missing is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import Forbidden
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule
from tests.cluster import Cluster
from tests.integration.granting import Granting, Rules
from tests.integration.settings_worlds import INSISTING, SOME, ask, events, managed, migrations, world
from tests.integration.simulated import VMIS
from tests.make.readme import role_in_readme

MOVING = {"vm": "team-a/web-1", "phase": "Running", "since": 30, "target": "node-b"}


def without(verb: str, resource: str) -> Rules:
    """The rules of the role in README.md but for one right."""
    rules = role_in_readme("live-migration-settings")["rules"]
    return [
        {**rule, "resources": [one], "verbs": [each for each in rule["verbs"] if (each, one) != (verb, resource)]}
        for rule in rules
        for one in rule["resources"]
        if rule["verbs"] != [verb] or one != resource
    ]


@pytest.fixture
def grant(cluster: Cluster) -> Iterator[Granting]:
    granting = Granting(cluster)
    yield granting
    granting.forget()


def test_the_role_suffices_where_kubevirt_owns_the_settings(cluster: Cluster, grant: Granting) -> None:
    world(cluster, migrations=[MOVING])
    user = grant(role_in_readme("live-migration-settings")["rules"])

    found = ask(cluster, "admin", impersonate=user, settings=SOME)
    undone = ask(cluster, "admin", impersonate=user, undo=True)

    assert (found["changed"], len(found["notes"]), found["coverage"]["complete"]) == (True, 1, True)
    assert "keep the settings of before (team-a/web-1): only a cancel and a new migration" in found["notes"][0]
    assert found["last_change"]["by"] == user
    assert (len(found["in_flight"]), undone["changed"], len(events(cluster))) == (1, True, 2)


def test_the_role_suffices_where_hyperconverged_owns_the_settings(cluster: Cluster, grant: Granting) -> None:
    hco = managed(cluster)
    user = grant(role_in_readme("live-migration-settings")["rules"])

    found = hco.ask(
        impersonate=user, settings={**SOME, "disable_tls": True}, accept_risks=[*INSISTING, "VirtHandlerRestart"]
    )

    assert (found["changed"], found["notes"], found["coverage"]["complete"]) == (True, [], True)


@pytest.mark.parametrize("verb", ["list", "patch"])
def test_without_a_right_to_kubevirt_the_rule_is_named_and_nothing_is_changed(
    cluster: Cluster, grant: Granting, verb: str
) -> None:
    world(cluster)
    user = grant(without(verb, "kubevirts"))

    with pytest.raises(Forbidden) as caught:
        ask(cluster, "admin", impersonate=user, settings=SOME)

    assert caught.value.rule == Rule(verb, "kubevirt.io", "kubevirts", "" if verb == "list" else "kubevirt")
    assert (caught.value.result["changed"], migrations(cluster)) == (False, None)


@pytest.mark.parametrize("verb", ["list", "patch"])
def test_without_a_right_to_hyperconverged_that_owns_them_the_rule_is_named(
    cluster: Cluster, grant: Granting, verb: str
) -> None:
    hco = managed(cluster)
    user = grant(without(verb, "hyperconvergeds"))

    with pytest.raises(Forbidden) as caught:
        hco.ask(impersonate=user, settings=SOME)

    assert (caught.value.rule.verb, caught.value.rule.resource) == (verb, "hyperconvergeds")
    assert hco.config() == {}


def test_without_a_right_to_a_hyperconverged_that_is_not_there_it_goes_on_and_says_so(
    cluster: Cluster, grant: Granting
) -> None:
    world(cluster)
    user = grant(without("list", "hyperconvergeds"))

    found = ask(cluster, "admin", impersonate=user, settings=SOME)

    assert found["changed"]
    assert [one["resource"] for one in found["coverage"]["missing"]] == ["hyperconvergeds"]


def test_without_the_right_to_events_it_warns_and_goes_on(cluster: Cluster, grant: Granting) -> None:
    world(cluster)
    user = grant(without("create", "events"))

    found = ask(cluster, "admin", impersonate=user, settings=SOME)

    assert [one["outcome"] for one in found["plan"]] == ["done", "failed"]
    assert ["Grant this user: create events in namespace kubevirt." in note for note in found["notes"]] == [True]
    assert migrations(cluster) is not None


def test_without_the_right_to_migrations_nobody_knows_which_keep_the_old_values(
    cluster: Cluster, grant: Granting
) -> None:
    world(cluster, migrations=[MOVING])
    user = grant(without("list", "virtualmachineinstancemigrations"))

    found = ask(cluster, "admin", impersonate=user, settings=SOME)

    assert (found["changed"], found["in_flight"], found["coverage"]["complete"]) == (True, [], False)
    assert [one["resource"] for one in found["coverage"]["missing"]] == ["virtualmachineinstancemigrations"]


def test_without_the_right_to_vmis_the_settings_of_a_migration_are_not_known(cluster: Cluster, grant: Granting) -> None:
    world(cluster, migrations=[MOVING])
    user = grant(without("get", "virtualmachineinstances"))

    found = ask(cluster, "admin", impersonate=user, settings=SOME)

    assert [(one["vm"], one["keeps"]) for one in found["in_flight"]] == [("web-1", None)]
    assert not found["coverage"]["complete"]


def test_without_the_right_to_policies_the_note_says_that_they_may_be_why(cluster: Cluster, grant: Granting) -> None:
    world(cluster, migrations=[MOVING])
    ruled = {"migrationPolicyName": "databases"}
    cluster.rewrite(f"{VMIS}/web-1", lambda vmi: vmi["status"]["migrationState"].update(ruled))
    user = grant(without("list", "migrationpolicies"))

    found = ask(cluster, "admin", impersonate=user, settings={"progress_timeout": 240})

    (note,) = found["notes"]
    assert note.endswith("gives them the new ones, but for what their MigrationPolicy (databases) sets itself.")
    assert [one["resource"] for one in found["coverage"]["missing"]] == ["migrationpolicies"]


def test_what_goes_by_the_annotation_is_not_tried_on_kubevirt_without_the_right_to_it(
    cluster: Cluster, grant: Granting
) -> None:
    hco = managed(cluster)
    user = grant(without("patch", "kubevirts"))

    found = hco.ask(impersonate=user, settings={"utility_volumes_timeout": 9}, accept_risks=INSISTING)

    assert found["changed"]
    assert [(one["verb"], one["resource"]) for one in found["coverage"]["missing"]] == [("patch", "kubevirts")]
