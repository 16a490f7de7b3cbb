# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/howto/drain.md has each verdict of preflight in its order, with the reasons that lead to it."""

from __future__ import annotations

import re

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.preflight.catalogue import (
    REASONS,
    REMARK,
    VERDICTS,
    WOULD_MIGRATE,
)
from tests.make.places import ROOT

PAGE = (ROOT / "docs" / "howto" / "drain.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]*)\|$", PAGE, re.MULTILINE)


def test_verdicts_stand_there_worst_first() -> None:
    assert [verdict for verdict, _reasons in ROWS] == list(VERDICTS)


def test_each_reason_stands_with_the_verdict_that_it_leads_to() -> None:
    shown = {verdict: re.findall(r"`(\w+)`", reasons) for verdict, reasons in ROWS}
    # A remark leads to no verdict of its own.
    effects = [(entry.code, WOULD_MIGRATE if entry.effect == REMARK else entry.effect) for entry in REASONS]

    assert shown == {verdict: [code for code, effect in effects if effect == verdict] for verdict in VERDICTS}
