# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_evidence: diagnose, remember what was read, read what helps others, and write it as one bundle.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.bundle_files import (
    load_key,
    save_key,
    write_bundle,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.evidence_reads import (
    MOST_INVOLVED,
    Involved,
    containers_of,
    read_more,
    read_versions,
    silent_nodes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.log_reads import Container, read_logs
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.recording import (
    Recording,
    RecordingClient,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.bundle import COLLECTION, SCOPE
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage, Rule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.timestamp import parse_timestamp
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.version import VERSION
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow import (
    migration_info,
    node_health_info,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.evidence_options import (
    EvidenceOptions,
    parse_evidence,
    progress_source,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.bundle import (
    File,
    Log,
    Material,
    render_files,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.manifest import (
    choose_files,
    reads_as_data,
    render_manifest,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.pseudonyms import (
    Pseudonyms,
    words_of_keys,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.readme import render_readme
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.redact import redact_object
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import EMPTY_ACT

__all__ = ["run"]

_RULE: Final = ("verb", "group", "resource", "namespace")
_SUSPECT: Final = frozenset({"blocked", "stalled", "overdue", "late", "unknown"})
_MIGRATION, _NODE = KINDS["kubevirt.io", "VirtualMachineInstanceMigration"], KINDS["", "Node"]


@dataclass(frozen=True)
class _Look:
    """All that was read. `problems` are sentences on what could not be besides what the diagnosis misses, `rules` those
    that would show it, and `requests` what it cost, placement apart."""

    diagnosis: dict[str, Any]
    nodes: dict[str, Any] | None
    recording: Recording
    progress: Mapping[tuple[str, str], Progress]
    logs: Sequence[Log]
    versions: Mapping[str, Any]
    problems: Sequence[str]
    rules: Sequence[Rule]
    requests: int


def run(client: Client, params: Mapping[str, Any], clock: Clock, /, *, check_mode: bool = False) -> dict[str, Any]:
    """The result of migration_evidence for the module's `params`; in check mode nothing is written.

    Raises what migration_info raises, and WrongInput where the bundle cannot be written, or would be too large even
    without what may be left out.
    """
    options = parse_evidence(params)
    params = {**params, "progress": progress_source(params)}
    look = _look(RecordingClient(client), params, clock, log_bytes=options.log_bytes)
    key, known = load_key(options.key_file) if options.key_file else (b"", {})
    pseudonyms = Pseudonyms(_names(look), key=key, words=words_of_keys(look.recording.objects.values()))
    treat = _treatment(options, pseudonyms)
    files, left_out = _files(look, params, options=options, treat=treat, kept=pseudonyms.kept)
    read_at = parse_timestamp(look.diagnosis["read_at"])
    if not check_mode and read_at is not None:
        if options.key_file:
            save_key(options.key_file, key=key, names={**known, **pseudonyms.table})
        write_bundle(options.path, {file.path: file.text for file in files}, read_at=read_at)
    return {
        "changed": True,
        "path": options.path,
        "read_at": look.diagnosis["read_at"],
        "files": [{"path": file.path, "bytes": file.size} for file in files],
        "left_out": [{"path": file.path, "bytes": file.size} for file in left_out],
        "not_read": [treat(text) for text in look.problems],
        "size_bytes": sum(file.size for file in files),
        "diagnosis": treat(look.diagnosis),
        "summary": look.diagnosis["summary"],
        "coverage": _coverage(look),
        **EMPTY_ACT,
        "notes": look.diagnosis.get("notes", []),
    }


def _coverage(look: _Look) -> dict[str, Any]:
    """What the diagnosis misses and the rest of the evidence, and what both cost."""
    given = look.diagnosis["coverage"]
    missing = (Rule(*(one[key] for key in _RULE)) for one in given["missing"])
    found = Coverage(requests=look.requests).adding([*missing, *look.rules]).to_result()
    return {**found, **{key: given[key] for key in ("requests_for_placement", "requests_to_prometheus")}}


# -- reading


def _look(client: RecordingClient, params: Mapping[str, Any], clock: Clock, *, log_bytes: int) -> _Look:
    progress: dict[tuple[str, str], Progress] = {}
    diagnosis = migration_info.run(client, params, clock, measured=progress)
    involved = _involved(diagnosis["migrations"], is_named=bool(params.get("vms")))
    nodes, refused = _nodes(client, clock)
    problems = [*(f"nodes: {error}" for error in refused), *read_more(client, involved)]
    logs, unread = _logs(client, involved, log_bytes=log_bytes) if log_bytes else ([], {})
    return _Look(
        diagnosis=diagnosis,
        nodes=nodes,
        recording=client.recording,
        progress=progress,
        logs=logs,
        versions={**read_versions(client), "collection": VERSION},
        problems=[*problems, *_unmeasured(progress), *(f"{log}: {_why(error)}" for log, error in unread.items())],
        rules=[error.rule for error in (*refused, *unread.values()) if isinstance(error, Forbidden)],
        requests=client.requests - diagnosis["coverage"]["requests_for_placement"],
    )


def _why(error: ClusterError | str) -> str:
    return error if isinstance(error, str) else error.reason or type(error).__name__


def _unmeasured(progress: Mapping[tuple[str, str], Progress]) -> list[str]:
    return [
        f"metrics of {namespace}/{vm}: {one.problem}"
        for (namespace, vm), one in sorted(progress.items())
        if one.problem
    ]


def _logs(
    client: RecordingClient, involved: Involved, *, log_bytes: int
) -> tuple[list[Log], dict[str, ClusterError | str]]:
    """The ends of logs, and why others could not be read, by which that is."""
    containers, silent = containers_of(client, involved), silent_nodes(client)
    texts = read_logs(client, [one for one in containers if one.node not in silent], log_bytes=log_bytes)
    unread: dict[Container, ClusterError | str] = {
        one: f"node {one.node} does not answer" for one in containers if one.node in silent
    }
    unread |= {one: error for one, error in texts.items() if isinstance(error, ClusterError)}
    logs = [
        Log(one.namespace, one.pod, one.name, text) for one, text in texts.items() if not isinstance(text, ClusterError)
    ]
    return logs, {f"log of {one.namespace}/{one.pod} ({one.name})": unread[one] for one in sorted(unread)}


def _involved(entries: Sequence[Mapping[str, Any]], *, is_named: bool) -> Involved:
    """The worst ones: entries come worst first."""
    found = [entry for entry in entries if is_named or entry["verdict"] in _SUSPECT][:MOST_INVOLVED]
    return Involved(
        migrations=tuple((entry["namespace"], entry["name"], entry["uid"]) for entry in found),
        vms=tuple(dict.fromkeys((entry["namespace"], entry["vm"]) for entry in found if entry["vm"])),
        nodes=frozenset({entry[end] for entry in found for end in ("source_node", "target_node")} - {""}),
    )


def _nodes(client: RecordingClient, clock: Clock) -> tuple[dict[str, Any] | None, list[Forbidden]]:
    """All nodes that run VMs, and their virt-handlers; None where nodes may not be read."""
    try:
        return node_health_info.run(client, {}, clock), []
    except Forbidden as error:
        return None, [error]


def _names(look: _Look) -> dict[str, str]:
    """Names of VMs, nodes and namespaces of VMs, each with what it is; of one that is several the first counts."""
    nodes = {name for kind, _namespace, name in look.recording.objects if kind == _NODE}
    entries = look.diagnosis["migrations"]
    nodes |= {entry[end] for entry in entries for end in ("source_node", "target_node")}
    keys = {(entry["namespace"], entry["vm"]) for entry in entries}
    for (kind, namespace, name), obj in look.recording.objects.items():
        if kind == _MIGRATION:
            keys.add((namespace, str((obj.get("spec") or {}).get("vmiName") or "")))
        elif kind.group == "kubevirt.io" and kind.plural.startswith("virtualmachine"):
            keys.add((namespace, name))
    found = {
        **{vm: "vm" for _namespace, vm in keys},
        **{namespace: "namespace" for namespace, _vm in keys},
        **dict.fromkeys(nodes, "node"),
    }
    found.pop("", None)
    return found


# -- writing


def _treatment(options: EvidenceOptions, pseudonyms: Pseudonyms) -> Callable[[Any], Any]:
    def treat(value: Any) -> Any:
        clean = redact_object(value, accounts=options.accounts) if options.redact else value
        return pseudonyms.apply(clean) if options.key_file else clean

    return treat


def _files(
    look: _Look,
    params: Mapping[str, Any],
    *,
    options: EvidenceOptions,
    treat: Callable[[Any], Any],
    kept: Iterable[str],
) -> tuple[list[File], list[File]]:
    rendered = render_files(
        Material(
            diagnosis=_reported(look.diagnosis),
            nodes=None if look.nodes is None else _reported(look.nodes),
            objects=look.recording.objects,
            progress=look.progress,
            logs=look.logs,
            versions=look.versions,
            meta=_meta(look),
        ),
        treat=treat,
    )
    files, left_out, least = choose_files(rendered, max_bytes=options.max_bytes)
    if not files:
        raise WrongInput(
            f"max_bytes: the objects alone take {least} bytes. Raise it, or ask for fewer namespaces or vms."
        )
    said = _said(look, params, options=options, kept=kept)
    readme = render_readme(
        summary=treat(look.diagnosis["summary"]["text"]), said=said, left_out=left_out, not_read=treat(said["not_read"])
    )
    manifest = render_manifest([*files, readme], left_out=left_out, said=treat(said))
    return sorted([*files, readme, manifest], key=lambda file: file.path), left_out


def _reported(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as a report keeps it."""
    return {key: value for key, value in result.items() if key not in ("changed", "notes")}


def _meta(look: _Look) -> dict[str, str]:
    return {
        "collection": COLLECTION,
        "version": VERSION,
        "generated_at": look.diagnosis["read_at"],
        "title": "Live migrations",
        "headline": look.diagnosis["summary"]["text"],
    }


def _said(look: _Look, params: Mapping[str, Any], *, options: EvidenceOptions, kept: Iterable[str]) -> dict[str, Any]:
    """What the manifest says besides the files."""
    recording = look.recording
    rules = (Rule(*(one[key] for key in _RULE)).sentence() for one in look.diagnosis["coverage"]["missing"])
    return {
        "read_at": look.diagnosis["read_at"],
        "version": VERSION,
        "scope": {name: list(params.get(name) or ()) for name in SCOPE},
        "redacted": options.redact,
        "pseudonyms": bool(options.key_file),
        "names_kept": list(kept) if options.key_file else [],
        "not_read": [*(f"not allowed to {rule}" for rule in dict.fromkeys(rules)), *look.problems],
        "reads": reads_as_data(
            listed=recording.listed,
            unfinished=recording.unfinished(),
            absent=recording.absent,
            refused=recording.refused,
        ),
    }
