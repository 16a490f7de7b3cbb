# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: start, stop, show, fill, reset, kubeconfig, build."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from tests.cluster.build import (
    BuildError,
    cached_folder,
    ensure_programs,
    ensure_prometheus,
    ensure_promtool,
    ensure_scheduler,
)
from tests.cluster.cluster import Cluster
from tests.cluster.folder import FolderInUse, clear_left_over, owner_pid
from tests.cluster.places import cache_folder
from tests.cluster.processes import is_running
from tests.cluster.store import REGISTRY
from tests.cluster.users import USERS

__all__ = ["main"]

_ROOT = Path(__file__).parents[2]
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05


class _Refused(Exception):
    """The command cannot be done; the message says why."""


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 done, 1 could not be done (why is on standard error), 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (_Refused, BuildError, FolderInUse) as error:
        _say(str(error))
        return 1
    except BrokenPipeError:
        # Whoever read our output has seen enough (`show | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description="A real Kubernetes API for tests.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--dir", type=lambda text: Path(text).absolute(), default=None, help="the cluster's private folder"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("start", parents=[common], help="start one; prints the admin's kubeconfig when ready")
    start.add_argument("--crds", type=lambda text: Path(text).absolute(), help="folder of definitions instead of ours")
    start.add_argument("--no-simulator", action="store_true", help="without KubeVirt's admission and subresources")
    start.add_argument("--audit", action="store_true", help="keep an audit log in the private folder")
    start.set_defaults(run=_start)
    for name, run, text in (
        ("stop", _stop, "end all its processes and remove its folder"),
        ("show", _show, "what runs and which objects there are"),
        ("reset", _reset, "remove all objects made since the start"),
        ("build", _build, "build the programs if they are not there yet; prints their folder"),
    ):
        commands.add_parser(name, parents=[common], help=text).set_defaults(run=run)
    fill = commands.add_parser("fill", parents=[common], help="load a scenario")
    fill.add_argument("scenario", help="its name: see tests/cluster/scenarios")
    fill.set_defaults(run=_fill)
    kubeconfig = commands.add_parser("kubeconfig", parents=[common], help="print the path of a user's kubeconfig")
    kubeconfig.add_argument("user", choices=USERS)
    kubeconfig.set_defaults(run=_kubeconfig)
    return parser


def _folder(options: argparse.Namespace) -> Path:
    return options.dir or cache_folder() / "cluster"


def _running(options: argparse.Namespace) -> Cluster:
    cluster = Cluster.attach(_folder(options))
    if cluster is None:
        raise _Refused(f"no test cluster runs in {_folder(options)}; start one: python -m tests.cluster start")
    return cluster


def _start(options: argparse.Namespace) -> None:
    folder = _folder(options)
    if owner_pid(folder) is not None:
        raise _Refused(f"a test cluster runs in {folder} already; stop it first: python -m tests.cluster stop")
    ensure_programs()
    _say("starting the API server")
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    with log.open("wb") as stream:
        supervisor = subprocess.Popen(
            _supervisor_command(options, folder=folder),
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            start_new_session=True,
        )
    _take_over(supervisor, log=log)
    _say(f"ready in {folder}")
    print(folder / "kubeconfig-admin")


def _supervisor_command(options: argparse.Namespace, *, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "tests.cluster.supervisor", "--dir", str(folder)]
    command += [] if options.no_simulator else ["--simulator"]
    command += ["--audit"] if options.audit else []
    return [*command, "--crds", str(options.crds)] if options.crds else command


def _take_over(supervisor: subprocess.Popen[bytes], *, log: Path) -> None:
    """Wait until it is ready and tell it that we know; _Refused with its log when it is not."""
    if supervisor.stdin is None or supervisor.stdout is None:
        raise _Refused("the supervisor has no pipes")
    if supervisor.stdout.readline() != b"ready\n":
        code = supervisor.wait()
        raise _Refused(f"the cluster did not start ({code}):\n{log.read_text(encoding='utf-8', errors='replace')}")
    supervisor.stdin.write(b"keep\n")
    supervisor.stdin.close()


def _stop(options: argparse.Namespace) -> None:
    folder = _folder(options)
    owner = owner_pid(folder)
    if owner is None:
        _say(f"no test cluster runs in {folder}")
    else:
        _end(owner, folder=folder)
    if folder.is_dir():
        clear_left_over(folder)
    folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)


def _end(owner: int, *, folder: Path) -> None:
    """SIGTERM, and SIGKILL when that takes too long: its programs die with it in both cases."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.kill(owner, number)
        if _comes_true(lambda: owner_pid(folder) is None):
            # It has let go of the folder; what is left is the end of the process itself.
            _comes_true(lambda: not is_running(owner))
            return
    raise _Refused(f"process {owner} does not end")


def _comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _STOP_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _show(options: argparse.Namespace) -> None:
    cluster = _running(options)
    print(f"server    {cluster.server}\nfolder    {cluster.directory}")
    print("processes " + ", ".join(f"{name} {pid}" for name, pid in cluster.pids.items()))
    for user in USERS:
        print(f"user      {user:<9} {cluster.kubeconfig(user)}")
    # An etcd key is resource/namespace/name or group/resource/namespace/name; namespaces and nodes have no namespace.
    keys = [key.removeprefix(REGISTRY) for key in cluster.made_since_start()]
    print(f"objects   {len(keys)}")
    for resource, members in groupby(sorted(keys, key=_resource), key=_resource):
        names = [key.removeprefix(f"{resource}/") for key in members]
        print(f"  {resource} ({len(names)})")
        for name in names if resource != "events" else []:
            print(f"    {name}")


def _resource(key: str) -> str:
    first, *rest = key.split("/")
    return f"{first}/{rest[0]}" if "." in first and rest else first


def _fill(options: argparse.Namespace) -> None:
    world = _running(options).simulator.play(options.scenario)
    print(f"{options.scenario}: namespaces {', '.join(world.namespaces)}")


def _reset(options: argparse.Namespace) -> None:
    print(f"{_running(options).reset()} objects removed or put back")


def _kubeconfig(options: argparse.Namespace) -> None:
    print(_running(options).kubeconfig(options.user))


def _build(_options: argparse.Namespace) -> None:
    ensure_programs()
    ensure_scheduler()
    ensure_prometheus()
    ensure_promtool()
    print(os.environ.get("KUBEBUILDER_ASSETS") or cached_folder())


def _say(line: str) -> None:
    print(f"tests.cluster: {line}", file=sys.stderr, flush=True)
