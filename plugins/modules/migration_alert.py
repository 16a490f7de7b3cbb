#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module migration_alert: documentation, options, one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_alert
short_description: Install Prometheus alerts for live migrations that are stuck
version_added: 0.1.0
description:
  - Makes alert rules from the cluster's effective migration configuration, and applies them as a PrometheusRule, or
    writes them as a rules file for a Prometheus that is configured by files.
  - V(KubeVirtVMStuckInMigratingState) tells of a copy that runs longer than it may. Its age comes from time stamps of
    the API, so it survives restarts of virt-controller and Prometheus, and there is one alert for a VM however many
    virt-controllers report it. Allowed are 300 seconds, or what KubeVirt itself gives a copy of that size where that is
    more (C(completionTimeoutPerGiB) of the KubeVirt object or of the MigrationPolicy that rules the VM, times its
    memory).
  - Where the configuration has changed since, the module reports a change and brings the rules up to date. So run it
    again from time to time, or after M(kubevirt_ops.live_migration.migration_settings).
  - V(KubeVirtMigrationNotProgressing) tells of a copy of which what is left does not become smaller,
    V(KubeVirtMigrationsStuckOnNode) of many stuck copies that leave one node (once for the node, as V(critical)),
    V(KubeVirtMigrationsNotStarting) of migrations that wait while none is under way, and
    V(KubeVirtMigrationMetricsMissing) of metrics that should be there.
  - V(KubeVirtMigrationWaitingTooLong) tells of a single migration that does not start although a slot is free. It needs
    metrics of migration objects, which kube-state-metrics gives with the configuration in
    C(docs/alerts/kube-state-metrics.yml) of this collection. Without them it stays silent.
  - Each alert has a page in C(docs/alerts) of this collection, to which its annotation C(runbook_url) points.
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
extends_documentation_fragment:
  - kubevirt_ops.live_migration.auth
  - kubevirt_ops.live_migration.attributes
  - kubevirt_ops.live_migration.attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - The object is applied as a dry run, which goes through the API server's validation and admission and stores
        nothing. A rules file is made and checked, but not written.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - Whether the rules are there.
      - V(absent) deletes only what this module has made, see O(accept_risks).
    type: str
    default: present
    choices: [present, absent]
  name:
    description:
      - Name of the PrometheusRule.
    type: str
    default: kubevirt-ops-live-migration
  namespace:
    description:
      - Namespace of the PrometheusRule. If not given, the one of the KubeVirt object.
      - On OpenShift it needs the label C(openshift.io/cluster-monitoring=true), which that namespace has there.
    type: str
  rule_file:
    description:
      - Write the rules into this file instead, on the host that runs the module. Prometheus has to be told to read its
        configuration again afterwards.
      - It is checked before it is put in place, in one step. See O(promtool).
      - The cluster is still read for its configuration, unless O(stuck_after) is given and it cannot be.
    type: path
  promtool:
    description:
      - The promtool that checks O(rule_file). If not given, one that is found in the PATH. Without any, the module
        checks structure, names and brackets itself. RV(checked_by) says which it was.
    type: path
  stuck_after:
    description:
      - Call every copy stuck after this many seconds, whatever the VM's size. If not given, the limit goes by size.
    type: int
  waiting_after:
    description:
      - For how many seconds migrations may wait before the copy. KubeVirt itself gives a target pod at most 900.
    type: int
    default: 900
  no_progress_window:
    description:
      - Within how many seconds what is left of a copy has to become smaller. Two such windows are compared, so a copy
        is looked at from twice as many seconds on.
    type: int
    default: 300
  many_stuck:
    description:
      - How many stuck copies that leave one node are called a fault of the node.
    type: int
    default: 3
  missing_after:
    description:
      - For how many seconds metrics may be missing.
    type: int
    default: 900
  labels:
    description:
      - Labels of the PrometheusRule, as the C(ruleSelector) of your Prometheus wants them.
    type: dict
    default: {}
  alert_labels:
    description:
      - Labels that each alert gets besides its own, for example for routing. Plain text, no templates.
    type: dict
    default: {}
  runbook_url:
    description:
      - Where the pages of the alerts stand. C(%s) becomes the name of the alert.
    type: str
    default: https://github.com/kubevirt-ops/live_migration/blob/main/docs/alerts/%s.md
  accept_risks:
    description:
      - Codes of refusals and warnings to insist on, as they are named in RV(refusals) and in warnings.
      - Refused without it are V(FieldConflict) (somebody else manages fields of the object, which are then taken over)
        and V(NotOurs) (an object to be deleted, or a file to be written or removed, was not made by this module).
      - Warned of without it are V(NoPrometheusSelects) and V(ClusterMonitoringLabelMissing).
    type: list
    elements: str
    default: []
  fail_on_refusal:
    description:
      - Whether a refusal is an error. If not, look at RV(refused).
    type: bool
    default: true
