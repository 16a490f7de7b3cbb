# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures of a copy prove, and what they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import (
    METRICS,
    Progress,
    Sample,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.progress import (
    SAMPLES,
    render_progress,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import STUCK
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.progress import (
    Outlook,
    copies_of,
    find_outlook,
)
from tests.cluster.simulator.copying import MemoryCopy
from tests.unit import copies
from tests.unit.builders import NOW, a_migration
from tests.unit.copies import GIB, MIB, NAMES, a_measured_copy, configured, measure, points_of
from tests.unit.worlds import World, a_copy, a_world, cause_of, gaps_of, judged, together

KEY = ("team-a", "web-1")
BOUNDED = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def outlook_of(world: World) -> Outlook:
    found = find_outlook(world.first().case)
    assert found is not None
    return found


def codes(world: World) -> list[str]:
    return [cause.code for cause in world.first().causes]


def only(world: World, keep: Callable[[Sample], bool]) -> World:
    """The same, of whose samples some were never read."""
    read = world.progress[KEY]
    world.progress = {KEY: replace(read, samples=tuple(one for one in read.samples if keep(one)))}
    return world


def aged(sample: Sample) -> float:
    return (NOW - sample.at).total_seconds()


# -- what is no trouble


FINE: dict[str, Callable[[], World]] = {
    "first pass of a very large VM": lambda: a_measured_copy(
        300, 100, 10, gib=512, migrationConfiguration=configured()
    ),
    "first seconds": lambda: a_measured_copy(10, 100, 10),
    "later pass, seen in the middle": lambda: a_measured_copy(250, 64, 40, history=60),
    "passes shorter than a poll": lambda: a_measured_copy(46, 400, 250),
    "idle guest": lambda: a_measured_copy(100, 64, 0),
    "no deadline": lambda: a_measured_copy(100, 2, 0, migrationConfiguration=configured(completionTimeoutPerGiB=0)),
    "ends in time though it is below the rate": lambda: a_measured_copy(1000, 8, 1, begins_after=100),
}


@pytest.mark.parametrize("build", FINE.values(), ids=FINE.keys())
def test_copy_that_goes_on_is_not_accused(build: Callable[[], World]) -> None:
    world = build()

    assert judged(world)[0] in ("progressing", "late")
    assert not set(codes(world)) - {"SlowButConverging"}


@pytest.mark.parametrize("mode", ["PostCopy", "Paused"])
def test_post_copy_and_pause_are_not_called_not_converging(mode: str) -> None:
    world = copies.not_converging()
    world.state["mode"] = mode

    assert not set(codes(world)) & {"NotConverging", "BandwidthTooLow", "SlowButConverging", "NoDataFlow"}


def test_pause_without_a_flow_is_stalled() -> None:
    world = copies.no_flow()
    world.state["mode"] = "Paused"

    assert world.first().verdict == "stalled"


def test_cancelled_copy_is_not_judged_by_its_figures() -> None:
    world = copies.not_converging()
    world.migrations = [a_migration("Running", age_seconds=500, deleted_seconds=10)]

    assert judged(world) == ("cancelling", "")


# -- what is one


def test_guest_that_writes_its_working_set_again_and_again_does_not_converge() -> None:
    world = a_measured_copy(410, 64, 500, working_set=GIB)

    assert judged(world) == ("stalled", "NotConverging")


def test_guest_that_outruns_the_copy_is_seen_before_the_window_is_over() -> None:
    world = a_measured_copy(200, 64, 80, history=45)

    assert judged(world) == ("stalled", "NotConverging")
    cause = cause_of(world, "NotConverging")
    assert cause is not None
    assert cause.confidence == "likely"


def test_flat_figures_without_any_rate_are_stalled_and_only_possibly_for_that_reason() -> None:
    samples = tuple(Sample(NOW - timedelta(seconds=age), "", 5 * GIB) for age in range(120, -1, -5))
    world = a_copy(300)
    world.progress = {KEY: Progress(samples, "prometheus")}

    assert judged(world) == ("stalled", "NotConverging")
    cause = cause_of(world, "NotConverging")
    assert cause is not None
    assert cause.confidence == "possible"


def test_rate_that_stays_while_nothing_is_processed_is_no_flow() -> None:
    world = copies.no_flow()

    assert outlook_of(world).transfer_rate == 0
    assert world.progress[KEY].samples[-1].transfer_bytes_per_second == 64 * MIB
    assert judged(world) == ("stalled", "NoDataFlow")


def test_cap_that_is_not_reached_is_not_blamed() -> None:
    world = a_measured_copy(500, 20, 18, migrationConfiguration=configured(bandwidthPerMigration="1Gi"))

    cause = cause_of(world, "BandwidthTooLow")
    assert cause is not None
    assert (cause.confidence, "bandwidthPerMigration" in cause.summary) == ("likely", False)


def test_cap_stands_before_the_guest_that_outruns_it() -> None:
    world = a_measured_copy(600, 40, 45, migrationConfiguration=configured(bandwidthPerMigration="40Mi"))

    assert codes(world) == ["BandwidthTooLow", "NotConverging"]
    assert world.first().causes[0].explains == ("NotConverging",)


def test_first_pass_that_even_for_an_idle_guest_takes_too_long_is_too_slow() -> None:
    world = a_measured_copy(100, 5, 0)

    assert codes(world) == ["BandwidthTooLow"]


def test_slow_copy_says_when_it_ends_and_whether_that_is_in_time() -> None:
    early, late = cause_of(copies.slow(), "SlowButConverging"), cause_of(copies.slow_and_late(), "SlowButConverging")

    assert early is not None
    assert late is not None
    assert "2026-11-23T08:02:" in early.summary
    assert early.summary.endswith(" s before its deadline.")
    assert late.summary.endswith(" s after its deadline.")


# -- which figures count


def test_figures_before_the_start_are_another_migrations() -> None:
    world = measure(a_copy(60), points_of(MemoryCopy(8 * GIB, 64 * MIB, 80 * MIB), started_seconds=500))

    assert min(aged(one) for one in outlook_of(world).samples) == 0
    assert max(aged(one) for one in outlook_of(world).samples) <= 60


def test_figures_of_another_node_do_not_count() -> None:
    world = copies.not_converging()
    world.state["sourceNode"] = "elsewhere"

    found = outlook_of(world)

    assert (found.samples, found.at) == ((), None)


def test_figures_before_what_was_processed_fell_are_another_copys() -> None:
    world = copies.slow()
    read = world.progress[KEY]
    old = tuple(replace(one, processed_bytes=10**15, at=one.at - timedelta(seconds=1)) for one in read.samples[:20])
    world.progress = {KEY: replace(read, samples=tuple(sorted((*old, *read.samples), key=lambda one: one.at)))}

    assert all(one.processed_bytes != 10**15 for one in outlook_of(world).samples)


def test_figures_of_the_future_do_not_count_and_a_clock_a_little_ahead_does() -> None:
    world = copies.slow()
    read = world.progress[KEY]
    ahead = tuple(replace(one, at=one.at + timedelta(seconds=30)) for one in read.samples)
    world.progress = {KEY: replace(read, samples=(*ahead, Sample(NOW + timedelta(seconds=3600), "src-web-1", 1)))}

    assert outlook_of(world).at == NOW + timedelta(seconds=30)


def test_old_figures_say_nothing_and_how_old_they_are() -> None:
    world = only(copies.not_converging(), lambda one: aged(one) > 100)

    judgement = world.first()
    assert (judgement.verdict, judgement.causes) == ("progressing", ())
    assert judgement.reason.endswith("; by times alone: its newest figures are 105 s old")


@pytest.mark.parametrize(
    ("memories", "verdict"), [(16, "stalled"), (17, "progressing")], ids=["plugged in", "nonsense"]
)
def test_more_than_the_vm_can_have_is_no_figure_of_its_copy(memories: int, verdict: str) -> None:
    samples = tuple(Sample(NOW - timedelta(seconds=age), "", memories * 8 * GIB, 5) for age in range(120, -1, -5))
    world = a_copy(300)
    world.progress = {KEY: Progress(samples, "prometheus")}

    assert world.first().verdict == verdict
    assert ("more remains than the VM can have" in world.first().reason) == (verdict != "stalled")


def test_gap_in_the_range_hides_nothing() -> None:
    world = only(copies.not_converging(), lambda one: not 30 < aged(one) < 230)

    assert judged(world) == ("stalled", "NotConverging")


def test_pass_that_began_in_a_gap_is_not_taken_for_a_small_one() -> None:
    # 310 s ago a pass of 8 GiB begins; only its very end was read, and then the beginning of a smaller one.
    world = only(copies.slow(), lambda one: aged(one) < 60 or 200 < aged(one) < 220)

    assert "NotConverging" not in codes(world)


def test_two_samples_prove_nothing_and_rule_nothing_out() -> None:
    world = only(copies.not_converging(), lambda one: aged(one) <= 5)

    assert codes(world) == []
    assert gaps_of(world) >= {"NotConverging", "NoDataFlow"}
    assert outlook_of(world).transfer_rate == 64 * MIB


def test_of_two_migrations_of_a_vm_only_the_one_that_copies_has_progress() -> None:
    world = copies.not_converging()
    world.migrations.append(a_migration("Pending", age_seconds=90, uid="mig-second"))
    first, second = world.judge()

    assert (first.verdict, second.verdict) == ("stalled", "queued")
    assert render_progress(second.case) == {}


def test_only_running_copies_are_asked_for() -> None:
    world = together(
        copies.slow(),
        a_world("Pending", vm="two"),
        a_world("TargetReady", vm="three"),
        a_world("Succeeded", vm="four"),
        a_world("Running", vm="five", age_seconds=50, deleted_seconds=5),
    )

    assert [(copy.vm, copy.source_node) for copy in copies_of(world.snapshot())] == [("web-1", "src-web-1")]


# -- what is shown


def test_progress_is_empty_where_nothing_was_read() -> None:
    assert render_progress(a_copy().first().case) == {}


def test_progress_is_bounded_and_has_no_percentage() -> None:
    shown = render_progress(copies.slow().first().case)

    assert (len(shown["samples"]), shown["samples_total"]) == (SAMPLES, 63)
    assert not [name for name in shown if "percent" in name or "done" in name]
    assert shown["needed_bytes_per_second"] == round(2**30 / 150)
    assert (shown["trend"], shown["ends_before_deadline"]) == ("falling", True)


def test_progress_that_was_asked_for_and_not_answered_says_why() -> None:
    world = a_copy()
    world.progress = {KEY: Progress(source="prometheus", problem="it does not answer")}

    shown = render_progress(world.first().case)
    assert (shown["source"], shown["problem"], shown["remaining_bytes"]) == ("prometheus", "it does not answer", None)
    assert world.first().reason.endswith("; by times alone: it does not answer")


# -- figures that are missing or spoilt


STALLED: dict[str, Callable[[], World]] = {
    "not converging": copies.not_converging,
    "too slow": copies.capped,
    "no flow": copies.no_flow,
}


@pytest.mark.parametrize("metric", NAMES.values())
@pytest.mark.parametrize("build", STALLED.values(), ids=STALLED.keys())
def test_metric_that_is_not_there_never_makes_a_stuck_copy_fine_in_silence(
    build: Callable[[], World], metric: str
) -> None:
    world = build()
    figure = METRICS[metric]
    read = world.progress[KEY]
    world.progress = {KEY: replace(read, samples=tuple(replace(one, **{figure: None}) for one in read.samples))}

    judgement = world.first()

    assert judgement.verdict in STUCK or "; by times alone" in judgement.reason


@BOUNDED
@given(name=st.sampled_from(sorted(STALLED)), data=st.data())
def test_few_spoilt_figures_never_make_a_stuck_copy_fine(name: str, data: st.DataObject) -> None:
    world = STALLED[name]()
    read = world.progress[KEY]
    spoilt = data.draw(st.sets(st.integers(0, len(read.samples) - 2), max_size=3))
    figure = data.draw(st.sampled_from(sorted(set(METRICS.values()))))
    samples = tuple(replace(one, **{figure: None}) if n in spoilt else one for n, one in enumerate(read.samples))
    world.progress = {KEY: replace(read, samples=samples)}

    assert world.first().verdict in STUCK


FIGURE = st.none() | st.sampled_from([0, 1, 2**64 - 1, 2**63, 10**9]) | st.integers(0, 2**64 - 1)
TAUS = [-1, 0, 1, 150, 10**30]
SAMPLE = st.builds(
    Sample,
    at=st.integers(-600, 10**6).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    node=st.sampled_from(["", "src-web-1", "dst-web-1"]),
    remaining_bytes=FIGURE,
    processed_bytes=FIGURE,
    total_bytes=FIGURE,
    transfer_bytes_per_second=FIGURE,
    dirty_bytes_per_second=FIGURE,
)


@BOUNDED
@given(
    samples=st.lists(SAMPLE, max_size=12),
    seconds=st.sampled_from([0, 60, 1200, 1400]),
    tau=st.sampled_from([-1, 0, 1, 150, 10**30]),
)
def test_no_figures_raise_and_a_deadline_is_never_forgotten(samples: list[Sample], seconds: int, tau: int) -> None:
    world = a_copy(seconds, migrationConfiguration=configured(completionTimeoutPerGiB=tau))
    times = world.first()
    ordered = tuple(sorted(samples, key=lambda one: one.at))
    world.progress = {KEY: Progress(ordered, "prometheus")}

    judgement = world.first()
    render_progress(judgement.case)

    # Figures add a cause or a verdict; they take none away that times prove.
    assert judgement.verdict in ("stalled", "blocked") or judgement.verdict == times.verdict
