#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module migration_cancel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_cancel
short_description: Cancel live migrations of KubeVirt VMs, and see that they end
version_added: 0.1.0
description:
  - Cancels live migrations behind gates, and returns only when KubeVirt has ended each of them, or says in which state
    it hangs. Deleting the object is how a migration is cancelled; what follows depends on its phase.
  - Before the hand-off to the nodes KubeVirt ends it at once. While the target is prepared it goes on until the copy
    runs or the target pod has ended. The copy is aborted by the source node. In post-copy nothing may be done.
  - What is deleted is the migration with the UID that was found or given, never the next one of that name.
  - Before each act all gates of C(docs/remediation.md) are passed, and the VM is locked by a Lease in its namespace.
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
requirements:
  - kubernetes >= 24.2.0
extends_documentation_fragment:
  - kubevirt_ops.live_migration.attributes
  - kubevirt_ops.live_migration.attributes.action_group
  - kubevirt_ops.live_migration.auth
  - kubevirt_ops.live_migration.prometheus
attributes:
  check_mode:
    support: full
    details:
      - Every step is tried by the server as a dry run. What rests on a step before it says so.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A migration that has ended or is gone is no change, and one that is being cancelled is only waited for.
options:
  targets:
    description:
      - Migrations to cancel. Entries of C(migration_info.migrations) are taken as they are.
      - C(namespace) and C(vm) are needed. With C(name) that migration is meant, else the VM's unfinished one. C(uid)
        makes sure that what was looked at is what is cancelled.
    type: list
    elements: dict
  namespace:
    description:
      - Namespace of the one VM whose migration is cancelled. Goes with O(vm) and not with O(targets).
    type: str
  vm:
    description:
      - Name of the one VM whose migration is cancelled.
    type: str
  found:
    description:
      - Whether a look has found O(targets), and nobody has named them. What could not be read is then never accepted,
        even where there is one target only.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until KubeVirt has ended them.
    type: bool
    default: true
  wait_timeout:
    description:
      - So many seconds all of them together are waited for, a day (86400) at most. libvirt takes up to 30 seconds
        for an abort.
    type: int
    default: 120
  free_target_pod:
    description:
      - Whether to delete the target pod too, where the migration has been handed over and its copy has not begun. It is
        never deleted once the copy runs, and never with a grace period of 0.
      - Needs the right to list and delete pods. On a node that does not answer the pod stays; fence the node first.
    type: bool
    default: false
  stop_evacuation:
    description:
      - Whether to stop the evacuation of the VM first, as its controller makes the next migration else. Needs KubeVirt
        1.7 and the right to update both C(virtualmachineinstances/evacuate) and
        C(virtualmachineinstances/evacuate/cancel) in C(subresources.kubevirt.io).
    type: bool
    default: false
  retry_follows:
    description:
      - Whether the VM's Lease is to remember that M(kubevirt_ops.live_migration.migration_retry) follows, so that the
        next run does it where this one is killed in between. It remembers it only of those whose RV(results[].rung) is
        V(retry).
    type: bool
    default: false
  accept_risks:
    description:
      - Codes of refusals that are insisted on, such as V(NotStuck) or V(OwnedByController). Each refusal names its
        code.
      - What could not be read refuses with the same code as what speaks against the act. It is accepted only where
        exactly one VM is named, so that somebody with rights in one namespace can free their own VM.
      - Post-copy, another migration under the name, a lock that somebody holds, and a pause that was read are never
        overridden.
    type: list
    elements: str
    default: []
  only_opted_in:
    description:
      - Whether an act needs an opt-in. The label C(live-migration.kubevirt-ops/remediate) of the VM counts first, then
        that of its VMI, then the annotation of that name of the namespace; only V(true) opts in.
      - It is refused with V(NotOptedIn) otherwise. Meant for automation that nobody watches.
    type: bool
    default: false
  min_healthy:
    description:
      - So many nodes must be healthy, as a number or a percentage.
    type: str
    default: 51%
  max_stuck_per_node:
    description:
      - Nothing is done where more migrations than this are stuck on one of the nodes involved.
    type: int
    default: 3
  max_acts_per_run:
    description:
      - So many acts are made by one task at most.
    type: int
    default: 5
  max_acts_per_hour:
    description:
      - So many acts are made in the cluster within one hour at most, by whomever. They are counted in a Lease in
        KubeVirt's namespace.
    type: int
    default: 20
  parallel:
    description:
      - So many targets are worked on side by side, eight at most.
    type: int
    default: 8
  reason:
    description:
      - Why, for the event on the VMI and the annotation on the migration.
    type: str
    default: ""
  actor:
    description:
      - For whom, for the same. Without it the name by which the API server knows the user.
    type: str
    default: ""
  fail_on_refusal:
    description:
      - Whether a refusal fails the task. A refusal is a normal result otherwise.
    type: bool
    default: false
  ladder:
    description:
      - Another highest rung for single causes, by code, in place of the table in C(docs/remediation.md). The rungs are
        V(wait), V(tune), V(cancel), V(retry).
      - A migration is cancelled only where the rung of its first cause is V(cancel) or V(retry).
    type: dict
  progress:
    description:
      - Where to read how far running copies are. Only copies that have started and not ended are asked for.
      - With V(none) the verdict on a running copy rests on times, so one that was found stalled by its figures is not
        stuck here. Give the same as C(migration_info) was given.
      - With V(prometheus) a Prometheus is asked that scrapes KubeVirt, in one request, or one for each
        namespace of the targets. If it does not answer, that is a warning, and the verdicts rest on times.
      - With V(virt_handler) the metrics of virt-handler on the source nodes are read twice, six seconds apart, through
        the API server. This needs the right to C(get) C(pods/proxy) in KubeVirt's namespace, and takes samples from
        Prometheus, as virt-handler keeps a measurement for one reader.
    type: str
    choices: [none, prometheus, virt_handler]
    default: none
  look:
    description:
      - Whether to return as RV(looked) what the look said that the gates judge. Where one VM is named this spares a
        M(kubevirt_ops.live_migration.migration_info) before it. It has no placements, and costs up to three requests
        after the acts.
    type: bool
    default: false
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - module: kubevirt_ops.live_migration.migration_retry
"""

EXAMPLES = r"""
- name: Cancel the migration of one VM
  kubevirt_ops.live_migration.migration_cancel:
    namespace: team-a
    vm: web-1
    reason: the target node is to be rebooted

