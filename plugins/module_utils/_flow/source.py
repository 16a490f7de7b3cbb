# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a look goes: to the API server, or to the files of a capture.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture import open_capture
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_client import CaptureClient
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.progress_reads import ProgressReading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reads import Scope
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.bundle import SCOPE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.snapshot import Snapshot
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import connect_as_given
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import copies_of

__all__ = ["SRC_SPEC", "as_captured", "captured_progress", "captured_scope", "connect_or_open"]

SRC_SPEC: Final[dict[str, dict[str, Any]]] = {"src": {"type": "path"}}

_MIGRATIONS: Final = KINDS["kubevirt.io", "VirtualMachineInstanceMigration"]
_NOT_GIVEN: Final[tuple[Any, ...]] = (None, "", [], {})
_ENDED: Final = "src: of migrations that have ended the capture holds those of VMs that migrate, and no others."


def connect_or_open(params: Mapping[str, Any], clock: Clock, /) -> Client:
    """The API server that the options name, or the capture in its place.

    How to connect does not count then, whether options, module_defaults or the environment say it. Raises WrongInput
    for a capture that cannot be used, and where somebody else is to be asked besides.
    """
    src = params.get("src")
    if not src:
        return connect_as_given(params, clock)
    if params.get("prometheus") not in _NOT_GIVEN:
        raise WrongInput("src: a look at files asks nobody else; leave out prometheus.")
    if params.get("progress") not in (None, "none"):
        raise WrongInput("src: what was measured is in the capture, or nowhere; leave out progress.")
    return CaptureClient(open_capture(str(src)), src=str(src))


def as_captured(client: Client, params: Mapping[str, Any], /) -> Mapping[str, Any]:
    """`params`; where they name nothing, asking about what the taker of a bundle has asked about."""
    if not isinstance(client, CaptureClient) or any(params.get(name) for name in SCOPE):
        return params
    return {**params, **client.captured.scope}


def captured_scope(client: Client, scope: Scope, /) -> tuple[Scope, list[str]]:
    """`scope`, of a capture of some namespaces these alone, and a note that says so."""
    if not isinstance(client, CaptureClient):
        return scope, []
    notes = [_ENDED] if scope.include_finished and client.captured.unfinished else []
    if scope.namespaces or any(place for place, _name in scope.vms):
        return scope, notes
    namespaces = client.captured.namespaces_of(_MIGRATIONS)
    if not namespaces:
        return scope, notes
    note = f"src: the capture has the migrations of {', '.join(namespaces)} alone; nothing is said of other namespaces."
    return replace(scope, namespaces=namespaces), [*notes, note]


def captured_progress(client: Client, snapshot: Snapshot, /) -> ProgressReading | None:
    """The figures of the copies that run as far as the capture has them, and the rules that were missing when it was
    taken; None where the look is at no capture."""
    if not isinstance(client, CaptureClient):
        return None
    wanted = {(copy.namespace, copy.vm) for copy in copies_of(snapshot)}
    found = {key: progress for key, progress in client.captured.progress.items() if key in wanted}
    return ProgressReading(found, missing=client.captured.missing if wanted else ())
