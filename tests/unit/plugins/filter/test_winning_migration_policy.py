# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter winning_migration_policy, as a template calls it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.filter import winning_migration_policy
from tests.unit.builders import a_policy, a_vmi

WINNER = winning_migration_policy.FilterModule().filters()["winning_migration_policy"]


def a_labelled_vmi(**labels: str) -> dict[str, Any]:
    vmi = a_vmi()
    vmi["metadata"]["labels"] |= labels
    return vmi


def test_the_winner_comes_with_its_object_and_the_others_with_their_reasons() -> None:
    fast, slow = a_policy("fast", vmi={"tier": "db"}, allowAutoConverge=True), a_policy("slow", vmi={"tier": "web"})

    assert WINNER([slow, fast], a_labelled_vmi(tier="db"), {}) == {
        "name": "fast",
        "policy": fast,
        "others": [
            {
                "name": "slow",
                "matches": False,
                "vmi_labels": 0,
                "namespace_labels": 0,
                "why_not": "the VMI's label tier is 'db', not 'web'",
            }
        ],
    }


def test_no_policy_that_matches_is_an_empty_name() -> None:
    assert WINNER([], a_vmi(), {}) == {"name": "", "policy": {}, "others": []}


@pytest.mark.parametrize(
    ("policies", "vmi"), [(None, a_vmi()), ([a_policy()], None), (None, None)], ids=["policies", "vmi", "both"]
)
def test_what_was_not_read_leaves_the_name_unknown(policies: Any, vmi: Any) -> None:
    assert WINNER(policies, vmi, None) == {"name": None, "policy": {}, "others": []}


def test_namespace_that_was_not_read_leaves_the_name_unknown_where_it_decides() -> None:
    policy = a_policy("by-team", namespace={"team": "a"})

    assert WINNER([policy], a_vmi())["name"] is None
    assert WINNER([policy], a_vmi(), {"team": "a"})["name"] == "by-team"
    assert WINNER([policy], a_vmi(), {})["name"] == ""


@pytest.mark.parametrize("item", [None, "x", 5, [], {"metadata": None}], ids=repr)
def test_a_policy_of_no_shape_never_raises_and_leaves_the_name_unknown(item: Any) -> None:
    assert WINNER([item, a_policy("all")], a_vmi(), {})["name"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("p", {}, {}), "the input is not a list"),
        (([], "web-1", {}), "vmi is not an object but a str"),
        (([], {}, ["team"]), "namespace_labels is not a map"),
        (([], {}, {"team": 5}), "namespace_labels is not a map"),
    ],
    ids=["policies", "vmi", "labels", "label"],
)
def test_other_shapes_are_an_error_with_the_filters_name(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=rf"winning_migration_policy: {words}"):
        WINNER(*arguments)
