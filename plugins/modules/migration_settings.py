#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module migration_settings: documentation, options, one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_settings
short_description: Change KubeVirt's cluster-wide live migration settings, with a preview and an undo
version_added: 0.1.0
description:
  - Sets fields of KubeVirt's migration configuration, or puts them back to their defaults, in the object that owns
    them. With neither O(settings), O(reset) nor O(undo) it shows what holds now.
  - If HyperConverged manages KubeVirt, its operator puts back what others change in the KubeVirt object, so the change
    is made in HyperConverged. If the server serves its version v1, that is used
    (C(spec.virtualization.liveMigrationConfig)), else v1beta1 (C(spec.liveMigrationConfig)). Where v1 is served, it
    is what is stored, so nothing is converted on the way.
  - Settings that HyperConverged has no field for (O(settings.max_downtime_ms), O(settings.utility_volumes_timeout),
    O(settings.unsafe_migration_override), O(settings.disable_tls), O(settings.match_selinux_level_on_migration),
    O(settings.node_drain_taint_key)) go by its annotation C(kubevirt.kubevirt.io/jsonpatch), merged with the operations
    that others put there. HyperConverged then raises its alert C(UnsupportedHCOModification) and calls its
    configuration tainted, so this needs V(UnsupportedHCOModification) in O(accept_risks).
    A MigrationPolicy can set O(settings.max_downtime_ms) without that.
  - A MigrationPolicy stands above these settings for the VMs that it picks.
  - KubeVirt settles the settings of a migration once, when it hands it over to the nodes. Those that are under way keep
    the old values, see RV(in_flight). Only a cancel and a new migration gives them the new ones. The two limits,
    O(settings.utility_volumes_timeout), O(settings.match_selinux_level_on_migration) and
    O(settings.node_drain_taint_key) take effect at once.
  - The change is a JSON patch that tests what was read. If somebody else changes other values in between, it is read
    and planned anew, once. If it is one that is asked for, the module fails and nothing is overwritten.
  - Before the change is made, the API server tries it in a dry run with its admission. If the server leaves a part of
    it out without a word, the module fails and nothing is changed.
  - What was changed is recorded in an annotation of the object, C(live-migration.kubevirt-ops/last-change), with who,
    when and why, and in an event. O(undo) works from that annotation alone.
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
      - The patch is sent as a dry run, which goes through the API server's validation and admission and stores nothing.
        Plan and diff are those of a run outside check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - Values that mean the same are equal, for example V(1024Mi) and V(1Gi). A second O(undo) changes nothing.
