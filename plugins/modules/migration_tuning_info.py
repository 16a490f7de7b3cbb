#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module migration_tuning_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_tuning_info
short_description: Say which migration settings would make the copies that run end, and why
version_added: 0.1.0
description:
  - Computes for every VM whose memory is being copied whether that ends in time, and which smallest change of
    KubeVirt's migration settings makes it, from what was measured of it.
  - VMs with the problem get one MigrationPolicy, by labels that they all have and no other running VM has. A setting of
    the whole cluster is advised where no policy can carry it.
  - RV(changes) has the same in the form that M(kubevirt_ops.live_migration.migration_policy) and
    M(kubevirt_ops.live_migration.migration_settings) take. This module only looks.
  - A migration keeps the settings of its hand-off. The answer is about another one made now, under the policies and
    settings as they are now; RV(vms[].running) is about the one that runs.
  - A figure that was not read is not guessed. The answer is V(unknown) then, and says what is missing.
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
      - Namespaces whose copies are looked at. Without it the whole cluster's are, which needs the right to list
        migrations in all namespaces.
    type: list
    elements: str
    default: []
  vms:
    description:
      - VMs to look at, each as C(name) or C(namespace/name).
    type: list
    elements: str
    default: []
  progress:
    description:
      - Where to read how fast memory is copied and dirtied, as O(progress) of
        M(kubevirt_ops.live_migration.migration_info). With V(none) only O(dirty_rates) tell that.
    type: str
    choices: [none, prometheus, virt_handler]
    default: none
  bears:
    description:
      - What the VMs may bear. Nothing else is advised, but for an action that O(action) names.
      - V(throttling) slows the guest until the copy ends, V(pause) lets it stand still, V(post_copy) loses it if a node
        or the network fails. Post-copy is never advised for a VM with host devices, nor where that is not known.
    type: list
    elements: str
    choices: [throttling, pause, post_copy]
    default: [throttling]
  action:
    description:
      - Which of the options that are found RV(changes) takes.
      - V(auto) takes the least risky one that changes nothing for VMs outside of the group. It never takes V(pause) and
        V(post_copy), nor V(parallelism) and V(progress_timeout), which are settings of the whole cluster, and none
        where the guests may write more than was seen. Those are taken where they are asked for by name.
      - More bandwidth than now rests on a link that nobody has measured, unless O(link) says what it carries. V(auto)
        takes another option before it if one rests on what was measured.
    type: str
    choices: [auto, progress_timeout, deadline, bandwidth, parallelism, auto_converge, pause, post_copy]
    default: auto
  policy_name:
    description:
      - Name of the MigrationPolicy that is advised. At most 63 characters.
      - Where that name is taken by a policy that rules other VMs, the next free one is taken, such as C(NAME-2). VMs
        that different policies rule now, or that no one change helps, get one each, with more behind the name.
    type: str
    default: live-migration-tuning
  link:
    description:
      - What the network carries from one node each second, all its migrations together, for example V(1100Mi).
      - Without it nothing is known of what is beyond the present bandwidth, and the advice says so.
    type: str
    default: ""
  dirty_rate_margin:
    description:
      - How many percent more than the dirty rate is reckoned with, up to 1000.
    type: int
    default: 0
  dirty_rates:
    description:
      - How fast guests dirty memory, C(namespace/name) to bytes a second as a quantity. Goes before what was measured.
    type: dict
    default: {}
notes:
  - For one VM it makes at most 16 requests, two more with O(progress=virt_handler). Of the other VMs only the metadata
    is read, 500 in a request.
  - What the computation rests on, and where it can be wrong, stands in C(docs/tuning.md).
seealso:
  - module: kubevirt_ops.live_migration.migration_policy
  - module: kubevirt_ops.live_migration.migration_settings
  - module: kubevirt_ops.live_migration.migration_report
  - plugin: kubevirt_ops.live_migration.migration_convergence
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask what would make the copies of a namespace end
  kubevirt_ops.live_migration.migration_tuning_info:
    namespaces: [team-a]
    progress: prometheus
    prometheus:
      url: https://thanos-querier.openshift-monitoring.svc:9092
      token: "{{ lookup('ansible.builtin.env', 'PROMETHEUS_TOKEN') }}"
  register: advised

- name: Say what was found of each VM
  ansible.builtin.debug:
    msg: "{{ item.namespace }}/{{ item.vm }}: {{ item.summary }}"
  loop: "{{ advised.vms }}"

