# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs that are fine, broken or missing, and the other places that credentials come from."""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import (
    credentials as credentials_room,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.credentials import (
    Credentials,
    load_credentials,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from

TOKEN = "s3cr3t-token-of-a-user"
SERVER = "https://api.test:6443"
WAY_OUT = "Check it with: kubectl config view --minify"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home that is the working directory too."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_config(*, user: Any = None, cluster: Any = None, name: str = "c", **other: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": f"k-{name}", "user": f"u-{name}"}}],
        "clusters": [{"name": f"k-{name}", "cluster": {"server": SERVER} if cluster is None else cluster}],
        "users": [{"name": f"u-{name}", "user": {"token": TOKEN} if user is None else user}],
        **other,
    }


def a_file(path: Path, content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def load(environ: dict[str, str] | None = None, *, seconds: float = 20, **params: Any) -> Credentials:
    return load_credentials(settings_from(params, environ=environ or {}), seconds=seconds)


def refusal(environ: dict[str, str] | None = None, *, seconds: float = 20, **params: Any) -> str:
    """The text of the ConfigError, after a look that it holds no secret and drags no other exception along."""
    with pytest.raises(ConfigError) as caught:
        load(environ, seconds=seconds, **params)
    assert caught.value.__context__ is None
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    return str(caught.value)


# --- where they come from


def test_load_takes_the_default_kubeconfig(home: Path) -> None:
    a_file(home / ".kube" / "config", a_config())

    found = load()

    assert (found.server, found.authorization()) == (SERVER, f"Bearer {TOKEN}")
    assert TOKEN in found.secrets


def test_load_takes_the_path_in_the_option_over_the_default(home: Path) -> None:
    a_file(home / ".kube" / "config", a_config())
    other = a_file(home / "other", a_config(user={"token": "other-token"}))

    assert load(kubeconfig=other).authorization() == "Bearer other-token"
    assert load({"K8S_AUTH_KUBECONFIG": "~/other"}).authorization() == "Bearer other-token"


def test_load_takes_content_as_a_dictionary() -> None:
    assert load(kubeconfig=a_config()).authorization() == f"Bearer {TOKEN}"


def test_load_takes_basic_auth_from_the_kubeconfig() -> None:
    found = load(kubeconfig=a_config(user={"username": "u", "password": "pw"}))

    assert found.authorization() == "Basic dTpwdw=="


def test_load_takes_the_context_that_is_asked_for(home: Path) -> None:
    first, second = a_file(home / "1", a_config()), a_file(home / "2", a_config(name="d", user={"token": "second"}))

    both = os.pathsep.join((first, str(home / "missing"), second))

    assert load({"KUBECONFIG": both}).authorization() == f"Bearer {TOKEN}"
    assert load({"KUBECONFIG": both}, context="d").authorization() == "Bearer second"


def test_load_lets_options_replace_what_the_kubeconfig_says(home: Path) -> None:
    ca = a_file(home / "ca.pem", "ca")
    config = a_config(cluster={"server": SERVER, "insecure-skip-tls-verify": True})

    found = load(kubeconfig=config, host="https://other.test", api_key="key", ca_cert=ca, validate_certs=True)

    assert (found.server, found.authorization()) == ("https://other.test", "Bearer key")
    assert (found.configuration.ssl_ca_cert, found.configuration.verify_ssl) == (ca, True)


def test_load_finds_certificates_beside_the_kubeconfig(home: Path) -> None:
    a_file(home / "conf" / "ca.pem", "ca")
    path = a_file(home / "conf" / "k", a_config(cluster={"server": SERVER, "certificate-authority": "ca.pem"}))

    assert load(kubeconfig=path).configuration.ssl_ca_cert == str(home / "conf" / "ca.pem")


def test_load_takes_the_pod_s_service_account(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    from kubernetes.config import incluster_config

    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", a_file(home / "token", "pod-token\n"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", a_file(home / "ca", "ca"))

    found = load()

    assert (found.server, found.authorization()) == ("https://10.0.0.1:443", "bearer pod-token")


def test_load_takes_a_host_without_credentials() -> None:
    found = load(host="http://127.0.0.1:8001")

    assert (found.server, found.authorization()) == ("http://127.0.0.1:8001", None)


def test_load_acts_as_the_kubeconfig_says() -> None:
    extra = {"as": "jane", "as-groups": ["a", "b"], "as-uid": "7", "as-user-extra": {"Acme.org/Project": ["x"]}}

    assert load(kubeconfig=a_config(user={"token": TOKEN, **extra})).impersonation() == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-acme.org%2Fproject", "x"),
    )


