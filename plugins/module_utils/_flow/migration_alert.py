# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_alert: reads the configuration, makes the rules of it, and brings them to the cluster or into a file.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.alert_reads import (
    is_openshift,
    read_loaders,
    read_namespace,
    read_rule,
    rule_path,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Conflict,
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Coverage
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.marks import COMPONENT
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import KubeVirt
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.alert_options import (
    Asked,
    parse_options,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.alert_thresholds import (
    Built,
    build_thresholds,
    find_kubevirt,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.execute import Execution, execute_plan
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.rule_file import (
    check_rules,
    read_rule_file,
    remove_rule_file,
    write_rule_file,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_object import (
    MANAGED_BY,
    labels_of,
    make_rule,
    plan_apply,
    plan_delete,
    rule_differs,
    rule_text,
    tell_conflict,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_rules import make_groups
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.alert_selection import (
    Place,
    find_loaders,
    find_selection_risks,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.rules_file import (
    is_ours,
    render_rules_file,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import (
    Plan,
    Refusal,
    Step,
    judge_risks,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.alert import (
    alert_diff,
    empty_alert_result,
    loaders_result,
    metrics_result,
    object_result,
    threshold_result,
)

__all__ = ["run"]

Groups = list[dict[str, Any]]


def run(client: Client, params: Mapping[str, Any], _clock: Clock, /, *, check_mode: bool) -> dict[str, Any]:
    """The result of migration_alert for the module's `params`.

    Raises ClusterError with what was done so far in its `result`, WrongInput for options without meaning (before any
    request) and for a file that cannot be read or written.
    """
    asked = parse_options(params)
    return _Run(client, asked, check_mode=check_mode).run()


@dataclass
class _Run:
    client: Client
    asked: Asked
    check_mode: bool = field(kw_only=True)
    notes: list[str] = field(default_factory=list, init=False)
    result: dict[str, Any] = field(default_factory=empty_alert_result, init=False)

    def __post_init__(self) -> None:
        self.reading = Reading(self.client)

    def run(self) -> dict[str, Any]:
        """The result; see the function `run`."""
        self._tell(Plan(), Execution())
        try:
            if self.asked.rule_file and not self.asked.is_present:
                self._remove_file()
            else:
                self._with_kubevirt()
        except ClusterError as error:
            error.result = {**self.result, "coverage": self._coverage()}
            raise
        self.result["coverage"] = self._coverage()
        return self.result

    def _with_kubevirt(self) -> None:
        asked = self.asked
        needs_place = not asked.namespace and not asked.rule_file
        kubevirt = find_kubevirt(
            self.reading, is_needed=needs_place or (asked.is_present and asked.stuck_after is None)
        )
        if isinstance(kubevirt, Refusal):
            self._refuse((kubevirt,))
        elif asked.is_present:
            self._make_present(kubevirt)
        else:
            self._delete(self._namespace(kubevirt))

    def _namespace(self, kubevirt: KubeVirt | None, /) -> str:
        return self.asked.namespace or (kubevirt.meta.namespace if kubevirt is not None else "")

    def _make_present(self, kubevirt: KubeVirt | None, /) -> None:
        built = build_thresholds(self.reading, self.asked, kubevirt)
        if isinstance(built, Refusal):
            self._refuse((built,))
            return
        groups = make_groups(built.thresholds)
        self._tell_rules(built, groups)
        if self.asked.rule_file:
            self._write_file(groups)
        else:
            self._apply(self._namespace(kubevirt), groups)

    def _tell_rules(self, built: Built, groups: Groups, /) -> None:
        self.notes += built.notes
        self.result |= {
            "groups": groups,
            "threshold": threshold_result(built.thresholds, origin=built.origin, terms=built.terms),
            "metrics": metrics_result(built.version),
        }

    # -- the object

    def _apply(self, namespace: str, groups: Groups, /) -> None:
        asked = self.asked
        rule = make_rule(asked.name, namespace=namespace, labels=asked.labels, groups=groups)
        path = rule_path(namespace, asked.name)
        found = read_rule(self.client, path)
        plan = judge_risks(
            self._selection_risks(namespace, labels={**labels_of(found), **labels_of(rule)}),
            accept_risks=asked.accept_risks,
        )
        self.notes += plan.notes
        answered = self._try(path, rule)
        is_forced = answered is None
        if answered is None:
            answered = self.client.write(Write("apply", path, rule, is_forced=True), dry_run=True).obj
        label = f"PrometheusRule {namespace}/{asked.name}"
        self.result |= {
            "object": object_result(found or {**rule, "kind": "PrometheusRule"}),
            "diff": alert_diff(rule_text(found), rule_text(answered), label=label),
        }
        if self.result["refused"] or not rule_differs(found, answered):
            self._tell_notes()
            return
        self._execute(plan_apply(path, rule, is_forced=is_forced, found=found))

    def _try(self, path: str, rule: Mapping[str, Any], /) -> dict[str, Any] | None:
        """What the server would store; None where somebody else manages fields of it and the caller insists. Where he
        does not it is refused, and what the server would store else is given for the diff."""
        try:
            return self.client.write(Write("apply", path, rule), dry_run=True).obj
        except Conflict as error:
            causes = [(cause.field, cause.message) for cause in error.causes if cause.reason == "FieldManagerConflict"]
            if not causes:
                raise
            self._refuse((tell_conflict(f"PrometheusRule {self.asked.name}", causes),))
            return None
        except NotFound as error:
            error.remedy = f"Make the namespace {rule['metadata']['namespace']} first, or give another one."
            raise

    def _selection_risks(self, namespace: str, /, *, labels: Mapping[str, str]) -> Iterable[Refusal]:
        loaders = read_loaders(self.reading)
        namespace_labels = read_namespace(self.reading, namespace)
        place = Place(namespace, namespace_labels, labels, is_openshift=is_openshift(self.client))
        self.result["loaded_by"] = loaders_result(find_loaders(loaders, place))
        if loaders is None:
            self.notes.append("Whether a Prometheus loads these rules is not known: its objects may not be listed.")
        return list(find_selection_risks(loaders, place))

    def _delete(self, namespace: str, /) -> None:
        path = rule_path(namespace, self.asked.name)
        try:
            found = read_rule(self.client, path)
        except ResourceMissing:
            # Without the kind there is no object of it.
            return
        if found is None:
            return
        label = f"PrometheusRule {namespace}/{self.asked.name}"
        self.result |= {
            "object": object_result(found),
            "diff": alert_diff(rule_text(found), "", label=label),
        }
        if labels_of(found).get(MANAGED_BY) != COMPONENT:
            text = f"{label} was not made by this module: it has no label {MANAGED_BY}={COMPONENT}."
            self._refuse((Refusal("NotOurs", text),))
        if not self.result["refused"]:
            self._execute(plan_delete(path, found))

    # -- the file

    def _write_file(self, groups: Groups, /) -> None:
        path = self.asked.rule_file
        text, found = render_rules_file(groups), read_rule_file(path)
        self.result |= {
            "rule_file": path,
            "checked_by": check_rules(text, groups, promtool=self.asked.promtool),
            "diff": alert_diff(found or "", text, label=path),
        }
        if found is not None and not is_ours(found):
            self._refuse((_not_our_file(path),))
        if self.result["refused"] or found == text:
            self._tell_notes()
            return
        if not self.check_mode:
            write_rule_file(path, text)
        self.result["changed"] = True
        self._tell_notes()

    def _remove_file(self) -> None:
        path = self.asked.rule_file
        found = read_rule_file(path)
        self.result["rule_file"] = path
        if found is None:
            return
        self.result["diff"] = alert_diff(found, "", label=path)
        if not is_ours(found):
            self._refuse((_not_our_file(path),))
        if self.result["refused"]:
            return
        if not self.check_mode:
            remove_rule_file(path)
        self.result["changed"] = True

    # -- what every result has

    def _refuse(self, found: Iterable[Refusal], /) -> None:
        self._tell(judge_risks(found, accept_risks=self.asked.accept_risks), Execution())

    def _execute(self, step: Step, /) -> None:
        plan = Plan((step,))
        done = execute_plan(self.client, plan, check_mode=self.check_mode)
        self._tell(plan, done)
        if done.error is not None:
            raise done.error
        if 0 in done.answers and step.verb == "apply":
            self.result["object"] = object_result(done.answers[0])

    def _tell(self, plan: Plan, done: Execution, /) -> None:
        would_change = self.check_mode and bool(plan.steps) and not plan.is_refused
        self.result |= {
            "changed": done.has_changed or would_change,
            "plan": done.records,
            "refused": plan.is_refused,
            "refusals": [refusal.to_result() for refusal in plan.refusals],
            "coverage": self._coverage(),
        }
        self.notes += done.notes
        self._tell_notes()

    def _tell_notes(self) -> None:
        self.result["notes"] = list(self.notes)

    def _coverage(self) -> dict[str, Any]:
        missing = [rule for rules in self.reading.unseen.values() for rule in rules]
        return Coverage(requests=self.client.requests).adding(missing).to_result()


def _not_our_file(path: str, /) -> Refusal:
    return Refusal("NotOurs", f"{path} was not written by this module: its first line says nothing of it.")
