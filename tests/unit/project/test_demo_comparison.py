# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo notices when the playbook finds something else than was planted."""

from __future__ import annotations

from tests.demo.comparison import Row, compare, render


def planted(vm: str, *, verdict: str, cause: str | None = None) -> dict[str, str | None]:
    return {"vm": vm, "verdict": verdict, "first_cause": cause, "origin": "user"}


def found(name: str, *, verdict: str, cause: str = "", created_at: str = "2026-11-23T08:00:00Z") -> dict[str, str]:
    return {"namespace": "a", "vm": name, "verdict": verdict, "cause": cause, "created_at": created_at}


def test_compare_same_verdict_and_cause_agrees() -> None:
    rows = compare([planted("a/x", verdict="blocked", cause="C")], found=[found("x", verdict="blocked", cause="C")])
    assert rows == [Row("a/x", "blocked (C)", "blocked (C)")]
    assert rows[0].agrees


def test_compare_other_cause_differs() -> None:
    (row,) = compare([planted("a/x", verdict="blocked", cause="C")], found=[found("x", verdict="blocked", cause="D")])
    assert not row.agrees


def test_compare_healthy_called_late_differs() -> None:
    (row,) = compare([planted("a/x", verdict="progressing")], found=[found("x", verdict="late")])
    assert not row.agrees


def test_compare_planted_but_not_found_differs() -> None:
    (row,) = compare([planted("a/x", verdict="progressing")], found=[])
    assert not row.agrees


def test_compare_found_but_not_planted_differs() -> None:
    assert compare([], found=[found("x", verdict="blocked", cause="C")]) == [Row("a/x", "", "blocked (C)")]


def test_compare_of_several_migrations_the_newest_counts() -> None:
    older = found("x", verdict="progressing")
    newer = found("x", verdict="queued", cause="C", created_at="2026-11-23T08:00:30Z")
    wanted = [planted("a/x", verdict="queued", cause="C")]
    assert [row.agrees for row in compare(wanted, found=[newer, older])] == [True]
    assert [row.agrees for row in compare(wanted, found=[older])] == [False]


def test_compare_ended_migration_is_not_in_the_report() -> None:
    assert compare([planted("a/x", verdict="succeeded")], found=[]) == []


def test_compare_ended_migration_called_stuck_differs() -> None:
    (row,) = compare([planted("a/x", verdict="succeeded")], found=[found("x", verdict="blocked")])
    assert not row.agrees


def test_render_marks_what_differs() -> None:
    text = render([Row("a/x", "blocked (C)", "blocked (C)"), Row("a/long", "queued", "")])
    assert text.splitlines() == [
        "VM      PLANTED      FOUND",
        "a/x     blocked (C)  blocked (C)",
        "a/long  queued       -            <- differs",
    ]
