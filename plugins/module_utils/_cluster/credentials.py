# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings to credentials, TLS files and addresses, through the kubernetes package's configuration.

This module is private to the collection and may change without notice.

Of the package only what all supported releases (24.2 to 37) share is used here: `Configuration`, `load_kube_config`,
`load_kube_config_from_dict`, `load_incluster_config` and `auth_settings`. It is imported when it is needed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.kubeconfig import (
    Chosen,
    choose,
    find_files,
    read_files,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import (
    DIRECT,
    SEARCH,
    ConnectionSettings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import (
    clean,
    redact,
)

__all__ = ["Credentials", "import_kubernetes", "load_credentials"]

_TOKEN_CHARACTERS = frozenset(map(chr, range(32, 127)))


@dataclass
class Credentials:
    """A loaded configuration. `chosen` is the kubeconfig's context, None where no kubeconfig was used.

    `server` (without a slash at the end), `is_verified` and `files` (certificate and key) are noted apart: in newer
    releases reading the token writes the kubeconfig's values over those that options have replaced.
    """

    settings: ConnectionSettings
    configuration: Any
    server: str
    is_verified: bool
    files: tuple[str | None, ...]
    chosen: Chosen | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def authorization(self) -> str | None:
        """The Authorization header as it is now (a token near its end is renewed by the package); None without one."""
        settings = self.settings
        if settings.api_key:
            return f"Bearer {settings.api_key}"
        if settings.username and settings.password:
            pair = f"{settings.username}:{settings.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        header = _guarded_load(lambda: self.configuration.auth_settings().get("BearerToken"), place="The credentials")
        value = str((header or {}).get("value") or "").strip()
        if not set(value) <= _TOKEN_CHARACTERS:
            raise ConfigError(
                "The token of the kubeconfig or its token file holds a line break or another character that no header "
                "can carry.",
                remedy="Renew the token.",
            )
        return value or None

    def impersonation(self) -> tuple[tuple[str, str], ...]:
        """Impersonation headers: the options' where a user is given there, else the kubeconfig's `as`."""
        settings = self.settings
        if settings.impersonate_user:
            groups = (("Impersonate-Group", group) for group in settings.impersonate_groups)
            found = (("Impersonate-User", settings.impersonate_user), *groups)
        else:
            found = self.chosen.headers if self.chosen else ()
        return tuple((_header_name(name), value.encode().decode("latin-1")) for name, value in found)

    def fingerprint(self) -> str:
        """A digest that changes when token, certificate or key do, also under the same file name."""
        digest = hashlib.sha256((self.authorization() or "").encode())
        for path in self.files:
            try:
                with open(path or os.devnull, "rb") as stream:
                    digest.update(hashlib.sha256(stream.read()).digest())
            except OSError:
                digest.update(b"unreadable")
        return digest.hexdigest()


def _header_name(name: str) -> str:
    prefix = "Impersonate-Extra-"
    if not name.startswith(prefix):
        return name
    # As client-go: the key in small letters, what no header name may hold in percents.
    return prefix + quote(name.removeprefix(prefix).lower(), safe="!#$&'*+-.^_`|~")


def import_kubernetes() -> Any:
    """The kubernetes package with client.rest. Raises ConfigError where it is not installed."""
    try:
        importlib.import_module("kubernetes.client.rest")
        return importlib.import_module("kubernetes")
    except ImportError as exc:
        missing = exc.name or "kubernetes"
    raise ConfigError(
        f"The Python package {missing.partition('.')[0]} is missing where this module runs.",
        remedy="Install kubernetes 24.2 or later for that Python (ansible_python_interpreter says which one it is).",
    )


def load_credentials(settings: ConnectionSettings, *, seconds: float) -> Credentials:
    """Load what `settings` ask for. An exec plugin is waited for at most `seconds`. Raises ConfigError."""
    kube = import_kubernetes()
    configuration = kube.client.Configuration()
    chosen = None
    kubeconfig = settings.kubeconfig
    if not isinstance(kubeconfig, str):
        chosen = _load_content(
            kube, settings=settings, configuration=configuration, content=kubeconfig, seconds=seconds
        )
    elif paths := _kubeconfig_files(kubeconfig, settings=settings):
        chosen = _load_files(kube, settings=settings, configuration=configuration, paths=paths, seconds=seconds)
    elif settings.source == SEARCH and not _is_direct(settings):
        place = "The service account of this pod"
        _guarded_load(lambda: kube.config.load_incluster_config(client_configuration=configuration), place=place)
    _override(settings, configuration=configuration)
    return Credentials(
        settings=settings,
        configuration=configuration,
        server=str(configuration.host).rstrip("/"),
        is_verified=bool(configuration.verify_ssl),
        files=(configuration.cert_file, configuration.key_file),
        chosen=chosen,
        secrets=settings.secrets | (chosen.secrets if chosen else frozenset()),
    )


def _kubeconfig_files(kubeconfig: str, *, settings: ConnectionSettings) -> tuple[str, ...]:
    """The kubeconfig files to read; none where the settings or the pod's service account are enough."""
    if settings.source == DIRECT:
        return ()
    if settings.source == SEARCH and not os.path.exists(os.path.expanduser(kubeconfig)) and not settings.context:
        return ()
    return find_files(kubeconfig, named_by=settings.kubeconfig_from)


def _is_direct(settings: ConnectionSettings) -> bool:
    """Whether, with no kubeconfig at all, host alone is used; raises ConfigError where nothing names a cluster."""
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return False
    if settings.host:
        return True
    raise ConfigError(
        "No cluster is given: neither host with credentials nor a kubeconfig, and this is no pod of a cluster.",
        remedy="Give kubeconfig (K8S_AUTH_KUBECONFIG, KUBECONFIG, ~/.kube/config), or host and api_key "
        "(K8S_AUTH_HOST, K8S_AUTH_API_KEY).",
    )


def _load_files(
    kube: Any, *, settings: ConnectionSettings, configuration: Any, paths: tuple[str, ...], seconds: float
) -> Chosen:
    place = f"The kubeconfig {clean(os.pathsep.join(paths))}"
    chosen = choose(read_files(paths), context=settings.context, place=place)
    _load(
        lambda: kube.config.load_kube_config(
            config_file=os.pathsep.join(paths),
            context=chosen.context,
            client_configuration=configuration,
            persist_config=settings.persist_config,
        ),
        chosen=chosen,
        configuration=configuration,
        place=place,
        seconds=seconds,
    )
    return chosen


def _load_content(
    kube: Any, *, settings: ConnectionSettings, configuration: Any, content: Mapping[str, Any], seconds: float
) -> Chosen:
    place = f"The kubeconfig in {settings.kubeconfig_from}"
    chosen = choose(content, context=settings.context, place=place)
    _load(
        lambda: kube.config.load_kube_config_from_dict(
            config_dict=dict(content),
            context=chosen.context,
            client_configuration=configuration,
            persist_config=False,
        ),
        chosen=chosen,
        configuration=configuration,
        place=place,
        seconds=seconds,
    )
    return chosen


def _load(load: Callable[[], Any], *, chosen: Chosen, configuration: Any, place: str, seconds: float) -> None:
    """Call the package's loader; where an exec plugin gives the credentials, see that it did, in time."""
    plugin = chosen.exec_command
    if plugin is None:
        _guarded_load(load, place=place)
        return
    with _captured_log() as said:
        done = _within(seconds, call=lambda: _guarded_load(load, place=place))
    if not done:
        raise ConfigError(
            f"{place}: the program {plugin} of user {clean(chosen.user)} gave no credentials within {seconds:g} s; it "
            "may still be running.",
            remedy="Run it by hand: it may wait for an answer from a person. Or raise request_timeout.",
        )
    # The package logs a failed plugin and goes on without credentials, which would end as a puzzling 401 or 403.
    if not (configuration.api_key or configuration.cert_file):
        why = clean(redact(" ".join(said), secrets=chosen.secrets), longest=200)
        user = clean(chosen.user)
        raise ConfigError(
            f"{place}: the program {plugin} of user {user} gave no credentials ({why or 'no reason given'}).",
            remedy="Run it by hand to see why.",
        )


def _within(seconds: float, *, call: Callable[[], Any]) -> bool:
    """Run `call` in a thread of its own; False where it is not done after `seconds`. Its exception is raised here."""
    failures: list[ConfigError] = []

    def run() -> None:
        try:
            call()
        except ConfigError as exc:
            failures.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    return not thread.is_alive()


@contextmanager
def _captured_log() -> Iterator[list[str]]:
    """What is logged meanwhile. Having a handler also keeps the logging module from writing to stderr on its own."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield said
    finally:
        root.removeHandler(handler)


def _guarded_load(load: Callable[[], Any], *, place: str) -> Any:
    """The result of `load`; what it raises becomes a ConfigError without the exception's own text."""
    try:
        return load()
    except Exception as exc:  # noqa: BLE001 - plugins and providers raise anything, and its text may hold a secret
        why = _why_not_loaded(exc)
    raise ConfigError(f"{place} cannot be used: {why}.", remedy="Check it with: kubectl config view --minify")


def _why_not_loaded(exc: Exception) -> str:
    text = str(exc)
    # The two texts of the package that hold nothing but a path or fixed words.
    if text.startswith(("File does not exist: ", "Service ")) and type(exc).__name__ == "ConfigException":
        return clean(text.rstrip("."), longest=200)
    if isinstance(exc, OSError) and exc.strerror:
        return f"{clean(str(exc.filename or 'a file'))}: {exc.strerror.lower()}"
    if isinstance(exc, binascii.Error):
        return "certificate or key data is not base64"
    if isinstance(exc, ImportError):
        return f"its kind of user needs the Python package {clean(str(exc.name))}"
    return f"the kubernetes package reports {type(exc).__name__}"


def _override(settings: ConnectionSettings, *, configuration: Any) -> None:
    """Single options replace what the kubeconfig says."""
    if settings.host:
        configuration.host = settings.host
    for option, attribute in (("ca_cert", "ssl_ca_cert"), ("client_cert", "cert_file"), ("client_key", "key_file")):
        value = getattr(settings, option)
        if value:
            setattr(configuration, attribute, _existing_file(option, path=value))
    if settings.client_cert and not settings.client_key:
        # The certificate's file then holds the key too; the kubeconfig's key belongs to another certificate.
        configuration.key_file = None
    if settings.validate_certs is not None:
        configuration.verify_ssl = settings.validate_certs


def _existing_file(option: str, *, path: str) -> str:
    found = os.path.expanduser(path)
    if not os.path.isfile(found):
        raise ConfigError(f"{option} is {clean(path)!r}, which is not an existing file.", remedy="Check the path.")
    if not os.access(found, os.R_OK):
        raise ConfigError(f"{option} is {clean(path)!r}, which this user may not read.", remedy="Check its owner.")
    return found
