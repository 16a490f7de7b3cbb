#!/usr/bin/python
# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module migration_evidence."""

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_evidence
short_description: Write the evidence on live migrations as one bundle that is safe to hand on
version_added: 0.1.0
description:
  - Looks at live migrations as M(kubevirt_ops.live_migration.migration_info) does, and writes the verdicts with all
    that they rest on as a folder or a tarball, to be attached to an issue or a case.
  - Objects and logs lie where KubeVirt's must-gather and C(oc adm inspect) put them. Beside them stand one folder for
    each VM (C(migrations/NAMESPACE/VM) with migration, VMI, pods, events, policy, effective configuration, metrics and
    diagnosis), the two outputs of the alert's runbook, versions, a page for the reader, C(report.json), and
    C(manifest.json) with the SHA-256 of each file, what could not be read, and what was left out.
  - Whoever gets it diagnoses it without the cluster, with the option C(src) of
    M(kubevirt_ops.live_migration.migration_info), and comes to the same verdicts.
  - Confidential content is replaced by C(<redacted>). That is cloud-init user and network data, sysprep, ignition,
    access credentials, SSH keys, kernel arguments, values of environment variables, last-applied annotations, tokens,
    private keys and passwords in logs and messages. Secrets and ConfigMaps are never read.
  - Nothing is changed in the cluster, and no pod is started in it.
  - The same look gives the same bytes. The bundle is written as a whole or not at all, for its owner alone (files
    V(0600), folders V(0700)).
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
    description: Looks as ever, writes nothing, and returns which files it would write.
  diff_mode:
    support: N/A
    description: Nothing is changed but the bundle.
  idempotent:
    support: none
    description: Each look has its own time, which stands in the bundle.
options:
  path:
    description:
      - Where the bundle goes, on the host that runs the module. A name that ends in C(.tar.gz) or C(.tgz) makes a
        tarball, any other a folder.
      - An earlier bundle there is replaced. A folder that holds anything else is an error.
    type: path
    required: true
  namespaces:
    description:
      - Namespaces to look at. Without it the whole cluster is looked at.
    type: list
    elements: str
    default: []
  vms:
    description:
      - VMs to look at, each as C(name) or C(namespace/name).
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
      - Seconds after which a migration that is not explained otherwise is V(late).
    type: int
    default: 300
  include_finished:
    description:
      - Whether to judge finished migrations too.
    type: bool
    default: false
  placement:
    description:
      - Whether to look for nodes that could take a target pod which the scheduler refuses.
    type: str
    choices: [auto, never]
    default: auto
  progress:
    description:
      - Where to read how far running copies are, as for M(kubevirt_ops.live_migration.migration_info). The bundle keeps
        all that was measured, with V(virt_handler) two samples of each copy or more.
      - With V(auto) the Prometheus that O(prometheus) names is asked, or virt-handler where it names none, which takes
        6 seconds for its two samples if a copy runs. What may not be read is in RV(not_read).
    type: str
    choices: [auto, none, prometheus, virt_handler]
    default: auto
  redact:
    description:
      - Whether confidential content is replaced.
    type: bool
    default: true
  redact_service_accounts:
    description:
      - Whether the names of service accounts are confidential too.
    type: bool
    default: false
  pseudonyms:
    description:
      - Whether names of VMs, of nodes and of the VMs' namespaces are replaced, each always by the same one as long as
        O(pseudonym_key_file) is the same. Other names, such as those of claims, networks and registries, stay.
      - A name that is also a word of the API, such as C(memory), or a number is replaced where a field says that it is
        a name, in paths and beside its namespace; in a sentence it stays, as nobody can tell it from the word.
      - The names of KubeVirt's own parts stay, and stand in C(names_kept) of the manifest.
    type: bool
    default: false
  pseudonym_key_file:
    description:
      - The file with the key of the pseudonyms and the names behind them. It is made where there is none, for its owner
        alone, and must not lie in the bundle.
      - Needed with O(pseudonyms).
    type: path
  max_bytes:
    description:
      - How large the files may become together, before they are packed. What is left out first are the folders of VMs
        that are not stuck, then logs, then the folders of the others. C(manifest.json) names it.
      - It is an error where the objects that the verdicts rest on do not fit.
    type: int
    default: 52428800
  log_bytes:
    description:
      - How much of the end of each log is kept, V(0) for no logs. These are those of virt-controller, of virt-handler
        on the nodes involved, and of the launchers of the 40 worst VMs that are late, stuck or not judged, or that
        O(vms) names. They need the right to C(get) C(pods/log).
    type: int
    default: 262144
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - module: kubevirt_ops.live_migration.migration_report
notes:
  - A page in the collection's repository, C(docs/evidence.md), says what is in a bundle and which rights it needs.
