# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Anything a cluster may answer, for property tests: right shapes with odd values, and wrong shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.plugin_utils.results import (
    AN_ATTEMPT,
    BIDI,
    ESCAPE,
    PHASES,
    PROGRESS,
    QUEUE,
    SETTINGS,
    a_cause,
    a_migration,
    a_node,
    a_result,
    nodes_result,
)

__all__ = ["any_nodes", "any_result", "on_odd_results"]

odd_text = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab-/.", max_size=150),
    st.sampled_from(
        [ESCAPE, BIDI, "{{ 1 + 1 }}", "<script>alert(1)</script>", "a|b`c```", "日本語の名前", "\ud800", "x\r\ny"]
    ),
)
odd_leaf = st.one_of(st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(), odd_text)
odd_value = st.recursive(
    odd_leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=4,
)


@st.composite
def _spoilt(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """`whole` with some keys given odd values or taken away; now and then something else altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(odd_value)
    spoilt = dict(whole)
    for key in draw(st.lists(st.sampled_from(sorted(whole)), max_size=4, unique=True)):
        if draw(st.booleans()):
            spoilt[key] = draw(odd_value)
        else:
            del spoilt[key]
    return spoilt


@st.composite
def _an_odd_migration(draw: st.DrawFn) -> Any:
    cause = a_cause(evidence=[draw(_spoilt(a_cause()["evidence"][0]))], advice=[draw(_spoilt(a_cause()["advice"][0]))])
    verdict = draw(st.sampled_from(["blocked", "overdue", "late", "progressing", "unknown", "something else"]))
    whole = a_migration(causes=[draw(_spoilt(cause))], verdict=verdict, stuck=verdict in ("blocked", "overdue"))
    whole["phases"] = draw(st.lists(_spoilt(PHASES[1]), max_size=2))
    whole["progress"] = {**PROGRESS, "samples": draw(st.lists(_spoilt(PROGRESS["samples"][0]), max_size=3))}
    whole["previous"] = draw(st.lists(_spoilt(AN_ATTEMPT), max_size=1))
    return draw(_spoilt(whole))


@st.composite
def any_result(draw: st.DrawFn) -> Any:
    """A result of migration_info as no module would return it."""
    migrations = draw(st.lists(_an_odd_migration(), max_size=3))
    missing = draw(st.lists(_spoilt({"verb": "list", "group": "", "resource": "pods", "namespace": "a"}), max_size=2))
    coverage = draw(_spoilt({"complete": not missing, "missing": missing}))
    correlations = draw(st.lists(_spoilt({"kind": "source_node", "value": "n", "summary": "s"}), max_size=2))
    around = {"queue": draw(_spoilt(QUEUE)), "settings": draw(_spoilt(SETTINGS))}
    return draw(_spoilt(a_result(*migrations, coverage=coverage, correlations=correlations, **around)))


@st.composite
def any_nodes(draw: st.DrawFn) -> Any:
    """A result of node_health_info as no module would return it, or none."""
    if draw(st.booleans()):
        return None
    return draw(_spoilt(nodes_result(*draw(st.lists(_spoilt(a_node()), max_size=2)))))


def on_odd_results(test: Callable[[Any, Any], None]) -> Callable[[], None]:
    """Run `test` with many a pair of results; how long that takes depends on the machine and is not judged."""
    wrapped: Callable[[], None] = settings(deadline=None, max_examples=40)(given(any_result(), any_nodes())(test))
    return wrapped
