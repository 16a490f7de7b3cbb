# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the documentation as web pages: the guides of docs/ and the reference of every plugin, role and filter.

Nothing is fetched while it is written, so it is the same on every machine; a warning of Sphinx is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.make.places import BUILD, COLLECTIONS, FULL_NAME, ROOT

__all__ = ["SITE", "main", "write_sources"]

SITE = BUILD / "site"
_BIN = BUILD / "site-venv" / "bin"
_REFERENCE = Path("collections") / FULL_NAME.replace(".", "/") / "index"
_CONF = f'''project = "{FULL_NAME}"
copyright = "{FULL_NAME} contributors"
title = html_short_title = "{FULL_NAME}"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
pygments_style = "ansible"
html_theme = "sphinx_ansible_theme"
html_theme_options = {{"vcs_pageview_mode": "edit", "topbar_links": {{}}}}
html_show_sphinx = False
html_copy_source = False
default_role = "any"
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_inline"]
# The reference names pages of Ansible's own documentation, which are not asked for here.
suppress_warnings = ["ref.any", "ref.ref"]
'''
_INDEX = f"""# {FULL_NAME}

Finds KubeVirt VMs that are stuck in live migration, says why with evidence, and helps where it is safe.

{{guides}}
```{{toctree}}
:maxdepth: 2
:caption: Reference

{_REFERENCE.as_posix()}
```
"""
_LINK = re.compile(r"\]\(((?!https?:|#)[^)\s]+)\)")
_PARTS = {"Guides": "", "How to": "howto", "Alerts": "alerts"}
_REPOSITORY = "https://github.com/kubevirt-ops/live_migration/blob/main"


def write_sources(folder: Path) -> list[str]:
    """Copies the guides there, with the configuration and the first page; the names of the guides, as listed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o755)
    guides = sorted(path for path in (ROOT / "docs").rglob("*.md"))
    for path in guides:
        target = folder / path.relative_to(ROOT / "docs")
        target.parent.mkdir(parents=True, exist_ok=True)
        there = partial(_on_the_site, page=path)
        text = _LINK.sub(there, path.read_text(encoding="utf-8"))
        target.write_text(text, encoding="utf-8")
    names = [path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in guides]
    lists = "\n".join(_list(caption, names, folder=part) for caption, part in _PARTS.items())
    (folder / "index.md").write_text(_INDEX.replace("{guides}", lists), encoding="utf-8")
    (folder / "conf.py").write_text(_CONF, encoding="utf-8")
    return names


def _list(caption: str, names: list[str], *, folder: str) -> str:
    """The pages of one folder as a part of the first page, the tutorial and the folder's own page first."""
    mine = sorted(
        (name for name in names if name.rpartition("/")[0] == folder), key=lambda name: (not _is_first(name), name)
    )
    return "\n".join(["```{toctree}", ":maxdepth: 1", f":caption: {caption}", "", *mine, "```", ""])


def _is_first(name: str) -> bool:
    return name == "tutorial" or name.endswith("/README")


def _on_the_site(found: re.Match[str], *, page: Path) -> str:
    """The link as it stands where it leads to another guide, and into the repository where to a file or folder."""
    link = found[1]
    name, _mark, part = link.partition("#")
    target = (page.parent / name).resolve()
    if target.suffix == ".md" and target.is_relative_to(ROOT / "docs"):
        return f"]({link})"
    return f"]({_REPOSITORY}/{target.relative_to(ROOT).as_posix()}{'#' + part if part else ''})"


def main() -> int:
    """Writes the pages to .build/site/html; 1 where a tool finds something wrong."""
    source = SITE / "source"
    write_sources(source)
    reference = [
        str(_BIN / "antsibull-docs"),
        "collection",
        "--use-current",
        "--fail-on-error",
        "--cleanup",
        "similar-files",
    ]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "PATH": f"{_BIN}:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    pages = [str(_BIN / "sphinx-build"), "-q", "-W", "--keep-going", "-j", "auto", "-b", "html"]
    for command in (
        [*reference, "--dest-dir", str(source), FULL_NAME],
        [*pages, str(source), str(SITE / "html")],
    ):
        done = subprocess.run(command, cwd=source, env=environment, check=False)
        if done.returncode:
            print(f"make site: {Path(command[0]).name} ended with {done.returncode}", file=sys.stderr)
            return 1
    print(f"wrote {(SITE / 'html' / 'index.html').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
