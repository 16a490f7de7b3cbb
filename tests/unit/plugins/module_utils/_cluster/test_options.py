# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The truth table: options and environment in, settings out, and every refusal's full text."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import (
    AUTH_SPEC,
    DIRECT,
    KUBECONFIG,
    SEARCH,
    secret_values,
    settings_from,
)

HOST = "https://api.test:6443"
TOKEN = "s3cr3t-token-of-a-user"
CONTENT = {"users": [{"name": "u", "user": {"token": TOKEN, "client-key-data": "c2VjcmV0a2V5"}}], "contexts": []}

SOURCES: dict[str, tuple[dict[str, Any], dict[str, str], str, Any, str]] = {
    # what is given: (options, environment, source, kubeconfig, who named it)
    "nothing": ({}, {}, SEARCH, "~/.kube/config", "the default path"),
    "empty options and variables": ({"host": "", "api_key": None}, {"K8S_AUTH_HOST": "", "KUBECONFIG": ""}, SEARCH,
                                    "~/.kube/config", "the default path"),
    "host and token": ({"host": HOST, "api_key": TOKEN}, {}, DIRECT, "", ""),
    "host and token from the environment": ({}, {"K8S_AUTH_HOST": HOST, "K8S_AUTH_API_KEY": TOKEN}, DIRECT, "", ""),
    "host as an option, token from the environment": ({"host": HOST}, {"K8S_AUTH_API_KEY": TOKEN}, DIRECT, "", ""),
    "host and password": ({"host": HOST, "username": "u", "password": "pw"}, {}, DIRECT, "", ""),
    "host and certificate": ({"host": HOST, "client_cert": "/c.pem"}, {}, DIRECT, "", ""),
    "host and token beat a kubeconfig": ({"host": HOST, "api_key": TOKEN, "kubeconfig": "/k"}, {}, DIRECT, "", ""),
    "host alone": ({"host": HOST}, {}, SEARCH, "~/.kube/config", "the default path"),
    "token alone": ({"api_key": TOKEN}, {}, SEARCH, "~/.kube/config", "the default path"),
    "host alone beside KUBECONFIG": ({"host": HOST}, {"KUBECONFIG": "/k"}, KUBECONFIG, "/k", "KUBECONFIG"),
    "path": ({"kubeconfig": "/k"}, {}, KUBECONFIG, "/k", "kubeconfig"),
    "path beats both variables": ({"kubeconfig": "/k"}, {"K8S_AUTH_KUBECONFIG": "/l", "KUBECONFIG": "/m"}, KUBECONFIG,
                                  "/k", "kubeconfig"),
    "content": ({"kubeconfig": CONTENT}, {}, KUBECONFIG, CONTENT, "kubeconfig"),
    "K8S_AUTH_KUBECONFIG beats KUBECONFIG": ({}, {"K8S_AUTH_KUBECONFIG": "/l", "KUBECONFIG": "/m"}, KUBECONFIG, "/l",
                                             "K8S_AUTH_KUBECONFIG"),
    "KUBECONFIG": ({}, {"KUBECONFIG": "/m:/n"}, KUBECONFIG, "/m:/n", "KUBECONFIG"),
    "context alone": ({"context": "c"}, {}, SEARCH, "~/.kube/config", "the default path"),
}  # fmt: skip


@pytest.mark.parametrize("case", SOURCES.values(), ids=SOURCES)
def test_settings_from_chooses_the_source(case: tuple[dict[str, Any], dict[str, str], str, Any, str]) -> None:
    params, environ, *expected = case

    settings = settings_from(params, environ=environ)

    assert [settings.source, settings.kubeconfig, settings.kubeconfig_from] == expected


