# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's profile: what runs is counted where it belongs, and all of it."""

from __future__ import annotations

import json
import time

import pytest

from tests.bench.profiling import Sampler, place_of

ROOM = "/x/ansible_collections/kubevirt_ops/live_migration/plugins/module_utils"
PYTHON = "/usr/lib/python3.11"


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ([f"{ROOM}/_verdict/judge.py", f"{ROOM}/_flow/look.py"], "verdicts and causes (_verdict)"),
        ([f"{PYTHON}/fractions.py", f"{ROOM}/_facts/quantity.py"], "objects to facts (_facts)"),
        ([f"{PYTHON}/json/decoder.py", f"{ROOM}/_cluster/answer.py"], "json.loads and json.dumps"),
        ([f"{PYTHON}/ssl.py", f"{PYTHON}/http/client.py", f"{ROOM}/_cluster/session.py"], "HTTP and TLS"),
        ([f"{ROOM}/_cluster/client.py", "<frozen importlib._bootstrap>", "module.py"], "imports"),
        (["module.py"], "the rest"),
    ],
    ids=["room", "called by a room", "json", "network", "import", "unknown"],
)
def test_time_counts_for_the_innermost_place_that_is_known(files: list[str], place: str) -> None:
    assert place_of(files) == place


def test_all_processor_time_is_counted() -> None:
    text = json.dumps([{"name": str(number)} for number in range(2000)])
    began = time.process_time()
    with Sampler() as sampler:
        while time.process_time() - began < 0.1:
            json.loads(text)

    assert sampler.seconds["json.loads and json.dumps"] > 0
    # A share of what has passed, not a time: nothing is lost, and nothing counted twice.
    assert 0.9 < sum(sampler.seconds.values()) / (time.process_time() - began) <= 1
