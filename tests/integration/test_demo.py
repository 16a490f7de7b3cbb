# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo` as a process: what it ends with is there."""

from __future__ import annotations

import os
import sys

from tests.make.places import ROOT
from tests.programs import run_program

PLACES = {
    "the report to open in a browser": ".html",
    "the evidence to attach to an issue": ".tar.gz",
}


def test_demo_ends_by_naming_the_report_and_the_evidence() -> None:
    command = [sys.executable, "-m", "tests.demo", "selinux-context-missing"]
    shown = run_program(command, folder=ROOT, environment=dict(os.environ), seconds=240)

    assert shown.returncode == 0, shown.stdout
    last = [line.removeprefix("demo: ").split(": ") for line in shown.stdout.splitlines()[-2:]]
    assert [what for what, _place in last] == list(PLACES), shown.stdout
    for what, place in last:
        assert place.endswith(PLACES[what])
        assert (ROOT / place).stat().st_size > 0
