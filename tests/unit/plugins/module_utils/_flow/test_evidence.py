# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a look goes, what becomes of evidence, and that a mangled capture is an answer and no traceback."""

from __future__ import annotations

import json
import os
import stat
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.bundle_files import (
    load_key,
    save_key,
    write_bundle,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture import open_capture
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_client import (
    CaptureClient,
    NotCaptured,
    asked_of,
    named_in,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadRequest,
    ClusterError,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.log_reads import Container, read_logs
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.captured import (
    Asked,
    Captured,
    by_kind,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import KINDS, kind_of
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow import migration_info, node_health_info
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.evidence_options import (
    parse_evidence,
    progress_source,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.source import connect_or_open
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.bundle import (
    Log,
    Material,
    render_files,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.redact import redact_object
from tests.unit.builders import (
    NOW,
    a_handler,
    a_kubevirt,
    a_launcher,
    a_lease,
    a_migration,
    a_node,
    a_vmi,
    an_event,
)
from tests.unit.mangling import dropped, paths_of, replaced

AT = datetime(2026, 11, 23, 8, 0, tzinfo=timezone.utc)
POLICIES = KINDS["migrations.kubevirt.io", "MigrationPolicy"]


@pytest.mark.parametrize(
    ("params", "source"),
    [
        ({}, "virt_handler"),
        ({"progress": "auto", "prometheus": {"url": "x"}}, "prometheus"),
        ({"progress": "none", "prometheus": {"url": "x"}}, "none"),
    ],
    ids=["nothing", "prometheus_named", "not_wanted"],
)
def test_progress_source_is_measured_unless_that_is_not_wanted(params: dict[str, Any], source: str) -> None:
    assert progress_source(params) == source


# -- the same bytes


def in_reverse(value: Any) -> Any:
    """The same data with its keys the other way round."""
    if isinstance(value, dict):
        return {key: in_reverse(value[key]) for key in reversed(value)}
    return [in_reverse(one) for one in value] if isinstance(value, list) else value


def packed_at(folder: Path, *, order: Any, umask: int) -> bytes:
    folder.mkdir()
    objects = {key: order(obj) for key, obj in zip(KEYS, WORLD, strict=True)}
    diagnosis = order(migration_info.run(a_capture_of(WORLD), {}, Clock()))
    files = render_files(
        Material(diagnosis=diagnosis, nodes=None, objects=order(objects), logs=[Log("a", "b", "c", "x")]),
        treat=redact_object,
    )
    before = os.umask(umask)
    try:
        texts = order({file.path: file.text for file in files})
        write_bundle(str(folder / "x.tar.gz"), texts, read_at=AT)
        write_bundle(str(folder / "x"), texts, read_at=AT)
    finally:
        os.umask(before)
    return (folder / "x.tar.gz").read_bytes()


def test_write_bundle_same_look_is_the_same_bytes_whatever_the_order_the_umask_and_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = packed_at(tmp_path / "one", order=lambda value: value, umask=0o077)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    two = packed_at(tmp_path / "two", order=in_reverse, umask=0)

    assert one == two
    found = [
        sorted(
            (path.relative_to(top).as_posix(), oct(path.stat().st_mode), path.stat().st_mtime)
            for path in top.rglob("*")
            if path.is_file()
        )
        for top in (tmp_path / "one" / "x", tmp_path / "two" / "x")
    ]
    assert found[0] == found[1]
    assert {(mode, moment) for _path, mode, moment in found[0]} == {(oct(0o100600), AT.timestamp())}


# -- where a look goes


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"prometheus": {"url": "x"}}, "leave out prometheus"),
        ({"progress": "virt_handler"}, "leave out progress"),
    ],
    ids=["prometheus", "progress"],
)
def test_connect_or_open_a_capture_and_another_source_are_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(WrongInput, match=named):
        connect_or_open({"src": "/nowhere", **options}, Clock())


def test_connect_or_open_what_says_how_to_connect_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "https://127.0.0.1:1")
    connection = {"request_timeout": 30, "host": "https://127.0.0.1:1", "kubeconfig": "x", "validate_certs": False}

    with pytest.raises(WrongInput, match="cannot be read: No such file"):
        connect_or_open({"src": "/nowhere", "progress": "none", **connection}, Clock())


