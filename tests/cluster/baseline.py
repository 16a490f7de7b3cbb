# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the cluster back to what it was when it had just started."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cluster.store import REGISTRY, Store, Stored

__all__ = ["Baseline", "is_kept"]

# Never touched: what the server writes for itself, definitions, rights, and what the simulator registered.
_KEPT = tuple(
    REGISTRY + part
    for part in (
        "admissionregistration.k8s.io/",
        "apiextensions.k8s.io/",
        "apiregistration.k8s.io/",
        "clusterrolebindings/",
        "clusterroles/",
        "configmaps/kube-system/",
        "flowschemas/",
        "ipaddresses/",
        "leases/kube-system/",
        "masterleases/",
        "mutatingadmissionpolicies/",
        "mutatingadmissionpolicybindings/",
        "mutatingwebhookconfigurations/",
        "peerserverleases/",
        "priorityclasses/",
        "prioritylevelconfigurations/",
        "ranges/",
        "rolebindings/",
        "roles/",
        "servicecidrs/",
        "services/",
        "validatingadmissionpolicies/",
        "validatingadmissionpolicybindings/",
        "validatingwebhookconfigurations/",
    )
)


def is_kept(key: str) -> bool:
    """Whether a reset leaves this key alone."""
    return key.startswith(_KEPT)


def _objects(store: Store, *, keys_only: bool) -> list[Stored]:
    return [found for found in store.scan(REGISTRY, keys_only=keys_only) if not is_kept(found.key)]


class Baseline:
    """The objects that stay over a reset, with their texts: mostly namespaces."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    @classmethod
    def capture(cls, store: Store, *, file: Path) -> Baseline:
        """Take what is there now, and write it to `file` for other processes."""
        texts = {found.key: found.text for found in _objects(store, keys_only=False)}
        file.write_text(json.dumps(texts), encoding="utf-8")
        return cls(texts)

    @classmethod
    def read(cls, file: Path) -> Baseline:
        """What `capture` wrote."""
        return cls(json.loads(file.read_text(encoding="utf-8")))

    def restore(self, store: Store) -> int:
        """Delete all objects made since, put back those changed or deleted; returns how many were touched."""
        present = {found.key for found in _objects(store, keys_only=True)}
        made = sorted(present - self._texts.keys())
        changed = [(key, text) for key, text in self._texts.items() if self._differs(store, key)]
        store.apply(delete=made, put=changed)
        return len(made) + len(changed)

    def made_since(self, store: Store) -> list[str]:
        """Keys of the objects made since, in order."""
        return [found.key for found in _objects(store, keys_only=True) if found.key not in self._texts]

    def _differs(self, store: Store, key: str) -> bool:
        found = store.read(key)
        return found is None or found.text != self._texts[key]
