#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module migration_retry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_retry
short_description: Migrate VMs again whose live migration failed or was cancelled
version_added: 0.1.0
description:
  - Makes a new live migration of each VM, where that is allowed and makes sense. The old one must have ended, its pods
    too; the VM must be running and migratable; no controller may be about to make its own; and a node must be able to
    take it.
  - How often it was tried stands in a Lease in the VM's namespace, with the nodes that proved bad. The Lease is written
    before the migration is made, so that the next run goes on where this one is killed.
  - A node that is to blame for the last end is avoided by selecting another one, as the API knows no other way. Where
    none is to blame the scheduler chooses.
  - Before each act all gates of C(docs/remediation.md) are passed, and the VM is locked by its Lease.
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
requirements:
  - kubernetes >= 24.2.0
extends_documentation_fragment:
  - kubevirt_ops.live_migration.attributes
  - kubevirt_ops.live_migration.attributes.action_group
  - kubevirt_ops.live_migration.auth
attributes:
  check_mode:
    support: full
    details:
      - Every step is tried by the server as a dry run. What must wait for something to end says so.
  diff_mode:
    support: full
  idempotent:
    support: none
    details:
      - Each run that is allowed makes a migration. A VM that is being migrated, or has moved, is refused.
options:
  targets:
    description:
      - VMs to migrate again, with C(namespace) and C(vm). Entries of C(migration_info.migrations) and of
        C(migration_cancel.results) are taken as they are; their C(uid) names the migration that is repeated. In check
        mode one whose C(state) is V(planned) is planned to follow the cancel.
    type: list
    elements: dict
  namespace:
    description:
      - Namespace of the one VM. Goes with O(vm) and not with O(targets).
    type: str
  vm:
    description:
      - Name of the one VM.
    type: str
  found:
    description:
      - Whether a look has found O(targets), and nobody has named them. What could not be read is then never accepted,
        even where there is one target only.
    type: bool
    default: false
  due:
    description:
      - Whether to migrate those VMs again too whose Lease says that a retry is due, as a run was ended between its
        cancel and its retry. Needs the right to list Leases.
    type: bool
    default: false
  due_namespaces:
    description:
      - Where to look for them; without it everywhere.
    type: list
    elements: str
    default: []
  due_vms:
    description:
      - Take only these of them, C(name) or C(namespace/name); without it all.
    type: list
    elements: str
    default: []
  max_attempts:
    description:
      - So many attempts are made until the VM has moved.
    type: int
    default: 3
  backoff:
    description:
      - So many seconds lie between the first attempt and the second. They double up to 900 for those that follow.
    type: int
    default: 60
  avoid_nodes:
    description:
      - Nodes that it is not to go to. V(auto) are those that are to blame for the last end; an empty list is none.
      - Needs KubeVirt 1.6. Older ones are refused with V(AvoidNotSupported), and so is a VM that selects its node by
        itself, with V(SelectorTaken). Accepting either leaves the choice to the scheduler.
    type: list
    elements: str
    default: [auto]
  wait_for:
    description:
      - How far it is waited for.
    type: str
    choices: [created, running, finished]
    default: created
  wait_timeout:
    description:
      - So many seconds all of them together are waited for, first for what still ends, then for O(wait_for); a day
        (86400) at most.
    type: int
    default: 120
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
seealso:
  - module: kubevirt_ops.live_migration.migration_cancel
  - module: kubevirt_ops.live_migration.migration_info
"""

EXAMPLES = r"""
- name: Migrate one VM again and see that it arrives
  kubevirt_ops.live_migration.migration_retry:
    namespace: team-a
    vm: web-1
    wait_for: finished
    wait_timeout: 3600

- name: Repeat what was cancelled
  kubevirt_ops.live_migration.migration_retry:
    targets: "{{ cancelled.results | selectattr('state', 'equalto', 'cancelled') }}"
  register: again

- name: Say how it went
  ansible.builtin.debug:
    msg: "{{ item.vm }}: attempt {{ item.attempt }} of {{ item.max_attempts }}: {{ item.state }}: {{ item.reason }}"
  loop: "{{ again.results }}"
  loop_control:
    label: "{{ item.vm }}"

