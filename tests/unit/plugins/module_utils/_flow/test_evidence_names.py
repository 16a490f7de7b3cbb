# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pseudonyms of names that are words of the API, figures, addresses, or parts of each other.

A cluster with such names becomes the same bundle as one with names that stand nowhere else: so they are replaced in
each place, and nothing else is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_client import CaptureClient
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.captured import (
    Asked,
    Captured,
    by_kind,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS, kind_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow import migration_info
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.pseudonyms import (
    Pseudonyms,
    words_of_keys,
)
from tests.unit.builders import (
    NAMESPACE,
    NOW,
    a_handler,
    a_kubevirt,
    a_launcher,
    a_lease,
    a_migration,
    a_node,
    a_vmi,
    an_event,
)

VM, SOURCE = "web-1", "src-web-1"
Names = tuple[str, str, str]
PLAIN: Names = ("qqvm-1", "qqspace", "qqnode.example.com")
LOG = [
    f'{{"component":"virt-handler","kind":"VirtualMachineInstance","msg":"gone","name":"{VM}","namespace":"{NAMESPACE}"}}',
    f"domain {NAMESPACE}_{VM} leaves node {SOURCE}",
    f"GET /api/v1/namespaces/{NAMESPACE}/pods/virt-launcher-{VM}-source and /api/v1/nodes/{SOURCE}",
    f'processing key={NAMESPACE}/{VM} of VMI "{VM}"',
]


def a_world() -> dict[str, Any]:
    """Objects and texts of a VM whose source node is silent."""
    vmi = a_vmi(VM)
    labels = {"kubevirt.io/domain": VM, "kubevirt.io/nodeName": SOURCE, f"{VM}": "mine"}
    vmi["metadata"] = {**vmi["metadata"], "labels": labels, "annotations": {"kubevirt.io/x": f'{{"name": "{VM}"}}'}}
    node = a_node(SOURCE, ready="Unknown", since_seconds=900, heartbeat_seconds=900)
    node["metadata"]["labels"]["kubernetes.io/hostname"] = SOURCE
    objects = [
        a_migration("Running", vm=VM, age_seconds=900, phase_seconds=850),
        vmi,
        a_launcher(vm=VM, node=SOURCE),
        a_launcher("target", vm=VM, node="dst-web-1"),
        node,
        a_node("dst-web-1"),
        a_handler(SOURCE, ready=False),
        a_handler("dst-web-1"),
        a_kubevirt(),
        a_lease(),
        an_event("mig-web-1", "Failed", f"migration of {NAMESPACE}/{VM} waits"),
    ]
    return {"objects": objects, "log": LOG, "path": f"migrations/{NAMESPACE}/{VM}/vmi.json"}


def named(names: Names) -> dict[str, Any]:
    """The world with these names of VM, namespace and node; identifiers hold none."""
    text = json.dumps(a_world())
    for old, new in (
        *(("mig-web-1", "0a1"), ("vmi-web-1", "0b1"), ("pod-web-1", "0c1"), ("handler-src-web-1", "0d1")),
        *(("virt-0d1", "virt-handler-src-web-1"), ("handler-dst-web-1", "0e1"), ("virt-0e1", "virt-handler-dst-web-1")),
        *((SOURCE, names[2]), ("dst-web-1", "other.example.org"), (VM, names[0]), (NAMESPACE, names[1])),
    ):
        text = text.replace(old, new)
    found: dict[str, Any] = json.loads(text)
    return found


def pseudonyms_of(names: Names, world: dict[str, Any]) -> Pseudonyms:
    kinds = ("vm", "namespace", "node")
    return Pseudonyms(
        {**dict(zip(names, kinds, strict=True)), "other.example.org": "node"},
        key=b"k" * 32,
        words=words_of_keys(world["objects"]),
    )


def in_common(text: str, pseudonyms: Pseudonyms, names: Names) -> str:
    """Pseudonyms of different names made the same."""
    by_name = {name: new for new, name in pseudonyms.table.items()}
    for place, name in enumerate(names):
        text = text.replace(by_name[name], f"<{place}>")
    return text


def hidden(names: Names) -> str:
    world = named(names)
    pseudonyms = pseudonyms_of(names, world)
    text = in_common(json.dumps(pseudonyms.apply(world)), pseudonyms, names)
    return json.dumps(json.loads(text), sort_keys=True, indent=1)


ODD: dict[str, Names] = {
    "words": ("memory", "default", "node"),
    "words_of_kubevirt": ("compute", "migration", "vm"),
    "words_of_objects": ("spec", "namespace", "metadata"),
    "figures": ("7", "2024", "10"),
    "addresses": ("db", "10-0", "10.0.0.5"),
    "parts_of_each_other": ("a-b", "a", "a-b-c"),
    "parts_of_own_names": ("launcher", "virt", "handler"),
}


@pytest.mark.parametrize("names", ODD.values(), ids=ODD)
def test_names_that_are_words_too_become_what_plain_names_become(names: Names) -> None:
    assert hidden(names).splitlines() == hidden(PLAIN).splitlines()


@pytest.mark.parametrize("names", [*ODD.values(), PLAIN], ids=[*ODD, "plain"])
def test_diagnosis_of_the_pseudonymised_objects_is_the_same_up_to_names(names: Names) -> None:
    world = named(names)
    pseudonyms = pseudonyms_of(names, world)

    before, after = look_at(world["objects"]), look_at(pseudonyms.apply(world["objects"]))

    assert [entry["verdict"] for entry in after["migrations"]] == [entry["verdict"] for entry in before["migrations"]]
    for key in ("vm", "namespace", "source_node"):
        assert [entry[key] for entry in after["migrations"]] == [
            pseudonyms.apply({key: one[key]})[key] for one in before["migrations"]
        ]
    assert [entry["cause"] for entry in after["migrations"]] == [entry["cause"] for entry in before["migrations"]]


def look_at(objects: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found = [
        (kind, str(obj["metadata"].get("namespace") or ""), str(obj["metadata"]["name"]), obj)
        for obj in objects
        if (kind := kind_of(obj)) is not None
    ]
    listed = tuple(Asked(kind) for kind in KINDS.values())
    return migration_info.run(
        CaptureClient(Captured(read_at=NOW, objects=by_kind(found), listed=listed), src="x"), {}, Clock()
    )
