# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a bundle: names that are replaced, sizes that are kept, sums that are right."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.version import VERSION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.bundle import (
    File,
    Material,
    render_files,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.manifest import choose_files
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.pseudonyms import (
    Pseudonyms,
    words_of_keys,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.readme import render_readme
from tests.make.places import ROOT

KEY = b"k" * 32
NAMES = {"web-1": "vm", "web": "vm", "team-a": "namespace", "node-a.example.com": "node", "memory": "vm", "7": "vm"}


def some(**more: Any) -> Pseudonyms:
    return Pseudonyms(NAMES, **{"key": KEY, "words": {"memory"}, **more})


def test_pseudonyms_text_longest_name_first_and_within_other_names() -> None:
    one = some()
    by_name = {name: new for new, name in one.table.items()}

    assert one.text("web-1") == by_name["web-1"]
    assert one.text("virt-launcher-web-1-x2x4f") == f"virt-launcher-{by_name['web-1']}-x2x4f"
    assert one.text("team-a_web: gone") == f"{by_name['team-a']}_{by_name['web']}: gone"
    assert one.text("cobweb webs 1web") == "cobweb webs 1web"


def test_pseudonyms_node_is_known_by_its_host_name_too() -> None:
    one = some()

    (new,) = (pseudonym for pseudonym, name in one.table.items() if name == "node-a.example.com")
    assert one.text("node-a.example.com node-a node-a.other") == f"{new} {new} {new}.other"


def test_pseudonyms_words_of_the_api_and_bare_numbers_are_replaced_where_they_are_names() -> None:
    one = some()
    by_name = {name: new for new, name in one.table.items()}

    assert one.text("Insufficient memory on 7") == "Insufficient memory on 7"
    assert (
        one.text("team-a/memory waits for VM 7")
        == f"{by_name['team-a']}/{by_name['memory']} waits for VM {by_name['7']}"
    )
    assert one.apply({"memory": "1Gi", "vmiName": "memory"}) == {"memory": "1Gi", "vmiName": by_name["memory"]}


def test_pseudonyms_names_of_kubevirts_own_parts_stay_and_are_told() -> None:
    one = Pseudonyms({"kubevirt": "namespace", "web": "vm"}, key=KEY)

    assert one.kept == ("kubevirt",)
    assert one.apply({"namespace": "kubevirt"}) == {"namespace": "kubevirt"}


def test_words_of_keys_label_that_somebody_made_up_is_no_word_of_the_api() -> None:
    labels = {"web-1": "x", "kubevirt.io/domain": "y"}

    assert not {"web-1", "web"} & words_of_keys([{"metadata": {"labels": labels}}])
    assert "domain" in words_of_keys([{"metadata": {"labels": labels}}])


def test_pseudonyms_same_key_same_names_and_another_key_others() -> None:
    assert some().table == some().table
    assert not set(some().table) & set(some(key=b"x" * 32).table)


def test_pseudonyms_apply_reaches_keys_lists_and_leaves_figures() -> None:
    new = some().text("web-1")

    assert some().apply({"web-1": ["web-1", 5, None, True]}) == {new: [new, 5, None, True]}


@given(text=st.text(alphabet="web-1.team a_"))
def test_pseudonyms_text_leaves_no_name_that_stands_by_itself(text: str) -> None:
    found = some().text(f"{text} web-1")

    assert "web-1" not in found.split()


def test_words_of_keys_are_runs_and_their_parts() -> None:
    found = words_of_keys([{"kubevirt.io/domain-name": {"spec": [{"memory": "web"}]}}])

    assert {"kubevirt.io", "kubevirt", "domain-name", "domain", "spec", "memory"} <= found
    assert "web" not in found


FILES = [
    File("needed", "x" * 1000),
    File("stuck", "x" * 1000, 1),
    File("log", "x" * 1000, 2),
    File("rest", "x" * 1000, 3),
]
ROOM = 64 * 1024
BOUNDS = {
    "all": (ROOM + 4 * 1300, ["needed", "stuck", "log", "rest"]),
    "no_view_of_others": (ROOM + 4 * 1300 - 1, ["needed", "stuck", "log"]),
    "no_logs": (ROOM + 3 * 1300 - 1, ["needed", "stuck"]),
    "objects_alone": (ROOM + 1300, ["needed"]),
    "not_even_those": (ROOM + 1299, []),
}


@pytest.mark.parametrize(("most", "kept"), BOUNDS.values(), ids=BOUNDS.keys())
def test_choose_files_what_matters_least_goes_first(most: int, kept: list[str]) -> None:
    taken, left_out, least = choose_files(FILES, max_bytes=most)

    assert [file.path for file in taken] == kept
    assert {file.path for file in left_out} == {file.path for file in FILES} - set(kept)
    assert least == ROOM + 1300


@given(sizes=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3))), most=st.integers(0, 100_000))
def test_choose_files_never_takes_more_than_the_bound(sizes: list[tuple[int, int]], most: int) -> None:
    files = [File(f"{place:03}", "x" * size, rank) for place, (size, rank) in enumerate(sizes)]

    taken, left_out, _least = choose_files(files, max_bytes=most)

    assert sum(file.size for file in taken) <= most
    assert len(taken) + len(left_out) == len(files)


SAID = {"read_at": "2026-11-23T08:00:00Z", "redacted": True, "pseudonyms": False}


def test_render_readme_says_what_is_lacking_and_whether_it_may_be_handed_on() -> None:
    page = render_readme(summary="1 is stuck.", said=SAID, left_out=[FILES[2]], not_read=["log of a/b: gone"]).text
    bare = render_readme(summary="1 is stuck.", said={**SAID, "redacted": False}, left_out=[], not_read=[]).text

    assert "Could not be read:\n\n- log of a/b: gone\n" in page
    assert page.endswith("too large:\n\n- log\n")
    assert "Do not hand it on" in bare
    assert "Could not be read" not in bare
    assert "Do not hand it on" not in page


def test_version_is_the_collections() -> None:
    assert f"\nversion: {VERSION}\n" in (ROOT / "galaxy.yml").read_text(encoding="utf-8")


ODD_NAMES = ["../../etc", "..", "", "/etc", "a/b", "A b", "."]


@pytest.mark.parametrize("vm", ODD_NAMES)
def test_render_files_vm_of_any_name_stays_in_its_folder(vm: str) -> None:
    entry = {"namespace": "a", "vm": vm, "name": "m", "stuck": True, "policy": "", "policy_now": None}
    entry |= {"configuration": {}, "configuration_from": {}}

    files = render_files(Material({"migrations": [entry]}, None, {}), treat=lambda value: value)

    folders = {file.path.rpartition("/")[0] for file in files if file.path.startswith("migrations")}
    assert len(folders) == 1
    assert re.fullmatch("migrations/a/not-a-name-[0-9a-f]{8}", folders.pop())


def test_render_files_node_comes_without_the_images_that_it_has_pulled() -> None:
    node = {"kind": "Node", "status": {"images": [{"names": ["a"]}], "conditions": []}}
    objects = {(KINDS["", "Node"], "", "a"): node, (KINDS["", "Node"], "", "b"): {"status": 5}}

    files = render_files(Material({"migrations": []}, None, objects), treat=lambda value: value)

    texts = {file.path: json.loads(file.text) for file in files}
    assert texts["cluster-scoped-resources/core/nodes/a.yaml"] == {"kind": "Node", "status": {"conditions": []}}
    assert texts["cluster-scoped-resources/core/nodes/b.yaml"] == {"status": 5}
