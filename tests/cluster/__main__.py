# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the test cluster's command line: `python -m tests.cluster --help`."""

from __future__ import annotations

import sys

from tests.cluster.cli import main

sys.exit(main(sys.argv[1:]))
