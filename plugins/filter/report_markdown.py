# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter report_markdown: the report for an issue or a chat."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_markdown
short_description: Render a report on live migrations as Markdown
version_added: 0.1.0
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
description:
  - Gives the report of M(kubevirt_ops.live_migration.migration_report) as Markdown (CommonMark with tables).
  - It is for what is sent elsewhere than to a file, such as a mail or a ticket.
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
"""

EXAMPLES = r"""
- name: Comment on the ticket
  ansible.builtin.uri:
    url: "https://tickets.example.com/api/4711/comments"
    method: POST
    body_format: json
    body:
      text: "{{ found | kubevirt_ops.live_migration.report_markdown(found_nodes) }}"
"""

RETURN = r"""
_value:
  description: The report as Markdown.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_input import report_from
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown

NAME = "kubevirt_ops.live_migration.report_markdown"


def report_markdown(migrations: Any, nodes: Any = None, scope: Any = None, title: Any = "") -> str:
    """The Markdown on the result `migrations`."""
    try:
        return render_markdown(report_from(migrations, nodes=nodes, scope=scope, title=title))
    except ValueError as error:
        raise AnsibleFilterError(f"{NAME}: {error}") from error


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by name."""
        return {"report_markdown": report_markdown}
