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
