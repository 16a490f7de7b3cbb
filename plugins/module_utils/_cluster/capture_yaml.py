# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects in a file of a capture, which may be anybody's YAML.

This module is private to the collection and may change without notice.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.answer import (
    without_managed_fields,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.plain import DEEPEST, is_as_small
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.text import clean
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.wrong_input import WrongInput

__all__ = ["objects_in", "plain_data"]

_MEND = "Collect it again, or take the file out."


def objects_in(content: bytes, /, *, path: str) -> Iterator[dict[str, Any]]:
    """The objects of one file, those of a list one by one, each with apiVersion and kind. Raises WrongInput."""
    for document in plain_data(content, path=path):
        if not isinstance(document, Mapping):
            raise WrongInput(f"src: {clean(path)} holds something else than an object of Kubernetes. {_MEND}")
        kind, items = document.get("kind"), document.get("items")
        if isinstance(kind, str) and kind.endswith("List") and (items is None or isinstance(items, list)):
            for item in items or ():
                if not isinstance(item, dict):
                    raise WrongInput(f"src: {clean(path)} holds a list of something else than objects. {_MEND}")
                if kind != "List":
                    item.setdefault("kind", kind.removesuffix("List"))
                    item.setdefault("apiVersion", document.get("apiVersion"))
                yield without_managed_fields(item)
        else:
            yield without_managed_fields(dict(document))


def plain_data(content: bytes, /, *, path: str) -> list[Any]:
    """The documents of a JSON or YAML file; none for an empty one. Raises WrongInput for what is neither, what is
    nested too deeply, and what says the same piece again and again (a few lines can stand for terabytes)."""
    import yaml

    is_small = False
    try:
        text = content.decode("utf-8")
        if text.lstrip()[:1] == "{":
            found = [json.loads(text)]
        else:
            _check_depth(text)
            found = [one for one in yaml.load_all(text, Loader=_loader()) if one is not None]
        is_small = is_as_small(found, limit=len(content))
        if is_small:
            # Half a character, a number of thousands of digits and bytes can be written, and are no plain data.
            json.dumps(found, ensure_ascii=False).encode()
    except Exception as error:  # noqa: BLE001 - what a tag is given wrongly makes PyYAML raise anything
        raise WrongInput(f"src: {clean(path)} is no YAML, or broken ({_what(error)}). {_MEND}") from None
    if not is_small:
        raise WrongInput(
            f"src: {clean(path)} is refused: it is nested too deeply, or repeats itself by reference. {_MEND}"
        )
    return found


def _check_depth(text: str) -> None:
    """Before the loader in C takes it, whose stack ends the process on what is nested some ten thousand times. Raises
    ValueError."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise ValueError
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _what(error: Exception) -> str:
    """Where it broke, and nothing of what stands there."""
    mark = getattr(error, "problem_mark", None)
    line = getattr(mark, "line", None) if mark is not None else getattr(error, "lineno", None)
    return f"line {line + 1}" if isinstance(line, int) else type(error).__name__


@functools.cache
def _loader() -> Any:
    """PyYAML's safe loader, in C where it was built so, that leaves times as text, as the API does."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, pattern) for tag, pattern in some if tag != "tag:yaml.org,2002:timestamp"]
        for first, some in base.yaml_implicit_resolvers.items()
    }
    return type("Loader", (base,), {"yaml_implicit_resolvers": resolvers})
