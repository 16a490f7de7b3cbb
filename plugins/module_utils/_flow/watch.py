# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source migrations: a watch on migrations, and a look at those under way.

This module is private to the collection and may change without notice.

A watch alone does not do: a deadline passes, and a cause comes to hold, without a change of the migration. A look alone
does not do either: a migration may begin and end between two. So the watch keeps the roll, and while anything is on it
the same look as that of migration_info is taken. A watch is a request that lasts some seconds and whose answer is taken
whole or not at all; what was cut off is asked for again from the same resourceVersion.

Of the texts in the cluster only names come out: Ansible takes what a rulebook hands to a playbook for templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    Forbidden,
    Gone,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.reading import migrations_path
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.migration import KNOWN_PHASES
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.names import (
    is_name,
    is_namespace,
    lane_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.roll import Ended, Known, Roll
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_info import run

__all__ = ["OPTIONS", "Watch", "watch_options"]

# What the source takes besides the options of the connection, with the defaults.
OPTIONS: Mapping[str, Any] = {
    "namespaces": [],
    "interval": 10,
    "late_after": 300,
    "progress": "none",
    "prometheus": {},
    "lanes": 4,
}
_LONGEST_INTERVAL = 60
# Watches of several namespaces take turns, none for less.
_SHORTEST_WATCH = 1
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
# Of one that ends before its time: its deadline alone.
_OVERDUE = "overdue"

Event = dict[str, Any]
Say = Callable[[str], None]


def watch_options(args: Mapping[str, Any], /, *, connection: frozenset[str]) -> dict[str, Any]:
    """The options with their defaults. Raises WrongInput for one that there is not, and for what it cannot be."""
    unknown = sorted(set(args) - set(OPTIONS) - connection - {"eda_feedback_queue"})
    if unknown:
        raise WrongInput(f"{unknown[0]}: there is no such option. There are {', '.join(OPTIONS)}.")
    found = {**OPTIONS, **{name: value for name, value in args.items() if name in OPTIONS and value is not None}}
    for name, most in (("interval", _LONGEST_INTERVAL), ("lanes", 64)):
        value = found[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise WrongInput(f"{name}: {value!r} is not a whole number from 1 to {most}.")
    namespaces = found["namespaces"]
    if not isinstance(namespaces, list) or not all(is_namespace(one) for one in namespaces):
        raise WrongInput(f"namespaces: {namespaces!r} is not a list of names that Kubernetes knows.")
    return found


@dataclass
class _Place:
    """What is watched: one namespace, or "" for all. `since` is "" where it must be listed."""

    namespace: str
    roll: Roll = field(default_factory=Roll)
    since: str = ""


class Watch:
    """One watch. `options` are those of `watch_options`; `say` gets sentences for the log."""

    def __init__(self, client: Client, options: Mapping[str, Any], clock: Clock, *, say: Say) -> None:
        self._client, self._options, self._clock, self._say = client, options, clock, say
        self._places = [_Place(name) for name in dict.fromkeys(options["namespaces"])] or [_Place("")]
        self._told: dict[str, set[str]] = {}
        self._unseen: set[str] = set()

    def begin(self) -> Iterator[Event]:
        """Lists what there is, tries whether it may be watched, and tells of what is stuck already.

        Raises ClusterError or WrongInput, as nothing works without that.
        """
        for place in self._places:
            yield from self._list(place)
            try:
                yield from self._follow(place, seconds=_SHORTEST_WATCH)
            except Forbidden as error:
                rule = replace(error.rule, verb="watch")
                raise WrongInput(f"{error} It is the verb watch that is missing: {rule.sentence()}.") from error
        yield from self._look()

    def turn(self, stopped: Callable[[], bool]) -> Iterator[Event]:
        """What comes next: for `interval` seconds what changes, then what has become stuck. Errors are said, and after
        a pause it goes on."""
        pause = _FIRST_PAUSE_SECONDS
        seconds = max(_SHORTEST_WATCH, self._options["interval"] // len(self._places))
        for place in self._places:
            while not stopped():
                try:
                    yield from self._follow(place, seconds=seconds)
                    break
                except ClusterError as error:
                    self._say(f"The watch goes on in {pause:.0f} s: {error}")
                self._clock.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        if not stopped():
            try:
                yield from self._look()
            except (ClusterError, WrongInput) as error:
                # A namespace may have been deleted meanwhile.
                self._say(f"The migrations under way could not be looked at: {error}")

    # -- the roll

    def _list(self, place: _Place) -> Iterator[Event]:
        """Takes in the whole list; what ended since the last one is told."""
        place.since = ""
        place.roll.begin_list()
        since = ""
        for page, version in self._client.pages(migrations_path(place.namespace)):
            since = since or version
            for obj in page:
                yield from self._ended(place.roll.note_listed(obj))
        for ended in place.roll.end_list():
            yield from self._ended(ended)
        place.since = since

    def _follow(self, place: _Place, *, seconds: int) -> Iterator[Event]:
        """Takes in what changes for so many seconds; where the server does not know any more since when, the list."""
        if not place.since:
            yield from self._list(place)
            return
        try:
            changes = self._client.watch(migrations_path(place.namespace), since=place.since, seconds=seconds)
        except Gone:
            yield from self._list(place)
            return
        for kind, obj in changes:
            if kind != "BOOKMARK":
                yield from self._ended(place.roll.drop(obj) if kind == "DELETED" else place.roll.note(obj))
            # After the event was taken: who is stopped in between has not lost it.
            place.since = str((obj.get("metadata") or {}).get("resourceVersion") or place.since)

    # -- the look

    def _look(self) -> Iterator[Event]:
        """Tells of each migration under way that is stuck, once for each cause that stands first."""
        active = {uid: known for place in self._places for uid, known in place.roll.active.items()}
        self._told = {uid: codes for uid, codes in self._told.items() if uid in active}
        if not active:
            return
        params = {**self._options, "placement": "never"}
        found = run(self._client, params, self._clock)
        self._say_unseen(found["coverage"]["missing"])
        for entry in found["migrations"]:
            code = entry["cause"] or _OVERDUE
            known = active.get(entry["uid"])
            if not entry["stuck"] or known is None or code in self._told.get(known.uid, ()):
                continue
            self._told.setdefault(known.uid, set()).add(code)
            more = {
                "verdict": entry["verdict"],
                "cause": entry["cause"],
                "phase": entry["phase"] if entry["phase"] in KNOWN_PHASES else "",
                "origin": entry["origin"],
                "seconds_in_phase": entry["seconds_in_phase"],
                "seconds_left": entry["seconds_left"],
            }
            yield from self._event("stuck", known, more)

    def _say_unseen(self, missing: list[Any]) -> None:
        """What may not be read is said once: without it a verdict may be unknown, and nothing is told then."""
        rules = {f"{rule['verb']} {rule['resource']}" for rule in missing}
        if fresh := sorted(rules - self._unseen):
            self._unseen |= rules
            self._say(f"Not allowed to {', '.join(fresh)}: some that are stuck may not be known as such.")

    # -- events

    def _ended(self, ended: Ended | None, /) -> Iterator[Event]:
        if ended is not None:
            yield from self._event("ended", ended.migration, {"verdict": ended.how})

    def _event(self, what: str, known: Known, more: Mapping[str, Any], /) -> Iterator[Event]:
        if not is_namespace(known.namespace) or not is_name(known.vm) or not is_name(known.name):
            self._say("A migration whose VM has no name that Kubernetes knows is left out.")
            return
        yield {
            "migration": {"event": what, "name": known.name, "uid": known.uid, **more},
            "target": {"namespace": known.namespace, "vm": known.vm},
            "lane": lane_of(known.namespace, known.vm, lanes=self._options["lanes"]),
        }
