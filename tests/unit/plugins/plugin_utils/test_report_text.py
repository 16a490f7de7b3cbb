# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for a terminal: exact lines for small cases, and promises on all lines for odd ones."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import cell_width
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import (
    MAX_DETAILS,
    MAX_ROWS,
    render_text,
)
from tests.unit.plugins.plugin_utils.odd import any_nodes, any_result
from tests.unit.plugins.plugin_utils.results import (
    ESCAPE,
    MISSING_PODS,
    PHASES,
    QUEUE,
    a_cause,
    a_migration,
    a_node,
    a_stuck_migration,
    nodes_result,
    report_of,
)


def text_of(report: Report, *, width: int = 80) -> str:
    return "\n".join(line.text for line in render_text(report, width=width))


STUCK_80 = """
Live migrations · 2026-11-23T08:49:14Z

1 of 2 migrations is stuck: TargetPodUnschedulable.

VERDICT     VM          PHASE      FOR CAUSE                  FROM → TO
blocked     team-a/db-1 Scheduling  9m TargetPodUnschedulable node-1 → -
progressing shop/cart-2 Running     2m -                      node-1 → node-2

1. team-a/db-1: blocked
   Scheduling for 9m, 4m past its deadline (300 s for an unschedulable pod).
   Nodes node-1 → -. Migration kubevirt-migrate-vm-x7k2p, started by a user.
   Why    TargetPodUnschedulable (certain, waiting does not cure it, since 8m
          59s)
          No node takes the target pod virt-launcher-db-1-abcde.
   Seen   Pod team-a/virt-launcher-db-1-abcde
            status.conditions[PodScheduled].reason = Unschedulable (since 8m
              59s)
   Do     Make room on a node that fits. A retry meets the same nodes.
            kubectl describe pod -n team-a virt-launcher-db-1-abcde
   Risk   none
   Cancel possible. The VM keeps running.

Nodes
   The nodes were not looked at.
"""


def test_stuck_migration_in_80_columns() -> None:
    report = report_of(a_migration(namespace="shop", vm="cart-2"), a_stuck_migration())
    assert text_of(report) == STUCK_80


def test_terminal_tells_the_phases_in_one_line_and_the_queue() -> None:
    text = text_of(report_of(a_stuck_migration(phases=PHASES), queue=QUEUE), width=110)
    assert "   Phases PreparingTarget 2s, Scheduling 9m (4m past its deadline at 5m)\n" in text
    assert "\nQueue\n   2 of 5 slots are taken, at most 2 may leave one node; 1 migration waits.\n" in text


def test_queue_in_which_nothing_waits_is_no_news() -> None:
    assert "Queue" not in text_of(report_of(a_stuck_migration(), queue={**QUEUE, "waiting": []}))


TABLE_200 = """\
VERDICT  VM           PHASE       FOR  CAUSE                   FROM → TO
blocked  team-a/db-1  Scheduling   9m  TargetPodUnschedulable  node-1 → -"""


NARROW = """\
VERDICT     VM               PHASE     FOR CAUSE         FROM → TO
blocked     payments…edger-1 Scheduli…  9m Insufficient… wor…r-1→wor…r-2
progressing team-a/db-1      Running    2m -             node-1 → node-2"""


def test_table_keeps_both_nodes_and_the_ends_of_names_where_room_is_short() -> None:
    cut = a_stuck_migration(
        namespace="payments",
        vm="ledger-1",
        cause="InsufficientNodeResources",
        source_node="worker-1",
        target_node="worker-2",
    )
    assert NARROW in text_of(report_of(cut, a_migration()), width=72)


def test_table_takes_the_room_it_needs_in_200_columns() -> None:
    assert TABLE_200 in text_of(report_of(a_stuck_migration()), width=200)


CALM = """
Live migrations · 2026-11-23T08:49:14Z

No migration is stuck (1 migration looked at).

VERDICT      VM           PHASE    FOR  CAUSE  FROM → TO
progressing  team-a/db-1  Running   2m  -      node-1 → node-2

Nodes
   5 of 6 nodes are healthy.
"""


