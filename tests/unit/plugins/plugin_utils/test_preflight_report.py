# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight report in its formats: exact lines for a small case, promises on all lines for odd ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_files import (
    render_preflight_html,
    render_preflight_json,
    render_preflight_markdown,
    summarise_preflight,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_read import read_preflight
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_text import render_preflight_text
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import cell_width
from tests.unit.plugins.plugin_utils.odd import odd_value
from tests.unit.plugins.plugin_utils.pages import without_own_script
from tests.unit.plugins.plugin_utils.results import ESCAPE, a_cause

CALM = settings(max_examples=80, deadline=None)


def a_vm(name: str = "db-1", verdict: str = "would_not_migrate", **changes: Any) -> dict[str, Any]:
    """One entry of `vms`, as the module gives it."""
    reason = a_cause(code="ResourceQuotaExceeded", summary="The quota has no room.", holds_since_at="", evidence=[])
    return {
        "namespace": "team-a",
        "vm": name,
        "source_node": "node-7",
        "eviction_strategy": "LiveMigrate",
        "verdict": verdict,
        "summary": f"{verdict}: The quota has no room.",
        "reason": "ResourceQuotaExceeded",
        "reasons": [reason | {"effect": verdict, "advice": []}],
        "not_known": [],
        "placement": {"possible": ["node-1", "node-2"], "excluded": []},
        "copy": {"memory_bytes": 8 * 2**30},
        **changes,
    }


def a_fine_vm(name: str = "web-1") -> dict[str, Any]:
    """One that would migrate."""
    placement = {"possible": ["node-1"], "excluded": []}
    return a_vm(name, "would_migrate", summary="would_migrate: fine", reason="", reasons=[], placement=placement)


def a_preflight(*vms: Any, **changes: Any) -> dict[str, Any]:
    """A result of preflight_info."""
    drain = {
        "slots": {"per_cluster": 5, "per_node": 2, "taken": ["shop/cart-1"]},
        "nodes": [{"node": "node-7", "vms": len(vms), "to_migrate": len(vms), "memory_bytes": 8 * 2**30, "taken": []}],
        "waves": 1,
        "least_seconds": 128,
        "arithmetic": "8 GiB of 1 VMs at 64 MiB/s each",
        "together": {"answer": "fits", "text": "A place for each of 1 was found.", "places": {}},
    }
    return {
        "read_at": "2026-11-23T08:49:14Z",
        "vms": list(vms),
        "summary": {"text": f"{len(vms)} VMs on node-7."},
        "drain": drain,
        "assumed": ["It is so."],
        "coverage": {"complete": True, "missing": [], "requests": 17, "requests_for_placement": 5},
        **changes,
    }


def text_of(result: Any, *, width: int = 80) -> str:
    return "\n".join(line.text for line in render_preflight_text(read_preflight(result), width=width))


SMALL = """
Before the drain · 2026-11-23T08:49:14Z

2 VMs on node-7.

VERDICT           VM           NODE   MEMORY REASON                COULD GO TO
would_not_migrate team-a/db-1  node-7  8 GiB ResourceQuotaExceeded 2 nodes
would_migrate     team-a/web-1 node-7  8 GiB -                     node-1

The drain
   Slots: 5 in the cluster, 2 off each node; taken now: shop/cart-1.
   node-7: 2 VMs, 2 to be migrated with 8 GiB of memory.
   Time: 2m 8s at least, in 1 round at least: 8 GiB of 1 VMs at 64 MiB/s each.
   Places: A place for each of 1 was found.

1. team-a/db-1: would_not_migrate
   On node-7, 8 GiB, eviction strategy LiveMigrate.
   Why    ResourceQuotaExceeded (certain, waiting does not cure it)
          The quota has no room.

Taken for granted
   It is so.
"""


def test_small_case_line_by_line() -> None:
    printed = text_of(a_preflight(a_fine_vm(), a_vm()))

    assert printed == SMALL


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_asked_for(width: int) -> None:
    long = a_vm("very-long-name-of-a-virtual-machine-" * 3, source_node="worker-" + "x" * 60)
    lines = render_preflight_text(read_preflight(a_preflight(long, a_fine_vm())), width=width)

    assert [line.text for line in lines if not line.verbatim and cell_width(line.text) > width] == []


