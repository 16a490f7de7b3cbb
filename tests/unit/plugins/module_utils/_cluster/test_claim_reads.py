# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage classes from the Table form: one request a namespace, and what cannot be read is left out."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.claim_reads import (
    read_storage_classes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client, Table
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    TableUnsupported,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading

COLUMNS = ["Name", "Status", "StorageClass"]


class Api:
    """Answers each Table request with `answer`; keeps the paths."""

    def __init__(self, answer: Table | ClusterError) -> None:
        self.answer = answer
        self.paths: list[str] = []

    def table(self, path: str) -> Table:
        self.paths.append(path)
        if isinstance(self.answer, ClusterError):
            raise self.answer
        return self.answer


def read(answer: Any, *namespaces: str) -> tuple[dict[tuple[str, str], str], Reading, Api]:
    api = Api(answer)
    reading = Reading(cast(Client, api))
    return read_storage_classes(reading, namespaces=namespaces), reading, api


def test_each_namespace_costs_one_request() -> None:
    found, reading, api = read(
        Table(columns=COLUMNS, rows=[["disk", "Bound", "slow"], ["old", "Bound", None]]), "a", "b"
    )
    assert found == {("a", "disk"): "slow", ("a", "old"): "", ("b", "disk"): "slow", ("b", "old"): ""}
    assert api.paths == [f"/api/v1/namespaces/{name}/persistentvolumeclaims" for name in "ab"]
    assert reading.unseen == {}


def test_claims_that_may_not_be_read_are_left_out_with_the_rule() -> None:
    path = "/api/v1/namespaces/a/persistentvolumeclaims"
    found, reading, _api = read(error_from_status(403, method="GET", path=path, body=b""), "a")
    rule = reading.unseen["claims"][0]
    assert (found, rule.resource, rule.namespace) == ({}, "persistentvolumeclaims", "a")


@pytest.mark.parametrize(
    "answer",
    [
        Table(columns=["Name", "Status"], rows=[["disk", "Bound"]]),
        Table(columns=[], rows=[]),
        TableUnsupported("no Table here", method="GET", path="/", status=406, reason=""),
    ],
    ids=["no such column", "no columns", "no Table"],
)
def test_server_that_does_not_tell_the_class_leaves_it_unknown(answer: Any) -> None:
    found, reading, _api = read(answer, "a")
    assert (found, reading.unseen) == ({}, {})


def test_fault_of_the_server_is_no_answer() -> None:
    with pytest.raises(ClusterError):
        read(error_from_status(500, method="GET", path="/api/v1/x", body=b""), "a")
