# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules reach a cluster: the options of AUTH_SPEC in C(module_utils/_cluster/options.py), equal by a test."""

from __future__ import annotations

__all__ = ["ModuleDocFragment"]


class ModuleDocFragment:
    """The connection options that every module shares."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Address of the API server with its scheme, for example V(https://api.example.com:6443).
      - Can also be given by the environment variable E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - Bearer token.
      - Can also be given by the environment variable E(K8S_AUTH_API_KEY).
    type: str
  kubeconfig:
    description:
      - Path of a kubeconfig, several paths separated as in E(KUBECONFIG), or its content as a dictionary.
      - Can also be given by the environment variables E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG). Without any of them
        C(~/.kube/config) is used where it exists, else, in a pod of a cluster, the pod's service account.
      - Not read where O(host) is given together with O(api_key), O(password) or O(client_cert). Other options given
        beside it replace what it says.
    type: raw
  context:
    description:
      - Name of the context to use in the kubeconfig. Without it the kubeconfig's current context is used.
      - Can also be given by the environment variable E(K8S_AUTH_CONTEXT).
    type: str
  username:
    description:
      - User name for basic authentication, for API servers behind a proxy that asks for it. Needs O(password).
      - Can also be given by the environment variable E(K8S_AUTH_USERNAME).
    type: str
  password:
    description:
      - Password for basic authentication. Needs O(username).
      - Can also be given by the environment variable E(K8S_AUTH_PASSWORD).
    type: str
  validate_certs:
    description:
      - Whether to check the API server's certificate. Without the option it is checked, unless the kubeconfig says
        otherwise. Where it is not checked, the module warns.
      - Can also be given by the environment variables E(K8S_AUTH_VALIDATE_CERTS) and E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description:
      - Path of the certificate authority that signed the API server's certificate.
      - Can also be given by the environment variables E(K8S_AUTH_CA_CERT) and E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - Path of a client certificate; the file may hold its key too.
      - Can also be given by the environment variables E(K8S_AUTH_CLIENT_CERT) and E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the key of O(client_cert).
      - Can also be given by the environment variables E(K8S_AUTH_CLIENT_KEY) and E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  proxy:
    description:
      - URL of a proxy, for example V(http://proxy.example.com:3128). Wins over the kubeconfig's C(proxy-url), and that
        over E(HTTPS_PROXY), E(HTTP_PROXY) and E(ALL_PROXY).
      - Can also be given by the environment variable E(K8S_AUTH_PROXY).
    type: str
  no_proxy:
    description:
      - Names, domains, addresses and networks, separated by commas, that are reached without any proxy. The environment
        variable E(NO_PROXY) counts only for proxies that come from the environment.
      - Can also be given by the environment variable E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description:
      - Headers for the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User name and password for the proxy, joined by a colon.
          - Can also be given by the environment variable E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
      basic_auth:
        description:
          - User name and password for an C(Authorization) header, joined by a colon.
          - Can also be given by the environment variable E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH).
        type: str
      user_agent:
        description:
          - C(User-Agent) towards the proxy.
          - Can also be given by the environment variable E(K8S_AUTH_PROXY_HEADERS_USER_AGENT).
        type: str
  persist_config:
    description:
      - Whether a token that was renewed while loading the kubeconfig is written back to its file.
      - Can also be given by the environment variable E(K8S_AUTH_PERSIST_CONFIG).
    type: bool
  impersonate_user:
    description:
      - User to act as. Wins over C(as) in the kubeconfig.
      - Can also be given by the environment variable E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - Groups to act as. Needs O(impersonate_user).
      - Can also be given by the environment variable E(K8S_AUTH_IMPERSONATE_GROUPS), separated by commas.
    type: list
    elements: str
  request_timeout:
    description:
      - Seconds within which each request has to be answered completely, repetitions after a server's fault included.
        More than 0, at most 3600.
    type: float
    default: 30
requirements:
  - python >= 3.10
  - kubernetes >= 24.2.0
notes:
  - Reads are repeated, within O(request_timeout), when the API server answers 429, 500, 502, 503 or 504, or when the
    connection is cut.
  - Redirects are not followed, as the credentials would go along.
"""
