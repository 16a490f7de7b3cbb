# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says, read before the kubernetes package reads it.

This module is private to the collection and may change without notice.

The package loads certificates, tokens and exec plugins. It is not asked to judge the file, for three reasons: the texts
of its errors can hold the whole user entry with the token; its oldest supported release overlooks proxy-url and
tls-server-name; and every release overlooks `as`, so that it would act with more rights than the file gives.
As in kubectl the first file that names a thing wins, also for current-context.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.plain import is_as_small
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean, secrets_in

__all__ = ["Chosen", "choose", "find_files", "read_files"]

_WAY_OUT = "Check it with: kubectl config view --minify"


@dataclass(frozen=True)
class Chosen:
    """The context that will be used and what we need of it beside what the kubernetes package takes."""

    context: str
    user: str
    server: str
    skips_verification: bool = False
    proxy_url: str | None = field(default=None, repr=False)
    tls_server_name: str | None = None
    exec_command: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def find_files(kubeconfig: str, *, named_by: str) -> tuple[str, ...]:
    """The files of a path, or of several paths joined by the system's separator, that exist.

    As in kubectl, of several some may be missing. Raises ConfigError where none is there or one cannot be read.
    """
    paths = [os.path.expanduser(path) for path in kubeconfig.split(os.pathsep) if path]
    there = tuple(path for path in paths if os.path.exists(path))
    if not there:
        raise ConfigError(
            f"The kubeconfig {clean(kubeconfig)} ({named_by}) does not exist.",
            remedy="Give an existing path as kubeconfig or K8S_AUTH_KUBECONFIG, or host and api_key instead.",
        )
    for path in there:
        if not os.path.isfile(path):
            raise ConfigError(f"The kubeconfig {clean(path)} ({named_by}) is not a file.", remedy="Give a file.")
    return there


def read_files(paths: Iterable[str]) -> dict[str, Any]:
    """One merged kubeconfig from several files. Raises ConfigError naming the file, never what stands in it."""
    merged: dict[str, Any] = {"clusters": [], "contexts": [], "users": [], "current-context": ""}
    for path in paths:
        content = _read_file(path)
        merged["current-context"] = merged["current-context"] or content.get("current-context") or ""
        for part in ("clusters", "contexts", "users"):
            entries = content.get(part) or []
            if not isinstance(entries, list):
                raise ConfigError(f"The kubeconfig {clean(path)}: {part} is not a list.", remedy=_WAY_OUT)
            merged[part] += entries
    return merged


def _read_file(path: str) -> Mapping[str, Any]:
    # Comes with the kubernetes package, and may be missing with it.
    import yaml

    place = f"The kubeconfig {clean(path)}"
    problem = ""
    content: Any = None
    is_small = True
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        content = yaml.safe_load(text)
        # The package writes all of it out, for a log that nobody asked for.
        is_small = is_as_small(content, limit=len(text))
    except OSError as exc:
        problem = f"cannot be read: {exc.strerror}"
    except UnicodeDecodeError:
        problem = "is not text"
    except Exception as exc:  # noqa: BLE001 - what a tag is given wrongly makes PyYAML raise anything
        mark = getattr(exc, "problem_mark", None)
        problem = "is not valid YAML" + (f" (line {mark.line + 1}, column {mark.column + 1})" if mark else "")
    if not problem and not is_small:
        problem = "is nested too deeply, or repeats itself by reference"
    elif not problem and content is None:
        problem = "is empty"
    elif not problem and not isinstance(content, Mapping):
        problem = "is not a kubeconfig: its content is no mapping"
    if problem:
        raise ConfigError(f"{place} {problem}.", remedy=_WAY_OUT)
    return content if isinstance(content, Mapping) else {}


def choose(config: Mapping[str, Any], *, context: str | None, place: str) -> Chosen:
    """The context named `context`, or the current one, with its cluster and user. `place` names the file in errors."""
    name = context or _text(config.get("current-context"))
    if not name:
        raise ConfigError(
            f"{place} names no current-context.", remedy=f"Give the option context, one of: {_names(config)}."
        )
    entry = _entry(config, part="contexts", name=name, place=place)
    cluster_name, user_name = (_text(entry.get(part)) or "" for part in ("cluster", "user"))
    cluster = _entry(config, part="clusters", name=cluster_name, place=place, context=name)
    server = cluster.get("server")
    if not isinstance(server, str) or not server.startswith(("http://", "https://")):
        raise ConfigError(
            f"{place}: the cluster {clean(cluster_name)} has no server that begins with https://.",
            remedy=_WAY_OUT,
        )
    user = _entry(config, part="users", name=user_name, place=place, context=name) if entry.get("user") else {}
    plugin = user.get("exec")
    return Chosen(
        context=name,
        user=user_name,
        server=server,
        skips_verification=cluster.get("insecure-skip-tls-verify") is True,
        proxy_url=_text(cluster.get("proxy-url")),
        tls_server_name=_text(cluster.get("tls-server-name")),
        exec_command=clean(_text(plugin.get("command")) or "exec") if isinstance(plugin, Mapping) else None,
        headers=tuple(_impersonation(user)),
        secrets=frozenset(secrets_in(user)),
    )


def _entry(
    config: Mapping[str, Any], *, part: str, name: str, place: str, context: str | None = None
) -> Mapping[str, Any]:
    """The content of the first entry called `name`; its key is the part's name in the singular."""
    key = part[:-1]
    listed = config.get(part)
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping) and entry.get("name") == name:
            content = entry.get(key)
            if isinstance(content, Mapping) or (content is None and key == "user"):
                return content or {}
            raise ConfigError(f"{place}: the {key} {clean(name)} is empty.", remedy=_WAY_OUT)
    if key == "context":
        raise ConfigError(f"{place} has no context {clean(name)}.", remedy=f"It has: {_names(config)}.")
    raise ConfigError(
        f"{place}: the context {clean(context or '')} needs the {key} {clean(name) or 'of no name'}, which is missing.",
        remedy=_WAY_OUT,
    )


def _names(config: Mapping[str, Any]) -> str:
    listed = config.get("contexts")
    found = [entry.get("name") for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    return clean(", ".join(name for name in found if isinstance(name, str))) or "no contexts at all"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _impersonation(user: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """As whom to act. Raises ConfigError for what is not as it should be: to act as somebody else than the file means
    is worse than not at all."""
    for key, header in (("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")):
        yield from ((header, value) for value in _sendable([user.get(key)] if user.get(key) else [], of=key))
    yield from (("Impersonate-Group", group) for group in _sendable(user.get("as-groups") or [], of="as-groups"))
    extra = user.get("as-user-extra") or {}
    if not isinstance(extra, Mapping):
        raise _no_user("as-user-extra")
    for key, values in extra.items():
        (name,) = _sendable([key], of="as-user-extra")
        for value in _sendable(values or [], of="as-user-extra"):
            yield f"Impersonate-Extra-{name}", value


def _sendable(values: Any, *, of: str) -> Sequence[str]:
    if isinstance(values, (list, tuple)) and all(isinstance(one, str) and one.isprintable() for one in values):
        return values
    raise _no_user(of)


def _no_user(key: str) -> ConfigError:
    return ConfigError(f"The kubeconfig: {key} of the user is none that can be sent.", remedy=_WAY_OUT)
