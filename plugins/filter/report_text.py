# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter report_text: the report in plain lines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_text
short_description: Render a report on live migrations as plain text
version_added: 0.1.0
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
description:
  - Gives the report of M(kubevirt_ops.live_migration.migration_report) as plain lines for a terminal.
  - It is for what is sent elsewhere than to a file, such as a mail or a ticket.
  - Of more than 200 migrations, and of more than 25 stuck ones, it names the first.
positional: nodes
options:
  _input:
    description: The registered result of M(kubevirt_ops.live_migration.migration_info).
    type: dict
    required: true
  nodes:
    description: The registered result of M(kubevirt_ops.live_migration.node_health_info).
    type: dict
  scope:
    description: What M(kubevirt_ops.live_migration.migration_info) was asked for, C(namespaces), C(vms), C(nodes).
    type: dict
  title:
    description: Stands above the report. V(Live migrations) if empty.
    type: str
    default: ""
  width:
    description: How many columns the lines may take, at least 60. Commands to copy are never wrapped.
    type: int
    default: 80
"""

EXAMPLES = r"""
- name: Show it in the output of a job
  ansible.builtin.debug:
    msg: "{{ (found | kubevirt_ops.live_migration.report_text(found_nodes, width=110)).splitlines() }}"
"""

RETURN = r"""
_value:
  description: The report in lines, the last one ended too.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_input import report_from
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import render_text

NAME = "kubevirt_ops.live_migration.report_text"


def report_text(migrations: Any, nodes: Any = None, scope: Any = None, title: Any = "", width: Any = 80) -> str:
    """The lines on the result `migrations`."""
    try:
        if not isinstance(width, int) or isinstance(width, bool):
            raise ValueError(f"width is {width!r}, not a number of columns")
        lines = render_text(report_from(migrations, nodes=nodes, scope=scope, title=title), width=width)
    except ValueError as error:
        raise AnsibleFilterError(f"{NAME}: {error}") from error
    return "\n".join(line.text for line in lines) + "\n"


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by name."""
        return {"report_text": report_text}
