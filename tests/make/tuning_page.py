# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the computed parts of docs/tuning.md: what stands between two comments that name the part."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.filter.migration_convergence import FilterModule
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    scaled_giga,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.convergence import (
    MEBIBYTE,
    limit_seconds,
    needed_headroom,
    rule_of_thumb,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.workload import memory_of
from tests.make.places import ROOT

__all__ = ["PAGE", "PARTS", "main", "render_page"]

PAGE = ROOT / "docs" / "tuning.md"
_PART = re.compile(r"(<!-- computed: ([a-z-]+) -->\n).*?(<!-- end of [a-z-]+ -->)", re.DOTALL)

_TIMEOUTS = {20: "HyperConverged", 150: "KubeVirt", 800: "KubeVirt's old documents"}
_BANDWIDTHS = (64, 640)
_SIZES = ("1Gi", "4Gi", "8Gi", "64Gi")
_SLOW = {"bandwidthPerMigration": "64Mi", "completionTimeoutPerGiB": 20}
_FULL = {"bandwidthPerMigration": "0", "completionTimeoutPerGiB": 150}
# Each example: what it shows, and the arguments of the filter.
EXAMPLES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "example-slow": (
        "8 GiB of memory, of which 60 MiB/s are dirtied; HyperConverged's 20 s and a cap of 64 MiB/s.",
        {
            "memory": "8Gi",
            "dirty_rate": "60Mi",
            "transfer_rate": "64Mi",
            "settings": _SLOW,
            "bears": ["throttling", "pause", "post_copy"],
            "has_host_devices": False,
        },
    ),
    "example-diverging": (
        "64 GiB, of which 150 MiB/s are dirtied; two migrations share a link of 250 MiB/s, and the VM has a GPU.",
        {
            "memory": "64Gi",
            "dirty_rate": "150Mi",
            "link": "250Mi",
            "outbound_migrations": 2,
            "settings": _FULL,
            "bears": ["throttling", "pause", "post_copy"],
            "has_host_devices": True,
        },
    ),
    "example-working-set": (
        "16 GiB, 5 MiB/s dirtied and 40 MiB that are written all the time; no cap, 100 MiB/s were measured.",
        {"memory": "16Gi", "dirty_rate": "5Mi", "working_set": "40Mi", "transfer_rate": "100Mi", "settings": _FULL},
    ),
}


def _mib(rate: float) -> str:
    """MiB/s with two decimals at most."""
    return f"{rate / MEBIBYTE:.2f}".rstrip("0").rstrip(".")


def render_rule_of_thumb() -> str:
    """The headroom for each timeout, and what may be dirtied at most at some bandwidths."""
    columns = "".join(f" at {rate} MiB/s |" for rate in _BANDWIDTHS)
    lines = [f"| `completionTimeoutPerGiB` | needed headroom, MiB/s |{columns}", "|---" * (2 + len(_BANDWIDTHS)) + "|"]
    for timeout, whose in _TIMEOUTS.items():
        needed = rule_of_thumb(timeout_per_gib=timeout)
        most = "".join(f" {_mib(rate * MEBIBYTE - needed)} |" for rate in _BANDWIDTHS)
        lines.append(f"| {timeout} ({whose}) | {_mib(needed)} |{most}")
    return "\n".join(lines)


def render_exact() -> str:
    """The limit and the headroom of VMs of some sizes."""
    timeout = 150
    lines = [
        "| memory | counts as | limit at 150 | needed headroom, MiB/s | by the rule of thumb |",
        "|---|---|---|---|---|",
    ]
    for size in _SIZES:
        memory, gigabytes = memory_of(size)
        limit = limit_seconds(timeout_per_gib=timeout, gigabytes=gigabytes) or 0
        exact = _mib(needed_headroom(memory_bytes=memory or 0, limit_seconds=limit))
        thumb = _mib(rule_of_thumb(timeout_per_gib=timeout))
        lines.append(f"| {size} | {scaled_giga(size)} GB | {limit:.0f} s | {exact} | {thumb} |")
    return "\n".join(lines)


def _render_example(name: str) -> str:
    text, arguments = EXAMPLES[name]
    found = FilterModule().filters()["migration_convergence"]({}, **arguments)
    table = [
        "| change | ends after | limit | the guest | risk |",
        "|---|---|---|---|---|",
        *map(_row, found["advice"]),
        "",
    ]
    lines = [text, "", f"> {found['summary']}", "", *(table if found["advice"] else ())]
    lines += [f"- not `{one['action']}`: {one['why']}." for one in found["not_advised"]]
    return "\n".join(lines).rstrip()


def _row(one: Mapping[str, Any]) -> str:
    values = ", ".join(f"`{name}: {str(value).lower() if isinstance(value, bool) else value}`"
                       for name, value in {**one["policy"], **one["cluster"]}.items())  # fmt: skip
    at_most = " at most" if one["how"] in ("pause", "post_copy") else ""
    return f"| {values} | {one['seconds']} s{at_most} | {one['limit_seconds']} s | {_guest(one)} | {one['risk']} |"


def _guest(one: Mapping[str, Any]) -> str:
    if one["throttle_percent"]:
        return f"loses up to {one['throttle_percent']} % of its CPU time"
    if one["how"] == "pause":
        return f"stands still for {one['standstill_seconds']:.0f} s at most"
    return "runs on the target before all its memory is there" if one["how"] == "post_copy" else "runs on"


PARTS: Mapping[str, Callable[[], str]] = {
    "rule-of-thumb": render_rule_of_thumb,
    "exact-limits": render_exact,
    **{name: functools.partial(_render_example, name) for name in EXAMPLES},
}


def render_page(text: str) -> str:
    """`text` with each computed part as it is now. Raises KeyError for a part that nobody computes."""
    return _PART.sub(lambda match: f"{match[1]}\n{PARTS[match[2]]()}\n\n{match[3]}", text)


def main() -> int:
    """Writes the page; 0."""
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
