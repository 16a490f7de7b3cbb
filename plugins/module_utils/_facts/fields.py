# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of Kubernetes and KubeVirt objects, declared once and read through their declaration.

This module is private to the collection and may change without notice.

A field that is read anywhere in C(_facts) is declared as a :class:`Field`. The declaration gives the path that
evidence cites, and the contract test walks :func:`registered` against the real CustomResourceDefinitions, so a
misspelt path fails a test and does not read as "absent, so all is well".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Field", "as_bool", "as_int", "as_list", "as_map", "as_text", "declare", "registered"]

_REGISTERED: dict[tuple[str, str], Field] = {}


def as_text(value: Any) -> str | None:
    """A string as it is; None for anything else, since a number where text belongs is no answer."""
    return value if isinstance(value, str) else None


def as_int(value: Any) -> int | None:
    """An integer of the API's 64 bits; None for anything else (bool is not a number here)."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64 else None


def as_bool(value: Any) -> bool | None:
    """A boolean; None for anything else."""
    return value if isinstance(value, bool) else None


def as_map(value: Any) -> Mapping[str, Any] | None:
    """A mapping; None for anything else."""
    return value if isinstance(value, (dict, Mapping)) else None


def as_list(value: Any) -> Sequence[Any] | None:
    """A list; None for anything else (a string is no list)."""
    if isinstance(value, list):
        return value
    return value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else None


@dataclass(frozen=True)
class Field:
    """One field of one kind. `path` is dotted, `[]` stands for list items, `*` for map values.

    `keys` are the steps from the object (or, with `base`, from the item of that list) to the value.
    """

    kind: str
    path: str
    keys: tuple[str, ...] = field(compare=False)

    def read(self, obj: Any, *, of: Callable[[Any], Any] | None = None) -> Any:
        """The value at this path of `obj`, or None where a step is absent or not a mapping.

        `of` narrows the type: a value it turns to None counts as absent.
        """
        value = obj
        for key in self.keys:
            # Nearly always a dict; to ask for the abstract class first takes ten times as long.
            if not isinstance(value, (dict, Mapping)):
                return None
            value = value.get(key)
        return value if of is None or value is None else of(value)

    def present(self, obj: Any) -> bool:
        """Whether anything but null stands at this path."""
        return self.read(obj) is not None


def declare(kind: str, path: str, /, *, base: str = "") -> Field:
    """Declare and register the field `path` of `kind`.

    With `base` (the path of a list or map, ending in `[]` or `*`) the field is read from an item of it:
    `declare("Pod", "type", base="status.conditions[]")`. Map keys that hold dots are given in brackets by the
    caller reading the map itself; a path never holds them. Raises ValueError where the same path was declared with
    another base.
    """
    whole = f"{base}.{path}" if base and path else base or path
    found = Field(kind=kind, path=whole, keys=tuple(step for step in path.split(".") if step))
    known = _REGISTERED.setdefault((kind, whole), found)
    if known.keys != found.keys:
        raise ValueError(f"{kind} {whole} is declared twice, from different starting points")
    return known


def registered() -> tuple[Field, ...]:
    """Every field declared so far, by kind and path. Import the modules of this room first."""
    return tuple(_REGISTERED[key] for key in sorted(_REGISTERED))