notes:
  - KubeVirt before 1.4.1 does not tell when a copy began, so V(KubeVirtVMStuckInMigratingState),
    V(KubeVirtMigrationNotProgressing) and V(KubeVirtMigrationsStuckOnNode) never fire on it. The module warns of that.
  - The labels C(namespace) of KubeVirt's metrics must be kept when they are scraped (C(honorLabels), as KubeVirt's own
    ServiceMonitor has it).
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - module: kubevirt_ops.live_migration.migration_settings
  - name: Pages of the alerts
    description: What each one means and what to do.
    link: https://github.com/kubevirt-ops/live_migration/blob/main/docs/alerts/README.md
"""

EXAMPLES = r"""
- name: Install the alerts beside KubeVirt
  kubevirt_ops.live_migration.migration_alert:

- name: Install them where the Prometheus of kube-prometheus loads them
  kubevirt_ops.live_migration.migration_alert:
    namespace: monitoring
    labels:
      prometheus: k8s
      role: alert-rules
    alert_labels:
      team: virtualization
  register: alerts

- name: Say who loads them, and from when on a copy is called stuck
  ansible.builtin.debug:
    msg: >-
      {{ alerts.loaded_by | map(attribute='name') | join(', ') or 'nobody' }}:
      {{ alerts.threshold.completion_timeout_per_gib }} s per GiB from {{ alerts.threshold.from }}

- name: Preview what a changed configuration would change in the rules
  kubevirt_ops.live_migration.migration_alert:
  check_mode: true
  diff: true

- name: Write a rules file, with five minutes for every VM
  kubevirt_ops.live_migration.migration_alert:
    rule_file: /etc/prometheus/rules/live-migration.yml
    stuck_after: 300
  notify: Reload Prometheus

- name: Take the alerts away
  kubevirt_ops.live_migration.migration_alert:
    state: absent
"""

RETURN = r"""
object:
  description: The PrometheusRule, empty with O(rule_file). Its UID is empty if it does not exist yet.
  returned: success and failure
  type: dict
  contains:
    kind:
      description: Always V(PrometheusRule).
      type: str
      sample: PrometheusRule
    api_version:
      description: Group and version.
      type: str
      sample: monitoring.coreos.com/v1
    namespace:
      description: Its namespace.
      type: str
      sample: kubevirt
    name:
      description: Its name.
      type: str
      sample: kubevirt-ops-live-migration
    uid:
      description: Its UID.
      type: str
      sample: 0f4e8b1a-5d7c-4f0e-9c55-3f7d2f3f7c11
rule_file:
  description: The path of the rules file, empty without O(rule_file).
  returned: success and failure
  type: str
  sample: /etc/prometheus/rules/live-migration.yml
checked_by:
  description: What checked the rules file, promtool or the module itself. Empty without O(rule_file).
  returned: success and failure
  type: str
  sample: promtool (/usr/bin/promtool)
