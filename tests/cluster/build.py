# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-apiserver and etcd, kube-scheduler and Prometheus when asked for: given, cached, or built from source by Go.

The sources are Go modules pinned with checksums in tools/*/go.mod and go.sum; the result is cached outside the
repository under a name that holds both versions and a digest of those files, so that a change there builds anew.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.cluster.golang import GoBuild, find_go
from tests.cluster.places import cache_folder, exclusive

__all__ = [
    "BuildError",
    "Programs",
    "cached_folder",
    "ensure_alertmanager",
    "ensure_programs",
    "ensure_prometheus",
    "ensure_promtool",
    "ensure_scheduler",
]

_TOOLS = Path(__file__).with_name("tools")
_VERSION_PACKAGE = "k8s.io/component-base/version"
_REPORT_SECONDS = 5.0


class BuildError(RuntimeError):
    """The programs cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Programs:
    """The executables of one control plane."""

    apiserver: Path
    etcd: Path


@dataclass(frozen=True)
class _Tool:
    program: str
    folder: Path
    package: str
    module: str
    version_flags: Callable[[str], str]
    tags: str = ""

    @property
    def version(self) -> str:
        """The module's version as go.mod pins it, as `v1.36.3`."""
        found = re.search(rf"^(?:require\s+|\t){re.escape(self.module)} (v\S+)", self._text("go.mod"), re.MULTILINE)
        if found is None:
            raise BuildError(f"{self.folder / 'go.mod'} does not require {self.module}")
        return found.group(1)

    def fingerprint(self) -> bytes:
        return (self._text("go.mod") + self._text("go.sum")).encode()

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def _kubernetes_flags(version: str) -> str:
    """Linker flags that make the server name its own version; without them it would say v0.0.0-master."""
    major, minor = version.removeprefix("v").split(".")[:2]
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in values.items())


_ETCD = _Tool("etcd", _TOOLS / "etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", lambda _: "")
_APISERVER = _Tool(
    "kube-apiserver",
    _TOOLS / "apiserver",
    "k8s.io/kubernetes/cmd/kube-apiserver",
    "k8s.io/kubernetes",
    _kubernetes_flags,
)
# The same module, so its go.mod and go.sum pin this one too. It is no part of a control plane: few tests want it.
_SCHEDULER = replace(_APISERVER, program="kube-scheduler", package="k8s.io/kubernetes/cmd/kube-scheduler")
# Without the discovery of services in two dozen clouds, which is most of its code, and without its pages.
_PROMETHEUS = _Tool(
    "prometheus",
    _TOOLS / "prometheus",
    "github.com/prometheus/prometheus/cmd/prometheus",
    "github.com/prometheus/prometheus",
    lambda _: "",
    tags="netgo,remove_all_sd",
)
_PROMTOOL = replace(_PROMETHEUS, program="promtool", package="github.com/prometheus/prometheus/cmd/promtool")
# The newest whose module brings its web pages; later ones want them built with Node.js.
_ALERTMANAGER = _Tool(
    "alertmanager",
    _TOOLS / "alertmanager",
    "github.com/prometheus/alertmanager/cmd/alertmanager",
    "github.com/prometheus/alertmanager",
    lambda _: "",
    tags="netgo",
)
_ALL = (_ETCD, _APISERVER)


def cached_folder() -> Path:
    """Where the built programs are or will be: versions, platform and a digest of the pinned modules in its name."""
    return _folder(f"kube-apiserver-{_APISERVER.version}_etcd-{_ETCD.version}", tools=_ALL)


def _folder(versions: str, *, tools: Sequence[_Tool]) -> Path:
    digest = hashlib.sha256(b"".join(tool.fingerprint() for tool in tools)).hexdigest()[:12]
    machine = f"{platform.system()}-{platform.machine()}".lower()
    return cache_folder() / "bin" / f"{versions}_{machine}_{digest}"


def ensure_programs(*, report: Callable[[str], None] | None = None) -> Programs:
    """The executables; built (about four minutes) when neither KUBEBUILDER_ASSETS nor the cache has them.

    `report` gets lines of progress; by default they go to standard error.
    """
    say = report or _say
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    if assets:
        return _given_programs(Path(assets))
    folder = cached_folder()
    _ensure(folder, tools=_ALL, say=say)
    return Programs(apiserver=folder / _APISERVER.program, etcd=folder / _ETCD.program)


def ensure_scheduler(*, report: Callable[[str], None] | None = None) -> Path:
    """kube-scheduler of the API server's version; built (half a minute more) when neither place has it."""
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    if assets and os.access(Path(assets) / _SCHEDULER.program, os.X_OK):
        return Path(assets) / _SCHEDULER.program
    folder = _folder(f"{_SCHEDULER.program}-{_SCHEDULER.version}", tools=[_SCHEDULER])
    _ensure(folder, tools=[_SCHEDULER], say=report or _say)
    return folder / _SCHEDULER.program


def ensure_prometheus(*, report: Callable[[str], None] | None = None) -> Path:
    """Prometheus; built (two minutes more) unless the cache has it, or taken from PATH where it cannot be built."""
    return _built_or_on_path(_PROMETHEUS, say=report or _say)


def ensure_promtool(*, report: Callable[[str], None] | None = None) -> Path:
    """promtool of the same version; built (a minute more, after Prometheus), cached and found in the same manner."""
    return _built_or_on_path(_PROMTOOL, say=report or _say)


def ensure_alertmanager(*, report: Callable[[str], None] | None = None) -> Path:
    """Alertmanager; built (a minute more), cached and found in the same manner."""
    return _built_or_on_path(_ALERTMANAGER, say=report or _say)


def _built_or_on_path(tool: _Tool, *, say: Callable[[str], None]) -> Path:
    folder = _folder(f"{tool.program}-{tool.version}", tools=[tool])
    try:
        _ensure(folder, tools=[tool], say=say)
    except (BuildError, RuntimeError) as error:
        found = shutil.which(tool.program)
        if found is None:
            raise
        say(f"{error}\ntaking {found} instead")
        return Path(found)
    return folder / tool.program


def _ensure(folder: Path, *, tools: Sequence[_Tool], say: Callable[[str], None]) -> None:
    """Build the tools into `folder` unless it is there; one process builds, the others wait."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(folder.parent / f"{folder.name}.lock", waiting=lambda: _wait_for_other_build(say)):
        if not folder.is_dir():
            _build_into(folder, tools=tools, say=say)


def _given_programs(folder: Path) -> Programs:
    missing = [tool.program for tool in _ALL if not os.access(folder / tool.program, os.X_OK)]
    if missing:
        raise BuildError(
            f"KUBEBUILDER_ASSETS={folder} has no executable {' and no executable '.join(missing)}; "
            "put it there, or unset KUBEBUILDER_ASSETS to have it built"
        )
    return Programs(apiserver=folder / _APISERVER.program, etcd=folder / _ETCD.program)


def _wait_for_other_build(say: Callable[[str], None]) -> None:
    say("another process is building the control plane; waiting for it")
    time.sleep(_REPORT_SECONDS)


def _build_into(folder: Path, *, tools: Sequence[_Tool], say: Callable[[str], None]) -> None:
    """Build all `tools` beside `folder`, then rename: it either holds everything or does not exist."""
    work = folder.with_name(f"{folder.name}.building")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    names = " and ".join(tool.program for tool in tools)
    say(f"building {names} from source: once, minutes on 2 cores")
    go = find_go(work, modules=[tool.folder for tool in tools], say=say)
    for tool in tools:
        _build(tool, go=go, target=work / tool.program, say=say)
    (work / "build.log").unlink(missing_ok=True)
    work.rename(folder)
    say(f"built: {folder}")


def _build(tool: _Tool, *, go: Path, target: Path, say: Callable[[str], None]) -> None:
    flags = f"-s -w {tool.version_flags(tool.version)}".strip()
    build = GoBuild(go=go, module=tool.folder, package=tool.package, flags=flags, tags=tool.tags, target=target)
    done = threading.Event()
    began = time.monotonic()

    def tick() -> None:
        while not done.wait(_REPORT_SECONDS):
            say(f"{tool.program} {tool.version}: {time.monotonic() - began:.0f} s, {build.progress()}")

    reporter = threading.Thread(target=tick, daemon=True)
    reporter.start()
    try:
        build.run()
    except RuntimeError as error:
        raise BuildError(f"cannot build {tool.program} {tool.version}: {error}") from error
    finally:
        done.set()
        reporter.join()


def _say(line: str) -> None:
    print(f"tests.cluster: {line}", file=sys.stderr, flush=True)