@pytest.mark.parametrize(
    ("option", "variable", "text", "value"),
    [
        ("host", "HOST", HOST + "/", HOST),
        ("api_key", "API_KEY", f" {TOKEN}\n".strip("\n"), TOKEN),
        ("context", "CONTEXT", "c", "c"),
        ("ca_cert", "CA_CERT", "/ca", "/ca"),
        ("ca_cert", "SSL_CA_CERT", "/ca", "/ca"),
        ("client_cert", "CLIENT_CERT", "/c", "/c"),
        ("client_cert", "CERT_FILE", "/c", "/c"),
        ("validate_certs", "VALIDATE_CERTS", "true", True),
        ("validate_certs", "VERIFY_SSL", "False", False),
        ("validate_certs", "VERIFY_SSL", "0", False),
        ("proxy", "PROXY", "http://p:1", "http://p:1"),
        ("no_proxy", "NO_PROXY", ".test", ".test"),
        ("persist_config", "PERSIST_CONFIG", "yes", True),
        ("impersonate_user", "IMPERSONATE_USER", "u", "u"),
    ],
)
def test_settings_from_takes_the_variable_and_the_option_over_it(
    option: str, variable: str, text: str, value: Any
) -> None:
    environ = {f"K8S_AUTH_{variable}": text}
    other = not value if isinstance(value, bool) else "https://option.test"

    assert getattr(settings_from({}, environ=environ), option) == value
    assert getattr(settings_from({option: other}, environ=environ), option) == other


def test_settings_from_pairs_and_lists_from_the_environment() -> None:
    environ = {
        "K8S_AUTH_USERNAME": "u", "K8S_AUTH_PASSWORD": "pw",
        "K8S_AUTH_CERT_FILE": "/c", "K8S_AUTH_KEY_FILE": "/k",
        "K8S_AUTH_IMPERSONATE_USER": "v", "K8S_AUTH_IMPERSONATE_GROUPS": "a, b,,",
        "K8S_AUTH_PROXY_HEADERS_USER_AGENT": "me",
    }  # fmt: skip

    settings = settings_from({"proxy_headers": {"basic_auth": "a:b"}}, environ=environ)

    assert (settings.username, settings.password, settings.client_key) == ("u", "pw", "/k")
    assert settings.impersonate_groups == ("a", "b")
    assert settings.proxy_headers == {"basic_auth": "a:b", "user_agent": "me"}


def test_settings_from_keeps_the_environment_s_proxies_apart() -> None:
    environ = {"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:1", "NO_PROXY": ".test", "ALL_PROXY": "http://r:1"}

    settings = settings_from({}, environ=environ)

    assert (settings.proxy, settings.no_proxy, settings.no_proxy_from_environment) == (None, None, ".test")
    assert settings.environment_proxies == {"https": "http://q:1", "all": "http://r:1"}


@pytest.mark.parametrize(("given", "seconds"), [(None, 30), ("", 30), (0.5, 0.5), ("12", 12), (3600, 3600)], ids=repr)
def test_settings_from_takes_a_timeout(given: Any, seconds: float) -> None:
    assert settings_from({"request_timeout": given}, environ={}).request_timeout == seconds


@pytest.mark.parametrize("given", [0, -1, -0.5, 3601, "soon", float("nan"), float("inf"), True, []], ids=repr)
def test_settings_from_refuses_a_timeout(given: Any) -> None:
    text = re.escape(
        f"request_timeout is {given!r}: it must be more than 0 and at most 3600 seconds. Write 30 for half a minute."
    )
    with pytest.raises(ConfigError, match=f"^{text}$"):
        settings_from({"request_timeout": given}, environ={})


