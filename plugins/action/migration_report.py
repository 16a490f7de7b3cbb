# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print a report on live migrations and write its files, on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc
from ansible.utils.display import Display

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.capture_files import (
    Bounds,
    read_files,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._clusters_files import (
    render_clusters_html,
    render_clusters_json,
    render_clusters_markdown,
    render_clusters_text,
    summarise_clusters,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._clusters_read import (
    CLUSTERS_TITLE,
    ClustersReport,
    read_clusters,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_files import (
    render_preflight_html,
    render_preflight_json,
    render_preflight_markdown,
    summarise_preflight,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_read import (
    PREFLIGHT_TITLE,
    PreflightReport,
    read_preflight,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._preflight_text import render_preflight_text
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_acts import MODES, read_remediation
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_clean import visible
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_compare import compare_reports
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_earlier import (
    MOST_BYTES,
    earlier_from,
    read_earlier,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_files import (
    collection_version,
    differs,
    write_atomically,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_html import render_html
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_json import render_json, summarise
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_markdown import render_markdown
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_model import Remediation, Report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_read import DEFAULT_TITLE, read_report
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._report_text import Line, render_text
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_files import (
    render_tuning_html,
    render_tuning_json,
    render_tuning_markdown,
    summarise_tuning,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_read import (
    TUNING_TITLE,
    TuningReport,
    read_tuning,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.plugin_utils._tuning_text import render_tuning_text

__all__ = ["ActionModule", "terminal_width"]

display = Display()

ARGUMENT_SPEC: dict[str, Any] = {
    "migrations": {"type": "dict"},
    "clusters": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "migrations": {"type": "dict"},
            "nodes": {"type": "dict"},
            "error": {"type": "str", "default": ""},
        },
    },
    "preflight": {"type": "dict"},
    "tuning": {
        "type": "dict",
        "options": {
            "mode": {"type": "str", "choices": ["advise", "plan", "apply", "undo"], "default": "advise"},
            "advice": {"type": "dict"},
            "policies": {"type": "list", "elements": "dict"},
            "settings": {"type": "dict"},
            "settings_not_tried": {"type": "str", "default": ""},
        },
    },
    "nodes": {"type": "dict"},
    "scope": {
        "type": "dict",
        "options": {name: {"type": "list", "elements": "str"} for name in ("namespaces", "vms", "nodes")},
    },
    "mode": {"type": "str", "choices": list(MODES)},
    "cancelled": {"type": "dict"},
    "retried": {"type": "dict"},
    "after": {"type": "dict"},
    "compare_with": {"type": "path", "default": ""},
    "directory": {"type": "path", "default": ""},
    "formats": {
        "type": "list",
        "elements": "str",
        "choices": ["json", "html", "markdown"],
        "default": ["json", "html"],
    },
    "width": {"type": "int", "default": 0},
    "title": {"type": "str", "default": ""},
}
# What a report may be about: just one of these options is given.
_KINDS = ("migrations", "clusters", "preflight", "tuning")
_ACTS = ("cancelled", "retried")
_SUFFIXES = {"json": ".json", "html": ".html", "markdown": ".md"}
_COLORS = {"bad": "COLOR_ERROR", "warn": "COLOR_WARN", "good": "COLOR_OK"}
# What the role migration_diagnosis calls a bundle.
_BUNDLE = "live-migration-evidence.tar.gz"
# ansible-core annotates these in some releases only.
_Untyped = Callable[..., Any]
_fail: _Untyped = AnsibleActionFail
_stringc: _Untyped = stringc
_AnyReport = Report | ClustersReport | PreflightReport | TuningReport


class ActionModule(ActionBase):
    """The action behind M(kubevirt_ops.live_migration.migration_report)."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Print, then write: a folder that cannot be written to costs the files, never the diagnosis."""
        super().run(tmp, task_vars)
        validate: _Untyped = self.validate_argument_spec
        _validated, options = validate(
            argument_spec=ARGUMENT_SPEC,
            mutually_exclusive=[_KINDS],
            required_one_of=[_KINDS],
        )
        report = _report(options, task_vars=task_vars or {})
        paths = _paths(options)
        lines = _lines(report, width=options["width"] or terminal_width(display.columns or 0))
        lines += [Line(f"{'Would write' if self._task.check_mode else 'Report:'} {path}") for path in paths.values()]
        if not self._task.no_log:
            _show(lines)
        changed = _write(report, options=options, paths=paths, check_mode=self._task.check_mode)
        names = {name: str(path) for name, path in paths.items()}
        return {
            "changed": bool(changed),
            "headline": report.headline,
            "lines": [line.text for line in lines],
            "paths": names,
            "changed_files": changed,
            "summary": _summary(report, options=options, paths=names),
        }


def _report(options: Mapping[str, Any], *, task_vars: Mapping[str, Any]) -> _AnyReport:
    if options["clusters"] is not None:
        title = options["title"] or CLUSTERS_TITLE
        return read_clusters(options["clusters"], scope=options["scope"], title=title, version=collection_version())
    if options["preflight"] is not None:
        if not isinstance(options["preflight"].get("vms"), list):
            raise _fail("option preflight: this is no result of kubevirt_ops.live_migration.preflight_info")
        title = _title(options, PREFLIGHT_TITLE, task_vars)
        return read_preflight(options["preflight"], title=title, version=collection_version())
    if options["tuning"] is not None:
        title = _title(options, TUNING_TITLE, task_vars)
        return read_tuning(options["tuning"], title=title, version=collection_version())
    if not isinstance(options["migrations"].get("migrations"), list):
        raise _fail("option migrations: this is no result of kubevirt_ops.live_migration.migration_info")
    title = _title(options, DEFAULT_TITLE, task_vars)
    report = read_report(
        options["migrations"],
        nodes=options["nodes"],
        scope=options["scope"],
        title=title,
        version=collection_version(),
        remediation=_remediation(options),
        acts=[options[name] for name in _ACTS],
    )
    if not options["compare_with"]:
        return report
    try:
        return replace(report, comparison=compare_reports(_earlier(options["compare_with"]), later=report))
    except ValueError as error:
        raise _fail(f"option compare_with: {error}") from error


def _earlier(given: str) -> Report:
    """An earlier report.json, in a folder, by itself, or in the tarball of a bundle, which may be anybody's."""
    path = Path(given).expanduser().absolute()
    if not (path / "report.json").exists() and (path / _BUNDLE).is_file():
        path /= _BUNDLE
    if path.suffix == ".json" or not path.is_file():
        return read_earlier(given)
    bounds = Bounds(file_bytes=MOST_BYTES, total_bytes=2 * MOST_BYTES)
    try:
        found = dict(read_files(str(path), wanted=_is_of_a_report, bounds=bounds, option="option compare_with"))
    except WrongInput as error:
        raise _fail(str(error)) from error
    reports = {name: content for name, content in found.items() if name.rpartition("/")[2] == "report.json"}
    if len(reports) != 1:
        raise ValueError(f"{path} holds {len(reports)} report.json; name a bundle, a folder or a file that has one")
    ((name, content),) = reports.items()
    return earlier_from(content, named=f"{name} in {path}")


def _is_of_a_report(path: str) -> bool:
    return path.count("/") <= 1 and path.rpartition("/")[2] == "report.json"


def _remediation(options: Mapping[str, Any]) -> Remediation | None:
    after = options["after"]
    headline = read_report(after, scope=options["scope"]).headline if after and "migrations" in after else ""
    return read_remediation(
        options["mode"] or "", cancelled=options["cancelled"], retried=options["retried"], after=headline
    )


def _title(options: Mapping[str, Any], default: str, task_vars: Mapping[str, Any]) -> str:
    host = task_vars.get("inventory_hostname") or "localhost"
    return options["title"] or (default if host == "localhost" else f"{default} of {host}")


def _lines(report: _AnyReport, *, width: int) -> list[Line]:
    if isinstance(report, ClustersReport):
        return render_clusters_text(report, width=width)
    if isinstance(report, PreflightReport):
        return render_preflight_text(report, width=width)
    if isinstance(report, TuningReport):
        return render_tuning_text(report, width=width)
    return render_text(report, width=width)


def _summary(report: _AnyReport, *, options: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(report, ClustersReport):
        return summarise_clusters(report, paths=paths)
    if isinstance(report, PreflightReport):
        return summarise_preflight(report, result=options["preflight"], paths=paths)
    if isinstance(report, TuningReport):
        return summarise_tuning(report, paths=paths)
    return summarise(report, migrations=options["migrations"], paths=paths, after=_looked(options["after"]))


def _paths(options: Mapping[str, Any]) -> dict[str, Path]:
    """The files to write by format, absolute; none without a directory."""
    if not options["directory"]:
        return {}
    directory = Path(options["directory"]).absolute()
    stem = next((kind for kind in _KINDS[1:] if options[kind] is not None), "report")
    return {name: directory / f"{stem}{suffix}" for name, suffix in _SUFFIXES.items() if name in options["formats"]}


def _write(report: _AnyReport, *, options: Mapping[str, Any], paths: Mapping[str, Path], check_mode: bool) -> list[str]:
    """Write the files whose content is another (in check mode none), and return their names."""
    changed = []
    for name, path in paths.items():
        text = _render(report, name=name, options=options)
        try:
            if differs(path, text=text):
                changed.append(str(path))
                if not check_mode:
                    write_atomically(path, text=text)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "this is no path"
            raise _fail(
                f"cannot write {visible(str(path))}: {why}. Name another folder with the option directory, or leave it"
                " empty to write no files."
            ) from error
    return changed


def _render(report: _AnyReport, *, name: str, options: Mapping[str, Any]) -> str:
    html, markdown, data = _RENDERERS[type(report)]
    if name == "html":
        return html(report)
    if name == "markdown":
        return markdown(report)
    return data(report, options)


def _data(report: Report, options: Mapping[str, Any], /) -> str:
    acts = {name: options[name] for name in _ACTS} | {"after": _looked(options["after"])}
    return render_json(report, migrations=options["migrations"], nodes=options["nodes"], acts=acts)


# Of each kind of report: the page, the Markdown, and the data, which is made of the options too.
_RENDERERS: dict[type, tuple[Callable[..., str], Callable[..., str], Callable[..., str]]] = {
    Report: (render_html, render_markdown, _data),
    ClustersReport: (
        render_clusters_html,
        render_clusters_markdown,
        lambda report, options: render_clusters_json(report, looks=options["clusters"]),
    ),
    PreflightReport: (
        render_preflight_html,
        render_preflight_markdown,
        lambda report, options: render_preflight_json(report, result=options["preflight"]),
    ),
    TuningReport: (
        render_tuning_html,
        render_tuning_markdown,
        lambda report, options: render_tuning_json(report, result=options["tuning"]),
    ),
}


def _looked(after: Any) -> Any:
    """The look after the acts; None where it was skipped."""
    return after if after and "migrations" in after else None


def _show(lines: list[Line]) -> None:
    """Print through Ansible's display in one piece, so that the reports of several clusters never mix.

    A log file gets the lines without colour, since escapes in a log help nobody.
    """
    text = "\n".join(line.text for line in lines)
    colored = "\n".join(_colored(line) for line in lines)
    if colored == text:
        display.display(text)
        return
    display.display(colored, screen_only=True)
    display.display(text, log_only=True)


def _colored(line: Line) -> str:
    """Ansible decides whether this terminal gets colour: stringc returns the text as it is where it does not."""
    color = _COLORS.get(line.tone)
    if color is None or not line.toned:
        return line.text
    end = line.start + line.toned
    word = _stringc(line.text[line.start : end], getattr(constants, color))
    return f"{line.text[: line.start]}{word}{line.text[end:]}"


def terminal_width(columns: int) -> int:
    """The width to use where Ansible's display says `columns`: 80 is what it makes 79 of, and of no terminal at all."""
    return max(80, columns + 1)
