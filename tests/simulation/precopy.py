# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One live migration, page by page: QEMU's pre-copy and what KubeVirt does when its limit is over.

QEMU: all pages are sent once. Each following pass sends the pages that the dirty log showed at the end of the pass
before; once those are no more than bandwidth x downtime, the guest is stopped and they are sent. Auto-converge looks
when a pass ends, more than a second after its last look: the second time that more than half of what was sent had been
dirtied, the CPUs are throttled, by 20 % first, then 10 % more each time, 99 % at most.
KubeVirt (v1.9.0, live-migration-source.go) looks each 400 ms. When the whole seconds that have passed are more than the
limit: with allowWorkloadDisruption post-copy where it is allowed and the guest has no VFIO device, else the guest is
suspended once and the limit doubled; without it the migration is aborted. Limit 0: never.

A bitmap is one whole number, a bit for each page; the lowest pages are sent first. The guest writes the pages of its
hot set all the time, and besides them the other pages either one after the other (each is then counted as newly
dirtied, which is what QEMU's dirty rate counts) or at random.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

__all__ = ["End", "Guest", "Knobs", "run"]

POLL_SECONDS = 0.4
LONGEST_DOWNTIME_SECONDS = 2000
# A copy without a limit that takes more passes is called endless.
MOST_PASSES = 1_000


@dataclass(frozen=True)
class Guest:
    """Sizes in bytes, rates in bytes per second. `pages` is how finely its memory is cut."""

    memory: int
    dirty_rate: float
    hot: float = 0
    pages: int = 16384
    writes_at_random: bool = False
    has_vfio: bool = False
    seed: int = 0

    @property
    def page(self) -> float:
        """Bytes of one page."""
        return self.memory / self.pages


@dataclass(frozen=True)
class Knobs:
    """Settings as KubeVirt has them; `limit` in seconds, 0 for none, `bandwidth` what the copy gets."""

    bandwidth: float
    limit: float
    downtime: float = 0.3
    auto_converge: bool = False
    post_copy: bool = False
    workload_disruption: bool = False


@dataclass(frozen=True)
class End:
    """`how` is pre_copy, post_copy, pause, aborted or endless; `standstill` how long the guest stood still."""

    how: str
    seconds: float
    standstill: float = 0.0
    throttle: int = 0

    @property
    def arrived(self) -> bool:
        """Whether the VM has moved."""
        return self.how in ("pre_copy", "post_copy", "pause")


class _Memory:
    """The guest's pages and the dirty log."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.hot_pages = min(guest.pages, math.ceil(guest.hot / guest.page))
        self.cold_pages = guest.pages - self.hot_pages
        self.hot = (1 << self.hot_pages) - 1
        self.log = 0
        self.position = 0
        self.owed = 0.0
        self.random = random.Random(guest.seed)

    def write(self, *, seconds: float, share: float) -> None:
        """The guest runs for so long with this share of its CPU time."""
        if seconds <= 0:
            return
        self.log |= self.hot
        self.owed += self.guest.dirty_rate * share * seconds / self.guest.page
        count, self.owed = int(self.owed), self.owed % 1
        if not self.cold_pages or not count:
            return
        if self.guest.writes_at_random:
            self._at_random(min(count, 20 * self.cold_pages))
        else:
            self._in_order(min(count, self.cold_pages))

    def _in_order(self, count: int) -> None:
        first = self.position
        self.position = (first + count) % self.cold_pages
        mask = ((1 << count) - 1) << first
        wrapped = mask >> self.cold_pages
        self.log |= ((mask & ((1 << self.cold_pages) - 1)) | wrapped) << self.hot_pages

    def _at_random(self, count: int) -> None:
        for _page in range(count):
            self.log |= 1 << (self.hot_pages + self.random.randrange(self.cold_pages))

    def take_log(self) -> int:
        """The log, which is empty then."""
        log, self.log = self.log, 0
        return log


class _Throttle:
    def __init__(self, *, allowed: bool) -> None:
        self.allowed = allowed
        self.percent = 0
        self.high = 0
        self.since = self.sent = self.dirtied = 0.0

    def pass_ended(self, *, seconds: float, sent: float, dirtied: float) -> None:
        self.since += seconds
        self.sent += sent
        self.dirtied += dirtied
        if self.since <= 1:
            return
        if self.allowed and self.dirtied > self.sent / 2:
            self.high += 1
            if self.high == 2:
                self.high = 0
                self.percent = min(99, self.percent + 10) if self.percent else 20
        self.since = self.sent = self.dirtied = 0.0


def _first_look_past(limit: float) -> float:
    """When KubeVirt notices that the limit is over: at its first look of the next whole second."""
    if not limit:
        return math.inf
    return math.ceil((math.floor(limit) + 1) / POLL_SECONDS - 1e-9) * POLL_SECONDS


def _drop_lowest(bitmap: int, count: int, *, pages: int) -> int:
    """`bitmap` without its lowest `count` bits that are set."""
    low, high = 0, pages
    while low < high:
        middle = (low + high) // 2
        if (bitmap & ((1 << middle) - 1)).bit_count() < count:
            low = middle + 1
        else:
            high = middle
    return bitmap >> low << low


def run(guest: Guest, knobs: Knobs) -> End:
    """Play the migration to its end."""
    memory, throttle = _Memory(guest), _Throttle(allowed=knobs.auto_converge)
    todo, now = (1 << guest.pages) - 1, 0.0
    noticed = _first_look_past(knobs.limit)
    for number in itertools.count():
        if number == MOST_PASSES and not knobs.limit:
            break
        size = todo.bit_count() * guest.page
        seconds = size / knobs.bandwidth
        is_last = size <= knobs.bandwidth * knobs.downtime
        if now + seconds > noticed:
            return _at_limit(guest, knobs, memory, todo, now, noticed, throttle.percent)
        if is_last:
            return End("pre_copy", now + seconds, seconds, throttle.percent)
        memory.write(seconds=seconds, share=1 - throttle.percent / 100)
        now += seconds
        todo = memory.take_log()
        throttle.pass_ended(seconds=seconds, sent=size, dirtied=todo.bit_count() * guest.page)
    return End("endless", now)


def _at_limit(guest: Guest, knobs: Knobs, memory: _Memory, todo: int, now: float, noticed: float, percent: int) -> End:
    """KubeVirt's look after the limit, in the middle of a pass that began at `now`."""
    if not knobs.workload_disruption:
        return End("aborted", noticed, throttle=percent)
    memory.write(seconds=noticed - now, share=1 - percent / 100)
    sent = int((noticed - now) * knobs.bandwidth / guest.page)
    left = (_drop_lowest(todo, sent, pages=guest.pages) | memory.take_log()).bit_count() * guest.page
    seconds = left / knobs.bandwidth
    if knobs.post_copy and not guest.has_vfio:
        return End("post_copy", noticed + seconds, throttle=percent)
    if guest.has_vfio and seconds > min(2 * knobs.limit, LONGEST_DOWNTIME_SECONDS):
        return End("aborted", _first_look_past(2 * knobs.limit), throttle=percent)
    if noticed + seconds > _first_look_past(2 * knobs.limit):
        return End("aborted", _first_look_past(2 * knobs.limit), seconds, percent)
    return End("pause", noticed + seconds, seconds, percent)
