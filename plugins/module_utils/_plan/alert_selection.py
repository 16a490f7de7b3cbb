# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether any Prometheus will load the rules, and if not, what it would take.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.prometheus_operator import (
    CLUSTER_MONITORING,
    RuleLoader,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import LabelSelector
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.step import Refusal

__all__ = ["Place", "find_loaders", "find_selection_risks"]

_MOST_TOLD = 5


@dataclass(frozen=True)
class Place:
    """Where the PrometheusRule stands. `namespace_labels` None: they could not be read."""

    namespace: str
    namespace_labels: Mapping[str, str] | None
    labels: Mapping[str, str]
    is_openshift: bool = False


def find_loaders(loaders: Sequence[RuleLoader] | None, place: Place, /) -> list[RuleLoader]:
    """Those that select the rules for sure; empty where they could not be read."""
    return [one for one in loaders or () if not one.is_spoilt and not any(_reasons(one, place))]


def find_selection_risks(loaders: Sequence[RuleLoader] | None, place: Place, /) -> Iterator[Refusal]:
    """A warning where no loader selects the rules (none at all included; nothing where they could not be read), and one
    where OpenShift's platform monitoring passes the namespace over."""
    if loaders is not None and not find_loaders(loaders, place):
        yield Refusal("NoPrometheusSelects", _not_selected(loaders, place))
    labels = place.namespace_labels
    if place.is_openshift and labels is not None and labels.get(CLUSTER_MONITORING) != "true":
        text = (
            f"The namespace {place.namespace} has no label {CLUSTER_MONITORING}=true, so OpenShift's platform"
            " monitoring, which has KubeVirt's metrics, does not load these rules. Label it, or give another namespace."
        )
        yield Refusal("ClusterMonitoringLabelMissing", text)


def _not_selected(loaders: Sequence[RuleLoader], place: Place, /) -> str:
    if not loaders:
        return "No Prometheus or ThanosRuler object is in the cluster, so nothing loads these rules."
    told = [f"{one.label}: {'; '.join(_why(one, place))}" for one in loaders[:_MOST_TOLD]]
    if len(loaders) > _MOST_TOLD:
        told.append(f"and {len(loaders) - _MOST_TOLD} more")
    return f"No Prometheus is known to load these rules. {'. '.join(told)}."


def _why(loader: RuleLoader, place: Place, /) -> list[str]:
    if loader.is_spoilt:
        return ["its selectors cannot be read"]
    return list(_reasons(loader, place))


def _reasons(loader: RuleLoader, place: Place, /) -> Iterator[str]:
    """Why it does not select the rules for sure."""
    if loader.rules is None:
        yield "it has no ruleSelector, so it loads no rules"
    elif not loader.rules.matches(place.labels):
        yield f"its ruleSelector wants {_wanted(loader.rules)} (option labels)"
    if loader.namespaces is None:
        if loader.namespace != place.namespace:
            yield f"it looks only at its own namespace {loader.namespace} (option namespace)"
    elif not loader.namespaces.is_empty:
        yield from _namespace_reasons(loader.namespaces, place)


def _namespace_reasons(selector: LabelSelector, place: Place, /) -> Iterator[str]:
    wanted = f"its ruleNamespaceSelector wants {_wanted(selector)}"
    if place.namespace_labels is None:
        yield f"{wanted}, and the labels of namespace {place.namespace} could not be read"
    elif not selector.matches(place.namespace_labels):
        yield f"{wanted} on namespace {place.namespace}"


def _wanted(selector: LabelSelector, /) -> str:
    return ", ".join(one.text() for one in selector.requirements)
