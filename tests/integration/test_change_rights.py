# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each right of the roles that tune, keep policies and install the alert is needed for something that is named.

What was asked for is compared with what the roles give; and each right that is taken away is missed, and said to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import VMIS_SINGLY
from tests.cluster import Cluster
from tests.integration import alert_worlds, settings_worlds
from tests.integration.granting import OURS, forbidden, shipped, shipped_for
from tests.integration.keeping import DB, WANTED, client_for, keep, keep_with
from tests.integration.keeping import POLICIES as POLICIES_PATH
from tests.integration.settings_worlds import INSISTING, SOME, Managed, managed, world
from tests.integration.simulated import VMIS, VMS, done
from tests.integration.test_migration_policy_races import Meanwhile

Object = dict[str, Any]

SELECTORS = {"virtualMachineInstanceSelector": {"tier": "db"}, "namespaceSelector": {"team": "a"}}
POLICIES = [{"name": "slow", "spec": {"completionTimeoutPerGiB": 900, "selectors": SELECTORS}}]
MOVING = {"vm": "team-a/web-1", "phase": "Running", "since": 30, "target": "node-b"}
COPIED = {**MOVING, "vm": "team-a/db-1"}
BLIND = {"accept_risks": ["EffectUnknown"]}


@dataclass(frozen=True)
class Work:
    """What roles are for: a world, and what is done to it. `hidden`: rights that the audit log shows under no verb of
    their own, as the API server asks for them while it carries out another."""

    play: Callable[[Cluster], Any]
    ask: Callable[[Cluster, str, Any], Iterator[Object]]
    hidden: frozenset[tuple[str, str]] = frozenset()


def copies_under_a_policy(cluster: Cluster) -> None:
    """So many in one namespace that their VMIs are listed, and one elsewhere."""
    names = ["team-b/web-0", *(f"team-a/web-{count}" for count in range(1, VMIS_SINGLY + 1))]
    world(
        cluster,
        vms=[{"name": name, "node": "node-a"} for name in names],
        migrations=[{**MOVING, "vm": name} for name in names],
        policies=POLICIES,
    )
    cluster.rewrite(f"{VMIS}/web-1", lambda vmi: vmi["status"]["migrationState"].update(migrationPolicyName="slow"))


def tune(cluster: Cluster, user: str, _played: Any) -> Iterator[Object]:
    """Settings of KubeVirt while VMs are copied, one of which a policy rules; and back."""
    yield settings_worlds.ask(cluster, impersonate=user, settings=SOME)
    yield settings_worlds.ask(cluster, impersonate=user, undo=True)


def tune_hyperconverged(_cluster: Cluster, user: str, hco: Managed) -> Iterator[Object]:
    """Settings of HyperConverged, one of which only its annotation hands on."""
    wanted = {**SOME, "disable_tls": True}
    yield hco.ask(impersonate=user, settings=wanted, accept_risks=[*INSISTING, "VirtHandlerRestart"], wait=True)


def two_databases(cluster: Cluster) -> None:
    """One is being copied, and the label of the other has not reached its VMI."""
    world(cluster, vms=[{"name": f"team-a/db-{count}", "node": "node-a"} for count in (1, 2)], migrations=[COPIED])
    done(cluster.request("PATCH", f"{VMIS}/db-1", body={"metadata": {"labels": DB}}))
    label = {"spec": {"template": {"metadata": {"labels": DB}}}}
    done(cluster.request("PATCH", f"{VMS}/db-2", body=label))


def keep_policies(cluster: Cluster, user: str, _played: Any) -> Iterator[Object]:
    """A policy for VMs, one for all VMs of some namespaces: made, changed while somebody else does, removed, undone."""
    named = {"namespace_selector": {"kubernetes.io/metadata.name": "team-a"}}

    def somebody() -> None:
        done(cluster.request("PATCH", f"{POLICIES_PATH}/db", body={"spec": {"allowAutoConverge": True}}))

    yield keep(cluster, as_user=user, **WANTED, **named, **BLIND)
    with client_for(cluster, user) as client:
        yield keep_with(Meanwhile(client, somebody), name="db", completion_timeout_per_gib=900, **BLIND)
    yield keep(cluster, as_user=user, name="db", state="absent", **BLIND)
    for _time in range(2):
        yield keep(cluster, as_user=user, name="db", undo=True, **BLIND)
    yield keep(cluster, as_user=user, name="team", namespace_selector={"team": "a"}, allow_auto_converge=True, **BLIND)


