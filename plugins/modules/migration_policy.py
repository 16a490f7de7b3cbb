#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module migration_policy: documentation, options, one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_policy
short_description: Keep a MigrationPolicy, and say which running VMs it rules
version_added: 0.1.0
description:
  - Makes, changes or deletes a MigrationPolicy of KubeVirt, and tells of each running VM that it concerns who rules it
    before and after, why, and which settings really differ.
  - Policies hide each other. All labels of both selectors must be there with equal values. Of the policies that match,
    the one with most labels rules; of those, the one with most labels of the VMI; of those, the one whose name comes
    first.
  - The labels that count are those of the running VMI. A label that was put on the VM never reaches it, one that was
    put into the VM's template does when the VM starts anew. RV(unmatched_hint) names such VMs with the command that
    helps.
  - A migration that was handed over already keeps its values. RV(in_flight) names them.
  - Options that are not given leave what the policy says, unless O(purge). A selector that is given replaces the whole
    selector. Quantities are compared by what they amount to, so V(64Mi) in place of V(67108864) is no change.
  - A change rests on the policy as it was read. If somebody else changes other settings of it in between, it is read
    and planned anew, once. If it is one that is asked for, nothing is written and the module fails, saying what was
    changed.
  - Each change is recorded in the annotation C(live-migration.kubevirt-ops/last-change) of the policy (who, when, why,
    the spec before and after), and in a Kubernetes event in the namespace C(default). O(undo) works from that
    annotation alone.
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
      - Each step that is possible is sent to the API server as a dry run, so that its own checks and KubeVirt's apply.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: Name of the MigrationPolicy. It belongs to the whole cluster.
    type: str
    required: true
  state:
    description:
      - V(present) makes or changes it, V(absent) deletes it.
      - With V(absent) the options about its content are not looked at.
    type: str
    choices: [present, absent]
    default: present
  vmi_selector:
    description:
      - Labels that the running VMI must have, each with exactly this value. Write values in quotes.
      - An empty map takes this selector out.
    type: dict
  namespace_selector:
    description:
      - Labels that the VMI's namespace must have, each with exactly this value. Write values in quotes.
      - An empty map takes this selector out.
    type: dict
  allow_auto_converge:
    description: Whether KubeVirt slows the guest's processors down so that the copy gets done.
    type: bool
  allow_post_copy:
    description:
      - Whether KubeVirt changes to post-copy at the deadline. The guest then runs on the target while memory follows.
      - If the network or a node fails during that, the VM is lost, and it cannot be cancelled.
      - Sets O(allow_workload_disruption) with it where that is not set.
    type: bool
  allow_workload_disruption:
    description: Whether KubeVirt may change to post-copy, or pause the guest, at the deadline.
    type: bool
  bandwidth_per_migration:
    description: Most bytes a second for one migration, as a quantity, for example V(64Mi). V(0) is no limit.
    type: str
  completion_timeout_per_gib:
    description:
      - Seconds that a copy may take for each gigabyte of memory. KubeVirt counts decimal gigabytes, rounded up.
      - V(0) is no limit.
    type: int
  max_downtime_ms:
    description:
      - Longest pause of the guest at the end of the copy in milliseconds, V(1) to V(2000000).
      - KubeVirt 1.9 and later, with the feature gate C(MigrationStallDetection) or C(MigrationDowntimeTuning).
    type: int
  experimental:
    description:
      - Settings that KubeVirt calls experimental and may take away. KubeVirt 1.9 and later.
      - One that the cluster's KubeVirt does not know is refused, since it would be dropped without a word.
    type: dict
    suboptions:
      compression:
        description: Compresses the copy.
        type: str
        choices: [none, zstd]
      downtime_tuning:
        description:
          - Raises the allowed pause step by step. Needs the feature gate C(MigrationDowntimeTuning).
          - Mutually exclusive with O(experimental.stall_detector).
        type: dict
        suboptions:
          cooldown_seconds:
            description: Least seconds between two steps, V(1) or more. KubeVirt takes V(10) without it.
            type: int
          initial_ms:
            description: The pause that is allowed at first in milliseconds. KubeVirt takes V(150) without it.
            type: int
          start_after_iteration:
            description: After so many rounds of copying it begins. KubeVirt takes V(3) without it.
            type: int
          steps:
            description: Into how many steps the way is divided. KubeVirt takes V(7) without it.
            type: int
      stall_detector:
        description:
          - Acts when the copy makes no progress, instead of at the deadline. Needs the feature gate
            C(MigrationStallDetection).
        type: dict
        suboptions:
          completion_timeout_factor:
            description: By how much the deadline is multiplied for a forced end. KubeVirt takes V(2) without it.
            type: str
          ewma_alpha:
            description: Weight of the newest measured bandwidth, more than 0 to 1. KubeVirt takes V(0.4) without it.
            type: str
          patience_window_decay_factor:
            description: By how much the patience shrinks with each step. KubeVirt takes V(0.5) without it.
            type: str
          precopy_possible_factor:
            description: By how much the pause may exceed the allowed one. KubeVirt takes V(1.5) without it.
            type: str
          search_local_minima:
            description: Whether it waits for a moment with little memory left. KubeVirt takes V(true) without it.
            type: bool
          stall_margin:
            description: Percentage within which the memory left counts as the same. KubeVirt takes V(4) without it.
            type: int
          stall_progress_timeout:
            description: Seconds without progress that are a stall. KubeVirt takes V(40) without it.
            type: int
          switchover_timeout:
            description: Seconds that a forced end may take before it is aborted. KubeVirt takes V(60) without it.
            type: int
  purge:
    description:
      - Whether everything that is not given is taken out, so that the policy is exactly what the options say.
    type: bool
    default: false
  undo:
    description:
      - Takes back the last change that this module made to the policy, to the letter, from what its annotation tells. A
        policy that was made is deleted.
      - Refused with the code V(ValueChangedSince) if its spec is not as that change left it, with V(RecordUnreadable)
        if the annotation cannot be read, and with V(NothingToUndo) if there is no such change, as the name may be a
        wrong one. If it has been undone already, nothing happens, with a warning. That a policy is gone because it was
        undone is told by its event, as long as the cluster keeps that.
      - A delete with O(state=absent) takes the record along, so that it cannot be undone from the cluster. It warns of
        that, see RV(undo_manifest).
      - Mutually exclusive with the options about its content, O(purge) and O(state=absent).
    type: bool
    default: false
  refuse_if_ambiguous:
    description:
      - Whether O(undo) is refused, with the code V(UndoAmbiguous), where other policies whose names are O(name) with a
        V(-) or V(.) and more behind it have a change of this module that stands, or where they may not be listed.
      - For callers to whom such a name was given by the adviser, which takes the next free one of them.
    type: bool
    default: false
  reason:
    description:
      - Why, for the annotation and the event. At most 1000 characters.
    type: str
    default: ""
  requested_by:
    description:
      - Who stands behind the change, for the annotation and the event, where that is another one than the user whom
        the API server sees. In AWX give C({{ awx_user_name | default(tower_user_name) }}).
    type: str
    default: ""
  accept_risks:
    description:
      - Codes of refusals and warnings to insist on, as they are named in RV(refusals) and in warnings.
      - V(ClusterWidePolicy), both selectors are empty, so it rules every VM that no other policy matches.
      - V(EffectUnknown), which VMs it rules could not be told, since this user may not read all that decides it.
      - V(BandwidthTooLow), at this bandwidth the memory cannot be copied within the deadline.
      - V(PostCopyNeverApplies), post-copy is allowed with other values that keep KubeVirt from it.
      - V(NothingToUndo), O(undo) finds no change of this module. It is a warning then.
      - These are done, with a warning that the code silences, V(NoCompletionTimeout), V(PolicyWithoutSettings),
        V(PostCopyCanLoseVM), V(PostCopyWithHostDevices) and V(SelectorChanges).
      - O(undo) puts back what stood there and is refused for none of these. It is warned of all of them.
    type: list
    elements: str
    default: []
  fail_on_refusal:
    description:
      - Whether a refusal is an error. If not, look at RV(refused).
    type: bool
    default: true
