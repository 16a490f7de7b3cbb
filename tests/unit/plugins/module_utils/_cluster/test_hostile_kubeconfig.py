# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs that nobody would write: credentials or an error that names the file, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.credentials import (
    Credentials,
    load_credentials,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ConfigError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.kubeconfig import read_files
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import settings_from
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import secrets_in
from tests.unit.plugins.module_utils._cluster.test_credentials import SERVER, TOKEN, a_config, a_file

BOUNDED = settings(max_examples=150, deadline=None, derandomize=True, database=None)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["c", SERVER]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
USER_KEYS = ["token", "tokenFile", "as", "as-uid", "as-groups", "as-user-extra", "username", "password"]
CLUSTER_KEYS = ["server", "proxy-url", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data"]


def outcome(kubeconfig: Any) -> Credentials | str:
    """What it gives, or why not; anything but a ConfigError fails the test."""
    try:
        found = load_credentials(settings_from({"kubeconfig": kubeconfig}, environ={}), seconds=5)
        found.impersonation()
        found.authorization()
    except ConfigError as error:
        return str(error)
    return found


@BOUNDED
@given(
    user=st.dictionaries(st.sampled_from(USER_KEYS), ANYTHING, max_size=4) | ANYTHING,
    cluster=st.dictionaries(st.sampled_from(CLUSTER_KEYS), ANYTHING, max_size=4) | ANYTHING,
)
def test_any_user_and_cluster_are_used_or_refused(user: Any, cluster: Any) -> None:
    assert outcome(a_config(user=user, cluster=cluster))


@BOUNDED
@given(parts=st.dictionaries(st.sampled_from(["current-context", "contexts", "clusters", "users"]), ANYTHING))
def test_any_parts_are_used_or_refused(parts: dict[str, Any]) -> None:
    assert outcome({**a_config(), **parts})


@BOUNDED
@given(text=st.text(alphabet=st.sampled_from("abc:[]{}-&*!?|>'\"%@ \n\t0x1_.~<=,#")))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "kubeconfig"
    path.write_text(text, encoding="utf-8")
    said, found = "", {}
    try:
        found = read_files([str(path)])
    except ConfigError as error:
        said = str(error)

    assert str(path) in said or set(found) == {"clusters", "contexts", "users", "current-context"}


# Each of these makes PyYAML raise something of its own, or leads round in a circle.
ODD_YAML: dict[str, str] = {
    "number of nothing": "!!int ''",
    "word that is no boolean": "!!bool x",
    "word that is no time": "a: !!timestamp ''",
    "a call": "!!python/object/apply:os.system [ls]",
    "deep": "[" * 100_000,
    "long number": "current-context: " + "1" * 5000,
}


@pytest.mark.parametrize("text", ODD_YAML.values(), ids=ODD_YAML)
def test_yaml_that_breaks_the_library_is_an_error_that_names_the_file(text: str, tmp_path: Path) -> None:
    said = outcome(a_file(tmp_path / "kubeconfig", text))

    assert isinstance(said, str)
    assert f"The kubeconfig {tmp_path}/kubeconfig is not valid YAML" in said


DOUBLED = ["a0: &a0 [x, x]", *(f"a{step}: &a{step} [*a{step - 1}, *a{step - 1}]" for step in range(1, 40))]


@pytest.mark.parametrize("lines", [DOUBLED, ["self: &s {of: *s}"]], ids=["doubled 40 times", "holds itself"])
def test_few_lines_that_stand_for_terabytes_are_refused(lines: list[str], tmp_path: Path) -> None:
    bomb = yaml.safe_load("\n".join(lines))
    text = yaml.safe_dump(a_config(user={"token": TOKEN, "more": bomb}))

    assert "repeats itself by reference" in str(outcome(a_file(tmp_path / "kubeconfig", text)))
    assert list(secrets_in({"token": TOKEN, "more": bomb})) == [TOKEN]


def test_reference_that_saves_a_line_is_fine(tmp_path: Path) -> None:
    here = {"server": SERVER}
    clusters = [{"name": "k-c", "cluster": here}, {"name": "other", "cluster": here}]
    text = yaml.safe_dump(a_config(clusters=clusters))

    assert "*id001" in text
    assert isinstance(outcome(a_file(tmp_path / "kubeconfig", text)), Credentials)


PATHS: dict[str, str] = {
    "zero byte": "{home}/a\0b",
    "too long": "{home}/" + "a" * 5000,
    "unknown user": "~nobody-of-this-name/config",
    "nothing": os.pathsep,
    "a folder": "{home}",
    "a folder after others": "{home}/none" + os.pathsep + "{home}",
    "half a character": "{home}/\ud800",
    "a device": "/dev/null",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_path_that_leads_to_no_kubeconfig_is_an_error(path: str, tmp_path: Path) -> None:
    said = outcome(path.format(home=tmp_path))

    assert isinstance(said, str)
    assert said.startswith("The kubeconfig ")
    assert said.isprintable()


def test_relative_paths_and_the_home_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_file(tmp_path / "config", a_config())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    for path in ("config", "./config", "../" + tmp_path.name + "/config", "~/config"):
        assert isinstance(outcome(path), Credentials), path


def test_one_file_named_twice_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "b").symlink_to(a_file(tmp_path / "a", a_config()))
    paths = os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "a"), "", str(tmp_path / "none")])

    assert isinstance(outcome(paths), Credentials)


def test_link_to_itself_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    assert "does not exist" in str(outcome(str(tmp_path / "a")))


NOBODY: dict[str, dict[str, Any]] = {
    "number": {"as": 5},
    "line break": {"as": "me\r\nX-Other: 1"},
    "half a character": {"as": "\ud800"},
    "groups of numbers": {"as": "me", "as-groups": [5]},
    "groups that are none": {"as": "me", "as-groups": 5},
    "one text for groups": {"as": "me", "as-groups": "admins"},
    "extra that is none": {"as": "me", "as-user-extra": 5},
    "extra of a number": {"as": "me", "as-user-extra": {"a": 5}},
    "extra of a line break": {"as": "me", "as-user-extra": {"a\n": ["b"]}},
}


@pytest.mark.parametrize("user", NOBODY.values(), ids=NOBODY)
def test_nobody_acts_as_somebody_else_than_the_file_means(user: dict[str, Any]) -> None:
    assert "of the user is none that can be sent" in str(outcome(a_config(user={"token": TOKEN, **user})))


@pytest.mark.parametrize("option", ["impersonate_user", "username", "api_key", "host"])
@pytest.mark.parametrize("text", ["a\nb", "a\x9bb", "a\udcffb"], ids=["line", "control", "half"])
def test_option_that_no_header_can_carry_is_named(option: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"{option} holds a line break or another control character"):
        settings_from({"password": "p" if option == "username" else None, option: text}, environ={})


def test_group_that_no_header_can_carry_is_named() -> None:
    with pytest.raises(ConfigError, match="impersonate_groups holds a line break"):
        settings_from({"impersonate_user": "me", "impersonate_groups": ["a", "b\nc"]}, environ={})
