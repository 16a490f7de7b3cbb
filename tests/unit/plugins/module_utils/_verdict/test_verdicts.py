# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict table: each word, each limit on both sides, and which of two words wins."""

from __future__ import annotations

import pytest

from tests.unit.worlds import TABLE, Row, judged


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_verdict_and_first_cause(row: Row) -> None:
    build, verdict, cause = row

    assert judged(build()) == (verdict, cause)