def test_worst_stand_first_and_those_that_wait_or_are_unknown_are_looked_at_again() -> None:
    waits = a_vm("waits-1", "would_wait", summary="would_wait: for a slot")
    unknown = a_vm("dark-1", "unknown", summary="unknown: nodes", reasons=[], reason="")
    report = read_preflight(a_preflight(a_fine_vm(), waits, unknown, a_vm(), a_vm("pet-1", "would_stop")))

    assert [vm.vm for vm in report.vms] == ["pet-1", "db-1", "dark-1", "waits-1", "web-1"]
    assert [vm.vm for vm in report.holding] == ["pet-1", "db-1"]
    assert [vm.vm for vm in report.uncertain] == ["dark-1", "waits-1"]


def test_nothing_to_move_says_so_and_shows_no_drain() -> None:
    printed = text_of(a_preflight(summary={"text": "No VM runs on node-7."}))

    assert "No VM runs on node-7." in printed
    assert "The drain" not in printed


def test_what_could_not_be_read_is_named_with_its_role() -> None:
    missing = [{"verb": "list", "group": "", "resource": "nodes", "namespace": ""}]
    result = a_preflight(a_vm(), coverage={"complete": False, "missing": missing})

    for text in (text_of(result), render_preflight_markdown(read_preflight(result))):
        assert "may not list nodes" in text
        assert "kind: ClusterRole" in text


def test_html_is_one_page_that_escapes_what_a_cluster_says() -> None:
    evil = "<script>alert(1)</script>"
    page = render_preflight_html(read_preflight(a_preflight(a_vm(summary=evil, reasons=[], not_known=[{"why": evil}]))))

    assert "<script" not in without_own_script(page)
    assert page.count("<!DOCTYPE html>") == 1
    assert 'src="' not in page
    assert "22 requests to the API server" in page


def test_markdown_makes_no_markup_of_names() -> None:
    text = render_preflight_markdown(read_preflight(a_preflight(a_vm("a|b*c*"))))

    assert "a\\|b\\*c\\*" in text
    assert text.endswith("\n")


def test_json_holds_the_result_without_what_ansible_added() -> None:
    result = a_preflight(a_vm()) | {"invocation": {"module_args": {"api_key": "secret"}}, "changed": False}
    written = render_preflight_json(read_preflight(result), result=result)

    assert written.isascii()
    assert "secret" not in written
    assert json.loads(written)["preflight"]["vms"] == result["vms"]


def test_summary_holds_what_a_job_branches_on() -> None:
    result = a_preflight(a_fine_vm(), a_vm())
    found = summarise_preflight(read_preflight(result), result=result, paths={"html": "/p"})

    assert (found["total"], found["least_seconds"], found["coverage_complete"]) == (2, 128, True)
    assert found["by_verdict"] == {"would_not_migrate": 1, "would_migrate": 1}
    assert [one["vm"] for one in found["holding"]] == ["db-1"]


@st.composite
def odd_results(draw: st.DrawFn) -> Any:
    """A result of preflight_info as no module would return it."""
    vm = a_vm(draw(st.sampled_from(["a", ESCAPE])), draw(st.sampled_from(["would_stop", "unknown", "else"])))
    for key in draw(st.lists(st.sampled_from(sorted(vm)), max_size=3, unique=True)):
        vm[key] = draw(odd_value)
    result = a_preflight(vm, draw(odd_value))
    result["drain"][draw(st.sampled_from(sorted(result["drain"])))] = draw(odd_value)
    for key in draw(st.lists(st.sampled_from(sorted(result)), max_size=2, unique=True)):
        result[key] = draw(odd_value)
    return result


@CALM
@given(odd_results())
def test_no_result_breaks_a_report_or_puts_a_control_into_it(result: Any) -> None:
    report = read_preflight(result)
    lines = [line.text for line in render_preflight_text(report, width=80)]
    texts = [*lines, render_preflight_markdown(report), render_preflight_html(report)]

    assert all(cell_width(line.text) <= 80 or line.verbatim for line in render_preflight_text(report, width=80))
    assert not [text for text in texts if "\x1b" in text or "\r" in text]
    json.loads(render_preflight_json(report, result=result))
