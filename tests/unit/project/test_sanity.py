# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes ansible-test run where only PyPI is reached, and what it left out."""

from __future__ import annotations

import ast

import pytest

from tests.make import sanity


@pytest.mark.parametrize(
    "source",
    ["packages = dict(\n    pip='24.2',\n)", "{'pip': '24.2'}", 'pip = "24.2"'],
    ids=["keyword", "mapping", "name"],
)
def test_bootstrap_versions_are_found_in_the_source(source: str) -> None:
    assert sanity.bootstrap_versions(source) == {"24.2"}


def test_bootstrap_versions_of_another_source_are_none() -> None:
    assert sanity.bootstrap_versions("setuptools='80.0'") == set()


def test_bootstrap_is_a_script() -> None:
    assert ast.parse(sanity.BOOTSTRAP).body


def test_pip_configuration_prefers_the_environment() -> None:
    listed = ":env:.cert='/b.pem'\nglobal.cert='/a.pem'\nglobal.timeout='5'\n"
    assert sanity.pip_configuration(listed) == "[global]\ncert = /b.pem\ntimeout = 5\n"


def test_pip_configuration_of_nothing_is_an_empty_section() -> None:
    assert sanity.pip_configuration("") == "[global]\n"


@pytest.mark.parametrize(
    "line",
    [
        'WARNING: Skipping sanity test "shellcheck" because the command is missing.',
        "WARNING: Skipped 1 sanity test.",
        "WARNING: Unable to perform pslint",
    ],
    ids=["skipping", "skipped", "unable"],
)
def test_skipped_lines_are_found(line: str) -> None:
    assert sanity.skipped_lines(f'Running sanity test "pep8"\n{line}\n') == [line]


def test_skipped_lines_of_a_full_run_are_none() -> None:
    assert sanity.skipped_lines('Running sanity test "pep8"\nRunning sanity test "shellcheck"\n') == []
