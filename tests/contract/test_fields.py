# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field that the collection reads is one that the API describes, in each version that is served."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.contract.resources import body_of
from tests.contract.schemas import Schemas

FACTS = Path(__file__).parents[2] / "plugins" / "module_utils" / "_facts"
PACKAGE = "ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts"


def _registered() -> list[tuple[str, str]]:
    """Kind and path of every field that the room of facts declares, all its modules imported."""
    for path in sorted(FACTS.glob("*.py")):
        importlib.import_module(f"{PACKAGE}.{path.stem}")
    fields = importlib.import_module(f"{PACKAGE}.fields")
    return [(field.kind, field.path) for field in fields.registered()]


@pytest.fixture(scope="module")
def schemas(real_server: Cluster) -> Schemas:
    # The index alone comes as text/plain, so nobody has decoded it yet.
    paths: dict[str, Any] = json.loads(body_of(real_server, "/openapi/v3"))["paths"]
    groups = [place for place in paths if place == "api/v1" or (place.startswith("apis/") and place.count("/") == 2)]
    return Schemas({place: body_of(real_server, f"/openapi/v3/{place}") for place in groups})


def test_every_field_that_is_read_is_described(schemas: Schemas) -> None:
    fields = _registered()
    assert {kind for kind, _path in fields} >= {
        "VirtualMachineInstanceMigration",
        "VirtualMachineInstance",
        "Pod",
        "Node",
    }

    assert [problem for kind, path in fields for problem in schemas.problems(kind, path)] == []


@pytest.mark.parametrize(
    ("kind", "path", "places"),
    [
        ("VirtualMachineInstanceMigration", "status.phase", 2),
        ("VirtualMachineInstance", "status.migrationState.migrationUid", 2),
        ("KubeVirt", "spec.configuration.migrations.progressTimeout", 2),
        ("MigrationPolicy", "spec.selectors.namespaceSelector.*", 1),
        ("Node", "status.conditions[].type", 1),
        ("Pod", "metadata.labels.*", 1),
        ("Event", "involvedObject.uid", 1),
        ("Lease", "spec.renewTime", 1),
    ],
)
def test_a_right_path_is_found_and_a_misspelt_one_is_not(schemas: Schemas, kind: str, path: str, places: int) -> None:
    assert schemas.problems(kind, path) == []
    assert len(schemas.problems(kind, path + "x")) == places
