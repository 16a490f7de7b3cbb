# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option prometheus: what it accepts, what it refuses with option, value and way out; and what is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    ClusterError,
    ConfigError,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.progress_reads import (
    read_from_prometheus,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.prometheus import (
    Prometheus,
    PrometheusSettings,
    prometheus_settings,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.progress import check_progress
from tests.unit.builders import NOW

URL = "https://prometheus.test:9091"
EMPTY = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'


def settings(
    *, environ: dict[str, str] | None = None, params: dict[str, Any] | None = None, **given: Any
) -> PrometheusSettings:
    return prometheus_settings({"prometheus": {"url": URL, **given}, **(params or {})}, environ=environ or {})


def test_url_loses_its_last_slash_and_keeps_its_path() -> None:
    assert settings(url=f" {URL}/prefix/ ").url == f"{URL}/prefix"


def test_certificate_is_checked_unless_the_connections_option_says_no() -> None:
    assert settings().is_verified
    assert not settings(params={"validate_certs": False}).is_verified
    assert not settings(environ={"K8S_AUTH_VERIFY_SSL": "no"}).is_verified


def test_nothing_of_the_api_servers_credentials_or_proxy_goes_along() -> None:
    found = settings(params={"api_key": "the-api-servers-own", "host": "https://api", "proxy": "http://p:1"})

    assert (found.token, found.connection.proxy) == (None, None)


def test_token_stands_in_no_repr() -> None:
    assert "s3cret" not in repr(settings(token="s3cret-token"))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no url": ({"url": None}, "prometheus.url is not given"),
    "empty url": ({"url": "  "}, "prometheus.url is not given"),
    "no scheme": ({"url": "prometheus:9090"}, "prometheus.url is 'prometheus:9090'"),
    "another scheme": ({"url": "ftp://x"}, "prometheus.url is 'ftp://x'"),
    "password": ({"url": "https://a:b@x"}, "prometheus.url holds a user name or password"),
    "query": ({"url": f"{URL}?a=b"}, "parameters go into query_parameters"),
    "line break": ({"url": f"{URL}/\nx"}, "prometheus.url is "),
    "bad port": ({"url": "https://x:99999"}, "prometheus.url is "),
    "token with a line break": ({"token": "a\nb"}, "prometheus.token holds a line break"),
    "no such file": ({"ca_cert": "/nonexistent/ca.pem"}, "prometheus.ca_cert is '/nonexistent/ca.pem'"),
    "query as a parameter": ({"query_parameters": {"query": "up"}}, "prometheus.query_parameters has 'query'"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_option_that_cannot_be_used_is_named(case: tuple[dict[str, Any], str]) -> None:
    given, said = case

    with pytest.raises(ConfigError, match=re.escape(said)) as raised:
        settings(**given)

    assert raised.value.remedy
    assert "a:b" not in str(raised.value)


def test_ca_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")

    with pytest.raises(ConfigError, match=r"prometheus\.ca_cert must be a PEM file"):
        Prometheus(settings(ca_cert=str(tmp_path / "ca.pem")))


def test_options_are_checked_before_anything_is_read() -> None:
    with pytest.raises(ConfigError, match=r"prometheus\.url"):
        check_progress({"progress": "prometheus", "prometheus": {}})
    with pytest.raises(WrongInput, match="progress: 'thanos' is none of none, prometheus, virt_handler"):
        check_progress({"progress": "thanos"})


def test_token_over_http_is_warned_of_but_on_loopback() -> None:
    warned = Prometheus(settings(url="http://prometheus.test", token="a-long-token")).warnings

    assert ["unencrypted" in one and "a-long-token" not in one for one in warned] == [True]
    assert Prometheus(settings(url="http://127.0.0.1:9090", token="a-long-token")).warnings == []


class Answering:
    """Stands for a Prometheus: what was asked of it, and its answers."""

    def __init__(self, *answers: bytes | ClusterError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        self.requests = 0

    def query(self, expression: str, *, namespace: str = "") -> bytes:
        self.requests += 1
        self.asked.append((expression, namespace))
        if not self.answers:
            return EMPTY
        answer = self.answers.pop(0)
        if isinstance(answer, ClusterError):
            raise answer
        return answer


def read(prometheus: Any, *keys: tuple[str, str], namespaces: tuple[str, ...] = ()) -> Any:
    return read_from_prometheus(prometheus, keys, namespaces=namespaces, read_at=NOW)


def test_one_query_for_all_copies_of_the_cluster() -> None:
    asked = Answering()

    found = read(asked, ("a", "web-1"), ("b", "web.2"))

    assert len(asked.asked) == 1
    assert 'name=~"web-1|web[.]2"' in asked.asked[0][0]
    assert asked.asked[0][0].endswith("}[10m]")
    assert {key: one.problem for key, one in found.progress.items()} == {
        ("a", "web-1"): "Prometheus has no figures of this copy",
        ("b", "web.2"): "Prometheus has no figures of this copy",
    }


def test_one_query_for_each_namespace_where_namespaces_are_asked_about() -> None:
    asked = Answering()

    read(asked, ("a", "one"), ("b", "two"), ("a", "three"), namespaces=("a", "b", "c"))

    assert [namespace for _expression, namespace in asked.asked] == ["a", "b"]


@pytest.mark.parametrize("name", ['x"} or {a="', "x\\", "A", "x|.*", ""], ids=repr)
def test_name_that_is_none_is_not_asked_for(name: str) -> None:
    asked = Answering()

    read(asked, ("a", name))

    assert asked.asked == []


def test_many_names_are_left_out_of_the_query() -> None:
    asked = Answering()

    read(asked, *(("a", f"vm-{number:05}") for number in range(1000)))

    assert len(asked.asked) == 1
    assert "vm-" not in asked.asked[0][0]


def test_first_failure_ends_the_asking_and_every_copy_says_why() -> None:
    asked = Answering(ClusterError("it is down.", remedy="Check prometheus.url."))

    found = read(asked, ("a", "one"), ("b", "two"), namespaces=("a", "b"))

    assert len(asked.asked) == 1
    assert {one.problem for one in found.progress.values()} == {"it is down. Check prometheus.url."}
    assert [note.partition(": ") for note in found.notes] == [
        (
            "No progress was read",
            ": ",
            "it is down. Check prometheus.url. Therefore the verdicts on running copies rest on times.",
        )
    ]
