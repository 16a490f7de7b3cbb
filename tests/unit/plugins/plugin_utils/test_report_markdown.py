# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as Markdown: exact text for a small case, and cluster strings that stay text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import (
    code,
    escape,
    fence,
    render_markdown,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import read_report
from tests.unit.plugins.plugin_utils.odd import on_odd_results
from tests.unit.plugins.plugin_utils.results import (
    AN_ATTEMPT,
    PHASES,
    PROGRESS,
    QUEUE,
    SETTINGS,
    a_migration,
    a_node,
    a_stuck_migration,
    nodes_result,
    report_of,
)

MARKDOWN = """\
# Live migrations

**1 of 2 migrations is stuck: TargetPodUnschedulable. Node node-7 is unhealthy. 1 could not be judged.**

Seen at 2026-11-23T08:49:14Z (the cluster's time).

| Verdict | VM | Phase | For | Cause | Nodes |
| --- | --- | --- | --- | --- | --- |
| blocked | team-a/db-1 | Scheduling | 9m | TargetPodUnschedulable | node-1 → - |
| unknown | team-a/db-1 | Running | 2m 10s | \\- | node-1 → node-2 |

## team-a/db-1: blocked

Scheduling for 9m, 4m past its deadline (300 s for an unschedulable pod). Nodes node-1 → -. \
Migration kubevirt-migrate-vm-x7k2p, started by a user.

### TargetPodUnschedulable

No node takes the target pod virt-launcher-db-1-abcde.

*certain, waiting does not cure it, since 8m 59s*

- Pod team-a/virt-launcher-db-1-abcde: `status.conditions[PodScheduled].reason` = `Unschedulable` (since 8m 59s)

**Do:** Make room on a node that fits. A retry meets the same nodes.

```shell
kubectl describe pod -n team-a virt-launcher-db-1-abcde
```

Risk: none

Cancel: possible. The VM keeps running.

## Look again

- team-a/db-1: unknown. may not list pods

## Nodes

5 of 6 nodes are healthy.

- node-7: unhealthy, Ready is Unknown for 700 s

Who moves from where to where:

- node-1 → (not chosen): 1, all stuck
- node-1 → node-2: 1
"""


def test_report_reads_well_as_plain_text_too() -> None:
    unjudged = a_migration(verdict="unknown", summary="unknown: may not list pods")
    report = report_of(a_stuck_migration(), unjudged, nodes=nodes_result(a_node()))
    assert render_markdown(report) == MARKDOWN


ESCAPED = {
    "emphasis": ("*a* _b_", r"\*a\* \_b\_"),
    "link": ("[a](http://b)", r"\[a\](http://b)"),
    "html": ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
    "table": ("a|b", r"a\|b"),
    "list": ("- a", r"\- a"),
    "numbered list": ("1. a", r"1\. a"),
    "heading": ("# a", r"\# a"),
    "mention": ("@all", "&#64;all"),
    "name": ("team-a/db-1", "team-a/db-1"),
}


MORE = {
    "phases": "- Phases: PreparingTarget 2s, Scheduling 9m (4m past its deadline at 5m)",
    "copy": "- What remains over 8s. remains: 6 GiB to 1 GiB.",
    "earlier attempt": "- Before: Failed 12m ago on node-4: the target pod is down (kubevirt-migrate-vm-old)",
    "who moves where": "- node-1 → (not chosen): 1, all stuck",
    "queue": "- 2 of 5 slots are taken, at most 2 may leave one node; 1 migration waits.",
    "settings": "| `completionTimeoutPerGiB` | `150` | `800` |",
    "setting that a policy leaves": "| `allowPostCopy` | `false` | \\- |",
}


@pytest.mark.parametrize("line", MORE.values(), ids=MORE)
def test_markdown_has_what_the_page_has(line: str) -> None:
    found = a_stuck_migration(phases=PHASES, progress=PROGRESS, previous=[AN_ATTEMPT])
    lines = render_markdown(report_of(found, queue=QUEUE, settings=SETTINGS)).split("\n")
    assert line in lines


@pytest.mark.parametrize(("text", "expected"), ESCAPED.values(), ids=ESCAPED)
def test_escape_leaves_nothing_but_text(text: str, expected: str) -> None:
    assert escape(text) == expected


CODES = {"plain": ("a", "`a`"), "ticks": ("a``b", "```a``b```"), "edge": ("`a", "`` `a ``"), "empty": ("", "")}


@pytest.mark.parametrize(("text", "expected"), CODES.values(), ids=CODES)
def test_code_span_cannot_be_ended_from_inside(text: str, expected: str) -> None:
    assert code(text) == expected


@settings(deadline=None)
@given(st.lists(st.text(alphabet="`a ", max_size=8), max_size=3))
def test_code_block_cannot_be_ended_from_inside(lines: list[str]) -> None:
    first, *inner, last = fence(lines)
    assert inner == lines
    assert first == f"{last}shell"
    assert not any(last in line for line in lines)


def test_templates_stay_as_they_are() -> None:
    assert "{{ 6 * 7 }}" in render_markdown(report_of(title="{{ 6 * 7 }}")).replace("\\", "")


@on_odd_results
def test_any_result_gives_markdown_without_html(result: Any, nodes: Any) -> None:
    text = render_markdown(read_report(result, nodes=nodes))
    assert text.encode("utf-8").endswith(b"\n")
    assert not any("<" in line for line in outside_code(text))


def outside_code(text: str) -> Iterator[str]:
    """The lines that are neither in a code block nor hold a code span."""
    end = ""
    for line in text.split("\n"):
        if end:
            end = "" if line == end else end
        elif line.startswith("```"):
            end = line.removesuffix("shell")
        elif "`" not in line:
            yield line
