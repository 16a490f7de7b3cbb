# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the figures of copies, running or to come, where the option `progress` asks for them.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.dirty_rate_reads import (
    DirtyRates,
    read_dirty_rates,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.progress_reads import (
    ProgressReading,
    read_from_handlers,
    read_from_prometheus,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import (
    Prometheus,
    PrometheusSettings,
    prometheus_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import copies_of

__all__ = ["SOURCES", "check_progress", "look_at_dirty_rates", "look_at_progress"]

SOURCES = ("none", "prometheus", "virt_handler")


def check_progress(params: Mapping[str, Any], *, sources: Sequence[str] = SOURCES) -> str:
    """Where progress is to be read from. Raises WrongInput or ConfigError for options that cannot be used, before
    anything is read."""
    source = params.get("progress") or "none"
    if source not in sources:
        raise WrongInput(f"progress: {source!r} is none of {', '.join(sources)}.")
    if source == "prometheus":
        _settings(params)
    return str(source)


def look_at_progress(
    client: Client, snapshot: Snapshot, params: Mapping[str, Any], /, *, clock: Clock, namespaces: Sequence[str]
) -> ProgressReading:
    """The figures of the copies that run, in at most two requests for one VM; nothing is asked where none runs."""
    source, copies = check_progress(params), copies_of(snapshot)
    if source == "none" or not copies:
        return ProgressReading()
    wanted = {(copy.namespace, copy.vm): copy.source_node for copy in copies}
    if source == "virt_handler":
        return read_from_handlers(client, snapshot, wanted, clock=clock)
    prometheus = Prometheus(_settings(params))
    try:
        return read_from_prometheus(prometheus, wanted, namespaces=namespaces, read_at=snapshot.read_at)
    finally:
        prometheus.close()


def look_at_dirty_rates(
    params: Mapping[str, Any], /, *, wanted: Collection[tuple[str, str]], namespaces: Sequence[str]
) -> DirtyRates:
    """How fast these VMs, (namespace, name), write to their memory; nothing is asked unless progress is prometheus."""
    if params.get("progress") != "prometheus" or not wanted:
        return DirtyRates()
    prometheus = Prometheus(_settings(params))
    try:
        return read_dirty_rates(prometheus, wanted, namespaces=namespaces)
    finally:
        prometheus.close()


def _settings(params: Mapping[str, Any]) -> PrometheusSettings:
    return prometheus_settings(params, environ=os.environ)
