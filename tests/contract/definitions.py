# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CustomResourceDefinitions as plain data: where they lie, what they promise, and where two of them differ.

Schemas and descriptions are left out of the comparison on purpose: ours are minimal. What a schema accepts is checked
on a running API server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["FOLDER_VARIABLE", "OURS", "differences", "folder_from", "load", "promises"]

FOLDER_VARIABLE = "LIVE_MIGRATION_CRDS"
OURS = Path(__file__).resolve().parent.parent / "cluster" / "crds"

Definition = Mapping[str, Any]


def folder_from(environ: Mapping[str, str]) -> tuple[Path | None, str, bool]:
    """The folder of the real definitions, else why there is none, and whether that is a failure.

    Off CI a missing folder is a reason to skip; on CI (variable CI set) it is a failure, since a contract that is
    never checked protects nobody.
    """
    named = environ.get(FOLDER_VARIABLE, "")
    if not named:
        return None, f"{FOLDER_VARIABLE} names no folder with the real CustomResourceDefinitions", _on_ci(environ)
    folder = Path(named).expanduser().resolve()
    if not folder.is_dir() or not load(folder):
        return None, f"{FOLDER_VARIABLE}={named}: no CustomResourceDefinition lies there", _on_ci(environ)
    return folder, "", False


def _on_ci(environ: Mapping[str, str]) -> bool:
    return environ.get("CI", "").lower() not in ("", "0", "false")


def load(folder: Path) -> dict[str, Definition]:
    """The CustomResourceDefinitions of a folder's YAML files by name, an empty mapping where there are none."""
    return {
        found["metadata"]["name"]: found for path in sorted(folder.glob("*.y*ml")) for found in _definitions_in(path)
    }


def _definitions_in(path: Path) -> Iterator[Definition]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the real files hold 2.5 MB: five seconds without libyaml
    for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=loader):
        if isinstance(document, Mapping) and document.get("kind") == "CustomResourceDefinition":
            yield document


def promises(definition: Definition) -> dict[str, Any]:
    """What a definition promises its users, as flat keys, with the API server's defaults filled in."""
    spec = definition["spec"]
    names = spec["names"]
    found: dict[str, Any] = {
        "group": spec["group"],
        "scope": spec["scope"],
        "conversion": spec.get("conversion") or {"strategy": "None"},
        "preserveUnknownFields": spec.get("preserveUnknownFields", False),
        "names.plural": names["plural"],
        "names.singular": names.get("singular") or names["kind"].lower(),
        "names.kind": names["kind"],
        "names.listKind": names.get("listKind") or names["kind"] + "List",
        "names.shortNames": names.get("shortNames", []),
        "names.categories": names.get("categories", []),
        "versions": [version["name"] for version in spec["versions"]],
    }
    for version in spec["versions"]:
        found.update(_version_promises(version))
    return found


def _version_promises(version: Mapping[str, Any]) -> dict[str, Any]:
    prefix = f"versions.{version['name']}"
    columns = [
        {key: value for key, value in column.items() if key != "description" and value not in (None, 0, "")}
        for column in version.get("additionalPrinterColumns", [])
    ]
    return {
        f"{prefix}.served": version["served"],
        f"{prefix}.storage": version["storage"],
        f"{prefix}.deprecated": version.get("deprecated", False),
        f"{prefix}.deprecationWarning": version.get("deprecationWarning"),
        f"{prefix}.subresources": version.get("subresources") or {},
        f"{prefix}.additionalPrinterColumns": columns,
        f"{prefix}.selectableFields": version.get("selectableFields", []),
    }


def differences(ours: Mapping[str, Definition], real: Mapping[str, Definition]) -> list[str]:
    """One sentence for each promise in which the two sets of definitions differ; empty when they agree."""
    found = [f"{name}: ours only" for name in sorted(set(ours) - set(real))]
    found += [f"{name}: real only" for name in sorted(set(real) - set(ours))]
    for name in sorted(set(ours) & set(real)):
        here, there = promises(ours[name]), promises(real[name])
        found += [
            f"{name}: {key}: ours {here.get(key)!r}, real {there.get(key)!r}"
            for key in sorted(set(here) | set(there))
            if here.get(key) != there.get(key)
        ]
    return found