groups:
  description: The groups of rules, as Prometheus reads them. Empty with O(state=absent).
  returned: success and failure
  type: list
  elements: dict
  contains:
    name:
      description: Name of the group.
      type: str
      sample: kubevirt-ops-live-migration.rules
    interval:
      description: How often the rules are evaluated.
      type: str
      sample: 30s
    rules:
      description: Recording rules first, then the alerts that read them.
      type: list
      elements: dict
      sample:
        - alert: KubeVirtVMStuckInMigratingState
          expr: vmi:kubevirt_vmi_migration_age_seconds:max > 300
          for: 1m
threshold:
  description: From when on a copy is called stuck. Empty with O(state=absent).
  returned: success and failure
  type: dict
  contains:
    fixed_seconds:
      description: O(stuck_after), null if the limit goes by size.
      type: int
      sample: null
    floor_seconds:
      description: The least that a limit by size is.
      type: int
      sample: 300
    completion_timeout_per_gib:
      description: Seconds for each GiB (KubeVirt counts decimal gigabytes and rounds up).
      type: int
      sample: 150
    from:
      description: V(KubeVirt), or V(default) if nobody set it.
      type: str
      sample: default
    policies:
      description: MigrationPolicies that give other times, the one that rules first.
      type: list
      elements: dict
      contains:
        policy:
          description: Name of the policy.
          type: str
          sample: databases
        completion_timeout_per_gib:
          description: Its seconds for each GiB.
          type: int
          sample: 800
        vmi_labels:
          description: The labels of the VMIs that it picks.
          type: dict
          sample: {tier: database}
        namespaces:
          description: The namespaces that it picks now, null for all.
          type: list
          elements: str
          sample: [shop]
metrics:
  description: The metrics that the rules read. Empty with O(state=absent).
  returned: success and failure
  type: list
  elements: dict
  contains:
    name:
      description: Name of the metric.
      type: str
      sample: kubevirt_vmi_migration_start_time_seconds
    available:
      description: Whether the cluster's version of KubeVirt has it, null if the version is not known.
      type: bool
      sample: true
    since:
      description: The first version that has it.
      type: str
      sample: v1.4.1
    alerts:
      description: The alerts that read it.
      type: list
      elements: str
      sample: [KubeVirtVMStuckInMigratingState]
    without_it:
      description: What the alerts do without it.
      type: str
      sample: when a copy began is not known, so these alerts stay silent
loaded_by:
  description:
    - Prometheus and ThanosRuler objects that select the rules. Empty with O(rule_file), or if they may not be listed
      (then RV(coverage.complete) is false).
  returned: success and failure
  type: list
  elements: dict
  contains:
    kind:
      description: V(Prometheus) or V(ThanosRuler).
      type: str
      sample: Prometheus
    namespace:
      description: Its namespace.
      type: str
      sample: monitoring
    name:
      description: Its name.
      type: str
      sample: k8s
coverage:
  description: What could not be read or tried, as the rules that would allow it.
  returned: success and failure
  type: dict
  contains:
    complete:
      description: Whether everything could be read.
      type: bool
      sample: true
    missing:
      description: The missing rules, each with a Role or ClusterRole to paste.
      type: list
      elements: dict
      sample: []
    role:
      description: All that is missing in one paste, empty if nothing is.
      type: str
      sample: ""
    requests:
      description: How many requests were made.
      type: int
      sample: 9
    requests_for_placement:
      description: Always 0, this module looks at no placement.
      type: int
      sample: 0
    requests_to_prometheus:
      description: Requests to Prometheus. Always 0, as this module asks none.
      type: int
      sample: 0
