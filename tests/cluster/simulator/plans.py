# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator knows and does not write into the cluster: which planted migrations stay, which copies end.

It lies in the cluster's private folder, so that the process which keeps a cluster alive knows what another one planted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Plan", "Plans"]


@dataclass(frozen=True)
class Plan:
    """`stays`: it goes nowhere. `troubled`: its target pod never runs. `ends_at`: when its copy ends; "" is never.
    `copy`: what virt-handler measures, as WatchedCopy has it; None for nothing."""

    stays: bool = False
    troubled: bool = False
    ends_at: str = ""
    copy: Mapping[str, Any] | None = None


class Plans:
    """The plans of the world in a cluster."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "simulator-plans.json"

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _write(self, content: Mapping[str, Any]) -> None:
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(self._file)

    def begin(self) -> None:
        """A world is being planted: nobody may touch it yet."""
        self._write({**self._read(), "planting": True})

    def finish(self, plans: Mapping[str, Plan], *, controller_silent: bool) -> None:
        """The world stands; these plans (by the migration's UID) are added to those before."""
        known = self._read().get("plans", {})
        known |= {uid: asdict(plan) for uid, plan in plans.items()}
        self._write({"plans": known, "controller_silent": controller_silent})

    def set_controller(self, *, silent: bool) -> None:
        """virt-controller falls silent, or is back."""
        self._write({**self._read(), "controller_silent": silent})

    def forget(self) -> None:
        """The world is gone; one that is being planted is not there yet, and stays untouchable."""
        if self._read().get("planting"):
            self._write({"planting": True})
        else:
            self._file.unlink(missing_ok=True)

    def give_up(self) -> None:
        """The world could not be planted."""
        self._file.unlink(missing_ok=True)

    def load(self) -> tuple[dict[str, Plan], bool] | None:
        """The plans, and whether virt-controller is silent; None while a world is being planted."""
        found = self._read()
        if found.get("planting"):
            return None
        plans = {uid: Plan(**plan) for uid, plan in found.get("plans", {}).items()}
        return plans, bool(found.get("controller_silent"))
