#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin migration_report; nothing of it runs as a module."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_report
short_description: Show and write what was found out about live migrations
version_added: 0.1.0
description:
  - Prints what M(kubevirt_ops.live_migration.migration_info) and M(kubevirt_ops.live_migration.node_health_info), or
    before a drain M(kubevirt_ops.live_migration.preflight_info), found as a table and plain lines that a person reads
    in a terminal or in the output of a job. Each stuck migration, and each VM that would hold a drain, is listed with
    its causes, the evidence, and commands to copy.
  - Writes the same as JSON, HTML and Markdown. The HTML page is one file that needs nothing from anywhere.
  - Runs on the controller and never talks to a cluster.
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
extends_documentation_fragment:
  - kubevirt_ops.live_migration.attributes
attributes:
  check_mode:
    support: full
    details:
      - Prints the same, and says which files it would write.
  diff_mode:
    support: none
    details:
      - A report is a new look at the cluster. O(compare_with) holds it against an earlier one.
  idempotent:
    support: full
options:
  migrations:
    description:
      - The registered result of M(kubevirt_ops.live_migration.migration_info).
      - Needed unless O(clusters), O(preflight) or O(tuning) is given.
    type: dict
  clusters:
    description:
      - Looks at several clusters for one report on all of them, in place of O(migrations). One that could not be looked
        at is a row of it.
      - Its files are called C(clusters.json), C(clusters.html) and C(clusters.md).
    type: list
    elements: dict
    suboptions:
      name:
        description: What the cluster is called, such as the name of its inventory host.
        type: str
        required: true
      migrations:
        description:
          - The registered result of M(kubevirt_ops.live_migration.migration_info), also of one that failed.
        type: dict
      nodes:
        description: The registered result of M(kubevirt_ops.live_migration.node_health_info).
        type: dict
      error:
        description: Why there is no result, where it does not say so itself.
        type: str
        default: ""
  preflight:
    description:
      - The registered result of M(kubevirt_ops.live_migration.preflight_info), in place of O(migrations).
      - Its files are called C(preflight.json), C(preflight.html) and C(preflight.md).
    type: dict
  tuning:
    description:
      - Advice on settings and what became of it, in place of O(migrations). What is left out or empty was not done.
      - Its files are called C(tuning.json), C(tuning.html) and C(tuning.md).
    type: dict
    suboptions:
      mode:
        description: Whether it was looked only, previewed, changed or taken back.
        type: str
        choices: [advise, plan, apply, undo]
        default: advise
      advice:
        description: The registered result of M(kubevirt_ops.live_migration.migration_tuning_info).
        type: dict
      policies:
        description: Registered results of M(kubevirt_ops.live_migration.migration_policy), as C(results) of a loop.
        type: list
        elements: dict
      settings:
        description: The registered result of M(kubevirt_ops.live_migration.migration_settings).
        type: dict
      settings_not_tried:
        description: Why the settings of the cluster, which were to be changed, were left alone. Empty for none.
        type: str
        default: ""
  nodes:
    description:
      - The registered result of M(kubevirt_ops.live_migration.node_health_info).
      - A result that failed, for example because the user may not read nodes, is reported as knowledge that is missing.
    type: dict
  scope:
    description:
      - What M(kubevirt_ops.live_migration.migration_info) was asked for, so that a report without migrations says where
        there are none. Empty lists are all there is.
    type: dict
    suboptions:
      namespaces:
        description: The namespaces that were looked at.
        type: list
        elements: str
      vms:
        description: The VMs that were looked at.
        type: list
        elements: str
      nodes:
        description: The nodes that were looked at.
        type: list
        elements: str
  mode:
    description:
      - What was asked for, where acts are reported. The report then has how far to go against each cause, or the acts
        and how each ended.
    type: str
    choices: [diagnose, cancel, cancel_and_retry]
  cancelled:
    description:
      - The registered result of M(kubevirt_ops.live_migration.migration_cancel). Goes with O(mode), as do those below.
    type: dict
  retried:
    description:
      - The registered result of M(kubevirt_ops.live_migration.migration_retry).
    type: dict
  after:
    description:
      - The registered result of M(kubevirt_ops.live_migration.migration_info) after the acts.
    type: dict
  compare_with:
    description:
      - An earlier C(report.json), a folder with one in it, such as O(directory) as the last run left it, or a bundle of
        M(kubevirt_ops.live_migration.migration_evidence), as a folder or as a tarball. The report then
        says what got stuck since, what was freed, and what changed in settings and nodes. Only with O(migrations).
      - VMs are compared by namespace and name. A VM that the later look could not see is not called freed for good.
      - Bundles with pseudonyms compare where all were made with one key.
      - Empty compares with nothing.
    type: path
    default: ""
  directory:
    description:
      - Where the files C(report.json), C(report.html) and C(report.md) are written.
      - A relative path starts where Ansible was started.
      - A folder that does not exist is made, readable by its owner alone.
      - Files are replaced as a whole and are readable by their owner alone.
      - No file is written if this is empty.
    type: path
    default: ""
  formats:
    description:
      - Which files to write.
    type: list
    elements: str
    choices: [json, html, markdown]
    default: [json, html]
  width:
    description:
      - How many columns the lines may take. At least 60 are used.
      - V(0) takes the width of the terminal, or 80 if the output does not go to one.
      - Commands and rules that are to be copied are never wrapped.
    type: int
    default: 0
  title:
    description:
      - Stands above the report, for example the name of the cluster.
      - If empty, V(Live migrations), or V(Before the drain) for O(preflight), or V(Tuning) for O(tuning), followed by
        the name of the inventory host if that is not V(localhost). V(Live migrations of several clusters) for
        O(clusters).
    type: str
    default: ""
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - module: kubevirt_ops.live_migration.node_health_info
  - module: kubevirt_ops.live_migration.preflight_info
  - module: kubevirt_ops.live_migration.migration_tuning_info
