# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looking costs in a large cluster, against what users write today and against the least that it can cost.

    python -m tests.bench.scale [--finished 50000] [--vmis 10000] [--nodes 1000] [--record]

Everything is measured in one run on one cluster, whole processes from their start to their end, so the figures that
count are ratios. `--record` adds the run to docs/benchmarks.md. It ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.loading import ACTIVE, STUCK, Loader
from tests.bench.measuring import Measured, fastest, measure
from tests.cluster import Cluster
from tests.make.environment import ENVIRONMENTS, prepare
from tests.make.places import BUILD, FULL_NAME, ROOT

KIND = "VirtualMachineInstanceMigration"
PAGE = ROOT / "docs" / "benchmarks.md"
ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Goal:
    """One promise: what is divided by what, and the most that this may be."""

    text: str
    ratio: float
    most: float

    @property
    def is_kept(self) -> bool:
        """Whether the ratio is within the promise."""
        return self.ratio <= self.most

    def __str__(self) -> str:
        return f"{'kept  ' if self.is_kept else 'MISSED'} {self.ratio:8.3f} (at most {self.most:.3f})  {self.text}"


class Bench:
    """The programs that are measured on one cluster."""

    def __init__(self, cluster: Cluster, *, folder: Path, rival: Path, times: int) -> None:
        self._cluster = cluster
        self._folder = folder
        self._rival = rival
        self._times = times
        self._kubeconfig = str(cluster.kubeconfig("admin"))
        self.figures: dict[str, Measured] = {}
        self.profiles: dict[str, dict[str, float]] = {}

    def keep(
        self, name: str, command: Sequence[str], *, times: int = 0, environment: Mapping[str, str] | None = None
    ) -> Measured:
        """Measure a command under a name, and say so."""
        found = fastest(
            lambda: measure(command, environment=environment, folder=self._folder), times=times or self._times
        )
        self.figures[name] = found
        print(f"  {name:<52} {found}", flush=True)
        return found

    def floor(self, name: str, way: str, *paths: str, times: int = 0) -> Measured:
        """Bare requests."""
        command = [sys.executable, "-m", "tests.bench.floor", self._kubeconfig, way, *paths]
        return self.keep(name, command, times=times, environment={"PYTHONPATH": str(ROOT)})

    def playbook(self, name: str, playbook: str, *, times: int = 0, rival: bool = False, **variables: Any) -> Measured:
        """ansible-playbook as a user runs it."""
        return self.keep(
            name,
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                playbook,
                "--extra-vars",
                json.dumps({"kubeconfig": self._kubeconfig, **variables}),
            ],
            times=times,
            environment={
                "ANSIBLE_HOME": str(BUILD / "ansible"),
                "ANSIBLE_COLLECTIONS_PATH": str(self._rival if rival else BUILD / "collections"),
                "ANSIBLE_LOCALHOST_WARNING": "false",
            },
        )

    def tasks(self, name: str, *tasks: Mapping[str, Any], times: int = 0, rival: bool = False) -> Measured:
        """A playbook of these tasks."""
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}
        play["vars"] = {"ansible_python_interpreter": sys.executable}
        (self._folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
        return self.playbook(name, "play.yml", times=times, rival=rival)

    def profile(self, name: str, module_name: str) -> None:
        """Keep where the processor time of a module goes."""
        command = [sys.executable, "-m", "tests.bench.profiling", self._kubeconfig, module_name]
        places = os.pathsep.join((str(ROOT), str(BUILD / "collections")))
        found = json.loads(measure(command, environment={"PYTHONPATH": places}, folder=self._folder).output)
        self.profiles[name] = dict(sorted(found.items(), key=lambda one: -one[1]))
        print(f"  {name}: " + ", ".join(f"{seconds:.2f} s {place}" for place, seconds in self.profiles[name].items()))

    def requests_of(self, run: Callable[[], object]) -> list[str]:
        """The paths that a run asks the API server for, by its audit log."""
        mark = self._cluster.audit_mark()
        run()
        return [entry["requestURI"] for entry in self._cluster.audit_since(mark) if entry["user"] == "admin"]


def module(name: str, **options: Any) -> dict[str, Any]:
    """A task of the collection."""
    return {f"{FULL_NAME}.{name}": {"kubeconfig": "{{ kubeconfig }}", **options}}


def rival_tasks() -> list[dict[str, Any]]:
    """What users write today: everything read, the finished thrown away."""
    read = {
        "kubernetes.core.k8s_info": {
            "kubeconfig": "{{ kubeconfig }}",
            "api_version": "kubevirt.io/v1",
            "kind": KIND,
            "hidden_fields": ["metadata.managedFields"],
        },
        "register": "found",
        "no_log": True,
    }
    kept = "found.resources | rejectattr('status.phase', 'in', ['Succeeded', 'Failed']) | list | length"
    return [read, {"ansible.builtin.debug": {"msg": f"{{{{ {kept} }}}}"}}]


def kubectl_and_jq(kubeconfig: str) -> list[str]:
    """The same in a shell."""
    query = '[.items[] | select(.status.phase != "Succeeded" and .status.phase != "Failed")] | length'
    script = (
        f"kubectl --kubeconfig {kubeconfig} get virtualmachineinstancemigrations.kubevirt.io -A -o json | jq '{query}'"
    )
    return ["bash", "-o", "pipefail", "-c", script]


def judging(cluster: Cluster, *, times: int) -> tuple[float, float]:
    """Processor seconds of json.loads of all objects that matter to the unfinished migrations, and of judging them."""
    from ansible_collections.kubevirt_ops.live_migration.plugins.filter.stuck_migrations import stuck_migrations
    from tests.integration.looking import raw_objects

    raw = raw_objects(cluster)
    raw["migrations"] = [one for one in raw["migrations"] if one["status"]["phase"] not in ENDED]
    active = {(one["metadata"]["namespace"], one["spec"]["vmiName"]) for one in raw["migrations"]}
    raw["vmis"] = [one for one in raw["vmis"] if (one["metadata"]["namespace"], one["metadata"]["name"]) in active]
    texts = [json.dumps(one) for objects in raw.values() for one in objects]
    now = datetime.now(timezone.utc)
    parsed, judged = [], []
    for _run in range(times):
        began = time.process_time()
        for text in texts:
            json.loads(text)
        parsed.append(time.process_time() - began)
        began = time.process_time()
        stuck_migrations(
            raw["migrations"],
            raw["vmis"],
            now,
            pods=raw["pods"],
            nodes=raw["nodes"],
            kubevirt=raw["kubevirts"][0],
            events=raw["events"],
            leases=raw["leases"],
            include_all=True,
        )
        judged.append(time.process_time() - began)
    return min(parsed), min(judged)


@dataclass(frozen=True)
class Size:
    """How much is in the cluster."""

    finished: int
    vmis: int
    nodes: int
    active: int = 100
    stuck: int = 1000


def look_at_one(bench: Bench, *, empty: Measured) -> list[Goal]:
    """One VM that is being migrated, among all that is there."""
    vms = ["fleet/copying-00000"]
    by_playbook = bench.playbook("playbook diagnose, one VM", f"{FULL_NAME}.diagnose", vms=vms)
    by_module = bench.tasks("migration_info, one VM", module("migration_info", vms=vms))
    of_module = bench.requests_of(partial(bench.tasks, "(its requests)", module("migration_info", vms=vms), times=1))
    of_playbook = bench.requests_of(
        partial(bench.playbook, "(its requests)", f"{FULL_NAME}.diagnose", times=1, vms=vms)
    )
    return [
        Goal("requests for one VM, module", len(of_module), 12),
        Goal("requests for one VM, playbook diagnose, which judges its nodes too", len(of_playbook), 12),
        Goal("one VM, module / empty playbook", by_module.wall / empty.wall, 2.5),
        Goal("one VM, playbook diagnose / empty playbook", by_playbook.wall / empty.wall, 2.5),
    ]


def run(bench: Bench, cluster: Cluster, loader: Loader, size: Size) -> list[Goal]:
    """Load, measure, load more, measure more."""
    few = size.finished // 10
    print(f"loading {size.nodes} nodes, {size.vmis} VMIs, {few} finished and {size.active} unfinished migrations")
    loader.play()
    loader.nodes(size.nodes)
    loader.vmis(size.vmis)
    loader.active(size.active, models=ACTIVE, name="copying")
    loader.finished(few, vms=size.vmis)
    empty = bench.tasks("an empty playbook (one ping)", {"ansible.builtin.ping": {}})
    bench.tasks("migration_info, a namespace without VMs", module("migration_info", namespaces=["kubevirt"]))
    table_of_few = bench.floor(f"Table request, {few} finished", "table")
    scan_of_few = bench.tasks(f"migration_info, {few} finished", module("migration_info"))

    print(f"loading {size.finished - few} finished migrations more")
    loader.finished(size.finished - few, first=few, vms=size.vmis)
    paged = bench.floor("paged list and json.loads", "paged", times=2)
    table = bench.floor(f"Table request, {size.finished} finished", "table")
    scan = bench.tasks(f"migration_info, {size.finished} finished", module("migration_info"))
    diagnose = bench.playbook("playbook diagnose", f"{FULL_NAME}.diagnose")
    goals_of_one = look_at_one(bench, empty=empty)
    bench.profile(f"migration_info, {size.finished} finished", "migration_info")
    rival = bench.tasks("kubernetes.core.k8s_info and rejectattr", *rival_tasks(), times=1, rival=True)
    bench.keep("kubectl and jq", kubectl_and_jq(str(cluster.kubeconfig("admin"))), times=1)

    paths = bench.requests_of(partial(bench.tasks, "(its requests)", module("node_health_info"), times=1))
    health = bench.tasks(f"node_health_info, {size.nodes} nodes", module("node_health_info"))
    listed = bench.floor("the same paths, listed and parsed", "get", *paths)
    bench.profile(f"node_health_info, {size.nodes} nodes", "node_health_info")

    print(f"loading {size.stuck} stuck migrations")
    loader.active(size.stuck, models=tuple(STUCK), name="stuck")
    many = bench.tasks(f"migration_info, {size.stuck} stuck", module("migration_info"))
    bench.profile(f"migration_info, {size.stuck} stuck", "migration_info")
    unplaced = module("migration_info", vms=[f"fleet/stuck-{[*STUCK].index('model-unplaced'):05}"])
    by_unplaced = bench.requests_of(partial(bench.tasks, "(its requests)", unplaced, times=1))
    paged_again = bench.floor("paged list and json.loads, again", "paged", times=2)
    parsing, judged = judging(cluster, times=3)
    print(f"  json.loads {parsing:.2f} s of processor, judging {judged:.2f} s")
    beyond, beyond_few = scan.wall - table.wall, scan_of_few.wall - table_of_few.wall
    return [
        Goal("module's scan / k8s_info's, time", scan.wall / rival.wall, 1 / 40),
        Goal("playbook diagnose / k8s_info's, time", diagnose.wall / rival.wall, 1 / 40),
        Goal("playbook diagnose / k8s_info's, memory of the largest process", diagnose.memory / rival.memory, 1 / 10),
        Goal("module's scan / (Table request + empty playbook)", scan.wall / (table.wall + empty.wall), 3),
        Goal("playbook diagnose / (Table request + empty playbook)", diagnose.wall / (table.wall + empty.wall), 3),
        Goal("ten times more finished ones: scan beyond the Table request", beyond / beyond_few, 2),
        *goals_of_one,
        Goal("requests for one VM that no node takes, module", len(by_unplaced), 12),
        Goal(f"{size.stuck} stuck with causes / paged full list", many.wall / min(paged.wall, paged_again.wall), 1),
        Goal("judging / json.loads of the same objects", judged / parsing, 3),
        Goal(
            "node health beyond an empty playbook / listing and parsing", (health.wall - empty.wall) / listed.wall, 1.5
        ),
    ]


def record(goals: Sequence[Goal], bench: Bench, size: Size) -> None:
    """Add this run to the page."""
    day = datetime.now(timezone.utc).date().isoformat()
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}"
    lines = [
        f"\n## {day}, {machine}\n",
        (
            f"{size.finished} finished migrations, {size.active} unfinished, then {size.stuck} stuck ones; "
            f"{size.vmis} VMIs, {size.nodes} nodes.\n"
        ),
        "| measured | wall | processor | largest process |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one.wall:.2f} s | {one.busy:.2f} s | {one.memory:.0f} MiB |"
        for name, one in bench.figures.items()
        if not name.startswith("(")
    ]
    lines += ["", "| ratio | measured | goal | |", "|---|---|---|---|"]
    lines += [
        f"| {one.text} | {one.ratio:.3f} | {one.most:.3f} | {'kept' if one.is_kept else 'missed'} |" for one in goals
    ]
    lines += ["", "| processor time inside of the module | seconds | share |", "|---|---|---|"]
    for name, places in bench.profiles.items():
        whole = sum(places.values())
        lines += [f"| **{name}** | {whole:.2f} | |"]
        lines += [f"| {place} | {seconds:.2f} | {seconds / whole:.0%} |" for place, seconds in places.items()]
    with PAGE.open("a", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


def main(arguments: Sequence[str]) -> int:
    """1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--finished", type=int, default=50_000, help="finished migrations (default: 50000)")
    parser.add_argument("--vmis", type=int, default=10_000, help="running VMIs (default: 10000)")
    parser.add_argument("--nodes", type=int, default=1_000, help="nodes (default: 1000)")
    parser.add_argument("--times", type=int, default=3, help="runs of each program, the fastest counts (default: 3)")
    parser.add_argument("--record", action="store_true", help="add the run to docs/benchmarks.md")
    given = parser.parse_args(arguments)
    size = Size(given.finished, given.vmis, given.nodes)
    # The environment of the AWX tests has kubernetes.core too.
    (rival,) = prepare(ENVIRONMENTS["awx"]).glob("lib/python*/site-packages")
    with Cluster.start(audit=True, simulator=True) as cluster, tempfile.TemporaryDirectory() as folder:
        bench = Bench(cluster, folder=Path(folder), rival=rival, times=given.times)
        goals = run(bench, cluster, Loader(cluster), size)
    print(*goals, sep="\n")
    if given.record:
        record(goals, bench, size)
    return 0 if all(one.is_kept for one in goals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
