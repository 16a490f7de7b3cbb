# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the objects that can own the migration settings, what fields they have, and who asks.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    NotFound,
    ResourceMissing,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import KUBEVIRT, Reading
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.hyperconverged import (
    GROUP,
    PLURAL,
    form_of,
    is_operand,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.owners import Found, Owners
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.served import served_fields

__all__ = ["read_owners", "read_served", "read_user"]

_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def read_owners(reading: Reading, /) -> Owners:
    """All KubeVirt and HyperConverged objects.

    Raises Forbidden where KubeVirt objects may not be listed, or where one is made by HyperConverged and that may not
    be listed; else HyperConverged objects that may not be listed stand in `unseen`.
    """
    kubevirts = _found(reading.client, group=KUBEVIRT, version="v1", plural="kubevirts")
    version = _served_version(reading.client)
    if not version:
        return Owners(kubevirts)
    try:
        found = _found(reading.client, group=GROUP, version=version, plural=PLURAL)
    except Forbidden as error:
        if any(is_operand(one.obj) for one in kubevirts):
            raise
        reading.miss("hyperconverged", error.rule)
        return Owners(kubevirts, hyperconvergeds=None, version=version)
    return Owners(kubevirts, hyperconvergeds=found, version=version)


def _served_version(client: Client, /) -> str:
    try:
        group = client.get(f"/apis/{GROUP}")
    except NotFound:
        return ""
    served = group.get("versions")
    return form_of([str(one.get("version")) for one in served if isinstance(one, Mapping)] if served else [])


def _found(client: Client, /, *, group: str, version: str, plural: str) -> tuple[Found, ...]:
    try:
        items = client.list(paths.collection(group, version=version, plural=plural))
    except ResourceMissing:
        return ()
    return tuple(Found(item, _path(item, group=group, version=version, plural=plural)) for item in items)


def _path(obj: Mapping[str, Any], /, *, group: str, version: str, plural: str) -> str:
    metadata = obj.get("metadata") or {}
    name, namespace = str(metadata.get("name") or ""), str(metadata.get("namespace") or "")
    return paths.item(group, version=version, plural=plural, namespace=namespace, name=name)


def read_served(client: Client, /, *, api_version: str, kind: str, steps: tuple[str, ...]) -> frozenset[str] | None:
    """The settings that the served version of a kind has; None where the server does not tell (before 1.24, or it may
    not be asked)."""
    try:
        document = client.get(f"/openapi/v3/apis/{api_version}")
    except (Forbidden, NotFound):
        return None
    return served_fields(document, kind=kind, steps=steps)


def read_user(client: Client, /) -> str:
    """Who the API server takes the caller for; "" where it does not tell (before 1.28, or it may not be asked)."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        review = client.write(Write("create", _REVIEW, body, is_harmless=True)).obj
    except ClusterError:
        return ""
    user = (review.get("status") or {}).get("userInfo") or {}
    return str(user.get("username") or "")
