# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of the test cluster: nothing is left running, whoever is killed; and where the programs come from."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster import Cluster, build, control_plane
from tests.cluster.build import BuildError, ensure_programs
from tests.cluster.control_plane import StartError
from tests.cluster.golang import GoBuild
from tests.cluster.processes import free_ports, is_running

ROOT = Path(__file__).parents[2]
START_AND_SLEEP = """
import sys, threading, time
from pathlib import Path
from tests.cluster import Cluster
found = []
# Started by a thread that ends at once: the programs must live on with the process.
thread = threading.Thread(target=lambda: found.append(Cluster.start(directory=sys.argv[1])))
thread.start()
thread.join()
print("ready", flush=True)
time.sleep(3600)
"""


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; give up after a minute."""
    for _attempt in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("the awaited condition never held")


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line on a private folder."""
    line = [sys.executable, "-m", "tests.cluster", *arguments, "--dir", str(folder)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_kill_of_the_starting_process_leaves_no_program_running(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    with subprocess.Popen(
        [sys.executable, "-c", START_AND_SLEEP, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        attached = Cluster.attach(folder)
        assert attached is not None
        pids = attached.pids
        assert pids["owner"] == owner.pid
        assert all(is_running(pid) for pid in pids.values())
        owner.kill()

    wait_until(lambda: not any(is_running(pid) for pid in pids.values()))
    assert Cluster.attach(folder) is None
    with Cluster.start(directory=folder) as again:
        assert again.request("GET", "/readyz")[0] == 200
    assert not folder.exists()


def test_command_line_starts_shows_resets_and_stops(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"

    started = command("start", "--no-simulator", folder=folder)

    assert (started.returncode, started.stdout) == (0, f"{folder}/kubeconfig-admin\n"), started.stderr
    running = Cluster.attach(folder)
    assert running is not None
    assert running.request("POST", "/api/v1/namespaces/team-a/configmaps", body={"metadata": {"name": "c"}})[0] == 201
    shown = command("show", folder=folder).stdout
    assert running.server in shown
    assert "  configmaps (1)\n    team-a/c\n" in shown
    assert command("kubeconfig", "tenant", folder=folder).stdout == f"{folder}/kubeconfig-tenant\n"
    assert "runs in" in command("start", folder=folder).stderr
    assert command("reset", folder=folder).stdout == "1 objects removed or put back\n"
    assert command("stop", folder=folder).returncode == 0
    assert not any(is_running(pid) for pid in running.pids.values())
    assert list(tmp_path.iterdir()) == []
    assert (command("show", folder=folder).returncode, command("stop", folder=folder).returncode) == (1, 0)


def test_kill_of_the_supervisor_ends_its_programs_and_stop_clears_up(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    assert command("start", "--no-simulator", folder=folder).returncode == 0
    running = Cluster.attach(folder)
    assert running is not None

    os.kill(running.pids["owner"], signal.SIGKILL)

    wait_until(lambda: not any(is_running(pid) for pid in running.pids.values()))
    assert command("show", folder=folder).returncode == 1
    assert command("stop", folder=folder).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_kill_of_the_start_command_ends_what_it_began(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    line = [sys.executable, "-m", "tests.cluster", "start", "--no-simulator", "--dir", str(folder)]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as starting:
        wait_until((folder / "kube-apiserver.log").exists)
        supervisor = int((folder / "lock").read_text(encoding="ascii"))
        assert is_running(supervisor)
        starting.kill()

    wait_until(lambda: not is_running(supervisor))
    assert not folder.exists()


def test_start_refuses_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine", encoding="utf-8")

    refused = command("start", "--no-simulator", folder=tmp_path)

    assert refused.returncode == 1
    assert "not empty and not a test cluster's" in refused.stderr
    assert (tmp_path / "precious").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("taken", [0, 1, 2], ids=["API server", "etcd", "etcd's peers"])
def test_start_takes_other_ports_when_one_was_taken_meanwhile(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        offers = [free_ports(3) for _attempt in range(2)]
        offers[0][taken] = foreign.getsockname()[1]
        first, second = list(offers[0]), list(offers[1])
        monkeypatch.setattr(control_plane, "free_ports", lambda _count: offers.pop(0))

        with Cluster.start() as cluster:
            assert cluster.server == f"https://127.0.0.1:{second[0]}"
            assert cluster.request("GET", "/readyz")[0] == 200

    assert first != second
    assert offers == []


def test_start_says_why_a_program_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("etcd", "kube-apiserver"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} is broken >&2\nexit 7\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    with pytest.raises(StartError, match="etcd ended with 7 at its start:\netcd is broken"):
        Cluster.start(directory=tmp_path / "cluster")

    assert not (tmp_path / "cluster").exists()


def test_programs_of_kubebuilder_assets_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = ensure_programs()
    for program in (built.apiserver, built.etcd):
        (tmp_path / program.name).symlink_to(program)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))

    given = ensure_programs(report=pytest.fail)

    assert (given.apiserver, given.etcd) == (tmp_path / "kube-apiserver", tmp_path / "etcd")
    assert not (tmp_path / "empty").exists()


def test_kubebuilder_assets_without_a_program_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etcd").symlink_to("/bin/true")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    with pytest.raises(BuildError, match=rf"KUBEBUILDER_ASSETS={tmp_path} has no executable kube-apiserver; put"):
        ensure_programs()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No built programs, and nobody waits long for another build."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "_REPORT_SECONDS", 0.05)
    monkeypatch.setattr(build, "find_go", lambda *_given, **_named: Path("/no/go"))
    return tmp_path


def test_two_builds_at_once_build_once(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    waited = threading.Event()

    def slow_build(_tool: object, *, target: Path, **_: object) -> None:
        # The first build goes on until the other one has said that it waits.
        assert waited.wait(60)
        target.touch()
        built.append(target.name)

    def hear(line: str) -> None:
        if line.startswith("another process is building"):
            waited.set()

    monkeypatch.setattr(build, "_build", slow_build)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: ensure_programs(report=hear), range(2))

    assert first == second
    assert sorted(built) == ["etcd", "kube-apiserver"]
    assert first.apiserver.is_file()
    assert first.apiserver.is_relative_to(empty_cache)


def test_failed_build_leaves_nothing_that_looks_built(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_tool: object, *, target: Path, **_: object) -> None:
        target.touch()
        raise BuildError("cannot compile")

    monkeypatch.setattr(build, "_build", broken)
    for _attempt in range(2):
        with pytest.raises(BuildError, match="cannot compile"):
            ensure_programs(report=lambda _line: None)

    assert not build.cached_folder().exists()
    assert build.cached_folder().is_relative_to(empty_cache)


def test_build_names_the_compiler_s_words_when_it_fails(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'main.go:1: not today' >&2\nexit 3\n", encoding="utf-8")
    go.chmod(0o755)
    job = GoBuild(go=go, module=tmp_path, package="example.invalid/m", flags="", target=tmp_path / "program")

    with pytest.raises(RuntimeError, match=r"go build -v ended with 3:\nmain\.go:1: not today"):
        job.run()

    assert job.progress() == "packages compiled: 1"
