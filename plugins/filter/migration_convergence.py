# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter migration_convergence: whether a VM's copy ends, and what would make it end."""

from __future__ import annotations

DOCUMENTATION = r"""
name: migration_convergence
short_description: Whether a VM's live migration ends in time, and the smallest change that makes it
version_added: 0.1.0
author:
  - kubevirt_ops.live_migration contributors (@kubevirt-ops)
description:
  - Computes whether the copy of a VM's memory ends, when, and against which limit of KubeVirt's, from a VMI as
    C(kubernetes.core.k8s_info) returns it or from plain figures. It talks to no cluster.
  - Where the copy does not end, it gives the smallest change of each setting that makes it end, the least risky first,
    each with the end that is predicted with it, and says of the other settings why they are not advised.
  - A figure that is not given is not known, and what hangs on it is not told. Nothing is guessed.
  - KubeVirt's limit is C(completionTimeoutPerGiB) times the guest's memory in decimal gigabytes, rounded up, whatever
    the setting's name says. 4Gi count as 5.
  - Quantities are as in the API, such as V(64Mi) or V(8Gi), or numbers of bytes; rates are per second.
positional: _input
options:
  _input:
    description:
      - The VirtualMachineInstance object. Its memory, its host devices and the settings that were recorded for its last
        migration are taken from it.
      - V({}) or V(null) for plain figures alone.
    type: dict
    required: true
  settings:
    description:
      - Settings of the migration by their names in the API, such as those of
        RV(kubevirt_ops.live_migration.migration_info#module:migrations[].configuration). They go before those of the
        VMI.
      - Used are C(bandwidthPerMigration) (V("0") is no cap), C(completionTimeoutPerGiB) (V(0) is no limit),
        C(allowAutoConverge), C(allowPostCopy), C(allowWorkloadDisruption), C(progressTimeout) and, with
        C(experimental.stallDetector), C(maxDowntimeMs).
      - A permission that is not there counts as not given. Another one that is not there is not known.
    type: dict
    default: {}
  memory:
    description: The guest's memory. Goes before that of the VMI.
    type: str
  dirty_rate:
    description: How fast the guest dirties memory, besides the O(working_set).
    type: str
  working_set:
    description:
      - What the guest writes so often that it is dirty after any pass however short.
      - Not given counts as none, and RV(_value.assumes) says so.
    type: str
  transfer_rate:
    description: What one migration was measured to transfer, under the O(settings).
    type: str
  link:
    description: What the network carries from one node, all its migrations together.
    type: str
  outbound_migrations:
    description:
      - How many migrations leave one node at once, usually C(parallelOutboundMigrationsPerNode).
      - They share the O(link).
    type: int
  dirty_rate_margin:
    description: How many percent more than O(dirty_rate) is reckoned with.
    type: int
    default: 0
  bears:
    description:
      - What the VM may bear. Nothing else is advised.
      - V(throttling) slows the guest until the copy ends, V(pause) lets it stand still, V(post_copy) loses it if a node
        or the network fails. Post-copy is never advised for a VM with host devices, nor where that is not known.
    type: list
    elements: str
    choices: [throttling, pause, post_copy]
    default: [throttling]
  has_host_devices:
    description: Whether the VM has host devices, GPUs or SR-IOV interfaces, where no VMI says so.
    type: bool
notes:
  - A migration keeps the settings of its hand-off. Advice is for the next one.
  - What the computation rests on, and where it can be wrong, stands in C(docs/tuning.md).
seealso:
  - module: kubevirt_ops.live_migration.migration_info
  - plugin: kubevirt_ops.live_migration.winning_migration_policy
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Say whether a VM's copy ends, from what was measured
  ansible.builtin.debug:
    msg: "{{ found.summary }}"
  vars:
    found: >-
      {{ vmis.resources | first
         | kubevirt_ops.live_migration.migration_convergence(dirty_rate='60Mi', transfer_rate='64Mi') }}

- name: Ask with plain figures, before anything runs
  ansible.builtin.set_fact:
    advice: >-
      {{ {} | kubevirt_ops.live_migration.migration_convergence(
           memory='64Gi', dirty_rate='90Mi', link='1100Mi', outbound_migrations=2,
           settings={'bandwidthPerMigration': '64Mi', 'completionTimeoutPerGiB': 20},
           bears=['throttling', 'pause']) }}

- name: Show the least risky change as the spec of a MigrationPolicy
  ansible.builtin.debug:
    var: advice.advice[0].policy
  when: advice.answer == 'change'
"""

