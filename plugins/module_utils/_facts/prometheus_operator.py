# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who loads PrometheusRules: the objects of prometheus-operator, as far as they say which rules they take.

This module is private to the collection and may change without notice.
Facts: prometheus-operator 0.93, pkg/apis/monitoring/v1 (ruleSelector: null selects nothing, an empty one everything;
ruleNamespaceSelector: null selects the object's own namespace, an empty one all namespaces).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import (
    LabelSelector,
    Requirement,
)

__all__ = [
    "API_VERSION",
    "CLUSTER_MONITORING",
    "GROUP",
    "KIND",
    "LOADERS",
    "OPENSHIFT",
    "PLURAL",
    "VERSION",
    "RuleLoader",
]

GROUP: Final = "monitoring.coreos.com"
VERSION: Final = "v1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "PrometheusRule"
PLURAL: Final = "prometheusrules"
# Kinds that load rules, with their plurals.
LOADERS: Final[Mapping[str, str]] = {"Prometheus": "prometheuses", "ThanosRuler": "thanosrulers"}
# OpenShift serves this group, and its platform monitoring looks only at namespaces with this label.
OPENSHIFT: Final = "config.openshift.io"
CLUSTER_MONITORING: Final = "openshift.io/cluster-monitoring"


@dataclass(frozen=True)
class RuleLoader:
    """One Prometheus or ThanosRuler. A selector is None where there is none; `is_spoilt`: one has no readable shape."""

    kind: str
    namespace: str
    name: str
    rules: LabelSelector | None
    namespaces: LabelSelector | None
    is_spoilt: bool = False

    @property
    def label(self) -> str:
        """`Prometheus monitoring/k8s`, for sentences."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @classmethod
    def from_object(cls, obj: Any, /, *, kind: str) -> RuleLoader:
        """The loader in `obj`; nothing raises."""
        obj = _map(obj)
        metadata, spec = _map(obj.get("metadata")), _map(obj.get("spec"))
        found = [_selector(spec.get(key)) for key in ("ruleSelector", "ruleNamespaceSelector")]
        selectors = [one if isinstance(one, LabelSelector) else None for one in found]
        return cls(
            kind=kind,
            namespace=str(metadata.get("namespace") or ""),
            name=str(metadata.get("name") or ""),
            rules=selectors[0],
            namespaces=selectors[1],
            is_spoilt="spoilt" in found,
        )


def _selector(value: Any, /) -> LabelSelector | str | None:
    """The selector, None for none, "spoilt" where it has another shape."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return "spoilt"
    labels, expressions = value.get("matchLabels") or {}, value.get("matchExpressions") or []
    if not isinstance(labels, Mapping) or not isinstance(expressions, list):
        return "spoilt"
    found = [Requirement(str(key), "In", (str(text),)) for key, text in labels.items()]
    for one in expressions:
        values = one.get("values") or [] if isinstance(one, Mapping) else None
        if not isinstance(values, list):
            return "spoilt"
        found.append(Requirement(str(one.get("key")), str(one.get("operator")), tuple(str(text) for text in values)))
    return LabelSelector(tuple(found))


def _map(value: Any, /) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