def test_nothing_stuck_is_one_calm_line_and_the_table() -> None:
    assert text_of(report_of(a_migration(), nodes=nodes_result())) == CALM


NONE = """
Live migrations · 2026-11-23T08:49:14Z

No live migrations found in all namespaces.

Nodes
   5 of 6 nodes are healthy.
"""


def test_no_migrations_at_all_says_what_was_looked_at() -> None:
    assert text_of(report_of(nodes=nodes_result(), scope={"namespaces": []})) == NONE


REST = """\
Look again
   team-a/db-1: late, 9m so far

In common
   4 of 4 leave node-7.

Nodes
   5 of 6 nodes are healthy.
   node-7: unhealthy, Ready is Unknown for 700 s

Not seen
   Not everything could be read; the verdicts rest on the rest.
   - may not list pods in namespace kubevirt
   Whoever may grant it can paste this (USER: who runs this):
kubectl apply -f - <<'EOF'
"""


def test_late_migrations_correlations_sick_nodes_and_gaps_follow() -> None:
    report = report_of(
        a_migration(verdict="late", summary="late: 9m so far"),
        nodes=nodes_result(a_node()),
        correlations=[{"summary": "4 of 4 leave node-7."}],
        coverage={"complete": False, "missing": [MISSING_PODS]},
    )
    text = text_of(report)
    assert REST in text
    assert text.endswith('    resources: ["pods"]\n    verbs: ["list"]\nEOF\n')


def test_command_is_never_cut() -> None:
    command = "kubectl get pod " + "-n very-long-namespace-name " * 10 + "x"
    cause = a_cause(advice=[{"action": "Look.", "command": f"{command}\nkubectl get node"}])
    lines = render_text(report_of(a_stuck_migration(causes=[cause])), width=60)
    assert [line.text.strip() for line in lines if line.verbatim] == [command, "kubectl get node"]


def test_verdict_is_what_gets_colour() -> None:
    lines = render_text(report_of(a_stuck_migration(), a_migration()), width=80)
    marked = [(line.text[line.start : line.start + line.toned], line.tone) for line in lines if line.toned]
    assert marked == [("blocked", "bad"), ("progressing", "good"), ("blocked", "bad")]


def test_escape_sequences_are_spelt() -> None:
    cause = a_cause(summary=ESCAPE, advice=[{"action": ESCAPE, "command": f"kubectl {ESCAPE}"}])
    text = text_of(report_of(a_stuck_migration(vm=ESCAPE, causes=[cause]), title=ESCAPE))
    assert "\x1b" not in text
    assert text.count("\\x1b[31mred\\x1b[0m\\x07") >= 4


def test_node_names_lose_a_domain_that_all_share() -> None:
    found = a_migration(source_node="n1.east.example.com", target_node="n2.east.example.com")
    assert "n1 → n2" in text_of(report_of(found))


def test_node_names_keep_domains_that_tell_them_apart() -> None:
    found = a_migration(source_node="n1.east.example.com", target_node="n1.west.example.com")
    assert "n1.east.example.com → n1.west.example.com" in text_of(report_of(found), width=200)


@pytest.mark.parametrize(
    ("limit", "make"), [(MAX_ROWS, a_migration), (MAX_DETAILS, a_stuck_migration)], ids=["rows", "details"]
)
def test_what_is_left_out_is_counted(limit: int, make: Any) -> None:
    text = text_of(report_of(*[make()] * (limit + 7)))
    assert "... and 7 more" in text


@settings(deadline=None, max_examples=60)
@given(any_result(), any_nodes(), st.integers(0, 220))
def test_lines_keep_the_width_and_hold_no_control_characters(result: Any, nodes: Any, width: int) -> None:
    lines = render_text(read_report(result, nodes=nodes, title="T"), width=width)
    assert max(cell_width(line.text) for line in lines if not line.verbatim) <= max(60, width)
    assert not {unicodedata.category(char) for line in lines for char in line.text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
