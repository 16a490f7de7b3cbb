#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module preflight_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: Say before a drain which KubeVirt VMs would not migrate or get stuck, and why
version_added: 0.1.0
description:
  - Takes the VMs that run on some nodes, or named VMs, and says for each what a drain would do to it and why, with the
    fields of the cluster that it rests on. It reads and changes nothing.
  - Looked at are the eviction strategy and disruption budgets, whether KubeVirt calls the VM live-migratable, the
    migrations and pods that the VM already has, virt-controller and virt-handler, free migration slots, a place for
    each VM alone and for all of them together, quotas, and whether the copy can end within the limit that the VM's
    MigrationPolicy or the cluster sets.
  - What may not be read is never taken for fine. The verdict is then V(unknown), RV(vms[].not_known) says what is
    missing, and RV(coverage) names the rule as a Role to paste.
  - The target pod is guessed from the pod that the VM runs in, see RV(assumed). The answer holds for the moment of the
    look; other pods may take the places meanwhile.
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
requirements:
  - kubernetes >= 24.2.0
extends_documentation_fragment:
  - kubevirt_ops.live_migration.attributes
  - kubevirt_ops.live_migration.attributes.info_module
  - kubevirt_ops.live_migration.attributes.action_group
  - kubevirt_ops.live_migration.auth
  - kubevirt_ops.live_migration.prometheus
options:
  nodes:
    description:
      - Nodes that are to be drained. All VMs that run on them are looked at, and none of them counts as a place for
        another VM.
      - A node that does not exist is an error. Needed if O(vms) is empty.
    type: list
    elements: str
    default: []
  vms:
    description:
      - VMs to look at besides those on O(nodes), each as C(name) or C(namespace/name). Their own nodes stay open to
        others unless they stand in O(nodes).
      - A VM that does not exist is an error. One that does not run is a warning.
    type: list
    elements: str
    default: []
  namespaces:
    description:
      - Only VMs of these namespaces. Without it the whole cluster is looked at, which needs the right to list VMIs in
        all namespaces.
    type: list
    elements: str
    default: []
  avoid_nodes:
    description:
      - Further nodes that no VM is to go to, for example those that are drained next.
    type: list
    elements: str
    default: []
  expected_bandwidth:
    description:
      - What the network gives one migration, in bytes a second as a quantity, for example V(600Mi). The smaller of this
        and KubeVirt's own cap counts.
      - Without it, and without a cap, nothing is said about how long copies take.
    type: str
  dirty_rates:
    description:
      - How fast guests write to their memory, by C(namespace/name), in bytes a second as quantities. Goes before what
        O(progress) finds.
      - For a VM of which it is not known it is judged whether a guest that writes nothing could be copied in time.
    type: dict
    default: {}
  progress:
    description:
      - Where to read how fast guests write to their memory. With V(prometheus) it is the highest value of KubeVirt's
        metric C(kubevirt_vmi_dirty_rate_bytes_per_second) in the last hour, as a drain may come at the busiest moment.
      - A Prometheus that does not answer is a warning and no failure.
    type: str
    choices: [none, prometheus]
    default: none
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - module: kubevirt_ops.live_migration.node_health_info
  - module: kubevirt_ops.live_migration.migration_report
  - plugin: kubevirt_ops.live_migration.candidate_nodes
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask before node-7 is drained
  kubevirt_ops.live_migration.preflight_info:
    nodes: [node-7]
  register: preflight

- name: Stop when a VM would be shut down or would hold the drain
  ansible.builtin.fail:
    msg: "{{ preflight.summary.text }}"
  when: preflight.summary.by_verdict.would_stop + preflight.summary.by_verdict.would_not_migrate > 0

- name: Ask for two nodes, with what is known of the network and of a busy guest
  kubevirt_ops.live_migration.preflight_info:
    nodes: [node-7, node-8]
    avoid_nodes: [node-9]
    expected_bandwidth: 600Mi
    dirty_rates:
      team-a/db-1: 80Mi

- name: Ask with what Prometheus knows of the guests
  kubevirt_ops.live_migration.preflight_info:
    nodes: [node-7]
    progress: prometheus
    prometheus:
      url: https://thanos-querier.openshift-monitoring.svc:9091
      token: "{{ lookup('ansible.builtin.env', 'PROMETHEUS_TOKEN') }}"

- name: Ask for one VM, as somebody with rights in one namespace only
  kubevirt_ops.live_migration.preflight_info:
    namespaces: [team-a]
    vms: [web-1]
"""

RETURN = r"""
read_at:
  description: The cluster's time of the look.
  returned: success
  type: str
  sample: "2026-11-23T08:49:14Z"
