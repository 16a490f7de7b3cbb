# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays KubeVirt's control plane, the kubelets and the scheduler against a real API server, for tests and demos.

Sources: what KubeVirt's own controllers were seen to write (recorded runs of KubeVirt d923fdb815cd) and its source.
Imports nothing of the collection, so that a wrong idea there is not shared here.
"""

from __future__ import annotations

from .planting import World
from .scenario import ScenarioError
from .simulator import Simulator

__all__ = ["ScenarioError", "Simulator", "World"]