- name: See what would be done
  kubevirt_ops.live_migration.migration_cancel:
    namespace: team-a
    vm: web-1
  check_mode: true
  diff: true

- name: Cancel every stuck migration against which a cancel helps
  kubevirt_ops.live_migration.migration_cancel:
    targets: "{{ looked.migrations | selectattr('stuck') }}"
  register: cancelled

- name: Name those that hang
  ansible.builtin.debug:
    msg: "{{ item.namespace }}/{{ item.vm }}: {{ item.code }}: {{ item.reason }}"
  loop: "{{ cancelled.results | selectattr('state', 'equalto', 'hanging') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Free the VM that one owns, with rights in its namespace only
  kubevirt_ops.live_migration.migration_cancel:
    namespace: team-a
    vm: web-1
    accept_risks: [ActingPaused, CoverageIncomplete, ClusterUnhealthy, ManyStuckOnNode, BudgetSpent, KubeVirtUpgrading]
"""

RETURN = r"""
results:
  description: One entry a target, in the order in which they were given.
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
      sample: web-1
    name:
      description: Name of the migration, empty where there was none.
      type: str
      sample: kubevirt-migrate-vm-x7k2p
    uid:
      description: UID of the migration, empty where there was none.
      type: str
      sample: 5b1e0a9e-6f0c-4b2f-9d57-0a6f6a3f3a01
    phase:
      description: The phase in which it was last seen.
      type: str
      sample: Running
    origin:
      description: Who made it, one of V(user), V(evacuation), V(workload_update), V(volume_update), V(decentralized).
      type: str
      sample: user
    state:
      description: How it ended. V(cancelled), V(succeeded) (it was faster), V(failed) (it had failed before), V(gone)
        (there was none), V(requested) (not waited for), V(hanging), V(refused), V(planned) (check mode), V(unknown)
        (the API server did not answer; run again).
      type: str
      sample: cancelled
    code:
      description: The code of the refusal, or of the cause that says why it hangs. Else empty.
      type: str
      sample: ""
    reason:
      description: One sentence.
      type: str
      sample: KubeVirt has ended it (aborted by the source node); the VM runs where it was.
    refusals:
      description: Every gate that refused, in order, with C(code), C(reason) and C(next_allowed_at).
      type: list
      elements: dict
      sample: []
    gates:
      description: Every gate in order with C(gate), C(code), C(answer) (V(pass), V(refuse), V(unreadable)) and
        C(reason). Empty where no act was needed.
      type: list
      elements: dict
      sample:
        - gate: pause
          code: ActingPaused
          answer: pass
          reason: Nobody has paused it.
    protections_missing:
      description: Codes of the gates that O(accept_risks) overrode.
      type: list
      elements: str
      sample: []
    waited_for:
      description: What was last waited for, empty for nothing.
      type: str
      sample: for the source node to abort the copy
    timeline:
      description:
        - >-
          What was seen while it was waited for, each change once. C(at) is the cluster's time, C(phase) the
          migration's phase, C(what) what was done, waited for, or how it ended.
        - Empty in check mode, and where nothing was done.
      type: list
      elements: dict
      sample:
        - at: "2026-11-24T08:00:01Z"
          phase: Running
          what: "delete_migration: KubeVirt then asks the source node to abort the copy; the VM keeps running there."
        - at: "2026-11-24T08:00:02Z"
          phase: Running
          what: "waits for the source node to abort the copy"
        - at: "2026-11-24T08:00:04Z"
          phase: Running
          what: "cancelled: KubeVirt has ended it (aborted by the source node); the VM runs where it was."
    plan:
      description: The steps of this target among RV(plan).
      type: list
      elements: dict
      sample: []
    verdict:
      description: What the look just before the act said of it, empty where it was not looked at.
      type: str
      sample: blocked
    cause:
      description: The first cause in that look, empty for none.
      type: str
      sample: SELinuxContextMissing
    rung:
      description: How far to go against that cause, V(wait), V(tune), V(cancel) or V(retry). V(retry) too where
        O(accept_risks) overrode the verdict or the cause.
      type: str
      sample: retry
