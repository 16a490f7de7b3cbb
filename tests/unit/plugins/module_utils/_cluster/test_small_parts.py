# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from outside, API paths, proxies and pauses: small tables of what goes in and what comes out."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster import paths
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.proxy import bypasses, proxy_for
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.retry import (
    RETRIED_STATUSES,
    pause_seconds,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import (
    HIDDEN,
    clean,
    redact,
    secrets_in,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import Rule, rule_from_path

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x00\r\nb", "a [31mred b"),
        ("  two\n\nlines ", "two lines"),
        ("\u202egnihtemos\u2028x", "gnihtemos x"),
        ("x" * 20 + "y", "x" * 20 + " [cut]"),
        ("x" * 10_000_000, "x" * 20 + " [cut]"),
        ("ä" * 20, "ä" * 20),
    ],
    ids=["escape sequence", "line breaks", "direction marks", "too long", "megabytes", "umlauts stay"],
)
def test_clean_gives_one_bounded_line(text: str, shown: str) -> None:
    assert clean(text, longest=20) == shown


@given(st.text())
def test_clean_never_lets_a_control_character_through(text: str) -> None:
    assert all(char.isprintable() for char in clean(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {HIDDEN}"),
        (f"token is {JWT}!", f"token is {HIDDEN}!"),
        ("sha256~AbCdEf_123 was used", f"{HIDDEN} was used"),
        ("proxy http://me:pass@proxy:1", f"proxy http://{HIDDEN}@proxy:1"),
        ('{"password": "hunter22", "a": 1}', f'{{"password": "{HIDDEN}", "a": 1}}'),
        ("access_token=abcdefgh&x=1", f"access_token={HIDDEN}&x=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----.", f"{HIDDEN}."),
        ("-----BEGIN PRIVATE KEY-----\nMIIB", HIDDEN),
        ("key AKIAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx99", f"key {HIDDEN}"),
        ("my given secret", f"my {HIDDEN}"),
    ],
    ids=["bearer", "jwt", "openshift", "url", "json", "query", "pem", "cut pem", "long word", "known secret"],
)
def test_redact_hides_what_looks_like_a_secret(text: str, shown: str) -> None:
    assert redact(text, secrets=["given secret", "is"]) == shown


@pytest.mark.parametrize(
    "text",
    [
        'pods "virt-launcher-a-very-long-name-of-a-virtual-machine-0123456789-abcde" not found',
        'serviceaccounts "x" is forbidden: User "system:serviceaccount:team-a:default" cannot create token',
        "the token has expired",
        "a Bearer token is needed",
        "/var/lib/kubelet/pods/0a1b2c3d-0000-4000-8000-AABBCCDDEEFF/volumes",
        "virtualmachineinstancemigrations.kubevirt.io is forbidden",
    ],
    ids=["pod name", "service account", "expired", "words", "path", "resource"],
)
def test_redact_leaves_ordinary_messages_alone(text: str) -> None:
    assert redact(text) == text


def test_secrets_in_finds_them_at_any_depth() -> None:
    variables = [{"name": "AWS_PROFILE", "value": "shown"}, {"name": "AWS_SECRET_ACCESS_KEY", "value": "e"}]
    provider = {"config": {"id-token": "i", "client-id": "shown"}}
    user = {"token": "t", "auth-provider": provider, "exec": {"env": variables}}

    assert list(secrets_in({"users": [{"name": "u", "user": user}], "token": 5})) == ["t", "i", "e"]


def test_paths_quote_every_part() -> None:
    path = paths.item("kubevirt.io", version="v1", plural="virtualmachines", name="a/b?c", namespace="n s")

    assert path == "/apis/kubevirt.io/v1/namespaces/n%20s/virtualmachines/a%2Fb%3Fc"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (paths.collection("", version="v1", plural="nodes"), Rule("list", "", "nodes")),
        (paths.collection("", version="v1", plural="pods", namespace="a"), Rule("list", "", "pods", "a")),
        (paths.item("", version="v1", plural="nodes", name="n"), Rule("get", "", "nodes")),
        (
            paths.item("g.io", version="v1", plural="things", name="n", namespace="a", subresource="evacuate/cancel"),
            Rule("get", "g.io", "things/evacuate/cancel", "a"),
        ),
    ],
    ids=["cluster", "namespace", "one", "subresource"],
)
def test_paths_lead_to_their_rule(path: str, rule: Rule) -> None:
    assert rule_from_path(path) == rule