notes:
  - VMIs are read by the labels of O(vmi_selector), one request for each 500 of them. With O(namespace_selector) alone
    they are read namespace by namespace, up to 16, and without either all VMIs of the cluster are.
  - Templates of VMs cannot be selected by label. They are looked into where the cluster has at most 1000 VMs.
  - Needs C(get), C(list), C(create), C(patch) and C(delete) of C(migrationpolicies), C(list) of
    C(virtualmachineinstances), C(get) and C(list) of C(namespaces) where a policy looks at them. With C(list) of
    C(kubevirts), C(virtualmachines) and C(virtualmachineinstancemigrations) it says more, and with C(create) of
    C(events) in the namespace C(default) it leaves one.
seealso:
  - plugin: kubevirt_ops.live_migration.winning_migration_policy
    plugin_type: filter
  - module: kubevirt_ops.live_migration.migration_info
"""

EXAMPLES = r"""
- name: Give databases more time for their copy
  kubevirt_ops.live_migration.migration_policy:
    name: databases
    vmi_selector:
      tier: db
    completion_timeout_per_gib: 800
    reason: They dirty memory faster than the default allows
  register: made

- name: Say which VMs look as if they were meant and are not matched
  ansible.builtin.debug:
    msg: "{{ item.text }} {{ item.command }}"
  loop: "{{ made.unmatched_hint }}"

