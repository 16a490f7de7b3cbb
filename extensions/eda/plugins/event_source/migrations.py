# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source migrations."""

from __future__ import annotations

DOCUMENTATION = r"""
---
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
version_added: 0.1.0
short_description: Tell when a KubeVirt live migration is stuck, and when it ends
description:
  - An ansible-rulebook event source. It watches VirtualMachineInstanceMigrations and tells of each one that is past its
    own deadline or has a cause that time does not cure, once for each cause that stands first, and of each end once.
    Prometheus is not needed.
  - The verdicts are those of M(kubevirt_ops.live_migration.migration_info), with the same rights. Where something may
    not be read a migration may be V(unknown), which is no event; the missing rule is logged once. The verb C(watch) on
    C(virtualmachineinstancemigrations) is needed too.
  - What is stuck when it starts is told then; what has ended before is not. After a disconnect, and where the API
    server has forgotten the last resourceVersion (410), it goes on without losing an end or telling one twice.
  - An error at the start ends the rulebook, with the reason. Later ones are logged, and it goes on after a pause of at
    most 30 seconds.
  - Events hold names that Kubernetes knows, words of closed lists and numbers, and no other text of the cluster.
  - The Python that runs ansible-rulebook needs the package kubernetes.
options:
  namespaces:
    description:
      - Watch only these namespaces. Empty watches all, which needs rights in the whole cluster.
    type: list
    elements: str
    default: []
  interval:
    description:
      - So many seconds a watch lasts, and so often migrations under way are judged; from 1 to 60. An event comes at
        most so much later.
    type: int
    default: 10
  late_after:
    description:
      - As the option of that name of M(kubevirt_ops.live_migration.migration_info). What is only late is no event.
    type: int
    default: 300
  progress:
    description:
      - Where to read how far running copies are, as the option of that name of
        M(kubevirt_ops.live_migration.migration_info). Without it a copy that makes no progress is told of when it is
        past its deadline.
    type: str
    choices: [none, prometheus, virt_handler]
    default: none
  prometheus:
    description:
      - The Prometheus to ask, with the keys C(url), C(token), C(ca_cert), C(query_parameters).
    type: dict
    default: {}
  lanes:
    description:
      - In how many lanes VMs are spread, for C(lock) in a rule.
    type: int
    default: 4
  kubeconfig:
    description:
      - The connection. This and O(context), O(host), O(api_key), O(ca_cert), O(validate_certs) and the others of
        M(kubevirt_ops.live_migration.migration_info) are as there, with the same C(K8S_AUTH_*) variables.
    type: raw
  context:
    description: See O(kubeconfig).
    type: str
  host:
    description: See O(kubeconfig).
    type: str
  api_key:
    description: See O(kubeconfig).
    type: str
  ca_cert:
    description: See O(kubeconfig).
    type: path
  validate_certs:
    description: See O(kubeconfig).
    type: bool
"""

EXAMPLES = r"""
- name: Live migrations of two namespaces
  kubevirt_ops.live_migration.migrations:
    namespaces: [team-a, team-b]
    interval: 15

# One that is stuck:
#   migration: {event: stuck, name: kubevirt-migrate-vm-x7k2p, uid: 8b5c..., verdict: blocked, cause: TargetHandlerDown,
#               phase: PreparingTarget, origin: user, seconds_in_phase: 190, seconds_left: null}
#   target: {namespace: team-a, vm: web-1}
#   lane: 2
#   meta: as ansible-rulebook adds it
# One that has ended, as succeeded, failed or gone (deleted before it was seen to end):
#   migration: {event: ended, name: kubevirt-migrate-vm-x7k2p, uid: 8b5c..., verdict: failed}
#   target: {namespace: team-a, vm: web-1}
#   lane: 2
"""

import asyncio
import logging
import os
import runpy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

runpy.run_path(str(Path(__file__).resolve().parents[1] / "rooms.py"))["find_rooms"]()

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import connect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import (
    AUTH_SPEC,
    settings_from,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.watch import Watch, watch_options

logger = logging.getLogger(__name__)


async def main(queue: Any, args: dict[str, Any]) -> None:
    """What ansible-rulebook calls. The API is asked in a thread of its own, so the rulebook never waits for it."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    stop = threading.Event()

    def work() -> None:
        try:
            for event in _events(args, stopped=stop.is_set):
                # Waits until the rulebook has taken it: what is not taken stays in the cluster, not in memory.
                asyncio.run_coroutine_threadsafe(queue.put(event), loop).result()
        except Exception as error:  # noqa: BLE001 - whatever it is, the rulebook must not go on without its source
            reason = error
            if not stop.is_set():
                loop.call_soon_threadsafe(lambda: failed.done() or failed.set_exception(reason))

    # A daemon, as a request that lasts must not keep the rulebook from ending.
    threading.Thread(target=work, name="live migrations", daemon=True).start()
    try:
        await failed
    finally:
        stop.set()


def _events(args: dict[str, Any], *, stopped: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """All events, until it is stopped."""
    options = watch_options(args, connection=frozenset(AUTH_SPEC))
    settings = settings_from({name: args.get(name) for name in AUTH_SPEC}, environ=os.environ)
    client = connect(settings)
    try:
        for warning in client.warnings:
            logger.warning("%s", warning)
        watch = Watch(client, options, Clock(), say=lambda text: logger.warning("%s", text))
        yield from watch.begin()
        while not stopped():
            yield from watch.turn(stopped)
    finally:
        client.close()