# -- answers from files


def a_client(**more: Any) -> CaptureClient:
    return CaptureClient(Captured(read_at=NOW, **more), src="x")


def test_capture_client_answers_with_the_errors_of_an_api_server() -> None:
    client = a_client(absent=frozenset({(POLICIES, "", "")}))

    with pytest.raises(NotCaptured) as missing:
        client.get("/api/v1/nodes/a")
    with pytest.raises(ResourceMissing):
        client.list("/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies")
    with pytest.raises(BadRequest, match="cannot be changed"):
        client.write(Write("delete", "/api/v1/nodes/a"))
    assert (missing.value.rule.is_uncaptured, missing.value.status) == (True, 403)
    assert (client.requests, client.server_time) == (0, NOW)


@pytest.mark.parametrize("path", ["/version", "/api/v1/secrets", "/openapi/v3", "/api/v1/namespaces/a/pods/b/log", "/"])
def test_capture_client_what_no_capture_holds_is_not_captured(path: str) -> None:
    client = a_client(listed=(Asked(KINDS["", "Pod"]),))

    for ask in (client.get, client.list):
        with pytest.raises(NotCaptured):
            ask(path)
    assert isinstance(client.get_texts([path], longest=1)[path], NotCaptured)


def test_capture_client_hands_out_copies() -> None:
    kind, obj = KINDS["", "Node"], a_node("a")
    client = a_client(objects={kind: {("", "a"): obj}})

    client.get("/api/v1/nodes/a")["metadata"]["name"] = "b"

    assert obj["metadata"]["name"] == "a"


def test_asked_of_and_named_in_read_paths_as_they_are_quoted() -> None:
    pods, namespaces = KINDS["", "Pod"], KINDS["", "Namespace"]
    assert asked_of("/api/v1/namespaces/a/pods", query={"limit": 5}) == Asked(pods, "a")
    assert asked_of("/api/v1/pods", query={"labelSelector": "a ("}) is None
    assert named_in("/api/v1/namespaces/a/pods/b%2Fc") == (pods, "a", "b/c")
    assert named_in("/api/v1/namespaces/a") == (namespaces, "", "a")
    assert named_in("/api/v1/namespaces/a/pods") is None


# -- mangled captures

WORLD: list[dict[str, Any]] = [
    a_migration("Running"),
    a_vmi(),
    a_launcher("source"),
    a_launcher("target"),
    a_node("src-web-1"),
    a_handler("src-web-1"),
    a_kubevirt(),
    a_lease(),
    an_event("vmi-web-1", "SyncFailed", "x"),
]
PLACES = [(place, path) for place, obj in enumerate(WORLD) for path in paths_of(obj)]
JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just([]) | st.just({}) | st.just([[{}]])


def _keyed(obj: dict[str, Any]) -> tuple[Any, str, str, Any]:
    found = KINDS["", "Pod"] if "containerStatuses" in (obj.get("status") or {}) else kind_of(obj)
    return found, obj["metadata"].get("namespace", ""), obj["metadata"]["name"], obj


KEYS = [_keyed(obj)[:3] for obj in WORLD]


def a_capture_of(objects: list[dict[str, Any]]) -> CaptureClient:
    found = [(*key, obj) for key, obj in zip(KEYS, objects, strict=True)]
    return a_client(objects=by_kind(found), listed=tuple(Asked(kind) for kind in KINDS.values()))


def test_look_at_the_same_capture_whole_is_complete() -> None:
    result = migration_info.run(a_capture_of(WORLD), {}, Clock())

    assert [entry["verdict"] for entry in result["migrations"]] == ["progressing"]
    assert result["coverage"]["complete"] is True


