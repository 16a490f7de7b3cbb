# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of AWX's API that ansible-rulebook's run_job_template asks for, on 127.0.0.1.

A launch is checked against the template's survey as AWX does it, and starts a real job under ansible-runner:

    with Controller(folder, project=bare_clone, templates=[...], token="t", credential={...}) as controller:
        ...  # ansible-rulebook --controller-url controller.url --controller-token t
        controller.wait()
        controller.jobs[0].artifacts

A template is a dict with C(name), C(playbook), and where it has them C(survey) (the questions), C(extra_vars),
C(limit), C(ask_limit_on_launch), C(ask_variables_on_launch), C(organization) (Default).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.awx.job import Job, prepare, run
from tests.awx.server import Answer, serving
from tests.awx.survey import defaults_of, errors_in_answers, variables_of

__all__ = ["LOCALHOST", "Controller"]

LOCALHOST = {"all": {"hosts": ["localhost"]}, "_meta": {"hostvars": {"localhost": {"ansible_connection": "local"}}}}


class Controller:
    """The controller; start it with `with`. What was asked of it stands in `requests`, in order."""

    def __init__(
        self,
        folder: Path,
        *,
        project: Path,
        templates: Sequence[Mapping[str, Any]],
        token: str,
        credential: Mapping[str, Any] | None = None,
        inventory: Mapping[str, Any] | None = None,
    ) -> None:
        self.jobs: list[Job] = []
        self.requests: list[tuple[str, str]] = []
        self._folder = folder
        self._project = project
        self._templates = {number: dict(one) for number, one in enumerate(templates, start=1)}
        self._token = token
        self._credential = credential
        self._inventory = LOCALHOST if inventory is None else inventory
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open = ExitStack()
        # What to give ansible-rulebook as --controller-url.
        self.url = ""

    def __enter__(self) -> Controller:
        self.url = self._open.enter_context(serving(self.answer))
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()
        self.wait()

    def add(self, template: Mapping[str, Any]) -> None:
        """One more template."""
        self._templates[len(self._templates) + 1] = dict(template)

    def wait(self) -> None:
        """Until all jobs that were launched have ended."""
        for thread in list(self._threads):
            thread.join()

    def answer(self, method: str, path: str, *, token: str, body: Mapping[str, Any]) -> Answer:
        """Status and body for one request."""
        parts = urlsplit(path)
        self.requests.append((method, path))
        if token != f"Bearer {self._token}":
            return 401, {"detail": "Authentication credentials were not provided."}
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        for wanted, pattern, act in self._routes():
            found = re.fullmatch(pattern, parts.path)
            if found and wanted == method:
                return act(found, {**query, **body})
        return 404, {"detail": "The requested resource could not be found."}

    def _routes(self) -> list[tuple[str, str, Callable[[re.Match[str], dict[str, Any]], Answer]]]:
        return [
            ("GET", r"/api/v2/(?:config|ping)/", lambda _found, _given: (200, {"version": "24.6.1"})),
            ("GET", r"/api/v2/(?:unified_)?job_templates/", lambda _found, given: self._list_templates(given)),
            ("GET", r"/api/v2/job_templates/(\d+)/survey_spec/", lambda found, _given: self._survey(int(found[1]))),
            ("POST", r"/api/v2/job_templates/(\d+)/launch/", lambda found, given: self._launch(int(found[1]), given)),
            ("GET", r"/api/v2/jobs/", lambda _found, given: self._list_jobs(given)),
            ("GET", r"/api/v2/jobs/(\d+)/", lambda found, _given: self._job(int(found[1]))),
        ]

    def _list_templates(self, query: Mapping[str, str]) -> Answer:
        shown = [self._template(number) for number in self._templates]
        wanted = [one for one in shown if query.get("name", one["name"]) == one["name"]]
        return _page(wanted)

    def _template(self, number: int) -> dict[str, Any]:
        one = self._templates[number]
        own = f"/api/v2/job_templates/{number}/"
        return {
            "id": number,
            "type": "job_template",
            "name": one["name"],
            "survey_enabled": bool(one.get("survey")),
            "summary_fields": {"organization": {"name": one.get("organization", "Default")}},
            "related": {"launch": f"{own}launch/", "survey_spec": f"{own}survey_spec/"},
            **{
                f"ask_{name}_on_launch": bool(one.get(f"ask_{name}_on_launch"))
                for name in ("limit", "labels", "inventory", "variables")
            },
        }

    def _survey(self, number: int) -> Answer:
        if number not in self._templates:
            return 404, {"detail": "Not found."}
        return 200, {"name": "", "description": "", "spec": self._templates[number].get("survey", [])}

    def _launch(self, number: int, given: Mapping[str, Any]) -> Answer:
        if number not in self._templates:
            return 404, {"detail": "Not found."}
        template = self._templates[number]
        survey = template.get("survey", [])
        sent = given.get("extra_vars") or {}
        sent = json.loads(sent) if isinstance(sent, str) else sent
        asks = template.get("ask_variables_on_launch")
        taken = {name: value for name, value in sent.items() if asks or name in variables_of(survey)}
        errors = errors_in_answers(survey, answers=taken)
        if errors:
            return 400, {"variables_needed_to_start": errors}
        limit = given.get("limit", "") if template.get("ask_limit_on_launch") else template.get("limit", "")
        job = self._start(template, answers={**defaults_of(survey), **taken}, limit=limit)
        ignored = {name: value for name, value in sent.items() if name not in taken}
        return 201, {**_shown(job), "job": job.id, "ignored_fields": {"extra_vars": ignored} if ignored else {}}

    def _start(self, template: Mapping[str, Any], *, answers: dict[str, Any], limit: str) -> Job:
        with self._lock:
            # A dict, or YAML as the API keeps it.
            given = template.get("extra_vars") or {}
            variables = dict(yaml.safe_load(given) if isinstance(given, str) else given)
            job = Job(len(self.jobs) + 1, template["playbook"], answers, variables=variables, limit=limit)
            self.jobs.append(job)
            thread = threading.Thread(target=self._run, args=(job,))
            self._threads.append(thread)
        thread.start()
        return job

    def _run(self, job: Job) -> None:
        folder = self._folder / f"job-{job.id}"
        try:
            prepare(job, folder=folder, project=self._project, inventory=self._inventory, credential=self._credential)
            run(job, folder=folder)
        finally:
            # What ended in any other way than by its own end is an error of the controller, by AWX's word for it.
            job.status = job.status if job.status in ("successful", "failed") else "error"

    def _list_jobs(self, query: Mapping[str, str]) -> Answer:
        wanted = query.get("id__in", query.get("id"))
        numbers = {int(one) for one in wanted.split(",")} if wanted else {job.id for job in self.jobs}
        return _page([_shown(job) for job in self.jobs if job.id in numbers])

    def _job(self, number: int) -> Answer:
        found = [job for job in self.jobs if job.id == number]
        return (200, _shown(found[0])) if found else (404, {"detail": "Not found."})


def _shown(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "type": "job",
        "url": f"/api/v2/jobs/{job.id}/",
        "status": job.status,
        "artifacts": job.artifacts,
        "extra_vars": json.dumps({**job.variables, **job.answers}),
        "limit": job.limit,
    }


def _page(results: list[dict[str, Any]]) -> Answer:
    return 200, {"count": len(results), "next": None, "previous": None, "results": results}
