# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States that KubeVirt's own controllers wrote, recorded in the folder that LIVE_MIGRATION_CAPTURES names.

A capture is a folder with objects.json (a v1 List), meta.json (captured_at) and expected.yml. It is judged at
captured_at, after the times of the migration, of its target pod and of their events were moved back by age_seconds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.filter.stuck_migrations import stuck_migrations
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import (
    format_timestamp,
    parse_timestamp,
)

VARIABLE = "LIVE_MIGRATION_CAPTURES"
FOLDER = Path(os.environ.get(VARIABLE) or "/nowhere")
STATES = sorted(path.parent.name for path in FOLDER.glob("*/expected.yml"))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")

Object = dict[str, Any]


def missing() -> str:
    """Why there are no states, "" where there are."""
    if not os.environ.get(VARIABLE):
        return f"{VARIABLE} is not set: no recorded states of KubeVirt's own controllers"
    return "" if STATES else f"{VARIABLE} names {FOLDER}, where there are no recorded states"


def older(value: Any, seconds: int) -> Any:
    """`value` with every time in it that much earlier."""
    moved = TIME.sub(lambda found: _earlier(found.group(), seconds), json.dumps(value))
    return json.loads(moved)


def _earlier(text: str, seconds: int) -> str:
    moment = parse_timestamp(text)
    assert moment is not None
    return format_timestamp(moment - timedelta(seconds=seconds))


class Capture:
    """One recorded state."""

    def __init__(self, name: str) -> None:
        self.expected = yaml.safe_load((FOLDER / name / "expected.yml").read_text())
        self.captured_at = json.loads((FOLDER / name / "meta.json").read_text())["captured_at"]
        self.objects: list[Object] = json.loads((FOLDER / name / "objects.json").read_text())["items"]

    def kind(self, kind: str) -> list[Object]:
        return [item for item in self.objects if item["kind"] == kind]

    @property
    def subject(self) -> Object:
        """The migration it is about: the one that waits where another runs."""
        found = self.kind("VirtualMachineInstanceMigration")
        return min(found, key=lambda item: item["status"]["phase"] != "Pending")

    def age(self) -> None:
        """Move what belongs to the subject back."""
        about = {self.subject["metadata"]["uid"]}
        labels = {item["metadata"]["uid"]: item["metadata"].get("labels", {}) for item in self.kind("Pod")}
        about |= {uid for uid, found in labels.items() if found.get("kubevirt.io/migrationJobUID") in about}
        seconds = self.expected["age_seconds"]
        self.objects = [older(item, seconds) if _uids(item) & about else item for item in self.objects]
        self._age_copy(seconds)

    def _age_copy(self, seconds: int) -> None:
        """The copy's own times stand in the VMI."""
        for vmi in self.kind("VirtualMachineInstance"):
            state = vmi["status"].get("migrationState", {})
            if state.get("migrationUid") == self.subject["metadata"]["uid"]:
                vmi["status"]["migrationState"] = older(state, seconds)

    def judge(self, *, all_pods: bool = False) -> dict[str, Object]:
        """Entries by the migration's name. `all_pods`: the recorded pods are all there are."""
        found = stuck_migrations(
            self.kind("VirtualMachineInstanceMigration"),
            self.kind("VirtualMachineInstance"),
            self.captured_at,
            pods=self.kind("Pod"),
            nodes=self.kind("Node"),
            kubevirt=self.kind("KubeVirt")[0],
            events=self.kind("Event"),
            leases=self.kind("Lease"),
            include_all=True,
            all_pods=all_pods,
        )
        return {entry["name"]: entry for entry in found}


def _uids(item: Object) -> set[str]:
    return {item["metadata"]["uid"], item.get("involvedObject", {}).get("uid", "")}


def test_recorded_states_are_there() -> None:
    reason = missing()
    if reason and not os.environ.get("CI"):
        pytest.skip(reason)

    assert reason == ""


NO_STATES = [pytest.param("", marks=pytest.mark.skip(reason=missing()))]


@pytest.fixture(params=[*map(pytest.param, STATES)] or NO_STATES)
def capture(request: pytest.FixtureRequest) -> Capture:
    found = Capture(request.param)
    found.age()
    return found


@pytest.mark.parametrize("all_pods", [False, True], ids=["some pods", "all pods"])
def test_state_is_judged_as_recorded(capture: Capture, all_pods: bool) -> None:
    entry = capture.judge(all_pods=all_pods)[capture.subject["metadata"]["name"]]

    found = {"verdict": entry["verdict"], "stuck": entry["stuck"], "origin": entry["origin"]}
    assert found == {key: capture.expected[key] for key in found}
    assert entry["cause"] == (capture.expected["first_cause"] or "")


def test_other_migrations_of_a_state_progress(capture: Capture) -> None:
    others = {name: entry for name, entry in capture.judge().items() if name != capture.subject["metadata"]["name"]}

    assert {entry["verdict"] for entry in others.values()} <= {"progressing"}


@pytest.mark.parametrize("change", [list.reverse, lambda items: items.sort(key=str)], ids=["reversed", "sorted"])
def test_order_of_the_objects_says_nothing(capture: Capture, change: Callable[[list[Object]], None]) -> None:
    before = capture.judge()
    change(capture.objects)

    assert capture.judge() == before
