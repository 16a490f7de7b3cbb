# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of options that several modules have is the argument spec in other words."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.doc_fragments import prometheus
from ansible_collections.kubevirt_ops.live_migration.plugins.doc_fragments.auth import ModuleDocFragment
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import PROMETHEUS_SPEC

OPTIONS = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]


def plain(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec or a documented option without what only one of them has."""
    kept = {key: spec[key] for key in ("type", "aliases", "default", "elements") if key in spec}
    inner = spec.get("options") or spec.get("suboptions") or {}
    return {**kept, "options": {name: plain(one) for name, one in inner.items()}}


def test_auth_fragment_documents_every_option_and_no_other() -> None:
    assert list(OPTIONS) == list(AUTH_SPEC)


def test_prometheus_fragment_says_what_the_spec_says() -> None:
    documented = yaml.safe_load(prometheus.ModuleDocFragment.DOCUMENTATION)["options"]

    assert list(documented) == ["prometheus"]
    assert plain(documented["prometheus"]) == plain({"type": "dict", "options": PROMETHEUS_SPEC})


@pytest.mark.parametrize("name", AUTH_SPEC)
def test_auth_fragment_says_what_the_spec_says(name: str) -> None:
    assert plain(OPTIONS[name]) == plain(AUTH_SPEC[name])


@pytest.mark.parametrize("name", [name for name in AUTH_SPEC if name not in ("request_timeout", "proxy_headers")])
def test_auth_fragment_names_every_variable(name: str) -> None:
    text = " ".join(OPTIONS[name]["description"])
    variables = {f"E(K8S_AUTH_{one.upper()})" for one in (name, *AUTH_SPEC[name].get("aliases", ()))}

    assert {variable for variable in variables if variable not in text} == set()