options:
  settings:
    description:
      - Fields to set. Those that are left out stay as they are.
      - The default that is named at each is KubeVirt's own. HyperConverged has other ones.
    type: dict
    suboptions:
      allow_auto_converge:
        description:
          - Throttle the guest's CPUs while its memory changes faster than it can be copied (C(allowAutoConverge),
            V(false)).
        type: bool
      allow_post_copy:
        description:
          - At the deadline, let the guest run on the target and fetch the rest of its memory there (C(allowPostCopy),
            V(false)).
          - If the network or either node fails before that ends, the VM is lost. Warned of with the code
            V(PostCopyCanLoseVM).
          - KubeVirt does it only with O(settings.allow_workload_disruption), which follows this setting unless it is
            set itself. HyperConverged always sets it, so set both there.
        type: bool
      allow_workload_disruption:
        description:
          - At the deadline, go over to post-copy or pause the guest instead of giving up (C(allowWorkloadDisruption);
            follows O(settings.allow_post_copy)).
        type: bool
      bandwidth_per_migration:
        description:
          - Bytes a second for each migration, for example V(64Mi) (C(bandwidthPerMigration), V(0) which is no limit).
          - Less than V(1Mi), or than one GB takes at the deadline, is refused with the code V(BandwidthTooLow).
        type: str
      completion_timeout_per_gib:
        description:
          - The deadline, in seconds for each GiB of the guest's memory (C(completionTimeoutPerGiB), V(150)).
          - V(0) is no deadline. KubeVirt then neither ends a copy that does not get done nor helps it along. Warned of
            with the code V(NoCompletionTimeout).
          - KubeVirt counts decimal gigabytes and rounds up.
        type: int
      disable_tls:
        description:
          - Copy without encryption (C(disableTLS), V(false)).
          - A change rolls out virt-handler anew. Warned of with the code V(VirtHandlerRestart).
        type: bool
      match_selinux_level_on_migration:
        description:
          - Let the target pod have the SELinux level of the source (C(matchSELinuxLevelOnMigration), V(true)).
        type: bool
      max_downtime_ms:
        description:
          - How long the guest may stand still at the end of the copy, in milliseconds (C(maxDowntimeMs), V(900)).
          - Needs a KubeVirt that has it, with the feature gate MigrationStallDetection or MigrationDowntimeTuning.
        type: int
      network:
        description:
          - Name of the NetworkAttachmentDefinition of a network for migrations (C(network); the pod network).
          - A change rolls out virt-handler anew. Warned of with the code V(VirtHandlerRestart).
        type: str
      node_drain_taint_key:
        description:
          - Key of a taint whose nodes are to be emptied (C(nodeDrainTaintKey), V(kubevirt.io/drain)). Deprecated by
            KubeVirt.
        type: str
      parallel_migrations_per_cluster:
        description:
          - How many migrations may run at a time (C(parallelMigrationsPerCluster), V(5)).
          - V(0) is refused with the code V(ParallelismZero).
        type: int
      parallel_outbound_migrations_per_node:
        description:
          - How many migrations may leave a node at a time (C(parallelOutboundMigrationsPerNode), V(2)).
          - V(0) is refused with the code V(ParallelismZero).
        type: int
      progress_timeout:
        description:
          - After how many seconds without any progress a copy is given up (C(progressTimeout), V(150)). V(0) is never.
        type: int
      unsafe_migration_override:
        description:
          - Migrate also where libvirt finds it unsafe (C(unsafeMigrationOverride), V(false)).
          - This can destroy data of the guest. Refused with the code V(UnsafeMigration).
        type: bool
      utility_volumes_timeout:
        description:
          - How long a migration waits for utility volumes to be detached, in seconds (C(utilityVolumesTimeout),
            V(150)). With V(0) it waits for nothing, and a migration of a VM that has some fails at once. Warned of with
            the code V(NoWaitForUtilityVolumes).
          - Needs KubeVirt 1.8 or later.
        type: int
  reset:
    description:
      - Fields to put back to their defaults, by the names of O(settings).
    type: list
    elements: str
    choices:
      - allow_auto_converge
      - allow_post_copy
      - allow_workload_disruption
      - bandwidth_per_migration
      - completion_timeout_per_gib
      - disable_tls
      - match_selinux_level_on_migration
      - max_downtime_ms
      - network
      - node_drain_taint_key
      - parallel_migrations_per_cluster
      - parallel_outbound_migrations_per_node
      - progress_timeout
      - unsafe_migration_override
      - utility_volumes_timeout
  undo:
    description:
      - Take back the last change that this module made, to the letter, from what the object's annotation tells.
      - Refused with the code V(ValueChangedSince) if a value is not the one that was set, and with V(RecordUnreadable)
        if the annotation cannot be read. If there is no such change, or if it has been undone, nothing happens, with a
        warning.
      - Mutually exclusive with O(settings) and O(reset).
    type: bool
    default: false
  owner:
    description:
      - Which object to change. V(auto) takes HyperConverged if KubeVirt is managed by it, else KubeVirt.
      - Any other choice than the right one is refused. It decides where both objects exist and KubeVirt carries no mark
        of HyperConverged's operator.
    type: str
    default: auto
    choices: [auto, kubevirt, hyperconverged]
  accept_risks:
    description:
      - Codes of refusals and warnings to insist on, as they are named in RV(refusals) and in warnings.
      - Refused without it are V(BandwidthTooLow), V(NegativeValue), V(ParallelismZero), V(PostCopyNeverApplies),
        V(UnsafeMigration) and V(UnsupportedHCOModification).
      - Warned of without it are V(NoCompletionTimeout), V(NoWaitForUtilityVolumes), V(PostCopyCanLoseVM) and
        V(VirtHandlerRestart).
      - O(undo) puts back what stood there and is refused for none of these. It is warned of all of them.
    type: list
    elements: str
    default: []
  fail_on_refusal:
    description:
      - Whether a refusal is an error. If not, look at RV(refused).
    type: bool
    default: true
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
  wait:
    description:
      - Whether to wait until HyperConverged's operator has carried the settings to KubeVirt. If it does not in time, or
        if somebody puts them back meanwhile, the module fails and says so.
      - If KubeVirt itself is changed, it looks for five seconds whether somebody puts the settings back.
    type: bool
    default: false
  wait_timeout:
    description:
      - For how many seconds O(wait) waits, at most 3600.
    type: int
    default: 120
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - name: KubeVirt user guide, live migration
    description: What the settings mean.
    link: https://kubevirt.io/user-guide/compute/live_migration/
  - name: HyperConverged Cluster Operator, cluster configuration
    description: Its fields, and the annotation with operations for the KubeVirt object.
    link: https://github.com/kubevirt/hyperconverged-cluster-operator/blob/main/docs/cluster-configuration.md
