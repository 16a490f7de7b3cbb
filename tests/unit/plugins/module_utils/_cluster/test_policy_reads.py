# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading policies and namespaces: one by one while they are few, and what a refusal leaves."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import (
    NAMESPACES_SINGLY,
    read_namespace_labels,
    read_policies,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from tests.unit.builders import a_policy

NAMES = [f"team-{number}" for number in range(NAMESPACES_SINGLY + 1)]


class Api:
    """Answers with `items`, or with the error of `status`; keeps the paths."""

    def __init__(self, *items: dict[str, Any], status: int = 0) -> None:
        self.items, self.status, self.paths = list(items), status, cast(list[str], [])

    def _error(self, path: str) -> ClusterError:
        body = b"404 page not found" if self.status == 404 else b""
        return error_from_status(self.status, method="GET", path=path, body=body)

    def list(self, path: str, **_options: Any) -> list[dict[str, Any]]:
        self.paths.append(path)
        if self.status:
            raise self._error(path)
        return self.items

    def get_many(self, paths: list[str]) -> dict[str, Any]:
        self.paths += paths
        named = {f"/api/v1/namespaces/{item['metadata']['name']}": item for item in self.items}
        return {path: self._error(path) if self.status else named[path] for path in paths}


def a_namespace(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"team": name}}}


def reading_of(api: Api) -> Reading:
    return Reading(cast(Client, api))


def test_policies_are_read_in_one_request() -> None:
    api = Api(a_policy("a"), a_policy("b"))

    assert [one.name for one in read_policies(reading_of(api)) or ()] == ["a", "b"]
    assert len(api.paths) == 1


def test_a_refusal_is_not_the_same_as_no_policy() -> None:
    refused, absent = reading_of(Api(status=403)), reading_of(Api(status=404))

    assert read_policies(refused) is None
    assert [rule.resource for rule in refused.unseen["policies"]] == ["migrationpolicies"]
    assert (read_policies(absent), absent.unseen) == ((), {})


@pytest.mark.parametrize(("count", "requests"), [(2, 2), (len(NAMES), 1)], ids=["few", "many"])
def test_many_namespaces_are_read_at_once(count: int, requests: int) -> None:
    api = Api(*(a_namespace(name) for name in NAMES))

    assert read_namespace_labels(reading_of(api), names=NAMES[:count]) == {
        name: {"team": name} for name in NAMES[:count]
    }
    assert len(api.paths) == requests


@pytest.mark.parametrize("names", [NAMES[:1], NAMES], ids=["few", "many"])
def test_namespaces_that_may_not_be_read_are_left_out_with_the_rule(names: list[str]) -> None:
    reading = reading_of(Api(status=403))

    assert read_namespace_labels(reading, names=names) == {}
    assert {rule.resource for rule in reading.unseen["namespaces"]} == {"namespaces"}


def test_a_fault_of_the_server_is_no_missing_label() -> None:
    with pytest.raises(ClusterError):
        read_namespace_labels(reading_of(Api(status=500)), names=NAMES[:1])
    assert read_namespace_labels(reading_of(Api(status=404)), names=NAMES[:1]) == {}
