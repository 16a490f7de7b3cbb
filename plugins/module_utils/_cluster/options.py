# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options to settings, without talking to anybody.

This module is private to the collection and may change without notice.

The options have kubernetes.core's names, aliases and environment variables. What is asked first wins: the option, then
its K8S_AUTH_* variable. Where the credentials come from is decided in `settings_from` alone:

* host with api_key, with username and password, or with client_cert: just these, no file is read;
* else the kubeconfig that is named by the option or by K8S_AUTH_KUBECONFIG, or by KUBECONFIG;
* else ~/.kube/config where it exists, else the pod's service account (decided when connecting, as it takes a look).

Single options given beside a kubeconfig replace what it says.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import secrets_in

__all__ = ["AUTH_SPEC", "DIRECT", "KUBECONFIG", "SEARCH", "ConnectionSettings", "secret_values", "settings_from"]

AUTH_SPEC: Final[dict[str, dict[str, Any]]] = {
    "host": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    # A path or a dictionary: hiding all of a dictionary would hide words like "default" in every result, so its
    # secrets alone are hidden (secret_values).
    "kubeconfig": {"type": "raw"},
    "context": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
    "client_cert": {"type": "path", "aliases": ["cert_file"]},
    "client_key": {"type": "path", "aliases": ["key_file"], "no_log": False},
    "proxy": {"type": "str"},
    "no_proxy": {"type": "str"},
    "proxy_headers": {
        "type": "dict",
        "options": {
            "proxy_basic_auth": {"type": "str", "no_log": True},
            "basic_auth": {"type": "str", "no_log": True},
            "user_agent": {"type": "str"},
        },
    },
    "persist_config": {"type": "bool"},
    "impersonate_user": {"type": "str"},
    "impersonate_groups": {"type": "list", "elements": "str"},
    "request_timeout": {"type": "float", "default": 30},
}

DIRECT: Final = "direct"
KUBECONFIG: Final = "kubeconfig"
SEARCH: Final = "search"

_PREFIX = "K8S_AUTH_"
_TRUE = frozenset(("1", "true", "yes", "on", "y", "t"))
_FALSE = frozenset(("0", "false", "no", "off", "n", "f"))
# Control characters, and halves of characters: what of the environment is no UTF-8 is read as such.
_UNSENDABLE = frozenset({"Cc", "Cs"})
_LONGEST_TIMEOUT_SECONDS = 3600


@dataclass(frozen=True)
class ConnectionSettings:
    """How to connect. Secrets are left out of the repr. None means not given.

    `source` is DIRECT (host and credentials are here), KUBECONFIG (read `kubeconfig`) or SEARCH (look for the default
    kubeconfig at `kubeconfig`, then for the pod's service account). `no_proxy_from_environment` counts for
    `environment_proxies` only, by URL scheme, as in kubectl; `no_proxy` counts for every proxy.
    """

    source: str
    kubeconfig: str | Mapping[str, Any] = field(default="", repr=False)
    kubeconfig_from: str = ""
    context: str | None = None
    host: str | None = None
    api_key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    validate_certs: bool | None = None
    proxy: str | None = field(default=None, repr=False)
    no_proxy: str | None = None
    environment_proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    no_proxy_from_environment: str | None = None
    proxy_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    persist_config: bool = False
    impersonate_user: str | None = None
    impersonate_groups: tuple[str, ...] = ()
    request_timeout: float = 30.0
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True)
class _Given:
    """A value with the name under which it was given, for messages."""

    name: str
    value: Any


def _one_line(given: _Given, value: Any) -> str:
    """`value`, or a part of it, as a text that can be sent and named. Raises ConfigError for what is none."""
    text = str(value).strip()
    if any(unicodedata.category(char) in _UNSENDABLE for char in text):
        raise ConfigError(
            f"{given.name} holds a line break or another control character.", remedy="Give it on one line."
        )
    return text


