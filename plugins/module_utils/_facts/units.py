# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of resources as the scheduler counts them.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor

__all__ = ["CPU", "Units", "scheduler_units"]

CPU = "cpu"

# Whole units of each resource, as the scheduler counts them: cpu in thousandths, everything else in units or bytes.
Units = dict[str, int]


def scheduler_units(amounts: Mapping[str, Fraction], /) -> Units:
    """Amounts by resource in the scheduler's whole units, rounded away from zero."""
    return {name: _away_from_zero(amount * 1000 if name == CPU else amount) for name, amount in amounts.items()}


def _away_from_zero(amount: Fraction) -> int:
    return ceil(amount) if amount >= 0 else floor(amount)
