# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside kubernetes.core: the same options, aliases and variables reach the same cluster with the same credentials."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.credentials import load_credentials
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import (
    AUTH_SPEC,
    settings_from,
)
from tests.cluster import Cluster
from tests.integration import core_auth
from tests.integration.playing import play_tasks
from tests.make.places import BUILD, FULL_NAME, ROOT

(THEIRS,) = (BUILD / "awx" / "lib").glob("python3*/site-packages/ansible_collections")
CORE = THEIRS / "kubernetes" / "core"
HOST = {"host": "https://api.test:6443/"}
TOKEN = {**HOST, "api_key": "a-token"}


@dataclass(frozen=True)
class Case:
    """Options and environment; a path below the home is written with ~."""

    options: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)


def variables(**values: str) -> Case:
    return Case(environ={f"K8S_AUTH_{name.upper()}": value for name, value in values.items()})


CASES = {
    "nothing: the default kubeconfig": Case(),
    "KUBECONFIG": Case(environ={"KUBECONFIG": "~/other"}),
    "KUBECONFIG of two files": Case({"context": "by-token"}, {"KUBECONFIG": "~/other:~/.kube/config"}),
    "kubeconfig": Case({"kubeconfig": "~/other"}),
    "kubeconfig as a dictionary": Case({"kubeconfig": "@~/other"}),
    "kubeconfig over KUBECONFIG": Case({"kubeconfig": "~/other"}, {"KUBECONFIG": "~/nowhere"}),
    "K8S_AUTH_KUBECONFIG": variables(kubeconfig="~/other"),
    "context": Case({"context": "by-certificate"}),
    "K8S_AUTH_CONTEXT": variables(context="by-certificate"),
    "context of another file": Case({"kubeconfig": "~/other", "context": "unverified"}),
    "host and api_key: no file is read": Case(TOKEN, {"KUBECONFIG": "~/other"}),
    "K8S_AUTH_HOST and K8S_AUTH_API_KEY": variables(**TOKEN),
    "option over variable": Case(TOKEN, {"K8S_AUTH_HOST": "https://other.test", "K8S_AUTH_API_KEY": "other"}),
    "host replaces that of the kubeconfig": Case({**HOST, "kubeconfig": "~/other"}),
    "api_key replaces that of the kubeconfig": Case({"api_key": "a-token", "kubeconfig": "~/other"}),
    "username and password": Case({**HOST, "username": "me", "password": "mine"}),
    "K8S_AUTH_USERNAME and K8S_AUTH_PASSWORD": variables(**HOST, username="me", password="mine"),
    "client_cert and client_key": Case({**HOST, "client_cert": "~/cert.pem", "client_key": "~/key.pem"}),
    "K8S_AUTH_CLIENT_CERT and K8S_AUTH_CLIENT_KEY": variables(**HOST, client_cert="~/cert.pem", client_key="~/key.pem"),
    "K8S_AUTH_CERT_FILE and K8S_AUTH_KEY_FILE": variables(**HOST, cert_file="~/cert.pem", key_file="~/key.pem"),
    "ca_cert": Case({**TOKEN, "ca_cert": "~/ca.pem"}),
    "ca_cert replaces that of the kubeconfig": Case({"context": "by-certificate", "ca_cert": "~/ca.pem"}),
    "K8S_AUTH_CA_CERT": variables(**TOKEN, ca_cert="~/ca.pem"),
    "K8S_AUTH_SSL_CA_CERT": variables(**TOKEN, ssl_ca_cert="~/ca.pem"),
    "validate_certs no": Case({**TOKEN, "validate_certs": False}),
    "validate_certs yes, over the kubeconfig": Case(
        {"kubeconfig": "~/other", "context": "unverified", "validate_certs": True}
    ),
    **{f"K8S_AUTH_VALIDATE_CERTS={word}": variables(**TOKEN, validate_certs=word) for word in ("no", "False", "0")},
    **{f"K8S_AUTH_VERIFY_SSL={word}": variables(**TOKEN, verify_ssl=word) for word in ("false", "true", "yes", "1")},
    "proxy": Case({**TOKEN, "proxy": "http://proxy.test:3128"}),
    "K8S_AUTH_PROXY": variables(**TOKEN, proxy="http://proxy.test:3128"),
    "no_proxy": Case({**TOKEN, "no_proxy": "localhost,.test"}),
    "K8S_AUTH_NO_PROXY": variables(**TOKEN, no_proxy="localhost,.test"),
    "proxy_headers": Case(
        {**TOKEN, "proxy_headers": {"proxy_basic_auth": "a:b", "basic_auth": "c:d", "user_agent": "me"}}
    ),
    "K8S_AUTH_PROXY_HEADERS_*": variables(
        **TOKEN,
        proxy_headers_proxy_basic_auth="a:b",
        proxy_headers_basic_auth="c:d",
        proxy_headers_user_agent="me",
    ),
    "persist_config": Case({"kubeconfig": "~/other", "persist_config": True}),
    "K8S_AUTH_PERSIST_CONFIG": variables(kubeconfig="~/other", persist_config="yes"),
    "impersonate_user": Case({**TOKEN, "impersonate_user": "she"}),
    "impersonate_groups": Case({**TOKEN, "impersonate_user": "she", "impersonate_groups": ["a", "b"]}),
    "K8S_AUTH_IMPERSONATE_USER and _GROUPS": variables(**TOKEN, impersonate_user="she", impersonate_groups="a,b"),
}