def test_load_acts_as_the_option_says_before_the_kubeconfig() -> None:
    found = load(kubeconfig=a_config(user={"token": TOKEN, "as": "jane"}), impersonate_user="joe")

    assert found.impersonation() == (("Impersonate-User", "joe"),)


# --- what is refused


def test_load_without_any_cluster_names_every_way() -> None:
    assert refusal() == (
        "No cluster is given: neither host with credentials nor a kubeconfig, and this is no pod of a cluster. "
        "Give kubeconfig (K8S_AUTH_KUBECONFIG, KUBECONFIG, ~/.kube/config), or host and api_key "
        "(K8S_AUTH_HOST, K8S_AUTH_API_KEY)."
    )


@pytest.mark.parametrize(
    ("params", "environ", "named_by"),
    [
        ({"kubeconfig": "/no/where"}, {}, "kubeconfig"),
        ({}, {"K8S_AUTH_KUBECONFIG": "/no/where"}, "K8S_AUTH_KUBECONFIG"),
        ({}, {"KUBECONFIG": "/no/where"}, "KUBECONFIG"),
    ],
    ids=["option", "its variable", "KUBECONFIG"],
)
def test_load_refuses_a_missing_kubeconfig(params: dict[str, str], environ: dict[str, str], named_by: str) -> None:
    assert refusal(environ, **params) == (
        f"The kubeconfig /no/where ({named_by}) does not exist. "
        "Give an existing path as kubeconfig or K8S_AUTH_KUBECONFIG, or host and api_key instead."
    )


def test_load_refuses_a_context_without_any_kubeconfig() -> None:
    assert refusal(context="c").startswith("The kubeconfig ~/.kube/config (the default path) does not exist.")


def test_load_refuses_a_folder(home: Path) -> None:
    assert refusal(kubeconfig=str(home)) == f"The kubeconfig {home} (kubeconfig) is not a file. Give a file."


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("users: [{token: s3cr3t\n}: !!", "is not valid YAML (line 2, column 2)"),
        ("a: *s3cr3t", "is not valid YAML (line 1, column 4)"),
        ("- " * 3000 + "s3cr3t", "is not valid YAML"),
        ("", "is empty"),
        ("s3cr3t", "is not a kubeconfig: its content is no mapping"),
        ("users: s3cr3t", "users is not a list"),
    ],
    ids=["broken", "alias", "too deep", "empty", "a word", "users is no list"],
)
def test_load_refuses_a_broken_kubeconfig_without_showing_it(home: Path, content: str, problem: str) -> None:
    path = a_file(home / "k", content)

    assert refusal(kubeconfig=path).replace(f"{path}:", path) == f"The kubeconfig {path} {problem}. {WAY_OUT}"


def test_load_refuses_a_kubeconfig_that_is_no_text(home: Path) -> None:
    (home / "k").write_bytes(b"\xff\xfe\x00")

    assert refusal(kubeconfig=str(home / "k")) == f"The kubeconfig {home}/k is not text. {WAY_OUT}"


@pytest.mark.parametrize(
    ("change", "params", "problem"),
    [
        ({}, {"context": "prod"}, "has no context prod. It has: c."),
        ({"contexts": None}, {"context": "prod"}, "has no context prod. It has: no contexts at all."),
        ({"current-context": ""}, {}, "names no current-context. Give the option context, one of: c."),
        ({"clusters": []}, {}, f": the context c needs the cluster k-c, which is missing. {WAY_OUT}"),
        ({"users": []}, {}, f": the context c needs the user u-c, which is missing. {WAY_OUT}"),
        (
            {"clusters": [{"name": "k-c", "cluster": {"server": "api.test"}}]}, {},
            f": the cluster k-c has no server that begins with https://. {WAY_OUT}",
        ),
        ({"clusters": [{"name": "k-c", "cluster": None}]}, {}, f": the cluster k-c is empty. {WAY_OUT}"),
    ],
    ids=["unknown context", "no contexts", "no current", "no cluster", "no user", "no server", "empty cluster"],
)  # fmt: skip
def test_load_refuses_a_kubeconfig_that_does_not_hang_together(
    change: dict[str, Any], params: dict[str, str], problem: str
) -> None:
    space = "" if problem.startswith(":") else " "

    assert refusal(kubeconfig=a_config(**change), **params) == f"The kubeconfig in kubeconfig{space}{problem}"


