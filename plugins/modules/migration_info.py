#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module migration_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_info
short_description: Find live migrations of KubeVirt VMs that are stuck, and say why
version_added: 0.1.0
description:
  - Judges every unfinished live migration of a KubeVirt cluster, or those of some namespaces or VMs, and says which are
    stuck, why, and what to do, with the fields of the cluster that it rests on.
  - It looks at VirtualMachineInstanceMigration objects. Before the copy starts a VM still shows C(Running), so a
    migration that is stuck there is not seen on the VM.
  - What may not be read is never called healthy. The verdict is then V(unknown), and RV(coverage) names the rule that
    is missing, as a Role to paste.
  - All ages are by the cluster's own time, the C(Date) header of the API server.
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
  namespaces:
    description:
      - Namespaces to look at. Without it the whole cluster is looked at, which needs the right to list migrations in
        all namespaces.
    type: list
    elements: str
    default: []
  vms:
    description:
      - VMs to look at, each as C(name) or C(namespace/name). A bare name is looked for in O(namespaces), or everywhere.
      - A VM that does not exist is an error. A VM that does not run, or is not being migrated, is a warning.
    type: list
    elements: str
    default: []
  nodes:
    description:
      - Only migrations that leave one of these nodes or go to one.
    type: list
    elements: str
    default: []
  late_after:
    description:
      - Seconds after which a migration that is not explained otherwise is V(late). The default is the five minutes of
        KubeVirt's runbook.
      - It bounds the time before the copy, and a copy that has no limit of its own. A copy within KubeVirt's own
        allowance for its memory is not late, however long that is.
    type: int
    default: 300
  include_finished:
    description:
      - Whether to judge finished migrations too, as far as KubeVirt keeps them (five for each VM).
      - Reads every migration object, so it costs more in a large cluster.
    type: bool
    default: false
  placement:
    description:
      - Whether to look for nodes that could take a target pod which the scheduler refuses, and to say of every other
        node why it cannot.
      - V(auto) looks where a target pod has been refused for 60 seconds, for at most 20 of them, those that wait
        longest. It reads all nodes and the pods of those that fit by themselves, once for all of them, and all pods
        where more than 64 nodes do. That is counted apart, in RV(coverage.requests_for_placement).
      - V(never) reads nothing for it. The scheduler's own words are still given.
    type: str
    choices: [auto, never]
    default: auto
  ladder:
    description:
      - Another highest rung for single causes, by code, in place of the table in C(docs/remediation.md). The rungs are
        V(wait), V(tune), V(cancel), V(retry).
    type: dict
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
      - Mutually exclusive with O(prometheus) and O(progress). The figures of copies come from the capture too.
    type: path
    version_added: 0.1.0
  progress:
    description:
      - Where to read how far running copies are. Only copies that have started and not ended are asked for.
      - With V(none) the verdict on a running copy rests on times, and its C(summary) says so.
      - With V(prometheus) a Prometheus is asked that scrapes KubeVirt, in one request, or one for each of
        O(namespaces). If it does not answer, that is a warning, and the verdicts rest on times.
      - With V(virt_handler) the metrics of virt-handler on the source nodes are read twice, six seconds apart, through
        the API server. This needs the right to C(get) C(pods/proxy) in KubeVirt's namespace, and takes samples from
        Prometheus, as virt-handler keeps a measurement for one reader.
    type: str
    choices: [none, prometheus, virt_handler]
    default: none
seealso:
  - module: kubevirt_ops.live_migration.node_health_info
  - module: kubevirt_ops.live_migration.migration_evidence
  - module: kubevirt_ops.live_migration.migration_report
  - name: Runbook of the alert KubeVirtVMStuckInMigratingState
    description: What a person did by hand.
    link: https://kubevirt.io/monitoring/runbooks/KubeVirtVMStuckInMigratingState.html
"""

EXAMPLES = r"""
- name: Look at the whole cluster
  kubevirt_ops.live_migration.migration_info:
  register: looked

- name: Look at one VM, as somebody with rights in one namespace only
  kubevirt_ops.live_migration.migration_info:
    namespaces: [team-a]
    vms: [web-1]
  register: looked

- name: Stop when a migration is stuck
  ansible.builtin.fail:
    msg: "{{ looked.summary.text }}"
  when: looked.summary.stuck > 0

