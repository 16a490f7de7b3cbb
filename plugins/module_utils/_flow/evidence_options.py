# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of migration_evidence.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.bundle_files import check_target
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = ["EVIDENCE_SPEC", "LOG_BYTES", "MAX_BYTES", "EvidenceOptions", "parse_evidence", "progress_source"]

MAX_BYTES: Final = 50 * 2**20
LOG_BYTES: Final = 256 * 2**10
_MOST_LOG_BYTES: Final = 16 * 2**20
EVIDENCE_SPEC: Final[dict[str, dict[str, Any]]] = {
    "path": {"type": "path", "required": True},
    "redact": {"type": "bool", "default": True},
    "redact_service_accounts": {"type": "bool", "default": False},
    "pseudonyms": {"type": "bool", "default": False},
    # A path, and no secret.
    "pseudonym_key_file": {"type": "path", "no_log": False},
    "max_bytes": {"type": "int", "default": MAX_BYTES},
    "log_bytes": {"type": "int", "default": LOG_BYTES},
}


@dataclass(frozen=True)
class EvidenceOptions:
    """What becomes of the evidence. `key_file` is "" without pseudonyms."""

    path: str
    redact: bool = True
    accounts: bool = False
    key_file: str = ""
    max_bytes: int = MAX_BYTES
    log_bytes: int = LOG_BYTES


def parse_evidence(params: Mapping[str, Any], /) -> EvidenceOptions:
    """Raises WrongInput for what cannot be meant, before anything is read."""
    path = str(params.get("path") or "")
    if not path:
        raise WrongInput("path: say where the bundle goes, a folder or a name ending in .tar.gz.")
    check_target(path)
    options = EvidenceOptions(
        path=path,
        redact=params.get("redact") is not False,
        accounts=bool(params.get("redact_service_accounts")),
        key_file=_key_file(params, path),
        max_bytes=_number(params, "max_bytes", default=MAX_BYTES, least=2**20, most=4 * 2**30),
        log_bytes=_number(params, "log_bytes", default=LOG_BYTES, least=0, most=_MOST_LOG_BYTES),
    )
    if options.accounts and not options.redact:
        raise WrongInput("redact_service_accounts: with redact: false nothing is redacted.")
    return options


def progress_source(params: Mapping[str, Any], /) -> str:
    """Where the bundle's metrics come from, as the option `progress` of migration_info says it."""
    source = str(params.get("progress") or "auto")
    if source != "auto":
        return source
    return "prometheus" if params.get("prometheus") else "virt_handler"


def _key_file(params: Mapping[str, Any], path: str) -> str:
    wanted, key_file = bool(params.get("pseudonyms")), str(params.get("pseudonym_key_file") or "")
    if wanted and not key_file:
        raise WrongInput("pseudonyms: give pseudonym_key_file too; it alone leads back to the names.")
    if not wanted:
        return ""
    key, bundle = Path(key_file).resolve(), Path(path).resolve()
    if key == bundle or key.is_relative_to(bundle):
        raise WrongInput("pseudonym_key_file: it lies in the bundle; keep it apart, as it leads back to the names.")
    return key_file


def _number(params: Mapping[str, Any], option: str, *, default: int, least: int, most: int) -> int:
    value = params.get(option)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise WrongInput(f"{option}: {value!r} is no number of bytes between {least} and {most}.")
    return value
