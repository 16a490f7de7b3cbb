# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-test sanity` on a copy of the project, on machines that reach PyPI and nothing else; then lets
ansible-test import all unit tests (`make ansible-test` runs them).

ansible-test wants its working directory to be the real path `.../ansible_collections/<namespace>/<name>` in a git
checkout, hence the copy. It starts each virtual environment with a script that it fetches from a site of its own;
a script of ours in its cache takes that place. It also hides the caller's environment, and with it where and how pip
finds packages; so that is written into the configuration file of the private home directory that it runs with.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.make.ansible_test import collect_units, command_of
from tests.make.places import BUILD, NAME, NAMESPACE, in_ci
from tests.make.tree import copy_checkout

__all__ = ["bootstrap_versions", "main", "pip_configuration", "skipped_lines"]

FOLDER = BUILD / "sanity"
TREE = FOLDER / "ansible_collections" / NAMESPACE / NAME
HOME = FOLDER / "home"

# pslint reads PowerShell, of which there is none here, and would need PowerShell itself to say so.
NOT_APPLICABLE = ("pslint",)

BOOTSTRAP = '''\
"""Stands in for the get-pip script: pip comes from the ensurepip that Python itself brings."""

import os
import subprocess
import sys

environment = dict(os.environ)
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL, env=environment)
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet"] + wanted, env=environment))
'''


def bootstrap_versions(source: str) -> set[str]:
    """The pip versions for which ansible-test, given the source that names them, would fetch its script."""
    return set(re.findall(r"""\bpip\s*[=:]\s*['"]([0-9][0-9.]*)['"]""", source)) | set(
        re.findall(r"""['"]pip['"]\s*[=:]\s*['"]([0-9][0-9.]*)['"]""", source)
    )


def write_bootstrap() -> None:
    """Put our script where ansible-test looks for a fetched one."""
    spec = find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("ansible-test is not installed; run: make setup")
    source = Path(spec.submodule_search_locations[0]) / "_internal" / "python_requirements.py"
    versions = bootstrap_versions(source.read_text())
    if not versions:
        raise SystemExit(f"{source} names no pip version: this ansible-core starts its environments in another way")
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in versions:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(BOOTSTRAP)


def pip_configuration(listed: str) -> str:
    """A pip configuration file from what `pip config list` says, the environment winning over files."""
    settings: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda row: row.startswith(":env:")):
        name, separator, value = line.partition("=")
        if not separator:
            continue
        settings[name.rsplit(".", 1)[-1]] = value.strip().strip("'\"").replace("\\n", "\n    ")
    rows = [f"{name} = {value}" for name, value in sorted(settings.items())]
    return "\n".join(["[global]", *rows, ""])


def write_pip_configuration() -> None:
    """Hand the caller's pip settings on to the environments that ansible-test makes."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    folder = HOME / ".config" / "pip"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pip.conf").write_text(pip_configuration(listed.stdout))


def skipped_lines(output: str) -> list[str]:
    """The lines that say that something was left out."""
    return [line for line in output.splitlines() if re.search(r"skipp|WARNING: Unable to", line, re.IGNORECASE)]


def run_sanity() -> tuple[int, str]:
    """The exit status and the output of all tests that apply; the output is shown as it comes."""
    command = command_of("sanity", *(word for name in NOT_APPLICABLE for word in ("--skip-test", name)))
    environment = {**os.environ, "HOME": str(HOME), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=TREE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            print(line, end="", flush=True)
    return process.returncode, "".join(lines)


def main() -> int:
    """0 when every test passed; in CI also a test that was left out counts as failed."""
    copy_checkout(TREE)
    write_bootstrap()
    write_pip_configuration()
    status, output = run_sanity()
    skipped = skipped_lines(output)
    if status == 0 and skipped and in_ci():
        print("sanity: left out, which counts as failed here:", *skipped, sep="\n  ", file=sys.stderr)
        return 1
    return status or collect_units(TREE)


if __name__ == "__main__":
    sys.exit(main())
