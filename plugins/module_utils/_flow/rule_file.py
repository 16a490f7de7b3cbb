# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rules file on the host that runs the module: checked, compared, and put in place in one step.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._plan.rules_check import find_faults

__all__ = ["OWN_CHECK", "RulesRefused", "check_rules", "read_rule_file", "remove_rule_file", "write_rule_file"]

OWN_CHECK: Final = "own check of structure, names and brackets (no promtool was found)"
_PROMTOOL_SECONDS: Final = 60
_MODE: Final = 0o644
_LONGEST: Final = 2000


class RulesRefused(ClusterError):
    """The check found a fault in the rules; nothing was written."""

    default_remedy = "Nothing was written."


def read_rule_file(path: str, /) -> str | None:
    """Its text, None where there is none. Raises WrongInput for what cannot be read or is no file."""
    if "\0" in path:
        raise WrongInput(f"rule_file: {clean(path)} is no path.")
    place = Path(path)
    try:
        # A pipe would be waited for, and a device be replaced by a file.
        if place.exists() and not (place.is_file() or place.is_dir()):
            raise WrongInput(f"rule_file: {path} is no regular file.")
        return place.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if not Path(os.path.realpath(path)).parent.is_dir():
            raise WrongInput(f"rule_file: the folder of {path} does not exist.") from None
        return None
    except OSError as error:
        raise WrongInput(f"rule_file: {path} cannot be read ({error.strerror}).") from None


def check_rules(text: str, groups: Sequence[Mapping[str, Any]], /, *, promtool: str) -> str:
    """Who checked the rules: promtool with its version where it is found, else our own check, as OWN_CHECK.

    Either way they are read back first. Raises RulesRefused with what is wrong, WrongInput for a promtool that was
    named and cannot be run.
    """
    # Brought by kubernetes; a module must load without it, so that it can say what is missing.
    import yaml

    document = yaml.safe_load(text)
    if document != {"groups": list(groups)}:
        raise RulesRefused("The rules file does not read back as the rules that were to be written.")
    program = shutil.which(promtool or "promtool")
    if program is None and promtool:
        raise WrongInput(f"promtool: {promtool} is not there or cannot be run.")
    faults = find_faults(document) if program is None else _ask_promtool(program, text)
    if faults:
        raise RulesRefused(f"The rules are faulty: {'; '.join(faults)[:_LONGEST]}.")
    return OWN_CHECK if program is None else f"promtool ({program})"


def _ask_promtool(program: str, text: str, /) -> list[str]:
    """What promtool finds wrong."""
    with tempfile.TemporaryDirectory(prefix="live-migration-rules-") as folder:
        file = Path(folder) / "rules.yml"
        file.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run(
                [program, "check", "rules", str(file)],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PROMTOOL_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise WrongInput(f"promtool: {program} cannot be run ({type(error).__name__}).") from None
    if done.returncode == 0:
        return []
    said = " ".join(f"{done.stdout} {done.stderr}".replace(str(file), "rules").split())
    return [f"promtool says: {said or done.returncode}"]


def write_rule_file(path: str, text: str, /) -> None:
    """Put the file in place in one step, so that Prometheus never reads half of it; mode and owner of one that is there
    stay, and a symbolic link keeps pointing to it. Raises WrongInput where that cannot be done."""
    target = Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                _take_over_rights(stream.fileno(), target)
                os.fsync(stream.fileno())
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise WrongInput(f"rule_file: {path} cannot be written ({error.strerror}).") from None


def _take_over_rights(handle: int, target: Path, /) -> None:
    try:
        found = target.stat()
    except FileNotFoundError:
        os.fchmod(handle, _MODE)
        return
    os.fchmod(handle, found.st_mode & 0o7777)
    with contextlib.suppress(PermissionError):
        os.fchown(handle, found.st_uid, found.st_gid)


def remove_rule_file(path: str, /) -> None:
    """Remove it. Raises WrongInput where that cannot be done."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise WrongInput(f"rule_file: {path} cannot be removed ({error.strerror}).") from None