class _Inputs:
    """Looks up an option, then its environment variables; empty text counts as not given."""

    def __init__(self, params: Mapping[str, Any], *, environ: Mapping[str, str]) -> None:
        self._params = params
        self._environ = environ

    def find(self, option: str) -> _Given | None:
        value = self._params.get(option)
        if value not in (None, "", [], {}):
            return _Given(option, value)
        for name in (option, *AUTH_SPEC[option].get("aliases", ())):
            variable = _PREFIX + name.upper()
            if self._environ.get(variable):
                return _Given(variable, self._environ[variable])
        return None

    def text(self, option: str) -> str | None:
        given = self.find(option)
        if given is None:
            return None
        return _one_line(given, given.value) or None

    def flag(self, option: str) -> bool | None:
        given = self.find(option)
        if given is None or isinstance(given.value, bool):
            return None if given is None else given.value
        word = str(given.value).strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise ConfigError(f"{given.name} is {word!r}, which is neither true nor false.", remedy="Write true or false.")

    def words(self, option: str) -> tuple[str, ...]:
        given = self.find(option)
        if given is None:
            return ()
        parts = given.value.split(",") if isinstance(given.value, str) else given.value
        return tuple(word for part in parts if (word := _one_line(given, part)))

    def proxy_headers(self) -> dict[str, str]:
        """Each header from the option's own key, else from its variable."""
        given = self._params.get("proxy_headers") or {}
        found = {}
        for name in AUTH_SPEC["proxy_headers"]["options"]:
            value = given.get(name) or self._environ.get(f"{_PREFIX}PROXY_HEADERS_{name.upper()}")
            if value:
                found[name] = str(value)
        return found


def settings_from(params: Mapping[str, Any], *, environ: Mapping[str, str]) -> ConnectionSettings:
    """The settings that the module's `params` and the environment give; reads no file and asks no server.

    Raises ConfigError naming the option or variable, its value where it is no secret, and the way out.
    """
    inputs = _Inputs(params, environ=environ)
    host = _host(inputs)
    texts = {name: inputs.text(name) for name in ("api_key", "username", "password", "client_cert", "client_key")}
    _check_pairs(inputs, texts=texts)
    source, kubeconfig, kubeconfig_from = _source(inputs, environ=environ, host=host, texts=texts)
    return ConnectionSettings(
        source=source,
        kubeconfig=kubeconfig,
        kubeconfig_from=kubeconfig_from,
        context=inputs.text("context"),
        host=host,
        **texts,
        ca_cert=inputs.text("ca_cert"),
        validate_certs=inputs.flag("validate_certs"),
        proxy=inputs.text("proxy"),
        no_proxy=inputs.text("no_proxy"),
        environment_proxies=_environment_proxies(environ),
        no_proxy_from_environment=environ.get("no_proxy") or environ.get("NO_PROXY") or None,
        proxy_headers=inputs.proxy_headers(),
        persist_config=bool(inputs.flag("persist_config")),
        impersonate_user=inputs.text("impersonate_user"),
        impersonate_groups=inputs.words("impersonate_groups"),
        request_timeout=_timeout(params.get("request_timeout")),
        secrets=frozenset(secret_values(params, environ=environ)),
    )


def _host(inputs: _Inputs) -> str | None:
    host = inputs.text("host")
    if host is None:
        return None
    given = inputs.find("host")
    name = given.name if given else "host"
    try:
        parts = urlsplit(host)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ConfigError(f"{name} is not an address.", remedy="Write https://NAME:6443.") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{name} holds a user name or password.", remedy="Give them as username and password.")
    if not known:
        raise ConfigError(
            f"{name} is {host!r}, which has no scheme http or https, or no name.",
            remedy=f"Write https://{host.partition('://')[2] or host} for instance.",
        )
    if parts.query or parts.fragment:
        raise ConfigError(f"{name} is {host!r}: an address has no part after ? or #.", remedy="Leave it out.")
    return host.rstrip("/")