- name: Stop where another policy rules a VM that was meant
  ansible.builtin.assert:
    that: made.loses_for | length == 0
    fail_msg: "{{ made.loses_for | map(attribute='why') | list }}"

- name: See what auto-converge would change for one team
  kubevirt_ops.live_migration.migration_policy:
    name: team-a
    namespace_selector:
      kubernetes.io/metadata.name: team-a
    allow_auto_converge: true
  check_mode: true
  diff: true

- name: Take the last change back, from what stands on the policy
  kubevirt_ops.live_migration.migration_policy:
    name: databases
    undo: true
    reason: The disks were replaced

- name: Say why it was refused, without an error
  kubevirt_ops.live_migration.migration_policy:
    name: everything
    allow_post_copy: true
    fail_on_refusal: false
  register: asked

- name: Show the codes
  ansible.builtin.debug:
    msg: "{{ item.code }}: {{ item.reason }}"
  loop: "{{ asked.refusals }}"
  when: asked.refused

- name: Delete it, and see who rules its VMs then
  kubevirt_ops.live_migration.migration_policy:
    name: databases
    state: absent
"""

RETURN = r"""
object:
  description: The MigrationPolicy as it is now, or would be in check mode. Empty if there is none.
  returned: success, and failure once the policy was read
  type: dict
  sample:
    apiVersion: migrations.kubevirt.io/v1alpha1
    kind: MigrationPolicy
    metadata: {name: databases}
    spec:
      completionTimeoutPerGiB: 800
      selectors: {virtualMachineInstanceSelector: {tier: db}}
before:
  description: The spec before, empty without a policy.
  returned: success, and failure once the policy was read
  type: dict
  sample: {}
after:
  description: The spec after, empty without a policy. The same as RV(before) if nothing changes or it is refused.
  returned: success, and failure once the policy was read
  type: dict
  sample:
    completionTimeoutPerGiB: 800
    selectors: {virtualMachineInstanceSelector: {tier: db}}
diff:
  description: The same for C(--diff), empty if nothing changes.
  returned: success, and failure once the policy was read
  type: dict
  sample:
    before: ""
    after: "{\"spec\": {}}"
    before_header: MigrationPolicy databases
    after_header: MigrationPolicy databases
undo:
  description:
    - Options for this module that bring RV(before) back. Empty if nothing changes, and if the policy held a setting
      that this module does not know; then RV(undo_patch) does.
  returned: success, and failure once the policy was read
  type: dict
  sample: {name: databases, state: absent}
undo_manifest:
  description:
    - The policy as it was, ready for C(kubectl create), where it is deleted. Empty otherwise.
  returned: success, and failure once the policy was read
  type: dict
  sample: {}
undo_patch:
  description: A JSON patch that brings RV(before) back where the spec still is RV(after). Empty unless it was changed.
  returned: success, and failure once the policy was read
  type: list
  elements: dict
  sample:
    - {op: test, path: /spec, value: {completionTimeoutPerGiB: 800, selectors: {}}}
    - {op: replace, path: /spec, value: {completionTimeoutPerGiB: 150, selectors: {}}}
last_change:
  description: The last change that this module made to the policy, empty for none.
  returned: success, and failure once the policy was read
  type: dict
  contains:
    at:
      description: When (UTC).
      type: str
      sample: "2026-11-23T08:49:14Z"
    by:
      description: Whom the API server saw, empty if it did not tell.
      type: str
      sample: system:serviceaccount:awx:runner
    requested_by:
      description: Who stood behind it.
      type: str
      sample: jane
    reason:
      description: Why.
      type: str
      sample: They dirty memory faster than the default allows
    undone:
      description: The same of who undid it, empty while it stands.
      type: dict
      sample: {}
