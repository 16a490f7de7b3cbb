# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Kubernetes and KubeVirt objects carry what must not be handed on.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

__all__ = [
    "ACCOUNT_FIELDS",
    "ANNOTATIONS",
    "ARGUMENT_LISTS",
    "FIELDS",
    "IGNITION",
    "KNOWN_ANNOTATIONS",
    "SECRET_FIELDS",
    "SECRET_KINDS",
    "VALUE_LISTS",
]

# Replaced with all that is below them, wherever they stand (staging/src/kubevirt.io/api/core/v1/schema.go: cloud-init,
# sysprep, kernelBoot, launchSecurity.sev; accessCredentials of the VMI's spec).
FIELDS = frozenset(
    {
        "userData",
        "userDataBase64",
        "networkData",
        "networkDataBase64",
        "sysprep",
        "accessCredentials",
        "kernelArgs",
        "dhCert",
        "session",
    }
)
# Lists of {name, value} of which only the names are kept.
VALUE_LISTS = frozenset({"env", "httpHeaders"})
# Lists of words of which only the program and the names of long options are kept.
ARGUMENT_LISTS = frozenset({"command", "args", "arg"})
# The guest's first boot as Ignition takes it (types.go in the same folder, IgnitionAnnotation).
IGNITION = "kubevirt.io/ignitiondata"
# Annotations that hold a whole object, the guest's first boot, or a sidecar with its arguments (KubeVirt's
# pkg/hooks/hooks.go, HookSidecarListAnnotationName).
ANNOTATIONS = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        IGNITION,
        "hooks.kubevirt.io/hookSidecars",
        "openshift.io/token-secret.value",
    }
)
# Whose annotations are kept; any other tool may write what it likes into its own, and no verdict reads them.
KNOWN_ANNOTATIONS = ("kubevirt.io", "kubernetes.io", "k8s.io", "openshift.io", "istio.io")
ACCOUNT_FIELDS = frozenset({"serviceAccount", "serviceAccountName"})
# Never asked for; should one come along in somebody else's files, it leaves without its content.
SECRET_KINDS = frozenset({"Secret", "SecretList", "ConfigMap", "ConfigMapList"})
SECRET_FIELDS = frozenset({"data", "stringData", "binaryData", "items"})
