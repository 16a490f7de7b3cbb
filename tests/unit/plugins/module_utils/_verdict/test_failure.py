# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt's failure texts of all versions, in plain words."""

from __future__ import annotations

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.failure import read_failure

NINE = "Live migration has been aborted"


@pytest.mark.parametrize(
    ("text", "cancelled", "kind", "words"),
    [
        (NINE, True, "cancelled", "it was cancelled"),
        (NINE, False, "gave_up", "gave it up"),
        ("Live migration aborted ", False, "cancelled", "it was cancelled"),
        ("Live migration stuck for 150 seconds and has been aborted", False, "no_progress", "no progress for 150 s"),
        ("Live migration stuck for 151 sec and has been aborted", False, "no_progress", "no progress for 151 s"),
        ("Live migration is not completed after 1350 seconds and has been aborted", False, "too_long", "after 1350 s"),
        ("Live migration is not completed after 9 seconds and has been aborted", True, "cancelled", "cancelled"),
        ("Target pod is down", False, "target_pod", "the target pod ended"),
        ("Live migration failed error: unable to connect to 10.1.0.2", False, "libvirt", "unable to connect to 10.1"),
        ("internal error: qemu unexpectedly closed the monitor", False, "libvirt", "qemu unexpectedly closed"),
        (
            "Volume migration cannot be performed because the destination volume is smaller (1 < 2)",
            False,
            "volume_too_small",
            "",
        ),
        ("", False, "not_recorded", "recorded no reason"),
        ("", True, "cancelled", "it was cancelled"),
    ],
)
def test_each_text_has_its_kind_and_words(text: str, cancelled: bool, kind: str, words: str) -> None:
    found = read_failure(text, was_cancelled=cancelled)

    assert found.kind.partition(" ")[0] == kind
    assert words in found.words


def test_failures_that_differ_in_figures_only_are_of_one_kind() -> None:
    texts = ["Live migration failed port 49152: refused", "Live migration failed port 49153: refused"]

    assert len({read_failure(text, was_cancelled=False).kind for text in texts}) == 1
    assert (
        read_failure("Live migration failed no route", was_cancelled=False).kind
        != read_failure(texts[0], was_cancelled=False).kind
    )


def test_libvirts_own_words_are_told_without_kubevirts() -> None:
    found = read_failure("Live migration failed  no route ", was_cancelled=False)

    assert (found.kind, found.words) == ("libvirt no route", "libvirt said: no route")
