# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error for what a user gave and what cannot be used.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

__all__ = ["WrongInput"]


class WrongInput(ValueError):
    """An option that cannot be used. The text names the option, the value and the way out."""
