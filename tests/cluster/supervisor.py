# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that a test cluster started from the command line lives in.

It says `ready` on standard output and then waits for a line on standard input. Without one (the command that started
it was killed) it ends everything: nobody would know of the cluster. After that SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from tests.cluster.cluster import Cluster

__all__ = ["main"]

_LOOK_SECONDS = 1.0


def main() -> int:
    """Run a cluster until told to end: 0. 1 when one of its programs died by itself."""
    options = _options()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Cluster.start(
        audit=options.audit, crds=options.crds, simulator=options.simulator, directory=options.dir
    ) as cluster:
        if not _hand_over():
            return 0
        if options.simulator:
            # Leases and heartbeats go on, and migrations move as KubeVirt would move them.
            cluster.simulator.run(pause=1.0)
        return _watch(cluster, ended=ended)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--crds", type=Path)
    parser.add_argument("--audit", action="store_true")
    parser.add_argument("--simulator", action="store_true")
    return parser.parse_args()


def _hand_over() -> bool:
    """Whether the one who started us has heard that we are ready; lets go of its terminal then."""
    try:
        print("ready", flush=True)
    except BrokenPipeError:
        return False
    heard = bool(sys.stdin.readline())
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return heard


def _watch(cluster: Cluster, *, ended: threading.Event) -> int:
    while not ended.wait(_LOOK_SECONDS):
        words = cluster.has_died()
        if words:
            print(words, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