changed:
  description: Whether anything was cancelled, or in check mode would be.
  returned: success
  type: bool
  sample: true
refused:
  description: Whether any target was refused.
  returned: success
  type: bool
  sample: false
refusals:
  description: The refusals of all targets.
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
      sample: web-1
    code:
      description: A code of the closed list in C(docs/remediation.md), for O(accept_risks) where one may insist.
      type: str
      sample: NotStuck
    reason:
      description: One sentence, and how to insist.
      type: str
      sample: "It is not stuck but progressing: within its deadline. To insist, give accept_risks: [NotStuck]."
    next_allowed_at:
      description: When it may be tried again, empty where time alone changes nothing.
      type: str
      sample: "2026-11-23T09:14:07Z"
plan:
  description: The steps in the order in which they were done, or in check mode would be.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: What the step is.
      type: str
      sample: delete_migration
    verb:
      description: How it is sent.
      type: str
      sample: delete
    path:
      description: The API path.
      type: str
      sample: /apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations/kubevirt-migrate-vm-x7k2p
    body:
      description: What is sent, if anything.
      type: raw
      sample:
    precondition:
      description: What must hold.
      type: str
      sample: its UID is 5b1e0a9e-6f0c-4b2f-9d57-0a6f6a3f3a01
    expectation:
      description: What it leads to.
      type: str
      sample: KubeVirt then asks the source node to abort the copy; the VM keeps running there.
    undo:
      description: How to take it back, empty where there is nothing to take back.
      type: raw
      sample: migration_retry makes a new one
    outcome:
      description: One of V(done), V(failed), V(unknown), V(not_tried), V(refused), V(dry_run), V(not_possible_yet).
      type: str
      sample: done
    answer:
      description: The server's answer in a few words.
      type: str
      sample: accepted
    at:
      description: When, by the cluster's clock.
      type: str
      sample: "2026-11-23T08:49:15Z"
    dry_run:
      description: In check mode V(accepted), V(refused), V(forbidden) or V(not_possible); else empty.
      type: str
      sample: ""
coverage:
  description: What was not allowed, and what it cost.
  returned: success
  type: dict
  contains:
    complete:
      description: Whether everything that was needed was allowed.
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
      sample: 33
    requests_for_placement:
      description: Always 0, this module looks at no placement.
      type: int
      sample: 0
    requests_to_prometheus:
      description: Requests to a Prometheus, which are none of these.
      type: int
      sample: 0
diff:
  description: The migrations that are, or would be, no more.
  returned: success
  type: dict
  sample:
    before:
      team-a/kubevirt-migrate-vm-x7k2p: {uid: 5b1e0a9e-6f0c-4b2f-9d57-0a6f6a3f3a01, phase: Running}
    after: {}
looked:
  description:
    - With O(look) what the look just before the acts said of the targets, in the form of the result of
      M(kubevirt_ops.live_migration.migration_info). Empty without it, and where no look was needed.
  returned: success
  type: dict
  sample: {}
error:
  description: The kind of failure, with C(code), C(method), C(path), C(status), C(reason), C(remedy), C(causes) and
    C(uncertain).
  returned: failure
  type: dict
  sample:
    code: Unreachable
    method: GET
    path: /apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations
    status: 0
    reason: no answer in time
    remedy: Check the option host (or the kubeconfig's server), the network and the proxy.
    causes: []
    uncertain: false
"""

from functools import partial

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import PROMETHEUS_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.act_options import ACT_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_cancel import run


def main() -> None:
    """Build the module and run it."""
    module = Module(
        argument_spec={
            **AUTH_SPEC,
            **ACT_SPEC,
            "wait": {"type": "bool", "default": True},
            "free_target_pod": {"type": "bool", "default": False},
            "stop_evacuation": {"type": "bool", "default": False},
            "retry_follows": {"type": "bool", "default": False},
            "ladder": {"type": "dict"},
            "look": {"type": "bool", "default": False},
            "progress": {"type": "str", "default": "none", "choices": ["none", "prometheus", "virt_handler"]},
            "prometheus": {"type": "dict", "options": PROMETHEUS_SPEC},
        },
        supports_check_mode=True,
    )
    run_module(module, partial(run, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
