# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of migration_settings that no API server must be asked for."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.ineffective import NotKept
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.json_patch import make_patch
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.settings_reads import (
    read_served,
    read_user,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    COMPLETION_TIMEOUT,
    MOST,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.settings_options import parse_options
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.settings_wait import (
    as_answered,
    check_kept,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.event import plan_event
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.record import Who
from tests.unit.plugins.module_utils._cluster.network import a_client, a_status, an_answer
from tests.unit.settings_objects import on_hyperconverged, on_kubevirt

WHO = Who("2026-11-23T08:00:00Z", user="u")


@pytest.mark.parametrize(
    ("dry_run", "said"),
    [(True, "nothing was changed"), (False, "the rest of the change stands")],
    ids=["dry run", "for good"],
)
def test_check_kept_names_what_was_left_out_and_what_that_means(dry_run: bool, said: str) -> None:
    wanted = on_kubevirt({"migrations": {"network": "a", "progressTimeout": 7}})
    answered = on_kubevirt({"migrations": {"network": "a"}})

    with pytest.raises(NotKept, match=f"accepted progress_timeout for KubeVirt kubevirt/kubevirt .*{said}"):
        check_kept(wanted, answered, dry_run=dry_run)


def test_check_kept_sees_a_lost_annotation() -> None:
    with pytest.raises(NotKept, match=r"the annotation kubevirt\.kubevirt\.io/jsonpatch"):
        check_kept(on_hyperconverged(annotation="[]"), on_hyperconverged(), dry_run=True)


def test_check_kept_takes_what_means_the_same_and_what_comes_beside_it() -> None:
    wanted = on_kubevirt({"migrations": {"bandwidthPerMigration": "1024Mi"}})
    answered = on_kubevirt({"migrations": {"bandwidthPerMigration": "1Gi", "progressTimeout": 7}})

    check_kept(wanted, answered, dry_run=True)

    assert as_answered(wanted, answered.found.obj).settings == answered.settings


@pytest.mark.parametrize("status", [403, 404], ids=["may not", "too old"])
def test_what_the_server_does_not_tell_is_not_known(status: int) -> None:
    client, _transport, _clock = a_client(a_status(status), a_status(status))

    assert read_served(client, api_version="kubevirt.io/v1", kind="KubeVirt", steps=("spec",)) is None
    assert read_user(client) == ""


@pytest.mark.parametrize(
    ("status", "user"),
    [({"userInfo": {"username": "anna"}}, "anna"), ({"userInfo": None}, ""), (None, "")],
    ids=["told", "null", "no status"],
)
def test_read_user_is_who_the_server_sees(status: Any, user: str) -> None:
    client, transport, _clock = a_client(an_answer({"kind": "SelfSubjectReview", "status": status}))

    assert read_user(client) == user
    assert transport.sent[0].method == "POST"


def test_event_is_named_by_its_content_so_that_it_is_posted_once() -> None:
    obj = {"kind": "KubeVirt", "apiVersion": "kubevirt.io/v1", "metadata": {"name": "k", "namespace": "n", "uid": "u"}}
    first = plan_event(obj, reason="R", message="m" * 2000, who=WHO)
    again = plan_event(obj, reason="R", message="m" * 2000, who=WHO)
    other = plan_event(obj, reason="R", message="other", who=WHO)

    assert first == again != other
    assert (first.path, first.is_optional, first.is_harmless) == ("/api/v1/namespaces/n/events", True, True)
    assert len(first.body["message"]) == 1000


def test_event_about_an_object_without_a_namespace_lies_in_default() -> None:
    step = plan_event({"kind": "MigrationPolicy", "metadata": {"name": "p"}}, reason="R", message="m", who=WHO)

    assert (step.path, step.body["involvedObject"]["namespace"]) == ("/api/v1/namespaces/default/events", "")


def test_a_missing_jsonpatch_package_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match="pip install jsonpatch"):
        make_patch({}, after={"a": 1})


# --- options ---


@pytest.mark.parametrize(
    ("option", "most"),
    [
        ("completion_timeout_per_gib", 4611686018),
        ("utility_volumes_timeout", 9223372036),
        ("progress_timeout", 2**63 - 1),
        ("parallel_migrations_per_cluster", 2**31 - 1),
        ("parallel_outbound_migrations_per_node", 2**31 - 1),
        ("bandwidth_per_migration", 2**63 - 2**20),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_beyond_what_kubevirt_can_reckon_with_is_wrong_input(option: str, most: int) -> None:
    """Read from KubeVirt's own arithmetic: with more, a petabyte's deadline is a negative one."""
    given = str if option == "bandwidth_per_migration" else int

    assert parse_options({"settings": {option: given(most)}}).wish.values
    for more in (most + 1, 2**80):
        with pytest.raises(WrongInput, match=rf"settings\.{option}: {more} cannot be; .* at most {most}"):
            parse_options({"settings": {option: given(more)}})


def test_the_largest_deadline_of_a_petabyte_does_not_wrap_round() -> None:
    doubled_in_milliseconds = MOST[COMPLETION_TIMEOUT] * 10**6 * 2 * 1000

    assert 2**63 - 2 * 10**9 <= doubled_in_milliseconds < 2**63


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("network", " ", "cannot be the name of a NetworkAttachmentDefinition"),
        ("network", "lan-ü☃", "cannot be the name of a NetworkAttachmentDefinition"),
        ("network", "a/b/c", "cannot be the name of a NetworkAttachmentDefinition"),
        ("network", "/b", "cannot be the name of a NetworkAttachmentDefinition"),
        ("network", "net@eth1", "cannot be the name of a NetworkAttachmentDefinition"),
        ("network", "", "is empty: to go back to the default, name it in reset"),
        ("node_drain_taint_key", "a b", "cannot be the key of a taint"),
        ("node_drain_taint_key", "key=value", "cannot be the key of a taint"),
        ("node_drain_taint_key", "Ü/drain", "cannot be the key of a taint"),
        ("bandwidth_per_migration", "64 Mi", "is not a Kubernetes quantity"),
        ("bandwidth_per_migration", "1e30", "cannot be; libvirt takes at most"),
        ("bandwidth_per_migration", "100E", "cannot be; libvirt takes at most"),
    ],
)
def test_a_text_that_the_field_can_never_hold_is_wrong_input(option: str, value: str, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        parse_options({"settings": {option: value}})


def test_a_reason_from_a_terminal_of_another_encoding_can_be_written() -> None:
    found = parse_options({"reason": " K\udcfchlung ", "requested_by": "J\udcf6rg"})

    assert (found.reason, found.requested_by) == ("K?hlung", "J?rg")
    with pytest.raises(WrongInput, match="reason has 1001 characters; at most 1000"):
        parse_options({"reason": "r" * 1001})


@pytest.mark.parametrize(
    ("option", "value"),
    [("network", "lan-1"), ("network", "kubevirt/lan.1"), ("node_drain_taint_key", "kubevirt.io/drain")],
    ids=["name", "with its namespace", "taint"],
)
def test_names_as_kubevirt_takes_them_are_taken(option: str, value: str) -> None:
    assert list(parse_options({"settings": {option: value}}).wish.values.values()) == [value]
