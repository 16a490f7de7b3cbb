# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""README.md of a bundle: for whoever gets it and knows nothing of it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.bundle import COLLECTION, MANIFEST
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.bundle import File

__all__ = ["README", "render_readme"]

README = "README.md"
_ROWS = (
    ("`report.json`", "the verdicts with their evidence, as `migration_report` writes and reads it"),
    ("`migrations/NAMESPACE/VM/`", "one VM: migration, VMI, pods, events, policy, configuration, metrics, diagnosis"),
    ("`runbook/`", "allocatable resources and conditions of each worker, as the alert's runbook asks for them"),
    (
        "`cluster-scoped-resources/`, `namespaces/`",
        "the objects and logs, where must-gather and `oc adm inspect` put them",
    ),
    ("`versions.json`", "of Kubernetes, KubeVirt and this collection"),
    (f"`{MANIFEST}`", "each file with its SHA-256, what was read, what could not be read, what was left out"),
)


def render_readme(*, summary: str, said: Mapping[str, Any], left_out: Sequence[File], not_read: Sequence[str]) -> File:
    """The page. `summary` is the first sentence of the diagnosis."""
    rows = "\n".join(f"| {name} | {what} |" for name, what in _ROWS)
    text = f"""# Evidence on live migrations

{summary}

Taken by {COLLECTION} from one look at the cluster; all ages are as of {said["read_at"]}.

| what | where it comes from |
|---|---|
{rows}

The same verdicts come from these files, with no cluster:

    ansible-playbook {COLLECTION}.diagnose -e src=THIS_FOLDER_OR_TARBALL

{_confidential(said)}

{_lacking("Could not be read:", not_read)}
{_lacking("Left out, as the bundle would have become too large:", [file.path for file in left_out])}"""
    return File(README, text.rstrip("\n") + "\n")


def _confidential(said: Mapping[str, Any]) -> str:
    if not said["redacted"]:
        return "**Nothing was redacted: it may hold passwords and keys. Do not hand it on.**"
    names = " Names of VMs, nodes and namespaces are pseudonyms." if said["pseudonyms"] else ""
    return (
        "Cloud-init data, sysprep, access credentials, keys, tokens, values of environment variables and "
        f"last-applied annotations say `<redacted>`. Secrets were never read.{names}"
    )


def _lacking(head: str, entries: Sequence[str]) -> str:
    return "\n".join([head, "", *(f"- {entry}" for entry in entries), ""]) if entries else ""