"""

EXAMPLES = r"""
- name: Write what is known of the stuck migrations, to attach it to an issue
  kubevirt_ops.live_migration.migration_evidence:
    path: evidence.tar.gz
  register: evidence

- name: Say where it is when something is stuck
  ansible.builtin.debug:
    msg: "{{ evidence.summary.text }} Attach {{ evidence.path }}."
  when: evidence.summary.stuck > 0

- name: The same of one VM without the names of VMs, nodes and namespaces
  kubevirt_ops.live_migration.migration_evidence:
    path: evidence
    vms: [team-a/web-1]
    pseudonyms: true
    pseudonym_key_file: ~/.config/live-migration-pseudonyms.json
"""

RETURN = r"""
path:
  description: Where the bundle is, or would be in check mode.
  returned: success
  type: str
  sample: evidence.tar.gz
read_at:
  description: The cluster's time of the look.
  returned: success
  type: str
  sample: "2026-11-23T08:49:14Z"
files:
  description: The files of the bundle, each with C(path) in it and C(bytes).
  returned: success
  type: list
  elements: dict
  sample:
    - path: manifest.json
      bytes: 4711
left_out:
  description: The files that did not fit into O(max_bytes), in the same form.
  returned: success
  type: list
  elements: dict
  sample: []
not_read:
  description: What could not be read besides what the diagnosis needs, and why, such as logs of pods that have gone.
  returned: success
  type: list
  elements: str
  sample: ["log of kubevirt/virt-handler-x729f (virt-handler): pods \"virt-handler-x729f\" not found"]
size_bytes:
  description: The size of all files together.
  returned: success
  type: int
  sample: 813585
diagnosis:
  description: The result of M(kubevirt_ops.live_migration.migration_info) as the bundle has it.
  returned: success
  type: dict
  sample: {"summary": {"stuck": 1, "total": 14}}
summary:
  description: The C(summary) of M(kubevirt_ops.live_migration.migration_info).
  returned: success
  type: dict
  sample: {"stuck": 1, "text": "1 of 14 migrations is stuck: 1 blocked, 13 progressing.", "total": 14}
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
        - The reason is V(forbidden), or V(not_captured) where a capture does not hold it, so that no role would help.
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
  description: Steps of a change in the cluster. Always empty, as this module only looks there.
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
    code: WrongInput
    method: ""
    path: ""
    status: 0
    reason: "path: /srv holds other files; name a folder that is new, empty or an earlier bundle."
    remedy: ""
"""

from functools import partial

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import AUTH_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import PROMETHEUS_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.evidence_options import EVIDENCE_SPEC
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.exit import Module, run_module
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_evidence import run


def main() -> None:
    """Build the module and run it."""
    module = Module(
        argument_spec={
            **AUTH_SPEC,
            **EVIDENCE_SPEC,
            "namespaces": {"type": "list", "elements": "str", "default": []},
            "vms": {"type": "list", "elements": "str", "default": []},
            "nodes": {"type": "list", "elements": "str", "default": []},
            "late_after": {"type": "int", "default": 300},
            "include_finished": {"type": "bool", "default": False},
            "placement": {"type": "str", "choices": ["auto", "never"], "default": "auto"},
            "progress": {
                "type": "str",
                "default": "auto",
                "choices": ["auto", "none", "prometheus", "virt_handler"],
            },
            "prometheus": {"type": "dict", "options": PROMETHEUS_SPEC},
        },
        supports_check_mode=True,
    )
    run_module(module, partial(run, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
