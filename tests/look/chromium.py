# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium, spoken to through two pipes: no port is opened and no driver is needed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Chromium", "Tab", "find_chromium"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 60
# Chromium reads commands from descriptor 3 and answers on 4; either may be the other's by chance.
_ON_3_AND_4 = """import os, sys
ends = [os.dup(os.dup(os.dup(int(number)))) for number in sys.argv[1:3]]
for wanted, end in enumerate(ends, 3):
    os.dup2(end, wanted)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """The program: what CHROMIUM names, or the first of its usual names; None where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


class Tab:
    """One page of the browser."""

    def __init__(self, browser: Chromium, session: str, /) -> None:
        self._browser = browser
        self.session = session

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer of one command of the DevTools protocol."""
        return self._browser.call(method, session=self.session, **params)

    def open(self, page: Path, /) -> float:
        """Load a file, and return the seconds until it was laid out and painted."""
        self.call("Page.enable")
        began = time.monotonic()
        self.call("Page.navigate", url=page.absolute().as_uri())
        self._browser.wait_for("Page.loadEventFired", session=self.session)
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")
        return time.monotonic() - began

    def evaluate(self, expression: str, /) -> Any:
        """The value of an expression on the page, awaited where it is a promise."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    def resize(self, width: int, /, *, height: int = 900, dark: bool = False) -> None:
        """The window's size, and whether it is dark outside."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, *, whole: bool = True) -> bytes:
        """A PNG of the page, or of what is on the screen alone."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def paper(self) -> bytes:
        """The page as a printer gets it: a PDF of A4."""
        return base64.b64decode(self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])


class Chromium:
    """A running browser. Use :meth:`start`."""

    def __init__(self, process: subprocess.Popen[bytes], *, write: int, read: int) -> None:
        self._process = process
        self._write = write
        self._read = read
        self._number = 0
        self._rest = b""
        self._events: list[dict[str, Any]] = []

    @classmethod
    @contextlib.contextmanager
    def start(cls, program: str, /) -> Iterator[Chromium]:
        """Start it with a profile of its own, and end it."""
        theirs_read, ours_write = os.pipe()
        ours_read, theirs_write = os.pipe()
        with tempfile.TemporaryDirectory(prefix="look-", ignore_cleanup_errors=True) as profile:
            command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
            command += ["--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run", "about:blank"]
            process = subprocess.Popen(
                [sys.executable, "-c", _ON_3_AND_4, str(theirs_read), str(theirs_write), *command],
                pass_fds=(theirs_read, theirs_write),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            os.close(theirs_read)
            os.close(theirs_write)
            try:
                yield cls(process, write=ours_write, read=ours_read)
            finally:
                os.close(ours_write)
                os.close(ours_read)
                process.terminate()
                process.wait(timeout=_SECONDS)

    def tab(self) -> Tab:
        """A new page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        return Tab(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def call(self, method: str, *, session: str = "", **params: Any) -> dict[str, Any]:
        """The answer of one command."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        data = json.dumps(message).encode("utf-8") + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                found: dict[str, Any] = answer["result"]
                return found
            self._events.append(answer)

    def wait_for(self, event: str, *, session: str) -> None:
        """Until the event has come for this page; those that came before count once."""
        while True:
            for index, seen in enumerate(self._events):
                if seen.get("method") == event and seen.get("sessionId") == session:
                    del self._events[: index + 1]
                    return
            self._events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], _SECONDS)[0]:
                raise TimeoutError(f"Chromium said nothing for {_SECONDS} s")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise RuntimeError("Chromium has ended")
            self._rest += chunk
        line, _end, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found
