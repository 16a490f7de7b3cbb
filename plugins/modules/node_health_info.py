#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module node_health_info: documentation, options, one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_health_info
short_description: Judge the nodes that run virtual machines
version_added: 0.1.0
description:
  - Reads nodes, their virt-handlers and the migrations between them, and says of each node whether it is healthy, and
    why not.
  - A node is V(unhealthy) if a condition of O(unhealthy_conditions) has held for its duration, if virt-handler's
    heartbeat is older than 300 seconds (KubeVirt's own limit), or if virt-handler has not been Ready for 60 seconds.
  - A node is V(degraded) if such a condition holds, but not for its duration yet, if the heartbeat is older than 150
    seconds, if a node that KubeVirt calls schedulable offers none of KubeVirt's devices of one kind, or if KubeVirt
    calls a node not schedulable that nobody has cordoned.
  - A node is V(unknown) if it has no Ready condition, or if what it depends on cannot be read.
  - A cordon and taints are somebody's decision. They are returned and do not change the verdict.
  - Returns the two outputs of the runbook of the alert KubeVirtVMStuckInMigratingState, allocatable resources and
    conditions of the workers, exactly as the API gives them.
  - Fails if nodes may not be read, since nothing was seen then. What else may not be read is named in RV(coverage).
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
extends_documentation_fragment:
  - kubevirt_ops.live_migration.auth
  - kubevirt_ops.live_migration.attributes
  - kubevirt_ops.live_migration.attributes.info_module
  - kubevirt_ops.live_migration.attributes.action_group
options:
  src:
    description:
      - A capture to look at in place of a cluster, a folder or a tarball on the host that runs the module. It may be a
        bundle of M(kubevirt_ops.live_migration.migration_evidence), a must-gather of KubeVirt, or a folder of
        C(oc adm inspect).
      - All ages are as of the time of the capture. A must-gather does not say by the cluster's clock when it was taken;
        the newest time in its objects stands for it, and a warning says so.
      - What a capture does not hold is V(unknown) as what may not be read, and stands in RV(coverage.missing) with the
        reason V(not_captured). No role would help.
      - A capture that points out of itself, is too large, or holds broken YAML is refused as a whole.
      - How to connect does not count then, whether an option, C(module_defaults) or the environment says it.
    type: path
    version_added: 0.1.0
  nodes:
    description:
      - Names of the nodes to judge. A name that no node has is an error, unless O(maybe_gone) holds it.
      - If neither this nor O(label_selector) is given, all nodes are judged that run virt-handler or carry the label
        C(kubevirt.io/schedulable).
    type: list
    elements: str
  maybe_gone:
    description:
      - Names of O(nodes) whose Node object may be gone, such as those that migrations name.
      - One that is gone is V(unhealthy) by the reason V(NodeGone), and counts as such in RV(summary).
    type: list
    elements: str
    default: []
  label_selector:
    description:
      - Judge the nodes with these labels, written as for C(kubectl --selector).
      - Mutually exclusive with O(nodes).
    type: str
  unhealthy_conditions:
    description:
      - Node conditions that make a node unhealthy. One of them is enough.
      - The default is Ready V(False) or V(Unknown), and V(True) of MemoryPressure, DiskPressure, PIDPressure and
        NetworkUnavailable, each for 300 seconds. A list given here replaces all of these.
    type: list
    elements: dict
    suboptions:
      type:
        description: Type of the condition, for example V(Ready).
        type: str
        required: true
      status:
        description: The status that is unhealthy.
        type: str
        required: true
        choices: ["True", "False", "Unknown"]
      duration:
        description:
          - For how long it must have held, in seconds, or written as V(300s), V(5m) or V(1h30m).
        type: str
        default: 300s
  min_healthy:
    description:
      - How many of the judged nodes must be V(healthy) so that RV(summary.remediation_allowed) is true.
      - A count, or a percentage, which is rounded up.
    type: str
    default: 51%
  requested:
    description:
      - Whether to add up what the pods on each node request, in RV(nodes[].requested) and RV(nodes[].free).
      - Finished pods are left out. Init containers, sidecars and the runtime's overhead count as for the scheduler.
      - Costs one more request a node, or one list of all pods for more than ten nodes.
      - The default is V(true) if O(nodes) is given and O(src) is not, else V(false).
    type: bool
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - plugin: kubevirt_ops.live_migration.node_verdict
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Judge all nodes that run virtual machines
  kubevirt_ops.live_migration.node_health_info:
  register: found

- name: Name the sick ones and why
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.reasons | map(attribute='message') | join('; ') }}"
  loop: "{{ found.nodes | selectattr('verdict', 'in', ['unhealthy', 'unknown']) }}"

- name: Stop where too many nodes are sick to act on them
  ansible.builtin.assert:
    that: found.summary.remediation_allowed
    fail_msg: "{{ found.summary.text }}"

- name: How much memory two nodes have left
  kubevirt_ops.live_migration.node_health_info:
    nodes: [node-7, node-8]
  register: pair

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.name }} has {{ item.free.api.memory }} of {{ item.allocatable.api.memory }} left"
  loop: "{{ pair.nodes }}"

