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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError
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
    try:
        with open(path, encoding="utf-8") as stream:
            content = yaml.safe_load(stream)
    except OSError as exc:
        problem = f"cannot be read: {exc.strerror}"
    except UnicodeDecodeError:
        problem = "is not text"
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        mark = getattr(exc, "problem_mark", None)
        problem = "is not valid YAML" + (f" (line {mark.line + 1}, column {mark.column + 1})" if mark else "")
    if not problem and content is None:
        problem = "is empty"
    elif not problem and not isinstance(content, Mapping):
        problem = "is not a kubeconfig: its content is no mapping"
    if problem:
        raise ConfigError(f"{place} {problem}.", remedy=_WAY_OUT)
    return content if isinstance(content, Mapping) else {}


def choose(config: Mapping[str, Any], *, context: str | None, place: str) -> Chosen:
    """The context named `context`, or the current one, with its cluster and user. `place` names the file in errors."""
    name = context or config.get("current-context") or ""
    if not name:
        raise ConfigError(
            f"{place} names no current-context.", remedy=f"Give the option context, one of: {_names(config)}."
        )
    entry = _entry(config, part="contexts", name=name, place=place)
    cluster = _entry(config, part="clusters", name=str(entry.get("cluster") or ""), place=place, context=name)
    server = cluster.get("server")
    if not isinstance(server, str) or not server.startswith(("http://", "https://")):
        raise ConfigError(
            f"{place}: the cluster {clean(str(entry.get('cluster')))} has no server that begins with https://.",
            remedy=_WAY_OUT,
        )
    user_name = str(entry.get("user") or "")
    user = _entry(config, part="users", name=user_name, place=place, context=name) if user_name else {}
    plugin = user.get("exec")
    return Chosen(
        context=str(name),
        user=user_name,
        server=server,
        skips_verification=cluster.get("insecure-skip-tls-verify") is True,
        proxy_url=_text(cluster.get("proxy-url")),
        tls_server_name=_text(cluster.get("tls-server-name")),
        exec_command=clean(str(plugin.get("command") or "exec")) if isinstance(plugin, Mapping) else None,
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
        f"{place}: the context {clean(str(context))} needs the {key} {clean(name)}, which is missing.", remedy=_WAY_OUT
    )


def _names(config: Mapping[str, Any]) -> str:
    listed = config.get("contexts")
    names = (
        [str(entry.get("name")) for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    )
    return clean(", ".join(names)) or "no contexts at all"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _impersonation(user: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if _text(user.get("as")):
        yield "Impersonate-User", user["as"]
    if _text(user.get("as-uid")):
        yield "Impersonate-Uid", user["as-uid"]
    for group in user.get("as-groups") or ():
        yield "Impersonate-Group", str(group)
    extra = user.get("as-user-extra")
    for key, values in (extra if isinstance(extra, Mapping) else {}).items():
        for value in values or ():
            yield f"Impersonate-Extra-{key}", str(value)
