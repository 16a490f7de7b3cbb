# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading whom a policy reaches: which lists for which selectors, what is left out, and what a refusal leaves."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    error_from_status,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_effect_reads import (
    VMIS_SINGLY,
    VMS_AT_MOST,
    read_copies,
    read_matching_vmis,
    read_vmis_of,
    read_vms,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.policy_reads import (
    NAMESPACES_SINGLY,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import (
    SELECTOR_BYTES,
    Reading,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy import Selectors
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from tests.unit.builders import NAMESPACE, a_vmi

VMIS = "/apis/kubevirt.io/v1/virtualmachineinstances"
DB = {"tier": "db"}
SHOP = {"team": "shop"}


class Api:
    """Answers a list with the `items` of its plural, or with 403 where that is `forbidden`."""

    def __init__(self, *, page: Any = None, forbidden: tuple[str, ...] = (), **items: list[dict[str, Any]]) -> None:
        self.items, self.page, self.forbidden = items, page, forbidden
        self.asked: list[tuple[str, str]] = []

    def _refuse(self, path: str) -> None:
        if path.rpartition("/")[2] in self.forbidden:
            raise error_from_status(403, method="GET", path=path, body=b"")

    def list(self, path: str, *, query: Any = None) -> list[dict[str, Any]]:
        self.asked.append((path, (query or {}).get("labelSelector", "")))
        self._refuse(path)
        return self.items.get(path.rpartition("/")[2], [])

    def get(self, path: str, *, query: Any = None) -> Any:
        self.asked.append((path, f"limit={(query or {}).get('limit')}"))
        self._refuse(path)
        return self.page

    def first_page(self, path: str, *, limit: int) -> tuple[list[dict[str, Any]], bool]:
        self.asked.append((path, f"limit={limit}"))
        return [], False

    def get_many(self, paths: list[str]) -> dict[str, Any]:
        self.asked += [(path, "") for path in paths]
        return {path: a_vmi(path.rpartition("/")[2]) for path in paths}


def reading_of(api: Api) -> Reading:
    return Reading(cast(Client, api))


def a_namespace(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


LISTS: dict[str, tuple[Selectors, list[tuple[str, str]]]] = {
    "labels of the VMI": (Selectors(DB, {}), [(VMIS, "tier=db")]),
    "both": (Selectors({**DB, "a": ""}, SHOP), [(VMIS, "a=,tier=db")]),
    "neither": (Selectors({}, {}), [(VMIS, "")]),
    "the namespace's": (
        Selectors({}, SHOP),
        [
            ("/api/v1/namespaces", "team=shop"),
            ("/apis/kubevirt.io/v1/namespaces/n0/virtualmachineinstances", ""),
            ("/apis/kubevirt.io/v1/namespaces/n1/virtualmachineinstances", ""),
        ],
    ),
}


@pytest.mark.parametrize(("selectors", "asked"), LISTS.values(), ids=LISTS)
def test_vmis_are_listed_by_what_the_policy_looks_at(selectors: Selectors, asked: list[tuple[str, str]]) -> None:
    api = Api(namespaces=[a_namespace("n0"), a_namespace("n1")], virtualmachineinstances=[a_vmi()])

    found = read_matching_vmis(reading_of(api), [selectors])

    assert [one.meta.name for one in found or ()] == ["web-1"]
    assert api.asked == asked


@pytest.mark.parametrize("forbidden", [(), ("namespaces",)], ids=["many namespaces", "namespaces may not be listed"])
def test_all_vmis_are_listed_where_namespace_by_namespace_does_not_do(forbidden: tuple[str, ...]) -> None:
    names = [a_namespace(f"n{number}") for number in range(NAMESPACES_SINGLY + 1)]
    api = Api(namespaces=names, virtualmachineinstances=[a_vmi()], forbidden=forbidden)
    reading = reading_of(api)

    assert len(read_matching_vmis(reading, [Selectors({}, SHOP)]) or ()) == 1
    assert [path for path, _query in api.asked] == ["/api/v1/namespaces", VMIS]
    assert set(reading.unseen) == set(forbidden)


@pytest.mark.parametrize("selectors", [Selectors(DB, {}), Selectors({}, SHOP)], ids=["labels", "namespace"])
def test_vmis_that_may_not_be_listed_are_not_the_same_as_none(selectors: Selectors) -> None:
    refused = reading_of(Api(namespaces=[a_namespace("n0")], forbidden=("virtualmachineinstances",)))

    assert read_matching_vmis(refused, [selectors]) is None
    assert [rule.resource for rule in refused.unseen["vmis"]] == ["virtualmachineinstances"]
    assert read_matching_vmis(reading_of(Api()), [selectors]) == ()


def test_a_vmi_that_two_selectors_pick_stands_once() -> None:
    api = Api(virtualmachineinstances=[a_vmi()])

    assert len(read_matching_vmis(reading_of(api), [Selectors(DB, {}), Selectors({"a": "b"}, {})]) or ()) == 1


def test_labels_too_long_for_an_address_are_asked_for_in_part() -> None:
    api = Api()
    labels = {f"key-{number:03}": "x" * 63 for number in range(100)}

    read_matching_vmis(reading_of(api), [Selectors(labels, {})])

    assert 0 < len(api.asked[0][1]) <= SELECTOR_BYTES
    assert api.asked[0][1].startswith("key-000=")


def a_page(*, items: int = 1, remaining: Any = None, more: bool = False) -> dict[str, Any]:
    metadata = {
        **({"continue": "t"} if more else {}),
        **({} if remaining is None else {"remainingItemCount": remaining}),
    }
    return {"items": [{}] * items, "metadata": metadata}


PAGES: dict[str, tuple[dict[str, Any], str, int]] = {
    "none": (a_page(items=0), "", 0),
    "one": (a_page(), "", 0),
    "as many as are read": (a_page(remaining=VMS_AT_MOST - 1, more=True), "", 0),
    "more": (a_page(remaining=VMS_AT_MOST, more=True), "tier=db", VMS_AT_MOST - 1),
    "not told": (a_page(more=True), "tier=db", VMS_AT_MOST - 1),
    "nonsense": (a_page(remaining="x", more=True), "tier=db", VMS_AT_MOST - 1),
}


@pytest.mark.parametrize(("page", "query", "left_out"), PAGES.values(), ids=PAGES)
def test_templates_are_looked_into_up_to_a_number_of_vms(page: dict[str, Any], query: str, left_out: int) -> None:
    api = Api(page=page, virtualmachines=[{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}])

    vms, left = read_vms(reading_of(api), DB)

    assert [one.meta.name for one in vms or ()] == ["a", "b"]
    assert left == left_out
    assert api.asked[-1] == ("/apis/kubevirt.io/v1/virtualmachines", query)


def test_vms_that_may_not_be_read_are_named_and_counted_as_none_left_out() -> None:
    reading = reading_of(Api(forbidden=("virtualmachines",)))

    assert read_vms(reading, DB) == (None, 0)
    assert [rule.resource for rule in reading.unseen["vms"]] == ["virtualmachines"]


def test_vmis_of_vms_are_asked_for_up_to_a_number_and_known_ones_never() -> None:
    api = Api()
    keys = [(NAMESPACE, f"vm-{number:03}") for number in range(VMIS_SINGLY + 3)]
    known = {keys[0]: Vmi.from_object(a_vmi("vm-000"))}

    found, left_out = read_vmis_of(reading_of(api), keys, known=known)

    # What a page of their namespace does not have is asked for one by one.
    page, *singly = api.asked
    assert page[0].endswith(f"/namespaces/{NAMESPACE}/virtualmachineinstances")
    assert (len(found), left_out, len(singly)) == (VMIS_SINGLY + 1, 2, VMIS_SINGLY)
    assert not [path for path, _query in api.asked if path.endswith("vm-000")]


def test_migrations_are_asked_for_by_their_vms() -> None:
    api = Api()
    vmis = [Vmi.from_object(a_vmi(name)) for name in ("a", "b")]

    assert read_copies(reading_of(api), vmis) == []
    assert api.asked == [
        (
            f"/apis/kubevirt.io/v1/namespaces/{NAMESPACE}/virtualmachineinstancemigrations",
            "kubevirt.io/vmi-name in (a,b)",
        )
    ]
    assert read_copies(reading_of(Api()), []) == []


def test_migrations_that_may_not_be_read_are_not_the_same_as_none() -> None:
    reading = reading_of(Api(forbidden=("virtualmachineinstancemigrations",)))

    assert read_copies(reading, [Vmi.from_object(a_vmi())]) is None
    assert "migrations" in reading.unseen


def test_a_fault_of_the_server_is_no_empty_list() -> None:
    class Broken(Api):
        def _refuse(self, path: str) -> None:
            raise error_from_status(500, method="GET", path=path, body=b"")

    with pytest.raises(ClusterError):
        read_matching_vmis(reading_of(Broken()), [Selectors(DB, {})])
    with pytest.raises(ClusterError):
        read_vms(reading_of(Broken()), DB)
