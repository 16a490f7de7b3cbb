# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the API server who we are to it.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    BadRequest,
    Forbidden,
    NotFound,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.writing import Write
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.fields import as_map, as_text

__all__ = ["read_user_name"]

_PATH = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def read_user_name(client: Client, /) -> str:
    """The name under which the API server knows us, impersonation included; "" where it does not tell."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = client.write(Write("create", _PATH, body=body, is_harmless=True)).obj
    except (BadRequest, Forbidden, NotFound):
        return ""
    status = as_map(answer.get("status")) or {}
    user = as_map(status.get("userInfo")) or {}
    return as_text(user.get("username")) or ""
