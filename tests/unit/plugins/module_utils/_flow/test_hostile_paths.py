# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that are none, given as options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.bundle_files import (
    check_target,
    load_key,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.rule_file import read_rule_file

OPENED: dict[str, Callable[[str], Any]] = {
    "path": check_target,
    "rule_file": read_rule_file,
    "pseudonym_key_file": load_key,
}


@pytest.mark.parametrize("option", OPENED)
def test_path_with_a_zero_byte_is_named(option: str, tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=f"^{option}: "):
        OPENED[option](f"{tmp_path}/a\0b")


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.just("00" * 32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(document=st.dictionaries(st.sampled_from(["key", "names"]), JSON) | JSON)
def test_any_key_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "names.json"
    path.write_text(json.dumps(document))
    names: dict[str, str] = {}
    try:
        _key, names = load_key(str(path))
    except WrongInput:
        return

    assert all(isinstance(text, str) for pair in names.items() for text in pair)


def test_names_of_a_key_file_are_texts(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(json.dumps({"key": "00" * 32, "names": {"vm-1": 5}}))

    with pytest.raises(WrongInput, match="cannot be used"):
        load_key(str(tmp_path / "names.json"))