def install(cluster: Cluster, user: str, _played: Any) -> Iterator[Object]:
    """The alert with limits that a policy changes: made, changed and removed."""
    yield alert_worlds.ask(cluster, impersonate=user)
    yield alert_worlds.ask(cluster, impersonate=user, stuck_after=600)
    yield alert_worlds.ask(cluster, impersonate=user, state="absent")


WORK: dict[tuple[str, ...], Work] = {
    ("tuner-reads", "tuner"): Work(copies_under_a_policy, tune),
    ("tuner-reads", "tuner-hyperconverged"): Work(managed, tune_hyperconverged),
    ("policies",): Work(two_databases, keep_policies),
    # A server-side apply of what is not there yet.
    ("alert-reads", "alert-installer"): Work(
        lambda cluster: world(cluster, policies=POLICIES), install, frozenset({("create", "prometheusrules")})
    ),
}


def rights(role: Object) -> set[tuple[str, str]]:
    """(verb, resource) of all its rules."""
    return {(verb, one) for rule in role["rules"] for one in rule["resources"] for verb in rule["verbs"]}


def asked_for(cluster: Cluster, mark: Any) -> set[tuple[str, str]]:
    """(verb, resource) of every request of the collection since `mark`; its own name may be asked for by everybody."""
    ours = [one for one in cluster.audit_since(mark) if one["userAgent"] == OURS and "resource" in one["object"]]
    return {(one["verb"], one["object"]["resource"]) for one in ours} - {("create", "selfsubjectreviews")}


# tuner-reads is for both tuners: what only one needs is missed there.
NOT_FOR = {
    "tuner-hyperconverged": {
        ("list", "migrationpolicies"),
        ("list", "virtualmachineinstances"),
        ("get", "virtualmachineinstances"),
    },
}


@pytest.mark.parametrize(("roles", "work"), WORK.items(), ids=["-".join(roles) for roles in WORK])
def test_what_is_asked_for_is_what_the_roles_give(cluster: Cluster, roles: tuple[str, ...], work: Work) -> None:
    played = work.play(cluster)
    with shipped_for(cluster, *roles) as user:
        mark = cluster.audit_mark()
        results = list(work.ask(cluster, user, played))
        refused, asked = forbidden(cluster, mark), asked_for(cluster, mark)

    assert refused == []
    assert all(one["coverage"]["complete"] for one in results)
    given = set().union(*(rights(shipped(name)) for name in roles))
    assert asked | work.hidden == given - NOT_FOR.get(roles[-1], set())


EACH = [(roles, name, *right) for roles in WORK for name in roles for right in sorted(rights(shipped(name)))]


def tell(ask: Iterator[Object]) -> list[Object]:
    """The results until the end, or until something was not possible at all: its error, in the shape of a result."""
    told: list[Object] = []
    try:
        told += ask
    except ClusterError as error:
        told.append({"notes": [str(error)], "coverage": {"missing": []}})
    return told


@pytest.mark.parametrize(
    ("roles", "name", "verb", "resource"),
    [one for one in EACH if (one[2], one[3]) not in NOT_FOR.get(one[0][-1], set())],
    ids=lambda part: part if isinstance(part, str) else part[-1],
)
def test_right_is_missed_and_named_where_it_is_taken_away(
    cluster: Cluster, roles: tuple[str, ...], name: str, verb: str, resource: str
) -> None:
    work = WORK[roles]
    played = work.play(cluster)
    with shipped_for(cluster, *roles, without=(name, verb, resource)) as user:
        mark = cluster.audit_mark()
        told = tell(work.ask(cluster, user, played))
        refused = forbidden(cluster, mark)

    missing = {(one["verb"], one["resource"]) for result in told for one in result["coverage"]["missing"]}
    words = " ".join(note for result in told for note in result["notes"])
    assert refused, "nothing asked for it, so nothing needs it"
    if (verb, resource) == ("list", "virtualmachineinstances") and "tuner-reads" in roles:
        assert missing == set(), "each VMI is read by itself"
        return
    assert (verb, resource) in missing or f"{verb} {resource}" in words, (missing, words)
