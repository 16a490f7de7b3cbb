# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation is linted in a folder whose name no page takes for a reference."""

from __future__ import annotations

import tempfile

import pytest

from tests.make.docs_lint import name_without_underscores


def test_temporary_names_have_no_underscore(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tempfile._RandomNameSequence.characters
    monkeypatch.setattr(tempfile._RandomNameSequence, "characters", before)
    name_without_underscores()

    names = "".join(next(tempfile._RandomNameSequence()) for _name in range(200))

    assert "_" in before
    assert len(names) == 1600
    assert "_" not in names