@pytest.mark.parametrize("part", ["", ".", ".."], ids=["empty", "dot", "dots"])
def test_paths_refuse_a_part_that_leaves_its_place(part: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of an API path"):
        paths.item("", version="v1", plural="pods", name=part, namespace="a")


@given(st.text(alphabet=string.printable, min_size=1).filter(lambda text: text not in (".", "..")))
def test_paths_keep_any_name_in_its_segment(name: str) -> None:
    path = paths.item("", version="v1", plural="nodes", name=name)

    assert path.startswith("/api/v1/nodes/")
    assert path.count("/") == 4
    assert not set(path) & set("?# ")


@pytest.mark.parametrize(
    ("no_proxy", "is_bypassed"),
    [
        ("", False), ("*", True), ("api.corp.test", True), (".corp.test", True), ("*.corp.test", True),
        ("corp.test", True), ("orp.test", False), ("other, API.corp.test ", True), ("api.corp.test:6443", True),
        ("api.corp.test:443", False), ("10.0.0.0/8", False), (":6443", False),
    ],
    ids=repr,
)  # fmt: skip
def test_bypasses_a_name(no_proxy: str, is_bypassed: bool) -> None:
    assert bypasses("https://api.corp.test:6443", no_proxy=no_proxy) is is_bypassed


@pytest.mark.parametrize(
    ("server", "no_proxy", "is_bypassed"),
    [
        ("https://10.1.2.3:6443", "10.0.0.0/8", True),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", True),
        ("https://10.1.2.3", "11.0.0.0/8", False),
        ("https://10.1.2.3", "2.3", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", True),
    ],
    ids=["network", "with port", "other network", "end of an address", "ipv6 network", "ipv6 with port"],
)
def test_bypasses_an_address(server: str, no_proxy: str, is_bypassed: bool) -> None:
    assert bypasses(server, no_proxy=no_proxy) is is_bypassed


API = "https://api.corp.test"
ENV = {"HTTPS_PROXY": "http://env:1", "NO_PROXY": ".corp.test"}


@pytest.mark.parametrize(
    ("params", "environ", "proxy_url", "server", "chosen"),
    [
        ({}, {}, None, API, None),
        ({"proxy": "http://option:1"}, ENV, "http://file:1", API, "http://option:1"),
        ({}, {"K8S_AUTH_PROXY": "http://auth:1"}, "http://file:1", API, "http://auth:1"),
        ({}, ENV, "http://file:1", API, "http://file:1"),
        ({}, ENV, None, API, None),
        ({}, {"HTTPS_PROXY": "http://env:1"}, None, API, "http://env:1"),
        ({}, {"HTTP_PROXY": "http://env:1"}, None, API, None),
        ({}, {"all_proxy": "http://all:1"}, None, API, "http://all:1"),
        ({}, {"HTTPS_PROXY": "http://env:1"}, None, "https://127.0.0.1:6443", None),
        ({}, {"HTTPS_PROXY": "http://env:1"}, None, "https://localhost:6443", None),
        ({"proxy": "http://option:1"}, {}, None, "https://127.0.0.1:6443", "http://option:1"),
        ({"proxy": "http://option:1", "no_proxy": "corp.test"}, {}, None, API, None),
        ({"no_proxy": "corp.test"}, {}, "http://file:1", API, None),
    ],
    ids=[
        "none", "option first", "its variable", "kubeconfig's, whatever NO_PROXY says", "NO_PROXY", "environment",
        "other scheme", "all_proxy", "loopback", "localhost", "loopback by option", "no_proxy",
        "no_proxy and kubeconfig",
    ],
)  # fmt: skip
def test_proxy_for_chooses(
    params: dict[str, str], environ: dict[str, str], proxy_url: str | None, server: str, chosen: str | None
) -> None:
    assert proxy_for(settings_from(params, environ=environ), server=server, proxy_url=proxy_url) == chosen


def test_retried_statuses_each_have_a_reason() -> None:
    assert sorted(RETRIED_STATUSES) == [429, 500, 502, 503, 504]
    assert all(len(why) > 20 for why in RETRIED_STATUSES.values())


@given(st.integers(min_value=1, max_value=1000), st.none() | st.text())
def test_pause_seconds_is_always_bounded(attempt: int, retry_after: str | None) -> None:
    assert 0 < pause_seconds(attempt=attempt, retry_after=retry_after) <= 10
