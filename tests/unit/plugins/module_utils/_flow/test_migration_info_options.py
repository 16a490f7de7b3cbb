# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of migration_info: each that cannot be used is refused by name, with the way out."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import run

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "namespace in capitals": ({"namespaces": ["Team-A"]}, "namespaces: 'Team-A' is not a name"),
    "namespace with a slash": ({"namespaces": ["a/b"]}, "namespaces: 'a/b' is not a name"),
    "empty namespace": ({"namespaces": [""]}, "namespaces: '' is not a name"),
    "namespace with a line end": ({"namespaces": ["a\n"]}, "is not a name"),
    "number as a namespace": ({"namespaces": [5]}, "namespaces: 5 is not a name"),
    "node with a query": ({"nodes": ["n?x=1"]}, "nodes: 'n?x=1' is not a name"),
    "VM of three parts": ({"vms": ["a/b/c"]}, "vms: 'a/b/c' is neither a VM's name nor namespace/name."),
    "VM without a name": ({"vms": ["team-a/"]}, "vms: 'team-a/' is neither"),
    "VM that climbs": ({"vms": ["../etc"]}, "vms: '../etc' is neither"),
    "number as a VM": ({"vms": [5]}, "vms: 5 is neither"),
    "VM outside": (
        {"vms": ["b/web"], "namespaces": ["a"]},
        "vms: 'b/web' is not in namespaces (a): add its namespace there, or leave namespaces out.",
    ),
    "negative seconds": ({"late_after": -1}, "late_after: -1 is not a number of seconds"),
    "seconds as text": ({"late_after": "300"}, "late_after: '300' is not a number of seconds"),
    "placement of another kind": ({"placement": "always"}, "placement: 'always' is none of auto, never."),
    "yes as seconds": ({"late_after": True}, "late_after: True is not a number of seconds"),
}


@pytest.mark.parametrize("row", WRONG.values(), ids=WRONG.keys())
def test_wrong_option_is_refused_before_anything_is_read(row: tuple[dict[str, Any], str]) -> None:
    params, words = row
    never_used: Client = object.__new__(Client)

    with pytest.raises(WrongInput) as error:
        run(never_used, params, Clock())

    assert words in str(error.value)
