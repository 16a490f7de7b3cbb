# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of migration_policy are the fields of KubeVirt's own MigrationPolicy, all of them, within its bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.policy_spec import (
    EXPERIMENTAL,
    OPTIONS,
    SELECTOR_OPTIONS,
    parse_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.modules.migration_policy import SPEC
from tests.cluster import Cluster
from tests.integration.keeping import DB, keep, spec_of

DEFINITION = "migrationpolicies.migrations.kubevirt.io"
# Every option, and the value that is sent for it; KubeVirt takes only one of the two ways of ending a copy.
EVERYTHING: dict[str, Any] = {
    "name": "db",
    "vmi_selector": DB,
    "namespace_selector": {"team": "a"},
    "allow_auto_converge": True,
    "allow_post_copy": False,
    "allow_workload_disruption": True,
    "bandwidth_per_migration": "64Mi",
    "completion_timeout_per_gib": 800,
    "max_downtime_ms": 500,
}
TUNING = {"cooldown_seconds": 11, "initial_ms": 151, "start_after_iteration": 4, "steps": 8}
DETECTOR = {
    "completion_timeout_factor": "2",
    "ewma_alpha": "0.4",
    "patience_window_decay_factor": "500m",
    "precopy_possible_factor": "1.5",
    "search_local_minima": False,
    "stall_margin": 4,
    "stall_progress_timeout": 40,
    "switchover_timeout": 60,
}

Schema = Mapping[str, Any]


@pytest.fixture(scope="module")
def schema(real_definitions: Mapping[str, Mapping[str, Any]]) -> Schema:
    (version,) = real_definitions[DEFINITION]["spec"]["versions"]
    found: Schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def leaves(schema: Schema, *, at: str = "") -> Iterator[tuple[str, Schema]]:
    """Path and schema of every field that holds a value; a map of labels is one."""
    for name, one in schema.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        if one.get("properties"):
            yield from leaves(one, at=path)
        else:
            yield path, one


def paths_of(table: Mapping[str, Any], *, at: str) -> dict[str, str]:
    """Path in the spec -> option, dotted, of a table of options."""
    found: dict[str, str] = {}
    for option, name in table.items():
        if isinstance(name, str):
            found[f"{at}{name}"] = option
        else:
            inner = paths_of(name[1], at=f"{at}{name[0]}.")
            found |= {path: f"{option}.{below}" for path, below in inner.items()}
    return found


def our_paths() -> dict[str, str]:
    experimental = paths_of(EXPERIMENTAL, at="experimental.")
    return {
        **paths_of(OPTIONS, at=""),
        **paths_of(SELECTOR_OPTIONS, at="selectors."),
        **{path: f"experimental.{option}" for path, option in experimental.items()},
    }


def option(dotted: str) -> Mapping[str, Any]:
    """The argument spec of an option, in suboptions too."""
    found: Mapping[str, Any] = {"options": SPEC}
    for step in dotted.split("."):
        found = found["options"][step]
    return found


def test_every_field_of_the_spec_has_its_option_and_no_option_is_left_over(schema: Schema) -> None:
    assert set(our_paths()) == {path for path, _one in leaves(schema)}


def test_types_and_choices_are_those_of_the_definition(schema: Schema) -> None:
    types = {"boolean": "bool", "integer": "int", "string": "str", "object": "dict"}
    ours = our_paths()

    for path, one in leaves(schema):
        wanted = "str" if one.get("x-kubernetes-int-or-string") else types[one["type"]]
        assert (option(ours[path])["type"], option(ours[path]).get("choices")) == (wanted, one.get("enum")), path


def test_bounds_are_those_of_the_definition(schema: Schema) -> None:
    ours = our_paths()
    bounded = [
        (ours[path], limit, step)
        for path, one in leaves(schema)
        for limit, step in ((one.get("minimum"), -1), (one.get("maximum"), 1))
        if limit is not None
    ]
    assert len(bounded) == 10

    for dotted, limit, step in bounded:
        parse_settings(nested(dotted, limit))
        with pytest.raises(WrongInput, match=dotted.rpartition(".")[2]):
            parse_settings(nested(dotted, limit + step))


def nested(dotted: str, value: Any) -> dict[str, Any]:
    """The module's options with this one alone."""
    found = value
    for step in reversed(dotted.split(".")):
        found = {step: found}
    return dict(found)


@pytest.mark.parametrize(
    "experimental",
    [{"compression": "zstd", "downtime_tuning": TUNING}, {"compression": "none", "stall_detector": DETECTOR}],
    ids=["tuning", "detector"],
)
def test_a_real_definition_keeps_what_is_written_and_a_second_run_changes_nothing(
    real_server: Cluster, experimental: dict[str, Any]
) -> None:
    wanted = {**EVERYTHING, "experimental": experimental, "purge": True}
    done = keep(real_server, **wanted)
    stored = spec_of(real_server)

    assert stored == done["after"]
    assert not keep(real_server, **wanted)["changed"]
    again = keep(real_server, **done["undo"])
    assert again["changed"]
    assert keep(real_server, **again["undo"])["after"] == stored
    keep(real_server, name="db", state="absent")


def test_the_options_above_are_all_there_are() -> None:
    told = {"name", "experimental", *SELECTOR_OPTIONS, *OPTIONS}
    suboptions = SPEC["experimental"]["options"]

    assert {*EVERYTHING, "experimental"} == told
    assert (set(TUNING), set(DETECTOR)) == (
        set(suboptions["downtime_tuning"]["options"]),
        set(suboptions["stall_detector"]["options"]),
    )