"""

EXAMPLES = r"""
- name: Look at the migrations of one namespace
  kubevirt_ops.live_migration.migration_info:
    namespaces: [team-a]
  register: found

- name: Print what was found
  kubevirt_ops.live_migration.migration_report:
    migrations: "{{ found }}"

- name: Print it and write report.json and report.html
  kubevirt_ops.live_migration.migration_report:
    migrations: "{{ found }}"
    directory: live-migration-report
  register: report

- name: Say where the page is
  ansible.builtin.debug:
    msg: "{{ report.paths.html }}"
  when: report.summary.stuck | length > 0

- name: Print and write one report on two clusters, of which one could not be looked at
  kubevirt_ops.live_migration.migration_report:
    clusters:
      - name: east
        migrations: "{{ found }}"
      - name: west
        error: Its API server does not answer
    directory: live-migration-report

- name: Print what a drain of node-7 would meet
  kubevirt_ops.live_migration.migration_report:
    preflight: "{{ found_before_drain }}"

- name: Print what would make copies end
  kubevirt_ops.live_migration.migration_report:
    tuning:
      advice: "{{ advised }}"

- name: Print what has changed since the last run, and keep this one for the next
  kubevirt_ops.live_migration.migration_report:
    migrations: "{{ found }}"
    compare_with: live-migration-report/report.json
    directory: live-migration-report

- name: With the nodes, as Markdown for a ticket, under the name of the cluster
  kubevirt_ops.live_migration.migration_report:
    migrations: "{{ found }}"
    nodes: "{{ found_nodes }}"
    directory: /var/tmp/ticket-4711
    formats: [markdown]
    title: Cluster east-1
"""

RETURN = r"""
headline:
  description: The first sentence of the report.
  returned: success
  type: str
  sample: "1 of 3 migrations is stuck: TargetPodUnschedulable."
lines:
  description: The printed lines, without colour.
  returned: success
  type: list
  elements: str
  sample: ["1 of 3 migrations is stuck: TargetPodUnschedulable."]
paths:
  description: The files of the report by format, empty without O(directory). In check mode those that would be written.
  returned: success
  type: dict
  sample:
    html: /srv/reports/live-migration-report/report.html
    json: /srv/reports/live-migration-report/report.json
changed_files:
  description: Those of RV(paths) whose content changed, or would change in check mode.
  returned: success
  type: list
  elements: str
  sample: [/srv/reports/live-migration-report/report.html]