"""

EXAMPLES = r"""
- name: Show what holds now and where it comes from
  kubevirt_ops.live_migration.migration_settings:
  register: now

- name: Name what somebody has set
  ansible.builtin.debug:
    msg: "{{ item.key }} is {{ item.value.value }} by {{ item.value.from }}"
  loop: "{{ now.effective | dict2items | rejectattr('value.from', 'eq', 'default') }}"

- name: Give large VMs more time, and say why
  kubevirt_ops.live_migration.migration_settings:
    settings:
      completion_timeout_per_gib: 300
      bandwidth_per_migration: 512Mi
    reason: CHG-1234, the 512 GiB databases did not finish
    wait: true
  register: changed

- name: Name the migrations that keep the old values until they are cancelled and made again
  ansible.builtin.debug:
    msg: "{{ item.namespace }}/{{ item.vm }} keeps {{ item['keeps'] }}"
  loop: "{{ changed.in_flight }}"

- name: Preview a change, without an error where it is refused
  kubevirt_ops.live_migration.migration_settings:
    settings:
      allow_post_copy: true
      allow_workload_disruption: true
    fail_on_refusal: false
  check_mode: true
  diff: true
  register: preview

- name: Set what HyperConverged has no field for, though it raises an alert
  kubevirt_ops.live_migration.migration_settings:
    settings:
      utility_volumes_timeout: 300
    accept_risks: [UnsupportedHCOModification]

- name: Put two limits back to their defaults
  kubevirt_ops.live_migration.migration_settings:
    reset:
      - parallel_migrations_per_cluster
      - parallel_outbound_migrations_per_node

- name: Take back the last change
  kubevirt_ops.live_migration.migration_settings:
    undo: true
    reason: CHG-1234 is over
"""

RETURN = r"""
object:
  description: The object that owns the settings, empty if it was not found.
  returned: success and failure
  type: dict
  contains:
    kind:
      description: V(KubeVirt) or V(HyperConverged).
      type: str
      sample: HyperConverged
    api_version:
      description: Group and version in which it is read and written.
      type: str
      sample: hco.kubevirt.io/v1
    namespace:
      description: Its namespace.
      type: str
      sample: kubevirt-hyperconverged
    name:
      description: Its name.
      type: str
      sample: kubevirt-hyperconverged
    uid:
      description: Its UID.
      type: str
      sample: 0f4e8b1a-5d7c-4f0e-9c55-3f7d2f3f7c11
    field:
      description: Where the settings stand in it.
      type: str
      sample: spec.virtualization.liveMigrationConfig
