# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a capture that somebody else has made: what points out of it, what is too large, what is no YAML."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture import open_capture
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_files import (
    Bounds,
    read_files,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_yaml import objects_in
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

NODE = b"apiVersion: v1\nkind: Node\nmetadata: {name: a, creationTimestamp: 2026-11-23T08:00:00Z}\n"
PLACE = "cluster-scoped-resources/core/nodes/a.yaml"


def a_member(name: str, **more: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(member, key, value)
    return member


def a_tarball(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> str:
    path = folder / "capture.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return str(path)


def a_link(name: str, target: str, *, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return a_member(name, type=kind, linkname=target), b""


def all_of(src: str, **bounds: int) -> dict[str, bytes]:
    return dict(read_files(src, wanted=lambda _path: True, bounds=Bounds(**bounds)))


REFUSED: dict[str, tuple[list[tuple[tarfile.TarInfo, bytes]], str]] = {
    "parent": ([(a_member("../etc/passwd"), b"x")], "'../etc/passwd' leads out of it"),
    "parent_inside": ([(a_member("a/../../b"), b"x")], "leads out of it"),
    "absolute": ([(a_member("/etc/passwd"), b"x")], "'/etc/passwd' leads out of it"),
    "link_out": ([a_link("a/b", "../../etc")], "leads out of it"),
    "absolute_link": ([a_link("a/b", "/etc/passwd")], "leads out of it"),
    "hard_link_out": ([a_link("a/b", "../x", kind=tarfile.LNKTYPE)], "leads out of it"),
}


@pytest.mark.parametrize(("members", "why"), REFUSED.values(), ids=REFUSED)
def test_read_files_tarball_that_points_out_of_itself_is_refused(
    members: list[tuple[tarfile.TarInfo, bytes]], why: str, tmp_path: Path
) -> None:
    src = a_tarball(tmp_path, (a_member("a"), b"fine"), *members)

    with pytest.raises(WrongInput, match=rf"^src: {src} is refused: .*{why}"):
        all_of(src)


def test_read_files_link_within_a_tarball_is_passed_over(tmp_path: Path) -> None:
    src = a_tarball(tmp_path, (a_member("a/b"), b"fine"), a_link("a/c", "b"))

    assert all_of(src) == {"a/b": b"fine"}


def test_read_files_device_in_a_tarball_is_passed_over(tmp_path: Path) -> None:
    src = a_tarball(tmp_path, (a_member("a", type=tarfile.CHRTYPE), b""), (a_member("b"), b"fine"))

    assert all_of(src) == {"b": b"fine"}


TOO_MUCH: dict[str, tuple[dict[str, int], str]] = {
    "files": ({"files": 2}, "more than 2 files"),
    "one_file": ({"file_bytes": 2**20}, "has more than 1 MiB"),
    "together": ({"total_bytes": 2**20}, "the files that count have more than 1 MiB together"),
    "unpacked": ({"unpacked_bytes": 2**20}, "unpacked it has more than 1 MiB|too large"),
}


@pytest.mark.parametrize(("bounds", "why"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_read_files_beyond_a_bound_is_refused(bounds: dict[str, int], why: str, tmp_path: Path) -> None:
    src = a_tarball(tmp_path, *((a_member(name), bytes(2**20 + 1)) for name in "abc"))

    with pytest.raises(WrongInput, match=why):
        all_of(src, **bounds)


def test_read_files_what_is_not_wanted_counts_when_unpacked(tmp_path: Path) -> None:
    """A bomb need not be looked at to go off."""
    src = a_tarball(tmp_path, (a_member("bomb"), bytes(2**22)))

    with pytest.raises(WrongInput, match=r"unpacked it has more than 1 MiB|too large"):
        list(read_files(src, wanted=lambda _path: False, bounds=Bounds(unpacked_bytes=2**20)))


def test_read_files_header_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    """A long name is read into memory before anybody sees it."""
    src = tmp_path / "x.tar.gz"
    with tarfile.open(src, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(a_member("a" * 2**21), io.BytesIO(b""))

    with pytest.raises(WrongInput, match=r"or a broken one \(a header without end\)"):
        all_of(str(src))


def a_header(kind: bytes, *, size: int, **more: Any) -> bytes:
    return a_member("x", type=kind, size=size, **more).tobuf(tarfile.GNU_FORMAT)


BLOCK = tarfile.BLOCKSIZE
ODD_HEADERS: dict[str, bytes] = {
    "names_of_names": (a_header(tarfile.GNUTYPE_LONGNAME, size=9) + b"a" * 9 + bytes(BLOCK - 9)) * 5000,
    "global_headers": (a_header(tarfile.XGLTYPE, size=9) + b"9 a=bcde\n" + bytes(BLOCK - 9)) * 5000,
    "sparse": a_header(tarfile.GNUTYPE_SPARSE, size=9) + bytes(2 * BLOCK),
    "zip": b"PK\x03\x04" + bytes(BLOCK),
    "zstd": b"(\xb5/\xfd" + bytes(BLOCK),
    "nothing": b"",
}


@pytest.mark.parametrize("content", ODD_HEADERS.values(), ids=ODD_HEADERS)
def test_read_files_what_no_tar_makes_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(content)

    with pytest.raises(
        WrongInput, match=r"is refused: .*\. (Name a folder, or a tarball|Unpack it, and name the folder)"
    ):
        all_of(str(tmp_path / "x.tar.gz"))


@pytest.mark.parametrize("major", ["0", "1"], ids=["0.0", "1.0"])
def test_read_files_sparse_member_of_pax_is_refused(major: str, tmp_path: Path) -> None:
    """A few bytes stand for as many as somebody likes."""
    holes = {"GNU.sparse.size": str(2**50), "GNU.sparse.numblocks": "1"}
    said = holes if major == "0" else {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}

    with pytest.raises(WrongInput, match=r"is too large|a sparse member"):
        all_of(a_tarball(tmp_path, (a_member("a", pax_headers=said), b"fine")))


@pytest.mark.parametrize("end", range(BLOCK, 7 * BLOCK, BLOCK // 2), ids=str)
def test_read_files_plain_tarball_that_was_cut_off_is_refused(end: int, tmp_path: Path) -> None:
    """The library takes a missing header for the end: what follows would be taken for not there."""
    src = Path(a_tarball(tmp_path, *((a_member(name), bytes(BLOCK)) for name in "abc")))
    (tmp_path / "cut.tar").write_bytes(gzip.decompress(src.read_bytes())[:end])

    with pytest.raises(WrongInput, match=r"it is no tarball, or a broken one|a is cut off"):
        all_of(str(tmp_path / "cut.tar"))


@pytest.mark.parametrize("name", ["a", "./a", "b/../a"], ids=["same", "dotted", "led_back"])
def test_read_files_same_file_twice_is_refused(name: str, tmp_path: Path) -> None:
    src = a_tarball(tmp_path, (a_member("a"), b"fine"), (a_member(name), b"foul"))

    with pytest.raises(WrongInput, match=r"it has a twice.*Pack it anew"):
        all_of(src)


def test_read_files_path_with_a_zero_byte_is_no_path() -> None:
    with pytest.raises(WrongInput, match=r"^src: a.*b is no path"):
        all_of("a\0b")


def test_read_files_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x")

    def refuse(path: Path, _flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(WrongInput, match=rf"^src: {tmp_path}/a cannot be read: Permission denied"):
        all_of(str(tmp_path))


NO_TARBALL: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda _whole: b"hello",
    "empty_archive_cut": lambda whole: whole[: len(whole) // 2],
    "gzip_of_text": lambda _whole: gzip.compress(b"hello" * 300),
    "gzip_head_alone": lambda _whole: b"\x1f\x8b\x08\x00",
    "xz_head_alone": lambda _whole: b"\xfd7zXZ\x00nonsense",
    "bz2_head_alone": lambda _whole: b"BZh9nonsense",
    "not_deflated": lambda whole: whole[:10] + b"\xff" * 40,
    "sum_cut_off": lambda whole: whole[:-4],
    "something_after_it": lambda whole: whole + b"more",
    "flipped": lambda whole: whole[:40] + bytes([whole[40] ^ 0xFF]) + whole[41:],
}


@pytest.mark.parametrize("spoil", NO_TARBALL.values(), ids=NO_TARBALL)
def test_read_files_no_tarball_is_said(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    src = Path(a_tarball(tmp_path, (a_member("a"), os.urandom(4096))))
    src.write_bytes(spoil(src.read_bytes()))

    with pytest.raises(WrongInput, match="it is no tarball, or a broken one"):
        all_of(str(src))


def test_read_files_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="cannot be read: No such file or directory"):
        all_of(str(tmp_path / "none"))


def test_read_files_pipe_is_no_capture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(WrongInput, match="neither a folder nor a file"):
        all_of(str(tmp_path / "pipe"))


@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
def test_read_files_link_out_of_a_folder_is_refused(is_folder: bool, tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    inside.mkdir()
    outside.mkdir() if is_folder else outside.write_text("x")
    (inside / "link").symlink_to(outside)

    with pytest.raises(WrongInput, match="link is a link that leads out of it"):
        all_of(str(inside))


def test_read_files_links_and_pipes_within_a_folder_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("fine")
    (tmp_path / "b").symlink_to("a")
    os.mkfifo(tmp_path / "c")

    assert all_of(str(tmp_path)) == {"a": b"fine"}


NO_YAML: dict[str, tuple[bytes, str]] = {
    "broken": (b"a: b: c", "is no YAML, or broken"),
    "cut_off_json": (b'{"kind": "Node", ', "is no YAML, or broken"),
    "half_a_character": (b'{"kind": "Node", "metadata": {"name": "\\ud800"}}', "is no YAML, or broken"),
    "half_a_character_in_yaml": (b'kind: Node\nmetadata: {name: "\\uD800"}', "is no YAML, or broken"),
    "long_number": (b"kind: Node\nsize: 0x" + b"f" * 5000, "is no YAML, or broken"),
    "bytes": (b"kind: Node\ndata: !!binary aGVsbG8=", "is no YAML, or broken"),
    "number_of_nothing": (b"!!int ''", "is no YAML, or broken"),
    "word_that_is_no_boolean": (b"!!bool x", "is no YAML, or broken"),
    "word_that_is_no_time": (b"a: !!timestamp ''", "is no YAML, or broken"),
    "no_text": (b"\xff\xfe\x00", "is no YAML, or broken"),
    "python_object": (b"!!python/object/apply:os.system [ls]", "is no YAML, or broken"),
    "nested_without_end": (b"[" * 200_000, "is no YAML, or broken"),
    "nested_json": (b'{"a":' * 200_000, "is no YAML, or broken"),
    "nested_lists": (b"- " * 200_000, "is no YAML, or broken"),
    "itself": (b"a: &a [*a]", "repeats itself by reference"),
    "aliases": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % ((n, n) + (n - 1,) * 9) for n in range(98, 110)
        ),
        "repeats itself by reference",
    ),
    "scalar": (b"hello", "something else than an object"),
    "list_of_scalars": (b"kind: PodList\nitems: [a]", "a list of something else"),
}


@pytest.mark.parametrize(("content", "why"), NO_YAML.values(), ids=NO_YAML)
def test_objects_in_what_cannot_be_read_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(WrongInput, match=rf"^src: x.yaml .*{why}"):
        list(objects_in(content, path="x.yaml"))


def test_objects_in_list_gives_each_with_its_kind_and_times_as_text() -> None:
    content = (
        b"kind: NodeList\napiVersion: v1\nitems:\n- metadata: {name: a, creationTimestamp: 2026-11-23T08:00:00Z}\n"
    )

    found = list(objects_in(content, path="x.yaml"))

    metadata = {"name": "a", "creationTimestamp": "2026-11-23T08:00:00Z"}
    assert found == [{"kind": "Node", "apiVersion": "v1", "metadata": metadata}]


def a_folder(root: Path, **files: bytes) -> str:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(root)


NO_CAPTURE: dict[str, tuple[dict[str, bytes], str]] = {
    "nothing": ({"a": b"x"}, "holds no objects of Kubernetes"),
    "another_kind": ({PLACE: NODE.replace(b"Node", b"Secret")}, "something else than nodes with names"),
    "no_name": ({PLACE: b"apiVersion: v1\nkind: Node\n"}, "something else than nodes with names"),
    "another_namespace": (
        {"namespaces/a/core/pods.yaml": b"kind: PodList\napiVersion: v1\nitems: [{metadata: {name: x, namespace: b}}]"},
        "an object of another namespace",
    ),
    "no_times": ({PLACE: b"apiVersion: v1\nkind: Node\nmetadata: {name: a}"}, "carry no times"),
    "newer_bundle": (
        {"manifest.json": b'{"collection": "kubevirt_ops.live_migration", "format": 99}', PLACE: NODE},
        "not of a form that this version reads",
    ),
}


@pytest.mark.parametrize(("files", "why"), NO_CAPTURE.values(), ids=NO_CAPTURE)
def test_open_capture_what_is_none_is_said(files: dict[str, bytes], why: str, tmp_path: Path) -> None:
    src = a_folder(tmp_path, **files)

    with pytest.raises(WrongInput, match=why):
        open_capture(src)


MANIFEST_OF_ONE = {
    "collection": "kubevirt_ops.live_migration",
    "format": 1,
    "read_at": "2026-11-23T08:00:00Z",
    "files": {PLACE: {"bytes": len(NODE), "sha256": hashlib.sha256(NODE).hexdigest()}},
}
WHOLE = {"manifest.json": json.dumps(MANIFEST_OF_ONE).encode(), PLACE: NODE}
OTHER = "cluster-scoped-resources/core/nodes/b.yaml"
FALSE: dict[str, tuple[dict[str, bytes | None], str]] = {
    "changed": ({PLACE: NODE + b"#\n"}, f"{PLACE} differs from its manifest.json"),
    "lost": ({PLACE: None}, f"{PLACE} is not there but in its manifest.json"),
    "added": ({OTHER: NODE}, f"{OTHER} is not in its manifest.json"),
    "sums_of_nothing": ({"manifest.json": json.dumps({**MANIFEST_OF_ONE, "files": [1]}).encode()}, "is not in its"),
}


@pytest.mark.parametrize(("changes", "why"), FALSE.values(), ids=FALSE)
def test_open_capture_bundle_that_is_not_as_its_manifest_says_is_refused(
    changes: dict[str, bytes | None], why: str, tmp_path: Path
) -> None:
    src = a_folder(tmp_path, **{path: content for path, content in {**WHOLE, **changes}.items() if content is not None})

    with pytest.raises(WrongInput, match=rf"^src: {src} is refused: .*{why}.* Get the bundle again"):
        open_capture(src)


def test_open_capture_bundle_is_read_as_its_manifest_says_wherever_it_lies(tmp_path: Path) -> None:
    a_folder(tmp_path / "top", **WHOLE, **{"report.json": b"changed", "README.md": b"gone"})

    assert [len(open_capture(str(folder)).objects) for folder in (tmp_path, tmp_path / "top")] == [1, 1]


def test_open_capture_several_captures_are_not_mixed(tmp_path: Path) -> None:
    """They are two moments: a migration that has ended in one would go on in the other."""
    crs = "namespaces/a/crs/kubevirts.kubevirt.io/x.yaml"
    one = NODE.replace(b"apiVersion: v1\nkind: Node", b"apiVersion: kubevirt.io/v1\nkind: KubeVirt")
    one = one.replace(b"name: a,", b"name: x, namespace: a,")
    for top in ("monday", "tuesday"):
        a_folder(tmp_path / "bundles" / top, **WHOLE)
        a_folder(tmp_path / "gathers" / top, **{crs: one})

    for kind in ("bundles", "gathers"):
        with pytest.raises(WrongInput, match=r"holds 2 captures \(monday, tuesday\)\. Name one of them\.$"):
            open_capture(str(tmp_path / kind))
    assert len(open_capture(str(tmp_path / "gathers" / "monday")).objects) == 1


def test_open_capture_broken_file_that_no_look_reads_does_not_matter(tmp_path: Path) -> None:
    src = a_folder(tmp_path, **{PLACE: NODE, "namespaces/a/core/secrets.yaml": b"a: b: c", "x/y.yaml": b"[[["})

    assert len(open_capture(src).objects) == 1