- name: Be less patient with nodes of one zone
  kubevirt_ops.live_migration.node_health_info:
    label_selector: topology.kubernetes.io/zone=east
    unhealthy_conditions:
      - type: Ready
        status: "False"
        duration: 2m
      - type: Ready
        status: Unknown
        duration: 2m
    min_healthy: "3"
"""

RETURN = r"""
read_at:
  description: When the cluster was looked at, by the cluster's own clock (UTC). All ages count up to this moment.
  returned: success
  type: str
  sample: "2026-11-23T08:49:14Z"
nodes:
  description: The judged nodes, the worst first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The node's name.
      type: str
      sample: node-7
    verdict:
      description: One of V(healthy), V(degraded), V(unhealthy), V(unknown).
      type: str
      sample: unhealthy
    reasons:
      description: Why, worst first. Empty for V(healthy).
      type: list
      elements: dict
      contains:
        code:
          description:
            - A condition gives its type, followed by its status unless that is V(True), for example V(ReadyUnknown).
            - The others are V(HandlerMissing), V(HandlerNotReady), V(HeartbeatStale), V(HeartbeatLate),
              V(DeviceMissing), V(MarkedUnschedulable), V(ReadyMissing), V(NodeGone) and V(ObjectMalformed).
          type: str
          sample: ReadyUnknown
        verdict:
          description: What this reason alone would make of the node.
          type: str
          sample: unhealthy
        message:
          description: One plain sentence with the figures.
          type: str
          sample: "Ready has been Unknown for 700 s (limit 300 s): NodeStatusUnknown"
        since_at:
          description: Since when, empty if not known.
          type: str
          sample: "2026-11-23T08:37:34Z"
        seconds:
          description: For how long, null if not known.
          type: int
          sample: 700
        seconds_left:
          description: After how many more seconds this makes the node unhealthy, null if time does not.
          type: int
          sample: null
        evidence:
          description: What was seen.
          type: list
          elements: dict
          sample:
            - object: Node node-7
              field: status.conditions[Ready].status
              value: Unknown
              at: "2026-11-23T08:37:34Z"
    conditions:
      description: All conditions of the node.
      type: list
      elements: dict
      contains:
        type:
          description: Type of the condition.
          type: str
          sample: Ready
        status:
          description: Its status.
          type: str
          sample: Unknown
        reason:
          description: The reason that its writer gives.
          type: str
          sample: NodeStatusUnknown
        message:
          description: The sentence that its writer gives.
          type: str
          sample: Kubelet stopped posting node status.
        since_at:
          description: Since when it has this status, empty if not known.
          type: str
          sample: "2026-11-23T08:37:34Z"
        seconds:
          description: For how long it has this status, null if not known. Negative if the node's clock is ahead.
          type: int
          sample: 700
        heartbeat_at:
          description: When it was last confirmed, empty if not known.
          type: str
          sample: "2026-11-23T08:36:50Z"
    allocatable:
      description: What the node can give to pods.
      type: dict
      contains:
        api:
          description: Quantities as the API writes them.
          type: dict
          sample: {cpu: "8", memory: 64Gi}
        numbers:
          description: Plain numbers (cores, bytes, pieces).
          type: dict
          sample: {cpu: 8.0, memory: 68719476736}
    requested:
      description: What the pods on it request. Both parts are empty unless O(requested), and if it is not known.
      type: dict
      contains:
        api:
          description: Quantities as the API writes them.
          type: dict
          sample: {cpu: 2500m, memory: 20Gi, pods: "14"}
        numbers:
          description: Plain numbers (cores, bytes, pieces).
          type: dict
          sample: {cpu: 2.5, memory: 21474836480, pods: 14}
    free:
      description: RV(nodes[].allocatable) less RV(nodes[].requested). Both parts are empty if that is not known.
      type: dict
      contains:
        api:
          description: Quantities as the API writes them.
          type: dict
          sample: {cpu: 5500m, memory: 44Gi}
        numbers:
          description: Plain numbers (cores, bytes, pieces).
          type: dict
          sample: {cpu: 5.5, memory: 47244640256}
    cordoned:
      description: Whether the node is cordoned.
      type: bool
      sample: false
    taints:
      description: The node's taints.
      type: list
      elements: dict
      contains:
        key:
          description: Key of the taint.
          type: str
          sample: node.kubernetes.io/unreachable
        value:
          description: Its value, empty without one.
          type: str
          sample: ""
        effect:
          description: What it does to pods that do not tolerate it.
          type: str
          sample: NoExecute
        added_at:
          description: When it was added, empty if not known.
          type: str
          sample: "2026-11-23T08:37:34Z"
    devices:
      description: How many of KubeVirt's devices the node offers, by name. Null for one that it does not know.
      type: dict
      sample: {kvm: 1000, tun: 1000, vhost-net: 1000}
    virt_handler:
      description: The virt-handler of the node.
      type: dict
      contains:
        present:
          description: Whether there is a pod of it, null if pods could not be read.
          type: bool
          sample: true
        ready:
          description: Whether it is Ready, null if pods could not be read.
          type: bool
          sample: false
        since_at:
          description: Since when, empty if not known.
          type: str
          sample: "2026-11-23T08:37:34Z"
        pod:
          description: The pod's name, empty without one.
          type: str
          sample: virt-handler-abcde
    heartbeat_age_seconds:
      description: Age of virt-handler's last heartbeat, null without one. Negative if the node's clock is ahead.
      type: int
      sample: 745
    schedulable:
      description: KubeVirt's label C(kubevirt.io/schedulable), null if the node does not carry it.
      type: bool
      sample: true
    cpu_models:
      description: CPU models that guests may use on the node.
      type: list
      elements: str
      sample: [Skylake-Server]
    migrations:
      description: Migrations under way, from the moment at which KubeVirt hands them to virt-handler.
      type: dict
      contains:
        in:
          description: How many come to the node, null if not known.
          type: int
          sample: 1
        out:
          description: How many leave the node, null if not known.
          type: int
          sample: 4
