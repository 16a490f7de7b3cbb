# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`pictures`: pages as people meet them. `bench`: size and speed of a page on 500 migrations. Nothing is judged."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.look.chromium import Chromium, find_chromium
from tests.look.pictures import take_pictures
from tests.look.samples import write_samples
from tests.make.places import BUILD

_RUNS = 5
_MEASURE = """(() => { const load = performance.getEntriesByType("navigation")[0];
  return [load.domInteractive, load.loadEventEnd, document.querySelectorAll("*").length]; })()"""


def main(arguments: list[str]) -> int:
    """2 for a command that there is not; 0 too where there is no browser, which is said."""
    if arguments not in (["pictures"], ["bench"]):
        print("usage: python -m tests.look pictures | bench", file=sys.stderr)
        return 2
    program = find_chromium()
    if program is None:
        print("There is no Chromium here, so nothing was looked at. Name one with CHROMIUM=/path/to/chromium.")
        return 0
    with Chromium.start(program) as browser:
        if arguments == ["bench"]:
            bench(browser)
        else:
            pictures(browser)
    return 0


def pictures(browser: Chromium, /) -> None:
    """The sample pages and those that `make demo` left, as pictures in .build/look."""
    pages = [*write_samples(BUILD / "look").values(), *(BUILD / "demo").glob("*.html")]
    for page in pages:
        for path in take_pictures(browser, page, folder=BUILD / "look"):
            print(path.relative_to(BUILD.parent))


def bench(browser: Chromium, /) -> None:
    """The median of five loads, by the browser's own clock and by ours."""
    with tempfile.TemporaryDirectory(prefix="look-") as folder:
        page = write_samples(Path(folder))["storm"]
        tab = browser.tab()
        tab.resize(1280)
        runs = [(tab.open(page), *tab.evaluate(_MEASURE)) for _run in range(_RUNS)]
        size = page.stat().st_size / 1e6
    painted, parsed, loaded = (median(run[place] for run in runs) for place in range(3))
    print(f"500 migrations, 400 of them stuck: {size:.2f} MB, {runs[0][3]} elements")
    print(f"parsed after {parsed:.0f} ms, loaded after {loaded:.0f} ms, painted after {painted * 1000:.0f} ms")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
