# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes API for tests: a real kube-apiserver and etcd with KubeVirt's kinds, named users and a simulator."""

from __future__ import annotations

from tests.cluster.cluster import Cluster

__all__ = ["Cluster"]
