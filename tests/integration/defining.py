# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition of migrations as another release of KubeVirt has it, for tests of what is missing there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any

from tests.cluster import Cluster
from tests.integration.simulated import done

__all__ = ["versions_of", "without"]

DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualmachineinstancemigrations.kubevirt.io"

Object = dict[str, Any]


def versions_of(cluster: Cluster) -> list[Object]:
    """The versions of the definition, in their order."""
    return list(done(cluster.request("GET", DEFINITION))["spec"]["versions"])


@contextmanager
def without(cluster: Cluster, parts: Mapping[str, Any], *, is_served: Callable[[], bool | None]) -> Iterator[None]:
    """The definition lacks these parts (JSON pointer -> value), and then has them again. `is_served` says whether the
    API server goes by them, and None where it has no answer for a moment."""
    _change(cluster, [{"op": "remove", "path": path} for path in parts])
    _wait_until(is_served, wanted=False)
    yield
    _change(cluster, [{"op": "add", "path": path, "value": value} for path, value in parts.items()])
    _wait_until(is_served, wanted=True)


def _change(cluster: Cluster, operations: list[Object]) -> None:
    kind = {"Content-Type": "application/json-patch+json"}
    done(cluster.request("PATCH", DEFINITION, body=operations, headers=kind))


def _wait_until(is_served: Callable[[], bool | None], *, wanted: bool) -> None:
    """What the API server says of a changed definition takes a moment."""
    for _attempt in range(400):
        if is_served() is wanted:
            return
        Event().wait(0.05)
    raise AssertionError("the API server does not go by the changed definition")