REFUSALS = {
    "no scheme": (
        {"host": "api.test:6443"}, {},
        ("host is 'api.test:6443', which has no scheme http or https, or no name. "
         "Write https://api.test:6443 for instance."),
    ),
    "no scheme, from the environment": (
        {}, {"K8S_AUTH_HOST": "10.0.0.1"},
        ("K8S_AUTH_HOST is '10.0.0.1', which has no scheme http or https, or no name. "
         "Write https://10.0.0.1 for instance."),
    ),
    "another scheme": (
        {"host": "ftp://api.test"}, {},
        "host is 'ftp://api.test', which has no scheme http or https, or no name. Write https://api.test for instance.",
    ),
    "password in the address": (
        {"host": "https://user:hunter22@api.test"}, {},
        "host holds a user name or password. Give them as username and password.",
    ),
    "query": (
        {"host": HOST + "/?a=b"}, {},
        f"host is '{HOST}/?a=b': an address has no part after ? or #. Leave it out.",
    ),
    "bad port": ({"host": "https://api.test:port"}, {}, "host is not an address. Write https://NAME:6443."),
    "token on two lines": (
        {"host": HOST, "api_key": "s3cr3t\nsecond"}, {},
        "api_key holds a line break or another control character. Give it on one line.",
    ),
    "user without password": (
        {"username": "u"}, {}, "username is given without password. Give password too, or use api_key.",
    ),
    "password without user": (
        {}, {"K8S_AUTH_PASSWORD": "hunter22"},
        "password is given without username. Give username too, or use api_key.",
    ),
    "key without certificate": (
        {"client_key": "/k"}, {},
        "client_key is given without client_cert. Give the certificate of that key too.",
    ),
    "groups without user": (
        {"impersonate_groups": ["g"]}, {},
        ("impersonate_groups is given without impersonate_user. "
         "The API server takes groups only together with a user: give impersonate_user too."),
    ),
    "neither true nor false": (
        {}, {"K8S_AUTH_VERIFY_SSL": "maybe"},
        "K8S_AUTH_VERIFY_SSL is 'maybe', which is neither true nor false. Write true or false.",
    ),
    "content as text": (
        {"kubeconfig": "apiVersion: v1\nusers: [{user: {token: s3cr3t}}]"}, {},
        ("kubeconfig holds the content of a kubeconfig where a path or a dictionary belongs. "
         "Give the path, or the content through the filter from_yaml."),
    ),
    "content in the variable": (
        {}, {"K8S_AUTH_KUBECONFIG": '{"users": "s3cr3t"}'},
        ("K8S_AUTH_KUBECONFIG holds the content of a kubeconfig where a path or a dictionary belongs. "
         "Give the path, or the content through the filter from_yaml."),
    ),
    "a list": ({"kubeconfig": ["s3cr3t"]}, {}, "kubeconfig is a list. Give a path or a dictionary."),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_settings_from_refuses_and_names_the_way_out(case: tuple[dict[str, Any], dict[str, str], str]) -> None:
    params, environ, text = case

    with pytest.raises(ConfigError) as caught:
        settings_from(params, environ=environ)

    assert str(caught.value) == text


def test_settings_never_show_a_secret() -> None:
    params = {"host": HOST, "api_key": TOKEN, "kubeconfig": CONTENT, "proxy": "http://me:pr0xy-pass@p:1"}

    shown = repr(settings_from(params, environ={"K8S_AUTH_PASSWORD": "hunter22", "K8S_AUTH_USERNAME": "u"}))

    assert [secret for secret in (TOKEN, "c2VjcmV0a2V5", "hunter22", "pr0xy-pass") if secret in shown] == []


def test_secret_values_names_what_no_log_does_not_cover() -> None:
    params = {"kubeconfig": CONTENT, "proxy": "http://me:pr0xy-pass@p:1", "proxy_headers": {"basic_auth": "a:b"}}
    environ = {"K8S_AUTH_API_KEY": "from-the-environment", "HTTPS_PROXY": "http://u:env-pass@q:1"}

    assert secret_values(params, environ=environ) == {
        TOKEN, "c2VjcmV0a2V5", "pr0xy-pass", "a:b", "from-the-environment", "env-pass",
    }  # fmt: skip


def test_auth_spec_hides_every_secret_option() -> None:
    hidden = {name for name, spec in AUTH_SPEC.items() if spec.get("no_log")}
    suboptions = AUTH_SPEC["proxy_headers"]["options"]

    assert hidden == {"api_key", "password"}
    assert {name for name, spec in suboptions.items() if spec.get("no_log")} == {"proxy_basic_auth", "basic_auth"}