- name: Preview the policy that is advised
  kubevirt_ops.live_migration.migration_policy:
    name: "{{ item.name }}"
    vmi_selector: "{{ item.vmi_selector }}"
    namespace_selector: "{{ item.namespace_selector }}"
    completion_timeout_per_gib: "{{ item.completion_timeout_per_gib | default(omit) }}"
    bandwidth_per_migration: "{{ item.bandwidth_per_migration | default(omit) }}"
    allow_auto_converge: "{{ item.allow_auto_converge | default(omit) }}"
  loop: "{{ advised.changes.policies }}"
  check_mode: true
  diff: true

- name: Ask for VMs that may stand still, over a link of 10 Gbit/s, with a quarter more than what is dirtied now
  kubevirt_ops.live_migration.migration_tuning_info:
    progress: virt_handler
    bears: [throttling, pause]
    link: 1100Mi
    dirty_rate_margin: 25
"""

RETURN = r"""
read_at:
  description: The cluster's time of the look.
  returned: success
  type: str
  sample: "2026-11-23T08:49:14Z"
vms:
  description:
    - One entry for each VM whose memory is being copied, those that need something first.
    - Besides the keys here each has those of RV(kubevirt_ops.live_migration.migration_convergence#filter:_value). They
      are about another migration made now.
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
    name:
      description: Name of the migration that runs.
      type: str
      sample: kubevirt-migrate-vm-x7k2p
    uid:
      description: UID of the migration that runs.
      type: str
      sample: 5b1e0a9e-6f0c-4b2f-9d57-0a6f6a3f3a01
    verdict:
      description: The verdict on that migration, as M(kubevirt_ops.live_migration.migration_info) gives it.
      type: str
      sample: progressing
    cause:
      description: Code of its first cause, empty where there is none.
      type: str
      sample: SlowButConverging
    mode:
      description: How the copy goes, V(PreCopy), V(PostCopy) or V(Paused). Only the first tells rates.
      type: str
      sample: PreCopy
    policy:
      description: The MigrationPolicy that was in force at its hand-off, empty for none.
      type: str
      sample: ""
    policy_now:
      description: The MigrationPolicy that rules the VM now, empty for none, null where that is not known.
      type: str
      sample: ""
    transfer_bytes_per_second:
      description: What was measured to be transferred, null where it was not.
      type: int
      sample: 67108864
    dirty_rate_is_at_least:
      description:
        - Whether the guest may write more than C(dirty_bytes_per_second), as it writes all that is copied, or may have
          been throttled. Never with O(dirty_rates).
        - Then nothing is taken unasked, unless O(dirty_rate_margin) says how much more is reckoned with.
      type: bool
      sample: false
    answer:
      description:
        - V(none_needed) when another migration ends as the settings are, V(change) when one of C(advice) makes it end,
          V(nothing_fits), V(no_setting_helps) when the network moves nothing, V(unknown).
      type: str
      sample: change
    summary:
      description: The answer in a sentence or two.
      type: str
      sample: >-
        The copy does not end in time: it takes 2044 s and has 540 s.
        The least risky change that makes it end: completionTimeoutPerGiB 228.
    running:
      description:
        - How the migration that runs ends, under the settings that it keeps. C(finishes), C(how), C(seconds),
          C(limit_seconds), C(has_limit), C(throttle_percent), C(standstill_seconds), C(confidence).
      type: dict
      sample: {finishes: false, seconds: 2044, limit_seconds: 540, has_limit: true}
    keeps:
      description: Settings that another migration would get with another value, by the options of the modules.
      type: dict
      sample: {completion_timeout_per_gib: {now: 60, next: 228}}
    in_flight:
      description: What becomes of the migration that runs, empty where it ends in time or that is not known.
      type: str
      sample: >-
        The migration that runs keeps its settings and does not end in time. Only a cancel and a new migration gets the
        new ones.
groups:
  description: VMs that need the same change, each group with the policy that is to rule them.
  returned: success
  type: list
  elements: dict
  contains:
    policy_name:
      description: Name of that policy.
      type: str
      sample: live-migration-tuning
    vms:
      description: The VMs, C(namespace/name).
      type: list
      elements: str
      sample: [team-a/db-1, team-a/db-2]
    selectors:
      description: C(spec.selectors) of the policy, null where no labels pick just these VMs.
      type: dict
      sample: {virtualMachineInstanceSelector: {tier: db}}
    why:
      description: Why these labels, or why there are none.
      type: str
      sample: "tier=db: all 2 have it, and no other VM does"
    is_proven:
      description: Whether all policies could be read.
      type: bool
      sample: true
    outranked_by:
      description: Policies that would rule instead, whatever labels are taken.
      type: list
      elements: str
      sample: []
    label_commands:
      description: What gives the VMs a label of their own, where none tells them apart.
      type: list
      elements: str
      sample: []
    kept:
      description: What the policy that rules them now sets, which the new one repeats.
      type: dict
      sample: {}
    advice:
      description:
        - The options, the least risky first. Each has C(action), C(risk), C(policy) and C(cluster) (settings by their
          names in the API), C(object) (the policy, ready to create), C(vms) (the end that is predicted for each) and
          C(assumes) (what it takes for granted besides).
      type: list
      elements: dict
      sample:
        - action: deadline
          risk: none for the VM; a copy that fails all the same holds its slot for longer
          policy: {completionTimeoutPerGiB: 228}
          cluster: {}
          vms: {team-a/db-1: {finishes: true, seconds: 2044, limit_seconds: 2052}}
          assumes: []
    chosen:
      description: The action that RV(changes) has for them, empty for none.
      type: str
      sample: deadline
    why_not:
      description: Why there is none, empty otherwise.
      type: str
      sample: ""
    needs_label:
      description: Whether it is one of C(label_commands) that is missing.
      type: bool
      sample: false
changes:
  description: What O(action) takes, as options of the modules that do it.
  returned: success
  type: dict
  contains:
    policies:
      description:
        - Options of M(kubevirt_ops.live_migration.migration_policy), C(reason) among them, one entry a policy. Besides
          C(action) and C(vms).
      type: list
      elements: dict
      sample:
        - name: live-migration-tuning
          vmi_selector: {tier: db}
          namespace_selector: {}
          completion_timeout_per_gib: 228
          action: deadline
          vms: [team-a/db-1, team-a/db-2]
          reason: "Advised (deadline): without it the live migration of team-a/db-1, team-a/db-2 does not end in time."
    reason:
      description: The option C(reason) for RV(changes.settings), empty for none.
      type: str
      sample: ""
    settings:
      description: The option C(settings) of M(kubevirt_ops.live_migration.migration_settings), empty for none.
      type: dict
      sample: {}
summary:
  description: Counts over RV(vms).
  returned: success
  type: dict
  contains:
    total:
      description: How many copies run.
      type: int
      sample: 3
    not_copying:
      description: How many other unfinished migrations there are.
      type: int
      sample: 0
    by_answer:
      description: How many have each answer, 0 too.
      type: dict
      sample: {change: 2, nothing_fits: 0, no_setting_helps: 0, unknown: 0, none_needed: 1}
    changes:
      description: For how many groups RV(changes) has something.
      type: int
      sample: 1
    text:
      description: One sentence.
      type: str
      sample: >-
        Of 3 copies, 2 would not end in time as the settings are, and a change makes them end; 1 would end in time as
        the settings are.
coverage:
  description: What could not be read, and what the look cost, as of M(kubevirt_ops.live_migration.migration_info).
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
      sample: 13
    requests_for_placement:
      description: Always 0, this module looks at no placement.
      type: int
      sample: 0
    requests_to_prometheus:
      description: Requests to Prometheus, which are not among them.
      type: int
      sample: 1
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
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.tuning_info import run
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.tuning_options import ACTIONS, BEARS


def main() -> None:
    """Build the module and run it."""
    module = Module(
        argument_spec={
            **AUTH_SPEC,
            "namespaces": {"type": "list", "elements": "str", "default": []},
            "vms": {"type": "list", "elements": "str", "default": []},
            "progress": {"type": "str", "default": "none", "choices": ["none", "prometheus", "virt_handler"]},
            "prometheus": {"type": "dict", "options": PROMETHEUS_SPEC},
            "bears": {"type": "list", "elements": "str", "choices": list(BEARS), "default": ["throttling"]},
            "action": {"type": "str", "choices": list(ACTIONS), "default": "auto"},
            "policy_name": {"type": "str", "default": "live-migration-tuning"},
            "link": {"type": "str", "default": ""},
            "dirty_rate_margin": {"type": "int", "default": 0},
            "dirty_rates": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
