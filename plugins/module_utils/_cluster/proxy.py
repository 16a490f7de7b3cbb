# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy, if any, a request to the API server goes through.

This module is private to the collection and may change without notice.

Decided here and not by the kubernetes package, because its releases differ: the oldest overlooks proxy-url and
HTTPS_PROXY, later ones apply NO_PROXY to proxies that were named on purpose.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import ConnectionSettings

__all__ = ["bypasses", "is_loopback", "proxy_for"]


def proxy_for(settings: ConnectionSettings, *, server: str, proxy_url: str | None) -> str | None:
    """The proxy's URL, or None for a direct connection. `proxy_url` is what the kubeconfig's cluster says.

    The option wins over the kubeconfig, that over HTTPS_PROXY, HTTP_PROXY and ALL_PROXY. The option no_proxy counts for
    all of them; NO_PROXY for those of the environment only, which are never used for this machine itself.
    """
    if settings.no_proxy and bypasses(server, no_proxy=settings.no_proxy):
        return None
    if settings.proxy or proxy_url:
        return settings.proxy or proxy_url
    if is_loopback(server) or bypasses(server, no_proxy=settings.no_proxy_from_environment or ""):
        return None
    proxies = settings.environment_proxies
    return proxies.get(urlsplit(server).scheme) or proxies.get("all")


def bypasses(server: str, *, no_proxy: str) -> bool:
    """Whether the list `no_proxy` (names, domains, addresses, networks, each with an optional port, or *) names it."""
    parts = urlsplit(server)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return any(_matches(entry.strip().lower(), host=host, port=port) for entry in no_proxy.split(",") if entry.strip())


def _matches(entry: str, *, host: str, port: int) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            pass
    name, colon, wanted_port = entry.rpartition(":")
    if colon and wanted_port.isdigit():
        if int(wanted_port) != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*").lstrip(".")
    return bool(entry) and (host == entry or (address is None and host.endswith("." + entry)))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_loopback(server: str) -> bool:
    """Whether the address is this machine itself: localhost, 127.0.0.0/8 or ::1."""
    host = (urlsplit(server).hostname or "").lower()
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)