plan:
  description: The step that is carried out. Empty if nothing is to be changed in the cluster.
  returned: success and failure
  type: list
  elements: dict
  contains:
    action:
      description: What it does.
      type: str
      sample: Change PrometheusRule kubevirt/kubevirt-ops-live-migration
    verb:
      description: V(apply) or V(delete).
      type: str
      sample: apply
    path:
      description: Path in the API.
      type: str
      sample: /apis/monitoring.coreos.com/v1/namespaces/kubevirt/prometheusrules/kubevirt-ops-live-migration
    body:
      description: What is sent.
      type: dict
      sample: {apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule}
    precondition:
      description: What must still be so.
      type: str
      sample: Nobody else manages these fields (the server checks it).
    expectation:
      description: What is so afterwards.
      type: str
      sample: A Prometheus that selects the object loads the rules within a minute or two.
    undo:
      description: How to take it back.
      type: str
      sample: "state: absent"
    outcome:
      description:
        - V(done), V(dry_run) (check mode, the server accepts it), V(refused) (nothing was sent), V(failed),
          V(unknown) (its answer was lost), V(not_tried) (a step before it failed) or V(not_possible_yet).
      type: str
      sample: done
    answer:
      description: What the server said.
      type: str
      sample: accepted
    at:
      description: When, by the cluster's clock (UTC), empty if it was not sent.
      type: str
      sample: "2026-11-23T08:49:14Z"
refused:
  description: Whether the change is refused. Nothing was sent then.
  returned: success and failure
  type: bool
  sample: false
refusals:
  description: Why it is refused.
  returned: success and failure
  type: list
  elements: dict
  contains:
    code:
      description:
        - V(FieldConflict) or V(NotOurs), or V(KubeVirtAmbiguous), V(KubeVirtMissing) or V(SettingsUnreadable), on which
          nobody can insist.
      type: str
      sample: FieldConflict
    reason:
      description: Why, in one or two sentences.
      type: str
      sample: Somebody else manages fields of PrometheusRule kubevirt-ops-live-migration that would be changed.
    next_allowed_at:
      description: Always empty, time alone lifts none of them.
      type: str
      sample: ""
diff:
  description: Labels and rules before and after. Empty if nothing is to be changed.
  returned: success and failure
  type: dict
  contains:
    before:
      description: What stood there, as YAML.
      type: str
      sample: ""
    after:
      description: What stands there afterwards, as YAML.
      type: str
      sample: "metadata: ..."
    before_header:
      description: The object or the file.
      type: str
      sample: PrometheusRule kubevirt/kubevirt-ops-live-migration
    after_header:
      description: The object or the file.
      type: str
      sample: PrometheusRule kubevirt/kubevirt-ops-live-migration
error:
  description: What went wrong.
  returned: failure, unless it is a refusal
  type: dict
  contains:
    code:
      description:
        - The kind of error, for example V(Forbidden), V(ResourceMissing) (no PrometheusRules in this cluster),
          V(RulesRefused) (the check found a fault), V(WrongInput) or V(Timeout).
      type: str
      sample: ResourceMissing
    method:
      description: The HTTP method.
      type: str
      sample: GET
    path:
      description: Path in the API.
      type: str
      sample: /apis/monitoring.coreos.com/v1/namespaces/kubevirt/prometheusrules/kubevirt-ops-live-migration
    status:
      description: The HTTP status, 0 if no answer came.
      type: int
      sample: 404
    reason:
      description: The server's own words.
      type: str
      sample: 404 page not found
    remedy:
      description: What to do.
      type: str
      sample: To write the rules for a Prometheus that is configured by files, give rule_file.
    causes:
      description: The fields that the server finds invalid, each with C(field), C(reason) and C(message).
      type: list
      elements: dict
      sample: []
    uncertain:
      description: Whether the change may have been made all the same, as its answer was lost.
      type: bool
      sample: false
"""

from functools import partial
from typing import NoReturn

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.alert_options import ALERT_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_alert import run


def main() -> NoReturn:
    """Build the module and run it."""
    module = Module(argument_spec={**AUTH_SPEC, **ALERT_SPEC}, supports_check_mode=True)
    run_module(module, partial(run, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