def a_context(name: str, *, cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "cluster": {"server": f"https://{name}.test:6443", **cluster}, "user": user}


def kubeconfig_of(*contexts: dict[str, Any]) -> str:
    names = [one["name"] for one in contexts]
    return yaml.safe_dump(
        {
            "current-context": names[0],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
            "clusters": [{"name": one["name"], "cluster": one["cluster"]} for one in contexts],
            "users": [{"name": one["name"], "user": one["user"]} for one in contexts],
        }
    )


def data(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two kubeconfigs and files whose content tells them apart."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("ca", "cert", "key"):
        (folder / f"{name}.pem").write_text(f"{name} of the option")
    (folder / ".kube").mkdir()
    certificate = {"client-certificate-data": data("cert of the user"), "client-key-data": data("key of the user")}
    (folder / ".kube" / "config").write_text(
        kubeconfig_of(
            a_context("by-token", cluster={}, user={"token": "default-token"}),
            a_context("by-certificate", cluster={"certificate-authority-data": data("ca")}, user=certificate),
        )
    )
    (folder / "token").write_text("token-of-a-file")
    (folder / "other").write_text(
        kubeconfig_of(
            a_context("by-file", cluster={"proxy-url": "http://p.test:1"}, user={"tokenFile": str(folder / "token")}),
            a_context("unverified", cluster={"insecure-skip-tls-verify": True}, user={"token": "b"}),
        )
    )
    return folder


def there(value: Any, *, home: Path) -> Any:
    """With the home's path for ~, and the content of a file for @."""
    if isinstance(value, str) and value.startswith("@~/"):
        return yaml.safe_load((home / value[3:]).read_text())
    return value.replace("~", str(home)) if isinstance(value, str) else value


def placed(case: Case, *, home: Path) -> dict[str, Any]:
    return {
        "options": {name: there(value, home=home) for name, value in case.options.items()},
        "environ": {name: there(value, home=home) for name, value in case.environ.items()},
    }


@pytest.fixture(scope="module")
def theirs(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What kubernetes.core makes of each case."""
    folder = tmp_path_factory.mktemp("collections")
    link = folder / "ansible_collections" / "kubernetes" / "core"
    link.parent.mkdir(parents=True)
    link.symlink_to(CORE)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, core_auth.__file__],
        input=json.dumps([placed(case, home=home) for case in CASES.values()]),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


def ours(case: dict[str, Any]) -> dict[str, Any]:
    """What our modules make of it, in the words of core_auth."""
    found = load_credentials(settings_from(case["options"], environ=case["environ"]), seconds=20)
    header = found.authorization() or ""
    settings, chosen = found.settings, found.chosen
    headers = dict(found.impersonation())
    groups = [value for name, value in found.impersonation() if name == "Impersonate-Group"]
    return {
        "host": found.server,
        "token": header if header.startswith("Bearer ") else "",
        "basic": header if header.startswith("Basic ") else "",
        "verified": found.is_verified,
        "ca": core_auth.text_of(found.configuration.ssl_ca_cert),
        "certificate": core_auth.text_of(found.configuration.cert_file),
        "key": core_auth.text_of(found.configuration.key_file),
        "proxy": settings.proxy or (chosen.proxy_url if chosen else "") or "",
        "no_proxy": settings.no_proxy or "",
        "proxy_headers": _headers(settings.proxy_headers),
        "impersonated": [headers.get("Impersonate-User", ""), *groups],
    }


def _headers(given: Any) -> dict[str, str]:
    names = {"proxy_basic_auth": "proxy-authorization", "basic_auth": "authorization", "user_agent": "user-agent"}
    return {names[name]: value if name == "user_agent" else f"Basic {data(value)}" for name, value in given.items()}


@pytest.mark.parametrize("name", CASES)
def test_same_options_reach_the_same_cluster(
    name: str, home: Path, theirs: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)

    assert ours(placed(CASES[name], home=home)) == theirs[name]


def test_first_of_two_files_names_the_context_as_in_kubectl(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one difference: the package kubernetes takes the current context of the last file."""
    monkeypatch.setenv("HOME", str(home))
    case = placed(Case(environ={"KUBECONFIG": "~/other:~/.kube/config"}), home=home)

    assert ours(case)["host"] == "https://by-file.test:6443"


def core_spec() -> dict[str, dict[str, Any]]:
    """kubernetes.core's own argument spec, from its source."""
    found: dict[str, Any] = {}
    exec((CORE / "plugins/module_utils/args_common.py").read_text(encoding="utf-8"), found)
    return dict(found["AUTH_ARG_SPEC"])


def test_options_and_aliases_are_those_of_kubernetes_core() -> None:
    def shape(spec: dict[str, Any]) -> dict[str, Any]:
        return {name: (one.get("type", "str"), sorted(one.get("aliases", []))) for name, one in spec.items()}

    own = {name: one for name, one in AUTH_SPEC.items() if name != "request_timeout"}
    assert shape(own) == shape(core_spec())
    assert set(own["proxy_headers"]["options"]) == set(core_spec()["proxy_headers"]["options"])


def test_every_option_and_every_variable_stands_in_the_table() -> None:
    names = {name: [name, *one.get("aliases", [])] for name, one in core_spec().items()}
    headers = [f"proxy_headers_{name}" for name in core_spec()["proxy_headers"]["options"]]
    wanted = {f"K8S_AUTH_{name}".upper() for ways in names.values() for name in ways} | {
        f"K8S_AUTH_{name}".upper() for name in headers
    }

    assert set(names) == {name for case in CASES.values() for name in case.options}
    assert wanted - {"K8S_AUTH_PROXY_HEADERS"} == {
        name for case in CASES.values() for name in case.environ if name.startswith("K8S_AUTH_")
    }


def test_action_group_has_every_module_that_connects() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    connecting = {
        path.stem
        for path in (ROOT / "plugins" / "modules").glob("*.py")
        if "kubevirt_ops.live_migration.auth" in path.read_text(encoding="utf-8")
    }

    assert set(groups["all"]) == connecting


def test_modules_of_three_collections_share_one_play_and_its_options(cluster: Cluster, tmp_path: Path) -> None:
    """What kubernetes.core and kubevirt.core read, the filter judges as the module judges what it reads itself."""
    cluster.reset()
    cluster.simulator.play("selinux-context-missing")
    links = tmp_path / "collections" / "ansible_collections"
    links.mkdir(parents=True)
    for name in ("kubernetes", "kubevirt"):
        (links / name).symlink_to(THEIRS / name)
    kind = {"api_version": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration"}
    judged = f"migrations.resources | {FULL_NAME}.stuck_migrations(vmis.resources, now=looked.read_at)"
    said = {"dest": str(tmp_path / "said.json"), "content": f"{{{{ [{judged}, looked.migrations] | to_json }}}}"}
    tasks = [
        {"kubernetes.core.k8s_info": kind, "register": "migrations"},
        {"kubevirt.core.kubevirt_vmi_info": {}, "register": "vmis"},
        {f"{FULL_NAME}.migration_info": {}, "register": "looked"},
        {"ansible.builtin.copy": said},
    ]
    # The module of kubevirt.core is in no group.
    names = ("group/kubernetes.core.k8s", "kubevirt.core.kubevirt_vmi_info", f"group/{FULL_NAME}.all")
    defaults = {name: {"kubeconfig": str(cluster.kubeconfig("admin")), "validate_certs": True} for name in names}

    run = play_tasks(
        tmp_path,
        [{**task, "module_defaults": defaults} for task in tasks],
        environment={
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([os.environ["LIVE_MIGRATION_COLLECTIONS"], str(links.parent)])
        },
    )

    assert run.returncode == 0, run.output
    by_filter, by_module = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))
    assert [(one["vm"], one["verdict"], one["cause"]) for one in by_filter] == [
        ("web-1", "blocked", "SELinuxContextMissing")
    ]
    assert [(one["uid"], one["verdict"], one["cause"]) for one in by_module] == [
        (one["uid"], one["verdict"], one["cause"]) for one in by_filter
    ]
