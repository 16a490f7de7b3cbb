# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One job as AWX runs it: a private data directory, the project's checkout in it, and ansible-runner in an environment
of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.programs import run_program

__all__ = ["Job", "kubernetes_environment", "prepare", "run"]

_LIMIT_SECONDS = 240


@dataclass
class Job:
    """One launch of a template, and what became of it."""

    id: int
    playbook: str
    # What the person who launches it has given or left at the survey's defaults: never templated.
    answers: dict[str, Any]
    # What the template and AWX itself give.
    variables: dict[str, Any] = field(default_factory=dict)
    limit: str = ""
    status: str = "pending"
    artifacts: dict[str, Any] = field(default_factory=dict)
    output: str = ""


class _Unsafe(str):
    """Text that Ansible must not template."""


class _Dumper(yaml.SafeDumper):
    """Writes such text with its tag."""


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def kubernetes_environment(inputs: Mapping[str, Any], *, folder: Path) -> dict[str, str]:
    """What the credential type "OpenShift or Kubernetes API Bearer Token" puts into a job's environment.

    Without a CA that is pasted AWX turns the check of certificates off, whatever verify_ssl says. Inputs with a
    kubeconfig are those of the type that awx_setup makes.
    """
    if "kubeconfig" in inputs:
        held = folder / "env" / "kubeconfig"
        held.write_text(inputs["kubeconfig"], encoding="utf-8")
        return {"K8S_AUTH_KUBECONFIG": str(held)}
    given = {"K8S_AUTH_HOST": inputs["host"], "K8S_AUTH_API_KEY": inputs["bearer_token"]}
    if not (inputs.get("verify_ssl") and inputs.get("ssl_ca_cert")):
        return {**given, "K8S_AUTH_VERIFY_SSL": "False"}
    file = folder / "env" / "ssl_ca_cert"
    file.write_text(inputs["ssl_ca_cert"], encoding="utf-8")
    return {**given, "K8S_AUTH_VERIFY_SSL": "True", "K8S_AUTH_SSL_CA_CERT": str(file)}


def prepare(
    job: Job, *, folder: Path, project: Path, inventory: Mapping[str, Any], credential: Mapping[str, Any] | None
) -> None:
    """Fill the private data directory: env/extravars, env/envvars, inventory/hosts, project."""
    for name in ("env", "inventory", "home", "requirements_collections"):
        (folder / name).mkdir(parents=True)
    clone = ["git", "clone", "--quiet", str(project), str(folder / "project")]
    subprocess.run(clone, check=True, capture_output=True, timeout=60)
    known = {"awx_job_id": job.id, "tower_job_id": job.id}
    texts = {name: _unsafe(value) for name, value in job.answers.items()}
    variables = yaml.dump({**job.variables, **known, **texts}, Dumper=_Dumper)
    (folder / "env" / "extravars").write_text(variables, encoding="utf-8")
    environment = kubernetes_environment(credential, folder=folder) if credential else {}
    # The collections of the project's own requirements (none here), then those of the execution environment.
    places = [folder / "requirements_collections", folder / "home" / ".ansible" / "collections"]
    environment["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(map(str, places))
    (folder / "env" / "envvars").write_text(json.dumps(environment), encoding="utf-8")
    hosts = folder / "inventory" / "hosts"
    hosts.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(inventory)!r})\n", encoding="utf-8")
    hosts.chmod(0o700)


def _unsafe(value: Any) -> Any:
    if isinstance(value, str):
        return _Unsafe(value)
    return [_unsafe(one) for one in value] if isinstance(value, list) else value


def run(job: Job, *, folder: Path) -> None:
    """Start ansible-runner and wait for its end; status, output and artifacts of the job are set then."""
    job.status = "running"
    command = [str(Path(sys.executable).parent / "ansible-runner"), "run", str(folder), "-i", str(job.id)]
    command += ["-p", job.playbook, *(["--limit", job.limit] if job.limit else [])]
    # As in the container of an execution environment: nothing of ours but where programs lie.
    environment = {
        "HOME": str(folder / "home"),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = run_program(command, folder=folder, environment=environment, seconds=_LIMIT_SECONDS)
    job.output = done.stdout
    job.artifacts = _artifacts(folder / "artifacts" / str(job.id) / "job_events")
    job.status = "failed" if done.returncode else "successful"


def _artifacts(events: Path) -> dict[str, Any]:
    """What the play handed on by set_stats: it stands in the event with which a playbook ends."""
    found: dict[str, Any] = {}
    for file in events.glob("*.json"):
        event = json.loads(file.read_text(encoding="utf-8"))
        if event.get("event") == "playbook_on_stats":
            found = event["event_data"].get("artifact_data") or {}
    return found