before:
  description: What was set before, by the names of O(settings). Settings that nobody set are left out.
  returned: success and failure
  type: dict
  sample: {completion_timeout_per_gib: 20, progress_timeout: 150}
after:
  description: What is set afterwards. In check mode, what the API server's dry run answered. As before if refused.
  returned: success and failure
  type: dict
  sample: {completion_timeout_per_gib: 300, progress_timeout: 150}
effective:
  description:
    - For each setting the value that holds for a VM without a MigrationPolicy, after the change.
    - Empty if HyperConverged's annotation cannot be understood.
  returned: success and failure
  type: dict
  contains:
    completion_timeout_per_gib:
      description: As an example for all settings.
      type: dict
      contains:
        value:
          description: The value.
          type: int
          sample: 300
        from:
          description: V(KubeVirt), V(HyperConverged), V(HyperConverged annotation), or V(default) if nobody sets it.
          type: str
          sample: HyperConverged
patch:
  description: The JSON patch that makes the change, with its tests. Empty if nothing is to be changed.
  returned: success and failure
  type: list
  elements: dict
  sample:
    - op: test
      path: /spec/virtualization/liveMigrationConfig/completionTimeoutPerGiB
      value: 20
    - op: replace
      path: /spec/virtualization/liveMigrationConfig/completionTimeoutPerGiB
      value: 300
undo_patch:
  description:
    - The JSON patch that takes the change back, annotation included, and applies only while nobody has changed it.
      O(undo) does the same from the cluster alone. Empty if nothing is to be changed.
  returned: success and failure
  type: list
  elements: dict
  sample:
    - op: test
      path: /spec/virtualization/liveMigrationConfig/completionTimeoutPerGiB
      value: 300
    - op: replace
      path: /spec/virtualization/liveMigrationConfig/completionTimeoutPerGiB
      value: 20
in_flight:
  description:
    - Migrations that were handed over before, and keep another value of a setting that was asked for. Only a cancel and
      a new migration gives them the new ones. What the MigrationPolicy that rules one sets itself is no such value.
    - If migrations may not be read, this is empty and RV(coverage.complete) is false. If policies may not be read, what
      they set is told too.
  returned: success and failure
  type: list
  elements: dict
  contains:
    namespace:
      description: Namespace of the VM.
      type: str
      sample: shop
    vm:
      description: Name of the VM.
      type: str
      sample: db-1
    name:
      description: Name of the migration.
      type: str
      sample: kubevirt-evacuation-x7k2p
    uid:
      description: UID of the migration.
      type: str
      sample: 9a1f7c3e-0d55-4f41-8a39-7f0c2a9be001
    phase:
      description: Its phase.
      type: str
      sample: Running
    policy:
      description: The MigrationPolicy that ruled it at its hand-off. Empty without one.
      type: str
      sample: ""
    keeps:
      description: The settings that it keeps, by the names of O(settings). Null if they could not be read.
      type: dict
      sample: {completion_timeout_per_gib: 20}
