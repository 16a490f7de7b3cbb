# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs antsibull-docs with the words given, as `make check` does.

It copies the collection into a folder with a random name and reads pages that name this folder as reStructuredText, in
which a word with an underscore at its end is a reference. One of 37 names ends so, and with it the run failed.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

__all__ = ["main", "name_without_underscores"]


def name_without_underscores() -> None:
    """Temporary names of this process are of letters and digits alone."""
    sequence: Any = vars(tempfile)["_RandomNameSequence"]
    sequence.characters = sequence.characters.replace("_", "")


def main(arguments: Sequence[str]) -> int:
    """antsibull-docs' exit status."""
    name_without_underscores()
    run = importlib.import_module("antsibull_docs.cli.antsibull_docs").run
    return int(run(["antsibull-docs", *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