- name: Finish what a run that was ended has left
  kubevirt_ops.live_migration.migration_retry:
    due: true
    due_namespaces: [team-a]

- name: Keep away from a node
  kubevirt_ops.live_migration.migration_retry:
    namespace: team-a
    vm: web-1
    avoid_nodes: [node-7]
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
      description: Name of the migration that was made, else of the one that was given.
      type: str
      sample: kubevirt-migrate-vm-x7k2p
    uid:
      description: UID of the migration that was made, else of the one that was given.
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
      description: How far it came. V(created), V(running), V(succeeded), V(failed), V(waiting) (not so far within
        O(wait_timeout)), V(withdrawn) (another one was made at the same time), V(refused), V(planned) (check mode),
        V(unknown) (the API server did not answer; run again).
      type: str
      sample: running
    code:
      description: The code of the refusal, or of the cause that says why it hangs. Else empty.
      type: str
      sample: ""
    reason:
      description: One sentence.
      type: str
      sample: The copy runs.
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
      sample: for the migration to be running
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
          phase: ""
          what: "create_migration: The scheduler chooses the node."
        - at: "2026-11-24T08:00:03Z"
          phase: Scheduling
          what: "waits for the migration to be running"
        - at: "2026-11-24T08:00:09Z"
          phase: Running
          what: "running: The copy runs."
    plan:
      description: The steps of this target among RV(plan).
      type: list
      elements: dict
      sample: []
    attempt:
      description: Which attempt this is since the VM last moved.
      type: int
      sample: 2
    max_attempts:
      description: How many there may be.
      type: int
      sample: 3
    avoided:
      description: Nodes that it is not to go to.
      type: list
      elements: str
      sample: [node-7]
    target_node:
      description: The node that was selected, empty where the scheduler chooses.
      type: str
      sample: node-3
    candidates:
      description: Nodes that could take it, the emptiest first. Empty where that was not looked at.
      type: list
      elements: str
      sample: [node-3, node-4]
changed:
  description: Whether a migration was made, or in check mode would be.
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
      sample: NoPlace
    reason:
      description: One sentence, and how to insist.
      type: str
      sample: "No node could take it: 0 of 3 nodes. To insist, give accept_risks: [NoPlace]."
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
      sample: create_migration
    verb:
      description: How it is sent.
      type: str
      sample: create
    path:
      description: The API path.
      type: str
      sample: /apis/kubevirt.io/v1/namespaces/team-a/virtualmachineinstancemigrations
    body:
      description: What is sent, if anything.
      type: raw
      sample:
    precondition:
      description: What must hold.
      type: str
      sample: the VM has no unfinished migration
    expectation:
      description: What it leads to.
      type: str
      sample: The scheduler chooses the node.
    undo:
      description: How to take it back, empty where there is nothing to take back.
      type: raw
      sample: migration_cancel
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
      description: Requests for placement, which are not among them.
      type: int
      sample: 0
    requests_to_prometheus:
      description: Requests to a Prometheus, which are none of these.
      type: int
      sample: 0
diff:
  description: The migrations that are, or would be, made.
  returned: success
  type: dict
  sample:
    before: {}
    after:
      team-a/live-migration-retry-8vqzr: {vmiName: web-1}
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
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.act_options import ACT_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_retry import WAIT_FOR, run


def main() -> None:
    """Build the module and run it."""
    module = Module(
        argument_spec={
            **AUTH_SPEC,
            **ACT_SPEC,
            "due": {"type": "bool", "default": False},
            "due_namespaces": {"type": "list", "elements": "str", "default": []},
            "due_vms": {"type": "list", "elements": "str", "default": []},
            "max_attempts": {"type": "int", "default": 3},
            "backoff": {"type": "int", "default": 60},
            "avoid_nodes": {"type": "list", "elements": "str", "default": ["auto"]},
            "wait_for": {"type": "str", "choices": list(WAIT_FOR), "default": "created"},
        },
        supports_check_mode=True,
    )
    run_module(module, partial(run, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