vms:
  description: One entry a VM, worst first.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: Namespace of the VM.
      type: str
      sample: team-a
    vm:
      description: Name of the VM.
      type: str
      sample: db-1
    uid:
      description: UID of its VMI.
      type: str
      sample: 5b1e0a9e-6f0c-4b2f-9d57-0a6f6a3f3a01
    source_node:
      description: The node that it runs on.
      type: str
      sample: node-7
    phase:
      description: The phase of its VMI.
      type: str
      sample: Running
    eviction_strategy:
      description: The eviction strategy in force, the VM's own or the cluster's. Null where it is not known.
      type: str
      sample: LiveMigrate
    verdict:
      description:
        - The first that fits of V(would_stop) (the drain shuts the VM down), V(would_not_migrate) (it stays, and the
          drain waits), V(unknown), V(at_risk) (it may get stuck), V(would_wait) (for something that time cures) and
          V(would_migrate).
      type: str
      sample: would_not_migrate
    summary:
      description: The verdict and its reason in one sentence.
      type: str
      sample: "would_not_migrate: No other node takes the VM: 0 of 3 nodes: 2 have less than 18.3 GiB memory free."
    reason:
      description: Code of the first reason, empty where there is none.
      type: str
      sample: TargetPodUnschedulable
    reasons:
      description: All that was found, the most weighty first. A VM that would migrate may have remarks here.
      type: list
      elements: dict
      contains:
        code:
          description: Public code of the reason.
          type: str
          sample: TargetPodUnschedulable
        summary:
          description: One sentence with names and figures.
          type: str
          sample: "No other node takes the VM: 0 of 3 nodes: 2 have less than 18.3 GiB memory free, 1 to be drained."
        effect:
          description: The verdict that this reason alone leads to, empty for a remark.
          type: str
          sample: would_not_migrate
        time_cures:
          description: Whether waiting alone cures it, V(yes), V(no) or V(maybe).
          type: str
          sample: maybe
        holds_since_at:
          description: Since when it holds, empty where no time is known.
          type: str
          sample: ""
        evidence:
          description: What was seen, each with C(object), C(field), C(value) and C(at).
          type: list
          elements: dict
          sample:
            - object: Node node-3
              field: status.allocatable[memory]
              value: "16Gi (has less than 18.3 GiB memory free: it has 12 GiB, 6.3 GiB too little)"
              at: ""
        explains:
          description: Codes of reasons that follow from this one. Always empty so far.
          type: list
          elements: str
          sample: []
        advice:
          description: What to do before the drain, each with C(action), C(why), C(risk) and C(command).
          type: list
          elements: dict
          sample:
            - action: Make room on a node that fits, or correct what excludes the nodes; else drain fewer at a time.
              why: A target pod without a node ends the migration after five minutes, and the drain tries again.
              risk: none
              command: kubectl describe nodes
        confidence:
          description: V(certain), V(likely) or V(possible).
          type: str
          sample: certain
    not_known:
      description: What could not be looked for, each with the C(code) of the reason and C(why).
      type: list
      elements: dict
      sample: []
    placement:
      description:
        - Where it could go if it alone moved now, in the shape of the filter
          P(kubevirt_ops.live_migration.candidate_nodes#filter). Empty where that is not known.
      type: dict
      sample: {possible: [node-3], excluded: [], warnings: [], not_judged: [], summary: 1 of 3 nodes}
    place_together:
      description: The place that was found for it when all were placed together, empty where there is none.
      type: str
      sample: node-3
    copy:
      description:
        - The figures of its copy, null where not known. C(memory_bytes), C(bandwidth_bytes_per_second),
          C(bandwidth_from) (a policy, KubeVirt, or C(expected)), C(dirty_rate_bytes_per_second),
          C(completion_timeout_per_gib), C(limit_seconds) and C(seconds_once_over) (one pass over the memory).
      type: dict
      sample:
        memory_bytes: 8589934592
        bandwidth_bytes_per_second: 67108864
        bandwidth_from: KubeVirt
        dirty_rate_bytes_per_second: null
        completion_timeout_per_gib: 150
        limit_seconds: 1350
        seconds_once_over: 128
summary:
  description: Counts over RV(vms).
  returned: success
  type: dict
  contains:
    total:
      description: How many VMs were looked at.
      type: int
      sample: 4
    would_leave:
      description: How many would migrate, some of them after a wait.
      type: int
      sample: 2
    by_verdict:
      description: How many have each verdict, 0 too.
      type: dict
      sample: {would_stop: 0, would_not_migrate: 1, unknown: 0, at_risk: 1, would_wait: 0, would_migrate: 2}
    by_reason:
      description: How many of those that would not simply migrate have each first reason.
      type: dict
      sample: {BandwidthTooLow: 1, TargetPodUnschedulable: 1}
    text:
      description: One sentence.
      type: str
      sample: "4 VMs on node-7: 1 would not migrate, 1 may get stuck, 2 would migrate."
    least_seconds:
      description: As RV(drain.least_seconds).
      type: int
      sample: 192
    least_seconds_from:
      description: As RV(drain.arithmetic).
      type: str
      sample: 24 GiB of 3 VMs at 64 MiB/s each, 2 at a time off node-7, each copied once
drain:
  description: How the drain would go.
  returned: success
  type: dict
  contains:
    slots:
      description:
        - C(per_cluster) and C(per_node) are the limits of parallel migrations, null where not known. C(taken) are the
          VMs whose migrations hold slots now.
      type: dict
      sample: {per_cluster: 5, per_node: 2, taken: []}
    nodes:
      description:
        - For each drained node C(node), C(vms) (how many were looked at), C(to_migrate) (for how many of them KubeVirt
          would make a migration), C(memory_bytes) of those, and C(taken) (migrations that hold its slots now).
      type: list
      elements: dict
      sample:
        - {node: node-7, vms: 4, to_migrate: 3, memory_bytes: 25769803776, taken: []}
    waves:
      description: So many rounds at least, by the limits of the cluster and of a node. Null where they are not known.
      type: int
      sample: 2
    least_seconds:
      description:
        - So long at least, where every copy goes over the memory once and no slot is held by others. Null where no
          bandwidth is known.
      type: int
      sample: 192
    arithmetic:
      description: How RV(drain.least_seconds) comes about, or what is known without it.
      type: str
      sample: 24 GiB of 3 VMs at 64 MiB/s each, 2 at a time off node-7, each copied once
    together:
      description:
        - Whether there is a place for all that have one alone. C(answer) is V(fits) (C(places) shows one for each),
          V(cannot) (it is proven that not all fit), V(open) (neither), or empty where there was nothing to place.
      type: dict
      sample:
        answer: fits
        text: A place for each of 3 was found; the scheduler may choose others.
        places: {team-a/web-1: node-3}
assumed:
  description: What the answer takes for granted.
  returned: success
  type: list
  elements: str
  sample: ["The target pod is taken to ask for what the VM's present launcher pod asks for."]
coverage:
  description: What could not be read, and what the look cost.
  returned: success
  type: dict
  contains:
    complete:
      description: Whether everything that was needed could be read.
      type: bool
      sample: true
    missing:
      description: Each missing rule with C(verb), C(group), C(resource), C(namespace) and a C(role) to paste.
      type: list
      elements: dict
      sample: []
    role:
      description: All missing rules as one paste, empty when nothing is missing.
      type: str
      sample: ""
    requests:
      description: Requests to the API server.
      type: int
      sample: 9
    requests_for_placement:
      description: Requests for placement (nodes and the pods there), which are not among them.
      type: int
      sample: 0
    requests_to_prometheus:
      description: Requests to Prometheus.
      type: int
      sample: 0
plan:
  description: Steps of a change. Always empty, as this module only looks.
  returned: success
  type: list
  elements: dict
  sample: []
refused:
  description: Whether an act was refused. Always false, as this module only looks.
  returned: success
  type: bool
  sample: false
refusals:
  description: Reasons of a refusal. Always empty, as this module only looks.
  returned: success
  type: list
  elements: dict
  sample: []
diff:
  description: Difference of a change. Always empty, as this module only looks.
  returned: success
  type: dict
  sample: {}
error:
  description: The kind of failure, with C(code), C(method), C(path), C(status), C(reason) and C(remedy).
  returned: failure
  type: dict
  sample:
    code: Forbidden
    method: GET
    path: /apis/kubevirt.io/v1/virtualmachineinstances
    status: 403
    reason: virtualmachineinstances.kubevirt.io is forbidden
    remedy: "Grant this user: list virtualmachineinstances (kubevirt.io)."
"""

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import PROMETHEUS_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.preflight_info import run


def main() -> None:
    """Build the module and run it."""
    names = {"type": "list", "elements": "str", "default": []}
    module = Module(
        argument_spec={
            **AUTH_SPEC,
            **{option: dict(names) for option in ("nodes", "vms", "namespaces", "avoid_nodes")},
            "expected_bandwidth": {"type": "str"},
            "dirty_rates": {"type": "dict", "default": {}},
            "progress": {"type": "str", "choices": ["none", "prometheus"], "default": "none"},
            "prometheus": {"type": "dict", "options": PROMETHEUS_SPEC},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