def _check_pairs(inputs: _Inputs, *, texts: Mapping[str, str | None]) -> None:
    if bool(texts["username"]) != bool(texts["password"]):
        there, missing = ("username", "password") if texts["username"] else ("password", "username")
        raise ConfigError(f"{there} is given without {missing}.", remedy=f"Give {missing} too, or use api_key.")
    if texts["client_key"] and not texts["client_cert"]:
        raise ConfigError("client_key is given without client_cert.", remedy="Give the certificate of that key too.")
    if inputs.words("impersonate_groups") and not inputs.text("impersonate_user"):
        raise ConfigError(
            "impersonate_groups is given without impersonate_user.",
            remedy="The API server takes groups only together with a user: give impersonate_user too.",
        )


def _source(
    inputs: _Inputs, *, environ: Mapping[str, str], host: str | None, texts: Mapping[str, str | None]
) -> tuple[str, str | Mapping[str, Any], str]:
    """Where the credentials come from, the kubeconfig (path, paths or content), and who named it."""
    if host and (texts["api_key"] or texts["password"] or texts["client_cert"]):
        return DIRECT, "", ""
    given = inputs.find("kubeconfig")
    if given is not None:
        return KUBECONFIG, _kubeconfig_value(given), given.name
    if environ.get("KUBECONFIG"):
        return KUBECONFIG, environ["KUBECONFIG"], "KUBECONFIG"
    return SEARCH, "~/.kube/config", "the default path"


def _kubeconfig_value(given: _Given) -> str | Mapping[str, Any]:
    if isinstance(given.value, Mapping):
        return given.value
    if not isinstance(given.value, str):
        raise ConfigError(f"{given.name} is a {type(given.value).__name__}.", remedy="Give a path or a dictionary.")
    text = given.value.strip()
    # The content itself must not appear in the message.
    if "\n" in text or text.startswith(("{", "apiVersion:", "---")):
        raise ConfigError(
            f"{given.name} holds the content of a kubeconfig where a path or a dictionary belongs.",
            remedy="Give the path, or the content through the filter from_yaml.",
        )
    return text


def _environment_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for scheme in ("http", "https", "all"):
        # As in curl and Go the small letters win.
        value = environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY")
        if value:
            found[scheme] = value
    return found


def _timeout(value: Any) -> float:
    if value in (None, ""):
        value = AUTH_SPEC["request_timeout"]["default"]
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if isinstance(value, bool) or not 0 < seconds <= _LONGEST_TIMEOUT_SECONDS:
        raise ConfigError(
            f"request_timeout is {value!r}: it must be more than 0 and at most {_LONGEST_TIMEOUT_SECONDS} seconds.",
            remedy="Write 30 for half a minute.",
        )
    return seconds


def secret_values(params: Mapping[str, Any], *, environ: Mapping[str, str]) -> set[str]:
    """Every secret text in the options and their variables, for a module's list of values that are never shown.

    A kubeconfig given as a dictionary gives its tokens, passwords and keys; one given as a path gives nothing here.
    """
    found = {str(value) for name in ("api_key", "password") if (value := params.get(name))}
    headers = params.get("proxy_headers") or {}
    found |= {str(headers[name]) for name in ("proxy_basic_auth", "basic_auth") if headers.get(name)}
    found |= set(secrets_in(params.get("kubeconfig")))
    variables = ("API_KEY", "PASSWORD", "PROXY_HEADERS_PROXY_BASIC_AUTH", "PROXY_HEADERS_BASIC_AUTH")
    found |= {environ[_PREFIX + name] for name in variables if environ.get(_PREFIX + name)}
    for proxy in (params.get("proxy"), environ.get(_PREFIX + "PROXY"), *_environment_proxies(environ).values()):
        found |= _password_in(proxy)
    return {secret.strip() for secret in found if secret.strip()}


def _password_in(proxy: Any) -> set[str]:
    try:
        password = urlsplit(str(proxy or "")).password
    except ValueError:
        return set()
    return {password} if password else set()
