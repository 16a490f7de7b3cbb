# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module's processor time goes, by room of the house and by what it stands on.

    python -m tests.bench.profiling KUBECONFIG MODULE

Prints seconds by place as JSON. The stack is looked at every 2 ms of processor time, and what has passed since the last
look counts for the place where it is: unlike a tracing profiler this leaves Python code as fast beside C code as it is.
What Ansible does before the module starts (packing it, and compiling it anew) is not in it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from types import FrameType

from tests.module_arguments import module_arguments

__all__ = ["PLACES", "Sampler", "place_of"]

_EVERY_SECONDS = 0.002
_MODULES = "ansible_collections.kubevirt_ops.live_migration.plugins.modules"
# What a file's path holds, and what is done there; the first that fits.
PLACES = {
    "/module_utils/_cluster/": "requests, paths and errors of the API (_cluster)",
    "/module_utils/_facts/": "objects to facts (_facts)",
    "/module_utils/_verdict/": "verdicts and causes (_verdict)",
    "/module_utils/_plan/": "what may be done (_plan)",
    "/module_utils/_proof/": "the result and its redaction (_proof)",
    "/module_utils/_flow/": "the flow (_flow)",
    "/json/": "json.loads and json.dumps",
    "/urllib3/": "HTTP and TLS",
    "/kubernetes/": "HTTP and TLS",
    "/http/": "HTTP and TLS",
    "/ssl.py": "HTTP and TLS",
    "/socket.py": "HTTP and TLS",
    "/concurrent/": "requests in parallel",
    "/threading.py": "requests in parallel",
    "/ansible/": "Ansible's start and end of a module",
}
_IMPORT = "importlib"


def place_of(files: Sequence[str]) -> str:
    """What the code in the first of `files`, called from the next and so on, is there for: an import wherever it
    stands, else the first that is known."""
    if any(_IMPORT in one for one in files):
        return "imports"
    return next((name for one in files for part, name in PLACES.items() if part in one), "the rest")


def _files_of(frame: FrameType | None) -> list[str]:
    files = []
    while frame is not None:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back
    return files


class Sampler:
    """`seconds` of processor by place, while it is entered; in the main thread only."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._last = 0.0

    def __enter__(self) -> Sampler:
        self._last = time.process_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)
        return self

    def __exit__(self, *_error: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._look(signal.SIGPROF, sys._getframe())

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        now = time.process_time()
        self.seconds[place_of(_files_of(frame))] += now - self._last
        self._last = now


def main(arguments: Sequence[str]) -> int:
    """0 where the module ended well."""
    kubeconfig, name = arguments
    out = io.StringIO()
    ended = 1
    with Sampler() as sampler, module_arguments({"kubeconfig": kubeconfig}), contextlib.redirect_stdout(out):
        try:
            importlib.import_module(f"{_MODULES}.{name}").main()
        except SystemExit as exit_:
            ended = int(exit_.code or 0)
    print(json.dumps(dict(sampler.seconds)) if not ended else out.getvalue())
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
