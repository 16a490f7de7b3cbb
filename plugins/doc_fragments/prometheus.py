# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Prometheus that a module may ask, as PROMETHEUS_SPEC has it."""

from __future__ import annotations

__all__ = ["ModuleDocFragment"]


class ModuleDocFragment:
    """A fragment that ansible-doc and validate-modules merge into a module's documentation."""

    DOCUMENTATION = r"""
options:
  prometheus:
    description:
      - The Prometheus that O(progress=prometheus) asks. Its certificate is checked as O(validate_certs) says, and
        O(request_timeout) bounds each request. Redirects are not followed.
    type: dict
    suboptions:
      url:
        description:
          - Its address without C(/api/v1), such as V(https://thanos-querier.openshift-monitoring.svc:9091).
          - On OpenShift a user without rights in the whole cluster asks port 9092, which answers for one namespace at
            a time. The namespaces that the module is given are then sent, each as the parameter C(namespace).
        type: str
      token:
        description:
          - Bearer token. Nothing else is taken in its place, in particular not the one of the API server.
        type: str
      ca_cert:
        description:
          - File with the CA of its certificate in PEM form. Without it the system's CAs are trusted.
        type: path
      query_parameters:
        description:
          - More parameters of each query, as a proxy before Prometheus may want them.
        type: dict
"""
