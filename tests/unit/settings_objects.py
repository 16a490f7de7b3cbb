# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that own the migration settings, and random settings for properties."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import (
    ANNOTATION,
    FORMS,
    KIND,
    NAME,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import Found, Target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import SETTINGS

BASE = "/spec/configuration/migrations"
MARK = {"app.kubernetes.io/managed-by": "hco-operator"}
_VALUES = {
    "a boolean": st.booleans(),
    "an integer": st.integers(0, 1000),
    "a quantity": st.sampled_from(["0", "64Mi", "1024Mi", "1Gi"]),
    "a string": st.sampled_from(["a", "b"]),
}
OWN = tuple(setting for setting in SETTINGS if setting.in_hyperconverged)
SETTABLE = tuple(setting for setting in SETTINGS if setting.in_kubevirt)


def a_kubevirt(configuration: Any = None, *, name: str = "kubevirt", marked: bool = False) -> Found:
    metadata = {"name": name, "namespace": "kubevirt", "uid": "u-1", "resourceVersion": "7"}
    spec = {} if configuration is None else {"configuration": configuration}
    obj = {"kind": "KubeVirt", "metadata": {**metadata, **({"labels": MARK} if marked else {})}, "spec": spec}
    return Found(obj, f"/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/{name}")


def a_hyperconverged(
    config: Any = None, *, annotation: str | None = None, version: str = "v1", **metadata: Any
) -> Found:
    meta: dict[str, Any] = {"name": NAME, "namespace": "hco", "uid": "u-2", "resourceVersion": "8", **metadata}
    if annotation is not None:
        meta["annotations"] = {ANNOTATION: annotation}
    spec: dict[str, Any] = {}
    place = spec
    for step in FORMS[version][1:-1]:
        place = place.setdefault(step, {})
    place[FORMS[version][-1]] = {} if config is None else config
    return Found({"kind": KIND, "metadata": meta, "spec": spec}, f"/apis/hco.kubevirt.io/{version}/x")


def on_kubevirt(configuration: Any = None, **known: Any) -> Target:
    found = a_kubevirt(configuration)
    return Target("KubeVirt", found=found, kubevirt=found, **known)


def on_hyperconverged(config: Any = None, *, annotation: Any = None, version: str = "v1", **known: Any) -> Target:
    text = annotation if annotation is None or isinstance(annotation, str) else json.dumps(annotation)
    found = a_hyperconverged(config, annotation=text, version=version)
    return Target(KIND, found=found, kubevirt=a_kubevirt(marked=True), version=version, **known)


def add(name: str, value: Any, *, op: str = "add") -> dict[str, Any]:
    return {"op": op, "path": f"{BASE}/{name}", "value": value}


def settings(of: Any = SETTABLE) -> st.SearchStrategy[dict[str, Any]]:
    """Some settings with values of their kind."""
    return st.fixed_dictionaries({}, optional={setting.name: _VALUES[setting.wanted] for setting in of})