- name: List the stuck ones with their first cause
  ansible.builtin.debug:
    msg: "{{ item.namespace }}/{{ item.vm }}: {{ item.cause }}"
  loop: "{{ looked.migrations | selectattr('stuck') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Ask Thanos on OpenShift how far the copies of a namespace are, as somebody with rights there only
  kubevirt_ops.live_migration.migration_info:
    namespaces: [team-a]
    progress: prometheus
    prometheus:
      url: https://thanos-querier.openshift-monitoring.svc:9092
      token: "{{ lookup('ansible.builtin.env', 'PROMETHEUS_TOKEN') }}"
      ca_cert: /etc/ssl/service-ca.crt
  register: looked

- name: Say the same of a bundle or a must-gather that somebody has sent, without their cluster
  kubevirt_ops.live_migration.migration_info:
    src: /tmp/must-gather.tar.gz

- name: Who leaves or reaches a node that is about to be drained
  kubevirt_ops.live_migration.migration_info:
    nodes: [node-7]
"""

RETURN = r"""
read_at:
  description: The cluster's time of the look.
  returned: success
  type: str
  sample: "2026-11-23T08:49:14Z"
migrations:
  description: One entry a migration, worst first.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: Namespace of the VM and of the migration.
      type: str
      sample: team-a
    vm:
      description: Name of the VM.
      type: str
      sample: web-1
    name:
      description: Name of the migration object.
      type: str
      sample: kubevirt-migrate-vm-x7k2p
    uid:
      description: UID of the migration object.
      type: str
      sample: 5b1e0a9e-6f0c-4b2f-9d57-0a6f6a3f3a01
    origin:
      description: Who made it, one of V(user), V(evacuation), V(workload_update), V(volume_update), V(decentralized).
      type: str
      sample: user
    source_node:
      description: The node that the VM leaves, empty where not known.
      type: str
      sample: node-2
    target_node:
      description: The node that it goes to, empty while not chosen.
      type: str
      sample: node-5
    target_pod:
      description: The target's virt-launcher pod, empty while there is none.
      type: str
      sample: virt-launcher-web-1-abcde
    phase:
      description: The phase as KubeVirt writes it, empty while it has written none.
      type: str
      sample: Scheduling
    phase_since_at:
      description: When the phase began.
      type: str
      sample: "2026-11-23T08:40:14Z"
    seconds_in_phase:
      description: How long it is in its phase, null where no time is readable.
      type: int
      sample: 540
    created_at:
      description: When the migration was asked for.
      type: str
      sample: "2026-11-23T08:40:10Z"
    age_seconds:
      description: Seconds since then.
      type: int
      sample: 544
    started_at:
      description: When the copy started, empty before.
      type: str
      sample: ""
    deadline_at:
      description: When the present phase should have ended, empty where it has no limit.
      type: str
      sample: "2026-11-23T08:45:14Z"
    deadline_reason:
      description: Where the deadline comes from, or why there is none.
      type: str
      sample: KubeVirt gives an unschedulable target pod 300 s
    seconds_left:
      description: Seconds until the deadline, negative when over it, null where there is none.
      type: int
      sample: -240
    phases:
      description:
        - The phases that it went through, the oldest first, at most 16. A phase without a readable time is left out.
      type: list
      elements: dict
      contains:
        phase:
          description: The phase as KubeVirt writes it, empty before the first.
          type: str
          sample: Pending
        since_at:
          description: When it began.
          type: str
          sample: "2026-11-23T08:40:10Z"
        until_at:
          description: When it ended, empty for the one that lasts.
          type: str
          sample: "2026-11-23T08:40:14Z"
        seconds:
          description: How long it took, or has taken so far.
          type: int
          sample: 4
        deadline_at:
          description:
            - When it had to end by KubeVirt's limits, empty where it has none or it is not known. By which of two
              timeouts a target pod was bound shows only while it waits, so the longer one stands for C(Scheduling) that
              is over.
          type: str
          sample: ""
        deadline_reason:
          description: Where the deadline comes from, or why there is none.
          type: str
          sample: ""
    verdict:
      description:
        - The first that fits of V(unknown), V(succeeded), V(failed), V(cancelling), V(blocked), V(stalled), V(overdue),
          V(queued), V(late), V(progressing).
      type: str
      sample: blocked
    stuck:
      description: Whether the verdict is V(blocked), V(stalled) or V(overdue).
      type: bool
      sample: true
    summary:
      description: The verdict and its reason in one sentence.
      type: str
      sample: "blocked: No node takes the target pod virt-launcher-web-1-abcde: 0/6 nodes are available."
    cause:
      description: Code of the first cause, empty where there is none.
      type: str
      sample: TargetPodUnschedulable
    causes:
      description: All causes that hold, the root first.
      type: list
      elements: dict
      contains:
        code:
          description: Public code of the cause.
          type: str
          sample: TargetPodUnschedulable
        summary:
          description: One sentence with names and figures.
          type: str
          sample: "No node takes the target pod virt-launcher-web-1-abcde: 0/6 nodes are available."
        time_cures:
          description: Whether waiting alone cures it, V(yes), V(no) or V(maybe).
          type: str
          sample: "no"
        holds_since_at:
          description: Since when it holds for this migration, empty where no time is readable.
          type: str
          sample: "2026-11-23T08:40:15Z"
        evidence:
          description: What was seen, each with C(object), C(field), C(value) and C(at).
          type: list
          elements: dict
          sample:
            - object: Pod team-a/virt-launcher-web-1-abcde
              field: status.conditions[PodScheduled].message
              value: 0/6 nodes are available
              at: "2026-11-23T08:40:15Z"
        explains:
          description: Codes of causes that follow from this one.
          type: list
          elements: str
          sample: []
        advice:
          description: What to do, the best first, each with C(action), C(why), C(risk) and C(command).
          type: list
          elements: dict
          sample:
            - action: Make room on a node that fits, or correct what excludes the nodes.
              why: KubeVirt removes the pod at its deadline and the migration fails; a retry meets the same nodes.
              risk: "none: the VM keeps running where it is"
              command: kubectl describe pod -n team-a virt-launcher-web-1-abcde
        confidence:
          description: V(certain), V(likely) or V(possible).
          type: str
          sample: certain
    mode:
      description: How the copy goes, V(PreCopy), V(PostCopy) or V(Paused), empty before the copy.
      type: str
      sample: ""
    policy:
      description: The MigrationPolicy that was in force when the migration was handed over, empty for none.
      type: str
      sample: ""
    policy_now:
      description:
        - The MigrationPolicy that rules the VM as policies and labels are now, empty for none. A migration that was
          handed over keeps the settings of RV(migrations[].policy); another one made now would take this.
        - Null where it is not known. It is read last, and for named VMs only while each has cost less than 12 requests.
          Null for a finished migration too.
      type: str
      sample: ""
    configuration:
      description:
        - The migration's settings with the API's names, as KubeVirt recorded them when it was handed over.
        - Before that, what KubeVirt would take now. A setting that hangs on something that was not read is left out.
      type: dict
      sample: {"completionTimeoutPerGiB": 150, "progressTimeout": 150}
    configuration_from:
      description:
        - Where each setting comes from, V(migration) (recorded for this very migration), C(policy NAME),
          V(KubeVirt) (the KubeVirt object) or V(default) (nobody set it).
      type: dict
      sample: {"completionTimeoutPerGiB": "migration", "progressTimeout": "migration"}
    progress:
      description:
        - Figures of the running copy as virt-handler on the source node measures them, empty where none were read.
        - C(source), and C(problem) where there is less than was asked for. C(at) is the time of the newest figures
          by the clock of the source node. What is not known is null.
        - C(remaining_bytes), C(processed_bytes), C(total_bytes) of the newest measurement. There is no percentage, as
          what was processed of a copy that repeats itself and what remains are no whole.
        - C(transfer_bytes_per_second) and C(dirty_bytes_per_second) over the last 90 seconds. QEMU tells no dirty rate
          before the second pass over the memory. C(needed_bytes_per_second) is by how much the first must exceed the
          second for the copy to end in the time that KubeVirt gives it.
        - C(trend) of what remains, V(falling), V(flat) or V(rising). C(is_stalled) is whether it is at least 0.96 of
          the least that remained more than a minute before.
        - C(estimated_end_at), C(seconds_to_end), C(ends_before_deadline).
        - C(samples), the newest 24 of C(samples_total), oldest first.
      type: dict
      sample:
        source: prometheus
        problem: ""
        at: "2026-11-23T08:49:12Z"
        remaining_bytes: 1342177280
        processed_bytes: 9663676416
        total_bytes: 8589934592
        transfer_bytes_per_second: 67108864
        dirty_bytes_per_second: 41943040
        needed_bytes_per_second: 7158279
        trend: falling
        is_stalled: false
        estimated_end_at: "2026-11-23T08:50:05Z"
        seconds_to_end: 51
        ends_before_deadline: true
        samples_total: 28
        samples:
          - at: "2026-11-23T08:49:12Z"
            remaining_bytes: 1342177280
            processed_bytes: 9663676416
            transfer_bytes_per_second: 67108864
            dirty_bytes_per_second: 41943040
    placement:
      description:
        - Where the target pod could go, of a pod that no node takes; empty where nobody looked for that.
        - What the scheduler said may be older. A node that is possible here may fail a rule that is not judged.
      type: dict
      contains:
        summary:
          description: All of it in a sentence.
          type: str
          sample: "0 of 12 nodes: 5 lack cpu model Skylake-Server, 4 have less than 18.3 GiB memory free, 3 cordoned"
        possible:
          description: Names of the nodes that could take it now, at most 50.
          type: list
          elements: str
          sample: []
        excluded:
          description: The other nodes, at most 50, each with its first reason; C(also) has its other reasons.
          type: list
          elements: dict
          sample:
            - node: node-7
              code: CPUModelMissing
              reason: lacks cpu model Skylake-Server
              also: []
        not_judged:
          description: What was judged for no node.
          type: list
          elements: str
          sample: ["whether the volumes of its claims can be used on a node (rootdisk)"]
        left_out:
          description: How many nodes are left out of the two lists.
          type: int
          sample: 0
    attempt:
      description: 1, and one more for each failure of the same VM since its last success.
      type: int
      sample: 1
    previous:
      description:
        - Finished migrations of the same VM, newest first, each with C(name), C(uid), C(phase), C(ended_at),
          C(target_node), C(failure_reason) (KubeVirt's text), C(failure) (the same in plain words) and
          C(was_cancelled), as a cancel is no failure.
      type: list
      elements: dict
      sample: []
    can_cancel:
      description: Whether deleting it would end it.
      type: bool
      sample: true
    can_cancel_reason:
      description: What a cancel would do, or why it would not help.
      type: str
      sample: Before the copy KubeVirt ends it at once; the VM keeps running.
    can_retry:
      description: Whether a new migration of the VM would be admitted and makes sense.
      type: bool
      sample: false
    can_retry_reason:
      description: Why, or why not.
      type: str
      sample: This migration has not ended.
    rung:
      description:
        - How far to go against its first cause, one of V(wait), V(tune), V(cancel), V(retry) (a cancel, then a new
          migration). V(wait) for one that is not stuck. O(ladder) sets it for single causes.
      type: str
      sample: retry
summary:
  description: Counts over RV(migrations).
  returned: success
  type: dict
  contains:
    total:
      description: How many were judged.
      type: int
      sample: 14
    stuck:
      description: How many are stuck.
      type: int
      sample: 1
    finished:
      description: How many have ended.
      type: int
      sample: 0
    by_verdict:
      description: How many have each verdict, 0 too.
      type: dict
      sample: {"blocked": 1, "progressing": 13}
    by_cause:
      description: How many of the stuck ones have each first cause.
      type: dict
      sample: {"TargetPodUnschedulable": 1}
    text:
      description: One sentence.
      type: str
      sample: "1 of 14 migrations is stuck: 1 blocked, 13 progressing."
correlations:
  description:
    - What at least two late or stuck migrations share and a smaller part of the others does. Several at once point at
      the infrastructure.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - One of V(source_node), V(target_node), V(policy) (in force at the hand-off), V(migration_network),
          V(launcher_version), V(namespace), V(storage_class), V(start_window) (asked for within 300 s).
        - Storage classes are read where at least two late or stuck migrations and others have claims, in at most eight
          namespaces, one request each.
        - A node is reported also where all migrations share it, as its own verdict stands beside it. The others are
          not, as there is nothing to compare with.
      type: str
      sample: source_node
    value:
      description: What they share, such as the node's name; of a V(start_window) its first and last moment, C(from/to).
      type: str
      sample: node-7
    stuck_or_late:
      description: How many that share it are late or stuck.
      type: int
      sample: 4
    total:
      description: How many share it.
      type: int
      sample: 4
    elsewhere_stuck_or_late:
      description: How many of the others are late or stuck.
      type: int
      sample: 1
    elsewhere_total:
      description: How many others there are.
      type: int
      sample: 11
    node_verdict:
      description: The node's own verdict, empty where it was not judged or no node is shared.
      type: str
      sample: unhealthy
    migrations:
      description: The late and stuck ones, as C(namespace/vm).
      type: list
      elements: str
      sample: [team-a/web-1, shop/cart-2]
    summary:
      description: One sentence.
      type: str
      sample: 4 of 4 migrations leaving node-7 are late or stuck, 1 of 11 elsewhere; node-7 is unhealthy.
queue:
  description: The queue of the whole cluster, which all its migrations share.
  returned: success
  type: dict
  contains:
    parallel_migrations_per_cluster:
      description: How many may run at once, null where that could not be read.
      type: int
      sample: 5
    parallel_outbound_migrations_per_node:
      description: How many may leave one node at once, null where that could not be read.
      type: int
      sample: 2
    running:
      description:
        - Those that hold a slot, each with C(vm) as C(namespace/vm), C(phase), C(source_node) and C(stuck), which is
          null where it was not judged.
      type: list
      elements: dict
      sample:
        - vm: team-a/web-1
          phase: Scheduling
          source_node: node-2
          stuck: true
    waiting:
      description: Those that wait for a slot as C(namespace/vm), the next one first.
      type: list
      elements: str
      sample: [shop/cart-2]
    unclear:
      description: Of how many it is not known whether they hold a slot, or of which node.
      type: int
      sample: 0
settings:
  description: The settings of live migration in the cluster.
  returned: success
  type: dict
  contains:
    cluster:
      description: What holds for a VM that no policy rules, with the API's names. Empty where it could not be read.
      type: dict
      sample: {"parallelMigrationsPerCluster": 5, "completionTimeoutPerGiB": 150}
    policies:
      description: What each MigrationPolicy sets. Null where the policies were not read.
      type: dict
      sample: {"fast-lane": {"allowPostCopy": true}}
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
      description:
        - Each missing rule with C(verb), C(group), C(resource), C(namespace), C(reason) and a C(role) to paste.
        - The reason is V(forbidden), or V(not_captured) where O(src) does not hold it, so that no role would help.
      type: list
      elements: dict
      sample: []
    role:
      description: All missing rules as one paste, empty when nothing is missing.
      type: str
      sample: ""
    requests:
      description: Requests to the API server, without those for placement.
      type: int
      sample: 9
    requests_for_placement:
      description: Requests for placement, which are not among them.
      type: int
      sample: 0
    requests_to_prometheus:
      description: Requests to Prometheus, which are not among them.
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
    path: /apis/kubevirt.io/v1/virtualmachineinstancemigrations
    status: 403
    reason: virtualmachineinstancemigrations.kubevirt.io is forbidden
    remedy: "Grant this user: list virtualmachineinstancemigrations (kubevirt.io)."
"""

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import PROMETHEUS_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import run
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.source import SRC_SPEC, connect_or_open


def main() -> None:
    """Build the module and run it."""
    module = Module(
        argument_spec={
            **AUTH_SPEC,
            **SRC_SPEC,
            "namespaces": {"type": "list", "elements": "str", "default": []},
            "vms": {"type": "list", "elements": "str", "default": []},
            "nodes": {"type": "list", "elements": "str", "default": []},
            "late_after": {"type": "int", "default": 300},
            "include_finished": {"type": "bool", "default": False},
            "placement": {"type": "str", "choices": ["auto", "never"], "default": "auto"},
            "ladder": {"type": "dict"},
            "progress": {"type": "str", "default": "none", "choices": ["none", "prometheus", "virt_handler"]},
            "prometheus": {"type": "dict", "options": PROMETHEUS_SPEC},
        },
        supports_check_mode=True,
    )
    run_module(module, run, connecting=connect_or_open)


if __name__ == "__main__":
    main()
