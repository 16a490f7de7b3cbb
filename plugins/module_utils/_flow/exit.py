# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where a result or an error ends a module.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.client import Client, connect
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import ClusterError
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.options import (
    secret_values,
    settings_from,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._proof.harmless import harmless, one_line

__all__ = ["Module", "Run", "connect_as_given", "run_module"]

Run = Callable[[Client, Mapping[str, Any], Clock], dict[str, Any]]
Connect = Callable[[Mapping[str, Any], Clock], Client]

# Objects as they are parsed are many and in no cycle: Python's own threshold (700) looks through all of them again and
# again, which took a third of a large look. A module that waits for long still has its garbage collected.
_COLLECTED_EVERY = 100_000


class Module(AnsibleModule):
    """AnsibleModule that knows the secrets inside of its options before it writes its invocation to the system log.

    A kubeconfig given as a dictionary, or a proxy's URL, holds some that no `no_log` of a whole option covers.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]

    def _log_invocation(self) -> None:
        self.no_log_values.update(secret_values(self.params, environ=os.environ))
        super()._log_invocation()  # type: ignore[no-untyped-call]


def connect_as_given(params: Mapping[str, Any], clock: Clock, /) -> Client:
    """A client of the API server that the options and the environment name."""
    return connect(settings_from(params, environ=os.environ), clock=clock)


@contextlib.contextmanager
def _seldom_collected() -> Iterator[None]:
    """Garbage in cycles is looked for less often; afterwards as before."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECTED_EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@_seldom_collected()
def run_module(module: Module, run: Run, /, *, connecting: Connect = connect_as_given) -> NoReturn:
    """Connects, runs, and ends `module` with the result or with an error that says what to do.

    A failure carries `error` (`code`, `method`, `path`, `status`, `reason`, `remedy`, `causes`, `uncertain`): `code` is
    the name of the kind of error, so that a playbook may branch on it. What the module has to say besides (the steps
    that were done before) stands beside it. A result that is refused fails the module too where its option
    `fail_on_refusal` says so. A key `notes` of the result becomes warnings. No text holds what a terminal obeys.
    """
    clock = Clock()
    try:
        client = connecting(module.params, clock)
        _warn(module, client.warnings)
        result = run(client, module.params, clock)
        client.close()
    except ClusterError as error:
        _warn(module, error.result.pop("notes", ()))
        module.fail_json(msg=one_line(str(error)), **_shown(module, {**error.result, "error": _error(error)}))
    except WrongInput as error:
        told = {**_error(ClusterError("")), "code": "WrongInput", "reason": str(error)}
        module.fail_json(msg=one_line(str(error)), **_shown(module, {"error": told}))
    _warn(module, result.pop("notes", ()))
    result = _shown(module, result)
    if result.get("refused") and module.params.get("fail_on_refusal"):
        module.fail_json(msg=one_line(" ".join(one["reason"] for one in result["refusals"])), **result)
    module.exit_json(**result)


def _warn(module: Module, notes: Iterable[str], /) -> None:
    for note in dict.fromkeys(notes):
        module.warn(one_line(note))


def _shown(module: Module, result: Mapping[str, Any], /) -> dict[str, Any]:
    """What may be printed. An option that is given back, such as a path, stays what it was."""
    return {key: one if one == module.params.get(key) else harmless(one) for key, one in result.items()}


def _error(error: ClusterError) -> dict[str, Any]:
    return {
        "code": type(error).__name__,
        "method": error.method,
        "path": error.path,
        "status": error.status,
        "reason": error.reason,
        "remedy": error.remedy,
        "causes": [vars(cause) for cause in getattr(error, "causes", ())],
        "uncertain": error.is_uncertain,
    }