RETURN = r"""
_value:
  description: The answer. Every key is always there, null where it is not known.
  type: dict
  contains:
    finishes:
      description: Whether the copy ends under the settings as they are, null where that is not known.
      type: bool
      sample: false
    answer:
      description:
        - V(none_needed) when it ends as it is, V(change) with RV(_value.advice), V(nothing_fits) when no change that
          may be made helps, V(no_setting_helps) when the network moves nothing, V(unknown) with RV(_value.missing).
      type: str
      sample: change
    summary:
      description: The answer in a sentence or two.
      type: str
      sample: >-
        The copy does not end in time: it takes 2044 s and has 180 s.
        The least risky change that makes it end: completionTimeoutPerGiB 228.
    how:
      description:
        - How it ends, V(pre_copy), V(auto_converge), V(pause), V(post_copy), V(post_copy_or_pause) where host devices
          decide that and are not known, or empty.
      type: str
      sample: ""
    reason:
      description:
        - Why, one of V(converges), V(too_slow), V(diverges) (memory is dirtied as fast as it is copied),
          V(working_set), V(no_flow), V(assisted) (KubeVirt ends it when the limit is over), V(progress_timeout),
          V(unknown).
      type: str
      sample: too_slow
    seconds:
      description: How long the copy takes, at most where KubeVirt has to end it. Null where it never ends.
      type: int
      sample: 2044
    limit_seconds:
      description:
        - KubeVirt's limit for this copy, null where there is none or it is not known, see RV(_value.has_limit).
      type: int
      sample: 180
    has_limit:
      description: Whether there is a limit, null where that is not known.
      type: bool
      sample: true
    throttle_percent:
      description: How much CPU time auto-converge takes from the guest at most.
      type: int
      sample: 0
    standstill_seconds:
      description: How long the guest stands still at the end, at most.
      type: float
      sample: 0.297
    confidence:
      description: V(likely), or V(possible) where nothing shows that the network carries so much. Empty where unknown.
      type: str
      sample: likely
    missing:
      description:
        - Which of V(memory), V(bandwidth), V(dirty_rate), V(deadline) and V(host_devices) would have to be known.
      type: list
      elements: str
      sample: []
    memory_bytes:
      description: The guest's memory.
      type: int
      sample: 8589934592
    bandwidth_bytes_per_second:
      description: What the migration gets.
      type: int
      sample: 67108864
    bandwidth_limited_by:
      description: What limits it, V(cap), V(link) or V(rate) (what was measured). Empty where nothing is known.
      type: str
      sample: cap
    dirty_bytes_per_second:
      description: How fast memory is dirtied, with the margin.
      type: int
      sample: 62914560
    working_set_bytes:
      description: What stays dirty after any pass.
      type: int
      sample: 0
    downtime_seconds:
      description: How long the last pass may take.
      type: float
      sample: 0.3
    headroom_bytes_per_second:
      description: The bandwidth less the dirty rate.
      type: int
      sample: 4194304
    needed_headroom_bytes_per_second:
      description: What it has to be for certain, the memory divided by the limit.
      type: int
      sample: 47721859
    assumes:
      description: What the answer takes for granted since it was not given.
      type: list
      elements: str
      sample: []
    advice:
      description:
        - The changes that make the copy end, the least risky first. Each has C(action), C(summary), C(risk), C(policy)
          (fields of a MigrationPolicy's spec), C(cluster) (settings of the whole cluster), the end that is predicted
          with it (C(finishes), C(how), C(seconds), C(limit_seconds), C(has_limit), C(throttle_percent),
          C(standstill_seconds), C(confidence)), C(figures) that the values were computed from, C(assumes), and
          C(tolerated_dirty_bytes_per_second), the dirty rate up to which it suffices.
      type: list
      elements: dict
      sample:
        - action: deadline
          policy: {"completionTimeoutPerGiB": 228}
          cluster: {}
          seconds: 2044
          limit_seconds: 2052
    not_advised:
      description: The other actions, each with C(why).
      type: list
      elements: dict
      sample:
        - action: pause
          why: nothing says that the VM may stand still
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.devices import (
    has_host_devices as find_host_devices,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    quantity_bytes,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.settings import (
    ALLOW_AUTO_CONVERGE,
    ALLOW_POST_COPY,
    ALLOW_WORKLOAD_DISRUPTION,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.vmi import Vmi
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.tuning import render_vm_tuning
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.outcome import Network
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._verdict.workload import (
    BEARS,
    recorded_settings,
    settings_from,
    workload_from,
)

__all__ = ["FilterModule"]

NAME = "kubevirt_ops.live_migration.migration_convergence"
_PERMISSIONS = (ALLOW_AUTO_CONVERGE, ALLOW_POST_COPY, ALLOW_WORKLOAD_DISRUPTION)


def migration_convergence(
    vmi: Any,
    *,
    settings: Any = None,
    memory: Any = None,
    dirty_rate: Any = None,
    working_set: Any = None,
    transfer_rate: Any = None,
    link: Any = None,
    outbound_migrations: Any = None,
    dirty_rate_margin: Any = 0,
    bears: Any = ("throttling",),
    has_host_devices: Any = None,
) -> dict[str, Any]:
    """The filter; an option without meaning is an AnsibleFilterError that names it and what is accepted."""
    if vmi is not None and not isinstance(vmi, Mapping):
        raise AnsibleFilterError(
            f"{NAME}: the input is a {type(vmi).__name__}; a VirtualMachineInstance object is needed, or {{}} for none"
        )
    _quantity(memory, name="memory")
    devices = _boolean(has_host_devices)
    read = Vmi.from_object(vmi) if vmi else None
    workload = workload_from(
        read,
        memory=memory,
        dirty_bytes_per_second=_with_margin(_quantity(dirty_rate, name="dirty_rate"), dirty_rate_margin),
        working_set_bytes=_quantity(working_set, name="working_set"),
        has_host_devices=find_host_devices(vmi) if devices is None and vmi else devices,
        bears=_bears(bears),
    )
    network = Network(
        _quantity(link, name="link"),
        _quantity(transfer_rate, name="transfer_rate"),
        _integer(outbound_migrations, name="outbound_migrations", least=1),
    )
    known = settings_from({**recorded_settings(read), **_settings(settings)})
    return render_vm_tuning(workload, network=network, settings=known)


def _quantity(value: Any, *, name: str) -> int | None:
    if value is None:
        return None
    try:
        found = quantity_bytes(value)
    except QuantityError as error:
        raise AnsibleFilterError(f"{NAME}: {name}: {error}") from error
    if found < 0:
        raise AnsibleFilterError(f"{NAME}: {name} is {value!r}; nothing below 0 is accepted")
    return found


def _integer(value: Any, *, name: str, least: int) -> int | None:
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not (text.isascii() and text.isdecimal()):
        raise AnsibleFilterError(f"{NAME}: {name} is {value!r}; a whole number from {least} on is needed")
    if len(text) > 9 or int(text) < least:
        raise AnsibleFilterError(f"{NAME}: {name} is {text:.20}; a whole number from {least} to 999999999 is needed")
    return int(text)


def _with_margin(rate: int | None, margin: Any) -> float | None:
    percent = _integer(margin, name="dirty_rate_margin", least=0) or 0
    return None if rate is None else rate * (100 + percent) / 100


def _boolean(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise AnsibleFilterError(f"{NAME}: has_host_devices is {value!r}; true, false or null is needed")
    return value


def _settings(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise AnsibleFilterError(
            f"{NAME}: settings is a {type(value).__name__}; a map by the API's names is needed,"
            " such as {'completionTimeoutPerGiB': 150}"
        )
    return {name: _permission(one) if name in _PERMISSIONS else one for name, one in (value or {}).items()}


def _permission(value: Any) -> Any:
    """A permission that is text, as a template or a survey makes it, in its own type; what is none stays and allows
    nothing."""
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _bears(value: Any) -> list[str]:
    accepted = f"a list of {', '.join(BEARS)} is needed"
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise AnsibleFilterError(f"{NAME}: bears is a {type(value).__name__}; {accepted}")
    strange = [item for item in value if item not in BEARS]
    if strange:
        raise AnsibleFilterError(f"{NAME}: bears holds {strange[0]!r}; {accepted}")
    return [str(item) for item in value]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by name."""
        return {"migration_convergence": migration_convergence}
