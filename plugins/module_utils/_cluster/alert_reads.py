# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the alert rules are made of, where they go, and who would load them.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    Forbidden,
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import KUBEVIRT, Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.prometheus_operator import (
    GROUP,
    LOADERS,
    OPENSHIFT,
    PLURAL,
    VERSION,
    RuleLoader,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.reader import MetaFields, Reader
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.surroundings import KubeVirt

__all__ = [
    "is_openshift",
    "read_all_namespaces",
    "read_kubevirts",
    "read_loaders",
    "read_namespace",
    "read_rule",
    "rule_path",
]

_META = MetaFields("Namespace")
_NO_OPERATOR = (
    "This cluster has no PrometheusRules, as prometheus-operator is not installed. To write the rules for a Prometheus"
    " that is configured by files, give rule_file."
)


def rule_path(namespace: str, name: str, /) -> str:
    """The path of a PrometheusRule."""
    return paths.item(GROUP, version=VERSION, plural=PLURAL, namespace=namespace, name=name)


def read_rule(client: Client, path: str, /) -> dict[str, Any] | None:
    """The PrometheusRule at `path`, None where there is none. Raises ResourceMissing, with the way out, where the
    cluster has no such kind."""
    try:
        return client.get(path)
    except ResourceMissing as error:
        error.remedy = _NO_OPERATOR
        raise
    except NotFound:
        return None


def read_kubevirts(reading: Reading, /, *, is_needed: bool) -> tuple[KubeVirt, ...]:
    """Every KubeVirt object; none where the cluster has no such kind. Where they may not be listed it raises Forbidden
    if `is_needed`, else there are none (topic `kubevirt`)."""
    path = paths.collection(KUBEVIRT, version="v1", plural="kubevirts")
    try:
        return tuple(KubeVirt.from_object(item) for item in reading.client.list(path))
    except ResourceMissing:
        return ()
    except Forbidden as error:
        if is_needed:
            raise
        reading.miss("kubevirt", error.rule)
        return ()


def read_loaders(reading: Reading, /) -> tuple[RuleLoader, ...] | None:
    """Every Prometheus and ThanosRuler; None where one of the kinds may not be listed (topic `loaders`). A kind that
    the cluster does not serve has none."""
    found: list[RuleLoader] = []
    for kind, plural in LOADERS.items():
        path = paths.collection(GROUP, version=VERSION, plural=plural)
        try:
            found += [RuleLoader.from_object(item, kind=kind) for item in reading.client.list(path)]
        except ResourceMissing:
            continue
        except Forbidden as error:
            reading.miss("loaders", error.rule)
    return None if "loaders" in reading.unseen else tuple(found)


def read_namespace(reading: Reading, name: str, /) -> dict[str, str] | None:
    """The labels of a namespace; None where it may not be read (topic `namespace`), or is not there."""
    path = paths.item("", version="v1", plural="namespaces", name=name)
    try:
        found = reading.seeing("namespace", lambda: reading.client.get(path))
    except NotFound:
        return None
    return None if found is None else dict(_META.read(Reader(found)).labels)


def read_all_namespaces(reading: Reading, /) -> Mapping[str, Mapping[str, str]] | None:
    """The labels of all namespaces; None where they may not be listed (topic `namespaces`)."""
    path = paths.collection("", version="v1", plural="namespaces")
    items = reading.seeing("namespaces", lambda: reading.client.list(path))
    if items is None:
        return None
    metas = [_META.read(Reader(item)) for item in items]
    return {meta.name: dict(meta.labels) for meta in metas}


def is_openshift(client: Client, /) -> bool:
    """Whether the cluster serves OpenShift's own configuration; False where that may not be asked."""
    try:
        client.get(f"/apis/{OPENSHIFT}")
    except (Forbidden, NotFound):
        return False
    return True