@pytest.mark.parametrize(
    ("user", "why"),
    [
        ({"tokenFile": "/no/s3cr-token"}, "/no/s3cr-token: no such file or directory"),
        ({"client-certificate": "/no/cert"}, "File does not exist: /no/cert"),
        ({"client-certificate-data": "s3cr3t!"}, "certificate or key data is not base64"),
        (
            {"auth-provider": {"name": "oidc", "config": {"x": "s3cr3t"}}},
            "the kubernetes package reports ConfigException",
        ),
    ],
    ids=["token file", "certificate", "not base64", "provider"],
)  # fmt: skip
def test_load_refuses_what_the_package_cannot_load_and_hides_its_words(user: dict[str, Any], why: str) -> None:
    text = refusal(kubeconfig=a_config(user=user))

    assert text == f"The kubeconfig in kubeconfig cannot be used: {why}. {WAY_OUT}"


@pytest.mark.parametrize("option", ["ca_cert", "client_cert", "client_key"])
def test_load_refuses_a_missing_file_by_the_option_s_name(home: Path, option: str) -> None:
    there = a_file(home / "there", "x")
    files = {"client_cert": there, "client_key": there, "ca_cert": there, option: "/no/where"}

    text = refusal(host=SERVER, **files)

    assert text == f"{option} is '/no/where', which is not an existing file. Check the path."


def test_load_refuses_a_token_with_a_line_break_inside(home: Path) -> None:
    token_file = a_file(home / "token", "s3cr3t\nsecond")

    with pytest.raises(ConfigError, match="holds a line break or another character that no header can carry") as caught:
        load(kubeconfig=a_config(user={"tokenFile": token_file})).authorization()
    assert "s3cr3t" not in str(caught.value)


def test_load_outside_of_a_pod_s_files_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    assert refusal().startswith("The service account of this pod cannot be used: Service token file does not exist. ")


def test_load_without_the_kubernetes_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(credentials_room.importlib, "import_module", missing)

    assert refusal(host=SERVER, api_key="key") == (
        "The Python package kubernetes is missing where this module runs. "
        "Install kubernetes 24.2 or later for that Python (ansible_python_interpreter says which one it is)."
    )


# --- programs that give credentials


def a_plugin(script: str) -> dict[str, Any]:
    return {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]},
    }


def test_load_asks_the_exec_plugin() -> None:
    status = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "given"}}'

    assert load(kubeconfig=a_config(user=a_plugin(f"echo '{status}'"))).authorization() == "Bearer given"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'no session' >&2; echo 'token=s3cr3t-value' >&2; exit 3",
         "exec: process returned 3. no session token=[hidden]"),
        ("echo '{}'", "exec: malformed response. missing key 'apiVersion'"),
        ("echo no json", "exec: failed to decode process output: Expecting value: line 1 column 1 (char 0)"),
    ],
    ids=["fails", "empty answer", "no json"],
)  # fmt: skip
def test_load_says_why_the_exec_plugin_gave_nothing(script: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = refusal(kubeconfig=a_config(user=a_plugin(script)))

    assert text == (
        f"The kubeconfig in kubeconfig: the program sh of user u-c gave no credentials ({why}). "
        "Run it by hand to see why."
    )
    assert (capsys.readouterr().err, logging.getLogger().filters) == ("", [])


def test_load_does_not_wait_for_ever_for_an_exec_plugin(home: Path) -> None:
    os.mkfifo(home / "fifo")

    text = refusal(kubeconfig=a_config(user=a_plugin("read line < fifo")), seconds=0.2)
    # So that the program ends with the test.
    (home / "fifo").write_text("\n")

    assert "gave no credentials within 0.2 s; it may still be running. Run it by hand" in text