wins_for:
  description: The running VMIs that it rules, by namespace and name.
  returned: success, and failure once the policy was read
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
    before:
      description: Which policy rules it before the change, empty for none, null if that is not known.
      type: str
      sample: slow
    changes:
      description:
        - The settings whose values differ, by the names of the options.
        - Null is not set, or not known as RV(coverage) says.
      type: list
      elements: dict
      sample:
        - {setting: completion_timeout_per_gib, before: 150, after: 800}
loses_for:
  description: The running VMIs that it matches, or ruled before, and that it does not rule.
  returned: success, and failure once the policy was read
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
      sample: db-2
    before:
      description: Which policy rules it before the change, empty for none, null if that is not known.
      type: str
      sample: databases
    to:
      description: Which policy rules it after the change, empty for none.
      type: str
      sample: team-a-databases
    why:
      description: Why it does not rule the VMI.
      type: str
      sample: it matches with 1 labels, team-a-databases with 2
    changes:
      description: The settings whose values differ, as in RV(wins_for[].changes).
      type: list
      elements: dict
      sample: []
unknown_for:
  description: The running VMIs that it may rule, and why that could not be told.
  returned: success, and failure once the policy was read
  type: list
  elements: dict
  sample:
    - namespace: team-b
      vm: db-9
      why: "databases: whether it matches is not known: the labels of the namespace were not read"
unmatched_hint:
  description: What keeps VMs from being matched that may be meant.
  returned: success, and failure once the policy was read
  type: list
  elements: dict
  contains:
    code:
      description:
        - V(NothingMatches), V(NamespaceLacksLabel), V(LabelOnTemplateOnly), V(LabelOnVmOnly), or V(VMsNotRead) where
          not all VMs were looked into.
      type: str
      sample: LabelOnTemplateOnly
    namespace:
      description: Namespace that it is about, empty for none.
      type: str
      sample: team-a
    vm:
      description: VM that it is about, empty for none.
      type: str
      sample: db-3
    text:
      description: The same in plain words.
      type: str
      sample: "tier=db stands in the template of VM db-3 and not on its running VMI: it counts from the next start."
    command:
      description: The command that makes it match, empty if none does.
      type: str
      sample: kubectl label vmi db-3 tier=db --namespace team-a
in_flight:
  description: Migrations that were handed over already and keep another value than a new one would get.
  returned: success, and failure once the policy was read
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
      description: Name of the migration, empty if migrations may not be read.
      type: str
      sample: kubevirt-migrate-vm-7xk2p
    uid:
      description: UID of the migration.
      type: str
      sample: 1b4e28ba-2fa1-11d2-883f-0016d3cca427
    policy:
      description: The policy that was in force at its hand-off, empty for none.
      type: str
      sample: slow
    mode:
      description: KubeVirt's mode of the copy, empty before it began.
      type: str
      sample: PreCopy
    phase:
      description: KubeVirt's phase of the migration, empty if migrations may not be read.
      type: str
      sample: Running
    keeps:
      description: The settings that it keeps and that a new one would not get, with the values that it has.
      type: dict
      sample: {completion_timeout_per_gib: 150}
    would_get:
      description: The same settings with the values that a new migration would get.
      type: dict
      sample: {completion_timeout_per_gib: 800}
    can_cancel:
      description: Whether it can be cancelled.
      type: bool
      sample: true
    advice:
      description: What gives it the new values.
      type: str
      sample: Only a cancel and a new migration give it the new values.
plan:
  description: The steps in their order, the same ones in check mode.
  returned: success, and failure once the policy was read
  type: list
  elements: dict
  contains:
    action:
      description: What it does in plain words.
      type: str
      sample: create MigrationPolicy databases
    verb:
      description: One of V(create), V(patch), V(delete).
      type: str
      sample: create
    path:
      description: The path that it is sent to.
      type: str
      sample: /apis/migrations.kubevirt.io/v1alpha1/migrationpolicies
    body:
      description: What is sent, null for a delete.
      type: raw
      sample: {kind: MigrationPolicy}
    precondition:
      description: What must still hold, or nothing is written.
      type: str
      sample: no MigrationPolicy databases exists
    expectation:
      description: What it brings about.
      type: str
      sample: VMs that it rules get its values at their next hand-off
    undo:
      description: What takes it back.
      type: raw
      sample: delete MigrationPolicy databases
    outcome:
      description:
        - One of V(done), V(dry_run), V(not_possible_yet), V(refused), V(failed), V(not_tried), V(unknown).
      type: str
      sample: done
    answer:
      description: What the API server said.
      type: str
      sample: accepted
    at:
      description: When, by the cluster's clock (UTC). Empty if nothing was sent.
      type: str
      sample: "2026-11-23T08:49:14Z"
