# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every object, however mangled: nothing raises, nothing is called fine, nobody else is touched, and no
order matters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.result import (
    render_correlations,
    render_migrations,
    render_summary,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.correlation import find_correlations
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.migration import STUCK
from tests.unit import worlds
from tests.unit.builders import a_kubevirt
from tests.unit.mangling import (
    KINDS,
    Path,
    at,
    dropped,
    object_at,
    objects_of,
    paths_of,
    reordered,
    replaced,
    with_object,
)
from tests.unit.table import TABLE
from tests.unit.worlds import World, a_copy, a_world, together

BOUNDED = settings(max_examples=200, deadline=None, derandomize=True, database=None)
STUCK_ROWS = sorted(name for name, (_build, verdict, _cause) in TABLE.items() if verdict in STUCK)
# A Ready virt-handler stands in for a node without a readable name, as for one that may not be read.
NOT_FOUND_BY_NAME = {("source-heartbeat", "nodes"), ("target-heartbeat", "nodes")}

STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**63) - 1, 10**5000, 2**62, -1, 0, 1e308, float("inf"), float("nan")]),
    st.text(max_size=12),
    st.sampled_from(["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-11-23T09:30:00Z", "Running", "9E64", "🚚"]),
    st.lists(st.integers() | st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers() | st.none(), max_size=2),
)
OTHER_TYPES = st.sampled_from([5, 1.5, "x", True, [], [5], {}, {"a": 1}])


def render_all(world: World) -> list[dict[str, Any]]:
    judgements = world.judge()
    render_summary(judgements)
    render_correlations(find_correlations(judgements), node_verdicts={})
    return render_migrations(judgements)


@st.composite
def places(draw: st.DrawFn, world: World) -> tuple[tuple[str, int], Path]:
    """An object of the world, and a place in it."""
    where = draw(st.sampled_from(objects_of(world)))
    return where, draw(st.sampled_from(list(paths_of(object_at(world, where)))))


@BOUNDED
@given(name=st.sampled_from(sorted(TABLE)), count=st.integers(1, 4), data=st.data())
def test_no_spoilt_object_raises(name: str, count: int, data: st.DataObject) -> None:
    world = TABLE[name][0]()
    for _number in range(count):
        where, path = data.draw(places(world))
        found, value = object_at(world, where), data.draw(STRANGE)
        new = dropped(found, path) if data.draw(st.booleans()) else replaced(found, path, value)
        world = with_object(world, where, new)

    assert len(render_all(world)) == len(world.migrations)


FAR = {
    "64 bits": 2**63,
    "too long to print": 10**5000,
    "negative": -(2**64),
    "end of time": "9999-12-31T23:59:59Z",
    "no number": float("nan"),
}


@pytest.mark.parametrize("value", FAR.values(), ids=FAR.keys())
@pytest.mark.parametrize("name", ["copy-overdue", "silent-lease", "cancel-waits", "post-copy", "queued"])
def test_no_number_or_time_is_too_far(name: str, value: Any) -> None:
    world = TABLE[name][0]()
    for where in objects_of(world):
        for path in paths_of(object_at(world, where)):
            spoilt = with_object(world, where, replaced(object_at(world, where), path, value))
            assert len(render_all(spoilt)) == len(world.migrations)


@pytest.mark.parametrize("name", STUCK_ROWS)
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(value=OTHER_TYPES, data=st.data())
def test_value_of_another_type_never_makes_a_stuck_one_fine(name: str, value: Any, data: st.DataObject) -> None:
    world = TABLE[name][0]()
    where, path = data.draw(places(world))
    found = object_at(world, where)
    assume(at(found, path) is not None and type(at(found, path)) is not type(value))
    assume((name, where[0]) not in NOT_FOUND_BY_NAME or path not in ((), ("metadata",), ("metadata", "name")))

    verdict = with_object(world, where, replaced(found, path, value)).first().verdict

    assert verdict not in ("progressing", "queued", "succeeded")


@BOUNDED
@given(name=st.sampled_from(sorted(TABLE)), data=st.data())
def test_order_of_lists_changes_no_verdict(name: str, data: st.DataObject) -> None:
    world = together(TABLE[name][0](), worlds.quota(vm="alpha"), a_copy(vm="beta"))
    before = {found.case.name: (found.verdict, found.reason) for found in world.judge()}
    random = data.draw(st.randoms(use_true_random=False))
    for kind in KINDS:
        setattr(world, kind, reordered(getattr(world, kind), lambda items: random.sample(items, len(items))))

    assert {found.case.name: (found.verdict, found.reason) for found in world.judge()} == before


def verdicts_of_others(world: World) -> dict[str, tuple[str, str]]:
    found = {found.case.migration.vmi_name: (found.verdict, found.reason) for found in world.judge()}
    return {vm: found[vm] for vm in ("alpha", "beta", "gamma", "delta")}


@BOUNDED
@given(name=st.sampled_from(sorted(TABLE)), value=STRANGE, data=st.data())
def test_spoilt_object_leaves_all_others_alone(name: str, value: Any, data: st.DataObject) -> None:
    others = (worlds.quota(vm="alpha"), a_copy(vm="beta"), worlds.volume(vm="gamma"), a_world("Scheduled", vm="delta"))
    spoilt = TABLE[name][0]()
    world = together(spoilt, *others, kubevirt=a_kubevirt(per_cluster=99))
    kind = data.draw(st.sampled_from(["migrations", "vmis", "nodes", "events", "pods"]))
    where = (kind, data.draw(st.integers(0, len(getattr(spoilt, kind)) - 1)))
    path = data.draw(st.sampled_from(list(paths_of(object_at(world, where)))))

    new = replaced(object_at(world, where), path, value)

    assert verdicts_of_others(with_object(world, where, new)) == verdicts_of_others(world)
