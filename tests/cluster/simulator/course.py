# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration on its way, phase by phase, in the order in which KubeVirt's components act."""

from __future__ import annotations

from datetime import datetime, timedelta

from .api import Object
from .migrations import phase_of
from .node_agents import Kubelet, VirtHandler, bind
from .stage import Stage
from .virt_controller import VirtController

__all__ = ["Course"]


class Course:
    """A migration, its VMI and its target pod; each step writes what the component whose turn it is would write."""

    def __init__(self, stage: Stage, *, vmim: Object, vmi: Object, pod: Object | None = None) -> None:
        self.vmim = vmim
        self.vmi = vmi
        self.pod = pod
        self._api = stage.api
        self._controllers = stage.controllers
        self._controller = VirtController(stage)
        self._kubelet = Kubelet(stage.api)
        self._handler = VirtHandler(stage.api)

    def accept(self, *, at: datetime, source_pod: str) -> None:
        """ "" -> Pending."""
        self.vmim = self._controller.accept(self.vmim, source_pod=source_pod, at=at)

    def ask_for_pod(self, *, at: datetime) -> bool:
        """Pending -> Scheduling; False where the API server refuses the target pod (it stays Pending then)."""
        self.pod = self._controller.create_target_pod(self.vmim, vmi=self.vmi, at=at)
        if self.pod is None:
            return False
        self.vmim = self._controller.move(self.vmim, phase="Scheduling", at=at)
        return True

    def schedule(self, *, at: datetime, target: str) -> None:
        """The pod is bound; the phase stays Scheduling."""
        self.pod = bind(self._api, self._target_pod(), node=target, at=at)

    def pod_starts(self, *, at: datetime) -> None:
        """Scheduling -> Scheduled."""
        self.pod = self._kubelet.start(self._target_pod(), at=at)
        self.vmim = self._controller.move(self.vmim, phase="Scheduled", at=at)

    def hand_over(self, *, at: datetime) -> None:
        """Scheduled -> PreparingTarget."""
        self.vmim, self.vmi = self._controller.hand_over(self.vmim, vmi=self.vmi, pod=self._target_pod(), at=at)

    def target_listens(self, *, at: datetime) -> None:
        """PreparingTarget -> TargetReady."""
        self.vmi = self._handler.prepare_target(self.vmi, at=at)
        self.vmim = self._controller.move(self.vmim, phase="TargetReady", at=at)

    def copy_starts(self, *, at: datetime) -> None:
        """TargetReady -> Running."""
        self.vmi = self._handler.start_copy(self.vmi, at=at)
        self.vmim = self._controller.move(self.vmim, phase="Running", at=at)

    def mode(self, mode: str) -> None:
        """The copy goes on in another mode."""
        self.vmi = self._api.patch(self.vmi, {"status": {"migrationState": {"mode": mode}}})

    def arrive(self, *, at: datetime) -> None:
        """The guest runs on the target, and the phase is Running still."""
        self.vmi = self._handler.detect_target(self.vmi, at=at - timedelta(seconds=1))
        self.vmi = self._handler.complete(self.vmi, at=at)

    def succeed(self, *, at: datetime) -> None:
        """Running -> Succeeded; the guest runs on the target and the source's launcher ends."""
        source = self.vmi["status"]["migrationState"]["sourcePod"]
        self.arrive(at=at)
        self.vmim = self._controller.end(self.vmim, vmi=self.vmi, at=at)
        pod = self._api.get("Pod", name=source, namespace=self.vmi["metadata"]["namespace"])
        if pod is not None:
            self._kubelet.finish(pod, at=at)

    def fail(self, *, at: datetime, reason: str, aborted: bool = False, launcher_ends: bool = True) -> None:
        """Running -> Failed; the guest stays, and the target's launcher ends where its node answers."""
        self.vmi = self._handler.fail(self.vmi, at=at, reason=reason, aborted=aborted)
        with self._controllers:
            self.vmim = self._controller.end(self.vmim, vmi=self.vmi, at=at)
        if self.pod is not None and launcher_ends:
            self.pod = self._kubelet.finish(self.pod, at=at)

    def advance(self, *, at: datetime, source_pod: str, target: str) -> str:
        """One phase further, as if nothing held it; the phase it is in now (Pending still, where a quota says no)."""
        phase = phase_of(self.vmim)
        if phase == "":
            self.accept(at=at, source_pod=source_pod)
        elif phase == "Pending":
            self.ask_for_pod(at=at)
        elif phase == "Scheduling":
            if not self._target_pod()["spec"].get("nodeName"):
                self.schedule(at=at, target=target)
            self.pod_starts(at=at)
        elif phase == "Scheduled":
            self.hand_over(at=at)
        elif phase == "PreparingTarget":
            self.target_listens(at=at)
        elif phase == "TargetReady":
            self.copy_starts(at=at)
        elif phase == "Running":
            self.succeed(at=at)
        return phase_of(self.vmim)

    def _target_pod(self) -> Object:
        if self.pod is None:
            raise LookupError(f"{self.vmim['metadata']['name']} has no target pod")
        return self.pod
