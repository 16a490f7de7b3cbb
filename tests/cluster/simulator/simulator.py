# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator of one cluster: plants scenarios and goes on from there as KubeVirt would."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from .api import Api, Object, Refused
from .clock import Clock
from .course import Course
from .handler_server import HandlerServers
from .informer import Informer
from .plans import Plan, Plans
from .planting import Planter, World
from .reconcile import Reconciler
from .scenario import load, parse
from .stage import Stage
from .view import Found, View, look
from .virt_api import VirtApi

__all__ = ["Simulator"]


# How many migrations that are being deleted somebody works on at once, virt-controller (`Stage.controllers`) or a node.
_LANES = 8
# Besides changes time itself makes things happen: a copy ends, a pod has waited too long.
_UNCHANGED_PAUSES = 5
_LONGEST_PAUSE = 0.5


class Cluster(Protocol):
    """What the simulator needs of a cluster."""

    server: str
    directory: Path
    ca_file: Path
    webhook_cert_file: Path
    webhook_key_file: Path
    front_proxy_ca_file: Path

    def token(self, user: str) -> str: ...
    def backdate(self, path: str, *, creation: Any = None, deletion: Any = None) -> None: ...
    def reset(self) -> None: ...


class Simulator:
    """KubeVirt's control plane and nodes, played against a real API server."""

    def __init__(self, cluster: Cluster, *, factor: float = 1.0) -> None:
        self._cluster = cluster
        self.clock = Clock(factor=factor)
        self.api = Api(cluster.server, ca_file=str(cluster.ca_file), token=cluster.token("admin"))
        self.stage = Stage(self.api, clock=self.clock, backdate=cluster.backdate)
        self.virt_api = VirtApi(
            Api(cluster.server, ca_file=str(cluster.ca_file), token=cluster.token("admin"), component="apiserver"),
            cert_file=cluster.webhook_cert_file,
            key_file=cluster.webhook_key_file,
            ca_file=cluster.ca_file,
            front_proxy_ca_file=cluster.front_proxy_ca_file,
        )
        self.world: World | None = None
        self.refusals: list[str] = []
        self._plans = Plans(cluster.directory)
        self.handlers = HandlerServers(
            self.api,
            clock=self.clock,
            plans=self._known_plans,
            cert_file=cluster.webhook_cert_file,
            key_file=cluster.webhook_key_file,
        )
        self._turn = threading.RLock()
        self._resting = threading.Event()
        self._thread: threading.Thread | None = None

    def _known_plans(self) -> dict[str, Plan]:
        known = self._plans.load()
        return {} if known is None else known[0]

    def play(self, scenario: str | Mapping[str, Any], *, keep: bool = False) -> World:
        """Load a scenario by name or from data; what was there before goes, except with `keep`."""
        wanted = load(scenario) if isinstance(scenario, str) else parse(scenario)
        with self._turn:
            self._plans.begin()
            try:
                if not keep:
                    self._cluster.reset()
                world = Planter(self.stage, scenario=wanted).plant()
            except BaseException:
                self._plans.give_up()
                raise
            self._plans.finish(world.plans, controller_silent=wanted.controller_silent is not None)
        self.world = world
        return world

    def step(self) -> None:
        """Everybody acts once: one phase further where nothing holds a migration, deletions answered."""
        self._step(look)

    def _step(self, looks: Callable[[Api], Found]) -> None:
        with self._turn:
            known = self._plans.load()
            if known is None:
                return
            plans, silent = known
            reconciler = self._reconciler(plans, looks)
            reconciler.sign_of_life(controller=not silent)
            if not silent:
                self._migrations(reconciler)
                self._try(self._reconciler(plans, looks).evacuations)
            self._try(self._reconciler(plans, looks).kubelets)

    def _migrations(self, reconciler: Reconciler) -> None:
        """Those that are being deleted several at once, as by virt-controller and nodes; those that queue in turn."""
        parts: dict[bool, list[Object]] = {True: [], False: []}
        for vmim in reconciler.view.migrations:
            parts["deletionTimestamp" in vmim["metadata"]].append(vmim)

        def take(part: list[Object]) -> None:
            for vmim in part:
                self._try(partial(reconciler.migration, vmim))

        ending = parts[True]
        self.api.every(take, [ending[place::_LANES] for place in range(min(_LANES, len(ending)))])
        take(parts[False])

    def advance(self, vmim: Object) -> str:
        """Take a migration one phase further, whatever holds it, to the first node that takes it; its phase then."""
        with self._turn:
            view, course = self._course(vmim)
            node = str(course.vmi["status"]["nodeName"])
            target = min(name for name in view.nodes if name != node)
            return course.advance(at=view.now, source_pod=view.source_pod(course.vmi), target=target)

    def fail(self, vmim: Object, *, reason: str) -> None:
        """Let the source node report that a copy failed."""
        with self._turn:
            view, course = self._course(vmim)
            course.fail(at=view.now, reason=reason)

    def _course(self, vmim: Object) -> tuple[View, Course]:
        view = View(look(self.api), now=self.clock.now())
        found = next(item for item in view.migrations if item["metadata"]["uid"] == vmim["metadata"]["uid"])
        vmi = view.vmi_of(found)
        if vmi is None:
            raise LookupError(f"{found['metadata']['name']} has no VMI")
        return view, Course(self.stage, vmim=found, vmi=vmi, pod=view.target_pod(found))

    def _reconciler(self, plans: dict[str, Plan], looks: Callable[[Api], Found]) -> Reconciler:
        return Reconciler(self.stage, view=View(looks(self.api), now=self.clock.now()), plans=plans)

    def _try(self, work: Callable[[], None]) -> None:
        """A refusal (a conflict, a dead virt-api) costs this turn only: the next step tries again."""
        try:
            work()
        except Refused as refusal:
            self.refusals.append(str(refusal))
            del self.refusals[:-100]

    def run(self, *, pause: float = 0.5) -> None:
        """Step on in the background until `stop` or `rest`: `pause` seconds after a change, or after several pauses."""
        if self._thread is None:
            self._resting.clear()
            self._thread = threading.Thread(target=self._live, args=(pause,), name="simulator", daemon=True)
            self._thread.start()

    def _live(self, pause: float) -> None:
        informer = Informer(self.api)
        informer.start()
        try:
            while not self._resting.wait(pause):
                informer.wait(min(pause * (_UNCHANGED_PAUSES - 1), _LONGEST_PAUSE))
                try:
                    self._step(informer.look)
                except (OSError, Refused) as error:
                    self.refusals.append(str(error))
        finally:
            informer.stop()

    def rest(self) -> None:
        """End what `run` began."""
        thread, self._thread = self._thread, None
        self._resting.set()
        if thread is not None:
            thread.join()

    def controller(self, *, silent: bool) -> None:
        """virt-controller falls silent, or is back."""
        self._plans.set_controller(silent=silent)

    def start(self) -> None:
        """Serve what virt-api serves: webhooks and the aggregated API."""
        self.virt_api.start()

    def reset(self) -> None:
        """Forget the world: the cluster is being emptied. A virt-api that a test left dead or hanging answers again."""
        self.virt_api.serve()
        self.handlers.forget()
        self._plans.forget()
        self.world = None

    def stop(self) -> None:
        """Stop serving and close connections."""
        self.rest()
        self.virt_api.stop()
        self.handlers.stop()
        self.api.close()