@given(where=st.sampled_from(PLACES), junk=JUNK, drop=st.booleans())
def test_look_at_a_mangled_capture_is_a_verdict_or_an_error_of_ours(where: Any, junk: Any, drop: bool) -> None:
    place, path = where
    if not path:
        return
    spoilt = [*WORLD]
    spoilt[place] = dropped(WORLD[place], path) if drop else replaced(WORLD[place], path, junk)

    for run in (migration_info.run, node_health_info.run):
        try:
            result = run(a_capture_of(spoilt), {}, Clock())
        except (WrongInput, ClusterError):
            continue
        assert isinstance(result["coverage"]["complete"], bool)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_open_capture_any_bytes_are_no_traceback(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("capture")
    for name in ("manifest.json", "cluster-scoped-resources/core/nodes/a.yaml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)

    with pytest.raises(WrongInput):
        open_capture(str(root))


# -- options of evidence, and its files

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no_path": ({"path": ""}, "path: say where the bundle goes"),
    "little": ({"max_bytes": 5}, "max_bytes: 5 is no number of bytes between"),
    "much_log": ({"log_bytes": 2**30}, "log_bytes: "),
    "no_key_file": ({"pseudonyms": True}, "give pseudonym_key_file too"),
    "accounts_alone": ({"redact": False, "redact_service_accounts": True}, "nothing is redacted"),
}


@pytest.mark.parametrize(("options", "why"), WRONG.values(), ids=WRONG)
def test_parse_evidence_what_cannot_be_meant_is_refused(options: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=why):
        parse_evidence({"path": str(tmp_path / "x"), **options})


def test_parse_evidence_key_within_the_bundle_is_refused(tmp_path: Path) -> None:
    options = {"path": str(tmp_path / "x"), "pseudonyms": True, "pseudonym_key_file": str(tmp_path / "x" / "key")}

    with pytest.raises(WrongInput, match="it lies in the bundle"):
        parse_evidence(options)


def test_parse_evidence_redacts_unless_told_otherwise(tmp_path: Path) -> None:
    assert parse_evidence({"path": str(tmp_path / "x")}).redact is True
    assert parse_evidence({"path": str(tmp_path / "x"), "redact": None}).redact is True
    assert parse_evidence({"path": str(tmp_path / "x"), "redact": False}).redact is False


@pytest.mark.parametrize("name", ["bundle", "bundle.tar.gz"], ids=["folder", "tarball"])
def test_write_bundle_that_fails_leaves_what_was_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = str(tmp_path / name)
    write_bundle(target, {"a": "first"}, read_at=AT)
    before = sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file())

    def fail(*_given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync" if name.endswith("gz") else "utime", fail)
    with pytest.raises(WrongInput, match="cannot be written: No space left on device"):
        write_bundle(target, {"a": "second"}, read_at=AT)

    assert sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x"])
def test_write_bundle_name_that_leads_out_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="leads out of the bundle"):
        write_bundle(str(tmp_path / "bundle"), {path: "x"}, read_at=AT)

    assert list(tmp_path.iterdir()) == []


def test_load_key_what_was_saved_and_a_new_one_where_there_is_none(tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    new, _names = load_key(path)
    assert load_key(path)[0] != new

    save_key(path, key=new, names={"vm-1": "web"})

    assert load_key(path) == (new, {"vm-1": "web"})
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"key": "x"}', json.dumps({"key": "00", "names": {}})])
def test_load_key_that_is_none_is_said_and_kept(content: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(content)

    with pytest.raises(WrongInput, match="pseudonym_key_file: "):
        load_key(str(tmp_path / "key"))
    assert (tmp_path / "key").read_text() == content


class Logs:
    """Answers each log with the same text."""

    def __init__(self, text: str) -> None:
        self.text, self.asked = text, [""]

    def get_texts(self, paths: Any, *, longest: int) -> dict[str, str]:
        self.asked = [f"{path} {longest}" for path in paths]
        return dict.fromkeys(paths, self.text)


def test_read_logs_keeps_whole_lines_of_the_end() -> None:
    client: Any = Logs("first\n" + "é" * 8 + "\nlast\n")
    container = Container("a", "b", "compute", "n")

    (text,) = read_logs(client, [container], log_bytes=16).values()

    assert text == "last\n"
    path = "/api/v1/namespaces/a/pods/b/log?container=compute&tailLines=1&limitBytes=64&timestamps=true"
    assert client.asked == [f"{path} 64"]
