# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each cause: present with its evidence, absent, malformed, and where it could not be looked for."""

from __future__ import annotations

from datetime import datetime

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.catalogue import (
    CATALOGUE,
    ORDER,
    entry_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.explain import (
    BEFORE_HAND_OVER_CAUSES,
    CASE_CAUSES,
    ENDED_CAUSES,
    QUEUE_CAUSES,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.judge import judge_snapshot
from tests.unit.builders import NOW
from tests.unit.forms import FORMS, Form
from tests.unit.mangling import hide
from tests.unit.more_looks import ALL_LOOKS as LOOKS
from tests.unit.said import SAID
from tests.unit.worlds import cause_of, gaps_of

SPOILT = {code: look for code, look in LOOKS.items() if look.spoilt}
HIDDEN = {code: look for code, look in LOOKS.items() if look.topics}


def seconds_ago(moment: datetime | None) -> float | None:
    return None if moment is None else (NOW - moment).total_seconds()


def test_every_cause_that_is_looked_for_stands_here_and_in_the_catalogue() -> None:
    looked_for = {*BEFORE_HAND_OVER_CAUSES, *CASE_CAUSES, *QUEUE_CAUSES, *ENDED_CAUSES}

    assert looked_for == set(LOOKS) == set(ORDER) - {"Unknown"}


def test_catalogue_explains_only_codes_that_come_later() -> None:
    for entry in CATALOGUE:
        assert all(ORDER[code] > ORDER[entry.code] for code in entry.explains), entry.code


def test_code_that_is_not_in_the_catalogue_is_an_error() -> None:
    with pytest.raises(KeyError):
        entry_of("Gremlins")


@pytest.mark.parametrize("code", LOOKS)
def test_cause_is_found_with_its_evidence(code: str) -> None:
    cause = cause_of(LOOKS[code].present(), code)

    assert cause is not None
    assert (cause.code, cause.time_cures) == (code, LOOKS[code].cures)
    assert LOOKS[code].value in [seen.value for seen in cause.evidence]
    assert all(seen.object.count(" ") == 1 and seen.field for seen in cause.evidence)


@pytest.mark.parametrize("code", SAID)
def test_cause_says_since_when_and_by_what_it_is_seen(code: str) -> None:
    cause, said = cause_of(LOOKS[code].present(), code), SAID[code]

    assert cause is not None
    assert (cause.names, cause.confidence) == (said.names, said.confidence)
    assert seconds_ago(cause.holds_since) == said.seconds
    assert [(seen.object, seen.field, seen.value, seconds_ago(seen.at)) for seen in cause.evidence] == [
        (name, field, LOOKS[code].value if value is None else value, seconds)
        for name, field, value, seconds in said.evidence
    ]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_cause_in_another_form_says_as_much(form: Form) -> None:
    cause = cause_of(form.build(), form.code)

    assert cause is not None
    assert form.words in cause.summary
    assert (cause.names, cause.time_cures, seconds_ago(cause.holds_since)) == (form.names, form.cures, form.seconds)
    assert tuple((one.field, one.value, seconds_ago(one.at)) for one in cause.evidence) == form.evidence


@pytest.mark.parametrize("code", LOOKS)
def test_cause_is_one_plain_sentence_without_gaps(code: str) -> None:
    cause = cause_of(LOOKS[code].present(), code)

    assert cause is not None
    assert cause.summary.endswith(".")
    assert "  " not in cause.summary
    assert "None" not in cause.summary


@pytest.mark.parametrize("code", LOOKS)
def test_cause_is_absent_once_it_is_cured(code: str) -> None:
    world = LOOKS[code].present()
    LOOKS[code].absent(world)

    assert cause_of(world, code) is None
    assert code not in gaps_of(world)


@pytest.mark.parametrize("code", SPOILT)
def test_spoilt_cause_could_not_be_ruled_out(code: str) -> None:
    world = LOOKS[code].present()
    spoil = LOOKS[code].spoilt
    assert spoil is not None
    spoil(world)

    found = world.first()

    assert cause_of(world, code) is None
    assert found.verdict == "unknown"
    # What spoils the migration or its VM hides everything; limits that cannot be read are the queue's gap.
    told = "ClusterLimitReached" if code == "UnworkableLimits" else code
    assert found.reason.startswith("it cannot be judged: ") or told in gaps_of(world)


# A cause that is not seen may make the migration blocked once it could have held for so long; a queue at once.
HIDES_AFTER = {"no": 60, "maybe": 120, "yes": 0}


@pytest.mark.parametrize("code", HIDDEN)
def test_hidden_cause_counts_once_it_could_block(code: str) -> None:
    found = judge_snapshot(hide(LOOKS[code].present().snapshot(), LOOKS[code].topics))[0]

    gap = next(gap for gap in found.gaps if gap.code == code)
    assert gap.after_seconds == HIDES_AFTER[LOOKS[code].cures]


@pytest.mark.parametrize("code", HIDDEN)
def test_hidden_cause_is_a_gap_with_its_rule(code: str) -> None:
    found = judge_snapshot(hide(LOOKS[code].present().snapshot(), LOOKS[code].topics))[0]

    gap = next(gap for gap in found.gaps if gap.code == code)
    assert gap.rules
    assert gap.sentence().startswith("not allowed to ")