last_change:
  description: Who made the last change with this module, when and why. Empty if there is none.
  returned: success and failure
  type: dict
  contains:
    at:
      description: When, by the cluster's clock (UTC).
      type: str
      sample: "2026-11-23T08:49:14Z"
    by:
      description: The user whom the API server saw, empty if it did not tell.
      type: str
      sample: system:serviceaccount:automation:tuning
    requested_by:
      description: O(requested_by) of then.
      type: str
      sample: anna
    reason:
      description: O(reason) of then.
      type: str
      sample: CHG-1234, the 512 GiB databases did not finish
    undone:
      description: The same of the undo, empty while the change stands.
      type: dict
      sample: {}
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
  description: The steps, in their order. Empty if nothing is to be changed.
  returned: success and failure
  type: list
  elements: dict
  contains:
    action:
      description: What it does.
      type: str
      sample: Change the migration settings of HyperConverged kubevirt-hyperconverged/kubevirt-hyperconverged
    verb:
      description: V(patch) for the object, V(create) for the event.
      type: str
      sample: patch
    path:
      description: Path in the API.
      type: str
      sample: /apis/hco.kubevirt.io/v1/namespaces/kubevirt-hyperconverged/hyperconvergeds/kubevirt-hyperconverged
    body:
      description: What is sent, a list for a patch.
      type: raw
      sample:
        - op: test
          path: /spec/virtualization/liveMigrationConfig/completionTimeoutPerGiB
          value: 20
    precondition:
      description: What must still be so.
      type: str
      sample: Nobody has changed these values since they were read (the patch's own test operations).
    expectation:
      description: What is so afterwards.
      type: str
      sample: The settings hold for every migration that is handed over to the nodes from then on.
    undo:
      description: How to take it back, a list for a patch.
      type: raw
      sample: []
    outcome:
      description:
        - V(done), V(dry_run) (check mode, the server accepts it), V(refused) (nothing was changed), V(failed),
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
  description: Whether the change is refused. Nothing was changed then.
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
        - One of those in O(accept_risks), or V(AnnotationOfOthers), V(AnnotationUnreadable),
          V(HyperConvergedAmbiguous), V(HyperConvergedMissing), V(KubeVirtAmbiguous), V(KubeVirtMissing),
          V(OwnedByHyperConverged), V(OwnerUnclear), V(SettingNotServed) or V(ValueChangedSince), on which nobody can
          insist.
      type: str
      sample: ParallelismZero
    reason:
      description: Why, in one or two sentences.
      type: str
      sample: "parallel_migrations_per_cluster is 0: then every migration stays Pending, without any event."
    next_allowed_at:
      description: Always empty, time alone lifts none of them.
      type: str
      sample: ""
diff:
  description: Settings and HyperConverged's annotation before and after. Empty if nothing is to be changed.
  returned: success and failure
  type: dict
  contains:
    before:
      description: What stood there.
      type: dict
      sample: {spec.virtualization.liveMigrationConfig: {completionTimeoutPerGiB: 20}}
    after:
      description: What stands there afterwards.
      type: dict
      sample: {spec.virtualization.liveMigrationConfig: {completionTimeoutPerGiB: 300}}
    before_header:
      description: The object.
      type: str
      sample: HyperConverged kubevirt-hyperconverged/kubevirt-hyperconverged
    after_header:
      description: The object.
      type: str
      sample: HyperConverged kubevirt-hyperconverged/kubevirt-hyperconverged
error:
  description: What went wrong.
  returned: failure, unless it is a refusal
  type: dict
  contains:
    code:
      description:
        - The kind of error, for example V(ChangedMeanwhile), V(Forbidden), V(Invalid), V(NotCarried), V(NotKept),
          V(Reverted) or V(Timeout).
      type: str
      sample: ChangedMeanwhile
    method:
      description: The HTTP method.
      type: str
      sample: PATCH
    path:
      description: Path in the API.
      type: str
      sample: /apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt
    status:
      description: The HTTP status, 0 if no answer came.
      type: int
      sample: 422
    reason:
      description: The server's own words.
      type: str
      sample: the server rejected our request due to an error in our request
    remedy:
      description: What to do.
      type: str
      sample: Nothing was overwritten. Look who wants what, then run again, as it starts from what is there then.
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
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_settings import run
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.settings_options import SETTINGS_SPEC


def main() -> NoReturn:
    """Build the module and run it."""
    module = Module(argument_spec={**AUTH_SPEC, **SETTINGS_SPEC}, supports_check_mode=True)
    run_module(module, partial(run, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