refused:
  description: Whether it was refused, so that nothing was written.
  returned: success, and failure once the policy was read
  type: bool
  sample: false
refusals:
  description: Why, each with a C(code), a C(reason) and C(next_allowed_at), empty where time alone does not help.
  returned: success, and failure once the policy was read
  type: list
  elements: dict
  sample:
    - code: ClusterWidePolicy
      reason: Both selectors are empty, so it rules every VM that no other policy matches, 214 running now.
      next_allowed_at: ""
coverage:
  description: What could not be read, as the rules that would show it.
  returned: success, and failure once the policy was read
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
          group: kubevirt.io
          resource: virtualmachineinstances
          namespace: ""
          role: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n..."
    role:
      description: All that is missing in one paste, empty if nothing is.
      type: str
      sample: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n..."
    requests:
      description: How many requests were made.
      type: int
      sample: 7
    requests_for_placement:
      description: Always 0.
      type: int
      sample: 0
    requests_to_prometheus:
      description: Requests to Prometheus. Always 0, as this module asks none.
      type: int
      sample: 0
error:
  description: What failed.
  returned: failure
  type: dict
  contains:
    code:
      description: Kind of the error, for example V(ChangedMeanwhile), V(Conflict), V(Invalid), V(Forbidden).
      type: str
      sample: ChangedMeanwhile
    method:
      description: Method of the request, empty if none was made.
      type: str
      sample: PATCH
    path:
      description: Path of the request.
      type: str
      sample: /apis/migrations.kubevirt.io/v1alpha1/migrationpolicies/databases
    status:
      description: Status of the answer, 0 without one.
      type: int
      sample: 422
    reason:
      description: The server's own words.
      type: str
      sample: the server rejected our request due to an error in our request
    remedy:
      description: The way out.
      type: str
      sample: Somebody else changed spec.completionTimeoutPerGiB in between. Nothing was written.
    causes:
      description: The fields that the server or KubeVirt named.
      type: list
      elements: dict
      sample: []
    uncertain:
      description: Whether it may have been done all the same.
      type: bool
      sample: false
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_policy import run

_FACTOR: Mapping[str, Any] = {"type": "str"}
_NUMBER: Mapping[str, Any] = {"type": "int"}
_EXPERIMENTAL: dict[str, Any] = {
    "compression": {"type": "str", "choices": ["none", "zstd"]},
    "downtime_tuning": {
        "type": "dict",
        "options": {
            "cooldown_seconds": dict(_NUMBER),
            "initial_ms": dict(_NUMBER),
            "start_after_iteration": dict(_NUMBER),
            "steps": dict(_NUMBER),
        },
    },
    "stall_detector": {
        "type": "dict",
        "options": {
            "completion_timeout_factor": dict(_FACTOR),
            "ewma_alpha": dict(_FACTOR),
            "patience_window_decay_factor": dict(_FACTOR),
            "precopy_possible_factor": dict(_FACTOR),
            "search_local_minima": {"type": "bool"},
            "stall_margin": dict(_NUMBER),
            "stall_progress_timeout": dict(_NUMBER),
            "switchover_timeout": dict(_NUMBER),
        },
    },
}
SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "vmi_selector": {"type": "dict"},
    "namespace_selector": {"type": "dict"},
    "allow_auto_converge": {"type": "bool"},
    "allow_post_copy": {"type": "bool"},
    "allow_workload_disruption": {"type": "bool"},
    "bandwidth_per_migration": {"type": "str"},
    "completion_timeout_per_gib": {"type": "int"},
    "max_downtime_ms": {"type": "int"},
    "experimental": {"type": "dict", "options": _EXPERIMENTAL},
    "purge": {"type": "bool", "default": False},
    "undo": {"type": "bool", "default": False},
    "refuse_if_ambiguous": {"type": "bool", "default": False},
    "reason": {"type": "str", "default": ""},
    "requested_by": {"type": "str", "default": ""},
    "accept_risks": {"type": "list", "elements": "str", "default": []},
    "fail_on_refusal": {"type": "bool", "default": True},
}


def main() -> NoReturn:
    """Builds the module and runs it."""
    module = Module(argument_spec={**AUTH_SPEC, **SPEC}, supports_check_mode=True)
    run_module(module, partial(run, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
