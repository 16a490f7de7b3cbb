# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths in the sample for kube-state-metrics lead to fields of KubeVirt's own definition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

SAMPLE = Path(__file__).parents[2] / "docs" / "alerts" / "kube-state-metrics.yml"
KIND = "virtualmachineinstancemigrations.kubevirt.io"
# The API server's, described in no definition.
METADATA = {"namespace", "name", "creationTimestamp"}


def paths() -> list[list[str]]:
    (resource,) = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))["spec"]["resources"]
    found = list(resource["labelsFromPath"].values())
    for one in resource["metrics"]:
        each = one["each"].get("gauge") or one["each"]["info"]
        found += [each["path"]] if "path" in each else list(each["labelsFromPath"].values())
    return found


@pytest.fixture
def schema(real_definitions: Mapping[str, Mapping[str, Any]]) -> Any:
    (version,) = (one for one in real_definitions[KIND]["spec"]["versions"] if one["name"] == "v1")
    return version["schema"]["openAPIV3Schema"]


def leads_to(schema: Any, path: list[str], /) -> Any:
    """The schema there; None where the path leads nowhere. `[key=value]` picks an item of a list."""
    for step in path:
        if step.startswith("["):
            items = schema.get("items")
            key = step[1:-1].partition("=")[0]
            schema = items if items and key in items["properties"] else None
        else:
            schema = schema.get("properties", {}).get(step)
        if schema is None:
            return None
    return schema


@pytest.mark.parametrize("path", paths(), ids=".".join)
def test_each_path_is_a_field(schema: Any, path: list[str]) -> None:
    if path[0] == "metadata":
        assert path[1] in METADATA
        return
    assert leads_to(schema, path)["type"] == "string"
    assert leads_to(schema, [*path[:-1], f"{path[-1]}x"]) is None


def test_there_are_paths() -> None:
    assert len(paths()) == 6
