# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule tests as stories: series over time, and which alerts fire when. promtool plays them on the rules themselves."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.build import ensure_promtool

__all__ = ["SCRAPE_SECONDS", "Rules", "Story", "labels_text"]

SCRAPE_SECONDS = 15
_TIMEOUT_SECONDS = 300


def labels_text(labels: dict[str, str], /) -> str:
    """Labels as PromQL writes them, in their order."""
    return "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


@dataclass
class Story:
    """What Prometheus sees. Times are seconds from the beginning; samples come every SCRAPE_SECONDS."""

    seconds: int
    every_seconds: int = SCRAPE_SECONDS
    series: list[dict[str, str]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)

    def sees(
        self,
        metric: str,
        value: float | Sequence[float],
        /,
        *,
        since: int = 0,
        until: int | None = None,
        gaps: Sequence[tuple[int, int]] = (),
        is_stale: bool = False,
        **labels: str,
    ) -> Story:
        """A series from `since` on, with one value or one for each sample, but not within `gaps` (from, to).
        `is_stale`: it is marked as gone at its end, as one of a target that is gone is; else it is just not seen any
        more."""
        last = self.seconds if until is None else until
        values = []
        for place, moment in enumerate(range(0, self.seconds + SCRAPE_SECONDS, SCRAPE_SECONDS)):
            if moment < since or moment > last or any(begin <= moment < end for begin, end in gaps):
                is_end = is_stale and last < moment <= last + SCRAPE_SECONDS
                values.append("stale" if is_end else "_")
            else:
                values.append(str(value if isinstance(value, (int, float)) else value[min(place, len(value) - 1)]))
        self.series.append({"series": metric + labels_text(labels), "values": " ".join(values)})
        return self

    def fires(
        self, alert: str, at: int, /, *who: dict[str, str], state: str = "firing", by: Sequence[str] = ()
    ) -> Story:
        """Exactly these alerts of that name are there at `at`, told apart by the labels that each of `who` has, and
        each of them once."""
        keys = list(by) or (list(who[0]) if who else ["namespace", "name"])
        expr = f'count by ({", ".join(keys)}) (ALERTS{{alertname="{alert}", alertstate="{state}"}})'
        samples = [{"labels": labels_text({key: one[key] for key in keys}), "value": 1} for one in who]
        self.asked.append({"expr": expr, "eval_time": f"{at}s", "exp_samples": samples})
        return self

    def is_silent(self, at: int, /) -> Story:
        """Nothing at all fires then."""
        expr = 'count by (alertname) (ALERTS{alertstate="firing"})'
        self.asked.append({"expr": expr, "eval_time": f"{at}s", "exp_samples": []})
        return self

    def tells(self, alert: str, at: int, /, *, labels: dict[str, str], **annotations: str) -> Story:
        """The one alert of that name with all of its labels and annotations."""
        expected = [{"exp_labels": labels, "exp_annotations": annotations}]
        self.told.append({"alertname": alert, "eval_time": f"{at}s", "exp_alerts": expected})
        return self


@dataclass(frozen=True)
class Rules:
    """A rules file, and where its tests may be written."""

    file: Path

    def check(self) -> str:
        """What promtool says of the file, with all of its lint; fails where it finds anything."""
        done = _promtool("check", "rules", "--lint=all", "--lint-fatal", str(self.file))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def expect(self, story: Story, /) -> None:
        """Fails with promtool's words where it comes otherwise than the story says."""
        assert story.asked or story.told
        test = {
            "interval": f"{SCRAPE_SECONDS}s",
            "input_series": story.series,
            "promql_expr_test": story.asked,
            "alert_rule_test": story.told,
        }
        document = {
            "rule_files": [str(self.file)],
            "evaluation_interval": f"{story.every_seconds}s",
            "tests": [test],
        }
        path = self.file.with_name("story.yml")
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        done = _promtool("test", "rules", str(path))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "SUCCESS" in done.stdout


def _promtool(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(ensure_promtool()), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