runbook:
  description:
    - The runbook's two outputs, of the nodes with the label C(node-role.kubernetes.io/worker) among those read, or of
      RV(nodes) if none carries it.
  returned: success
  type: dict
  contains:
    nodes:
      description: The workers' names, in the order of the two lists below.
      type: list
      elements: str
      sample: [node-7]
    allocatable:
      description: C(.status.allocatable) of each, exactly as the API gives it.
      type: list
      elements: dict
      sample:
        - cpu: "5"
          devices.kubevirt.io/kvm: 1k
          memory: 3783496Ki
          pods: "110"
    conditions:
      description: C(.status.conditions) of each, exactly as the API gives it.
      type: list
      elements: list
      sample:
        - - type: Ready
            status: "True"
            reason: KubeletReady
            message: kubelet is posting ready status
            lastHeartbeatTime: "2022-10-03T11:13:34Z"
            lastTransitionTime: "2022-10-03T10:14:30Z"
summary:
  description: How many nodes got which verdict, and the guard.
  returned: success
  type: dict
  contains:
    total:
      description: How many nodes were judged.
      type: int
      sample: 6
    healthy:
      description: How many are healthy.
      type: int
      sample: 5
    degraded:
      description: How many are degraded.
      type: int
      sample: 0
    unknown:
      description: How many cannot be judged.
      type: int
      sample: 0
    unhealthy:
      description: How many are unhealthy.
      type: int
      sample: 1
    remediation_allowed:
      description: Whether so many nodes are healthy that one may act on the others. Never true without any node.
      type: bool
      sample: true
    min_healthy:
      description: O(min_healthy) as given.
      type: str
      sample: 51%
    required_healthy:
      description: How many nodes that asks for.
      type: int
      sample: 4
    text:
      description: The same as one sentence.
      type: str
      sample: "5 of 6 nodes are healthy; at least 4 required: remediation is allowed."
coverage:
  description: What could not be read, as the rules that would show it.
  returned: success
  type: dict
  contains:
    complete:
      description: Whether everything that was asked for could be read.
      type: bool
      sample: false
    missing:
      description: The missing rules, each with a Role or ClusterRole to paste.
      type: list
      elements: dict
      sample:
        - verb: list
          group: ""
          resource: pods
          namespace: ""
          role: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n..."
    role:
      description: All that is missing in one paste, empty if nothing is.
      type: str
      sample: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n..."
    requests:
      description: How many requests were made, without those for O(requested).
      type: int
      sample: 3
    requests_to_prometheus:
      description: Requests to Prometheus. Always 0, as this module asks none.
      type: int
      sample: 0
    requests_for_placement:
      description: How many requests O(requested) cost.
      type: int
      sample: 0
plan:
  description: Always empty, this module only looks.
  returned: success
  type: list
  elements: dict
  sample: []
refused:
  description: Always false, this module only looks.
  returned: success
  type: bool
  sample: false
refusals:
  description: Always empty, this module only looks.
  returned: success
  type: list
  elements: dict
  sample: []
diff:
  description: Always empty, this module only looks.
  returned: success
  type: dict
  sample: {}
"""

from typing import NoReturn

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.node_health_info import run
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.source import SRC_SPEC, connect_or_open


def main() -> NoReturn:
    """Build the module and run it."""
    condition = {
        "type": {"type": "str", "required": True},
        "status": {"type": "str", "required": True, "choices": ["True", "False", "Unknown"]},
        "duration": {"type": "str", "default": "300s"},
    }
    spec = {
        **AUTH_SPEC,
        **SRC_SPEC,
        "nodes": {"type": "list", "elements": "str"},
        "maybe_gone": {"type": "list", "elements": "str", "default": []},
        "label_selector": {"type": "str"},
        "unhealthy_conditions": {"type": "list", "elements": "dict", "options": condition},
        "min_healthy": {"type": "str", "default": "51%"},
        "requested": {"type": "bool"},
    }
    module = Module(argument_spec=spec, mutually_exclusive=[("nodes", "label_selector")], supports_check_mode=True)
    run_module(module, run, connecting=connect_or_open)


if __name__ == "__main__":
    main()