summary:
  description: What later steps of a job branch on.
  returned: success
  type: dict
  contains:
    headline:
      description: As RV(headline).
      type: str
      sample: "1 of 3 migrations is stuck: TargetPodUnschedulable."
    read_at:
      description: When the cluster was looked at, by the cluster's own clock (UTC).
      type: str
      sample: "2026-11-23T08:49:14Z"
    total:
      description: How many migrations were looked at, VMs for O(preflight), or copies for O(tuning).
      type: int
      sample: 3
    by_verdict:
      description: How many of them got which verdict. Verdicts that none got are left out. Absent for O(tuning).
      type: dict
      sample: {blocked: 1, progressing: 2}
    clusters:
      description:
        - What was found in each cluster, with C(name), C(reached), C(stuck) (how many) and C(headline). Only for
          O(clusters).
      type: list
      elements: dict
      sample: [{name: east, reached: true, stuck: 1, headline: "1 of 3 migrations is stuck: TargetPodUnschedulable."}]
    stuck:
      description: The stuck migrations, worst first. Absent for O(clusters), O(preflight) and O(tuning).
      type: list
      elements: dict
      sample:
        - namespace: team-a
          vm: shop-db-1
          name: kubevirt-migrate-vm-x7k2p
          uid: 5b1e0a9e-0000-4000-8000-000000000001
          verdict: blocked
          cause: TargetPodUnschedulable
    holding:
      description:
        - The VMs to see to before the drain, with the verdict V(would_stop), V(would_not_migrate) or V(at_risk). Only
          for O(preflight).
      type: list
      elements: dict
      sample:
        - namespace: team-a
          vm: shop-db-1
          node: node-7
          verdict: would_not_migrate
          reason: NotLiveMigratable
    least_seconds:
      description: How long the drain takes at least, null where that is not known. Only for O(preflight).
      type: int
      sample: 192
    mode:
      description: O(tuning.mode) or O(mode). Only where one of them is given.
      type: str
      sample: apply
    by_answer:
      description: How many copies got which answer. Answers that none got are left out. Only for O(tuning).
      type: dict
      sample: {change: 2, none_needed: 1}
    advised:
      description: What was taken of the advice for whom. Only for O(tuning).
      type: list
      elements: dict
      sample:
        - policy: live-migration-tuning
          vms: [team-a/db-1, team-a/db-2]
          action: deadline
          values: completionTimeoutPerGiB 228
    acts:
      description:
        - For O(tuning) what became of each object, V(changed), V(would change), V(unchanged), V(refused), V(failed) or
          V(not tried).
        - With O(mode) each act in order with C(act) (V(cancel), V(retry)), C(namespace), C(vm), C(name), C(uid),
          C(state), C(code), C(reason), C(next_allowed_at), and C(line), which is all of it.
      type: list
      elements: dict
      sample:
        - object: MigrationPolicy live-migration-tuning
          state: changed
    refusals:
      description: Why something was refused. Only for O(tuning).
      type: list
      elements: str
      sample: []
    errors:
      description: Why something failed. Only for O(tuning).
      type: list
      elements: str
      sample: []
    compared:
      description:
        - What has changed since O(compare_with), C(earlier_at), C(seconds) between the two, C(got_stuck), C(freed) and
          C(still_stuck) (each with C(vm) and C(words)), C(settings), C(nodes) and C(notes). Only with O(compare_with).
      type: dict
      sample:
        earlier_at: "2026-11-23T08:40:14Z"
        seconds: 540
        got_stuck: [{vm: team-a/shop-db-1, words: "blocked (TargetPodUnschedulable), not seen before"}]
        freed: []
        still_stuck: []
        settings: ["cluster: completionTimeoutPerGiB 150 → 800"]
        nodes: []
        notes: []
    coverage_complete:
      description: Whether everything that was asked for could be read.
      type: bool
      sample: true
    unhealthy_nodes:
      description: The nodes that were judged unhealthy. Absent for O(clusters), O(preflight) and O(tuning).
      type: list
      elements: str
      sample: [node-7]
    by_state:
      description: How many acts ended how. Only with O(mode), as the two below.
      type: dict
      sample: {cancelled: 2, refused: 1}
    refused:
      description: Whether any was refused.
      type: bool
      sample: true
    stuck_after:
      description: As C(stuck), after the acts. The same as C(stuck) where nothing was done.
      type: list
      elements: dict
      sample: []
    report:
      description: As RV(paths).
      type: dict
      sample: {html: /srv/reports/live-migration-report/report.html}
"""
