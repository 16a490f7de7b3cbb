# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the least work costs that anybody must do: bare requests and json.loads, each as a whole process.

    python -m tests.bench.floor KUBECONFIG table|paged|get [PATH ...]

`table` asks for the Table of all migrations, `paged` lists them 500 at a time and keeps nothing, `get` reads and parses
the paths that are named. Nothing of the collection is imported, and of Python's own library only what this takes.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

__all__ = ["WAYS", "Connection", "main"]

MIGRATIONS = "/apis/kubevirt.io/v1/virtualmachineinstancemigrations"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Connection:
    """One connection with the rights of a kubeconfig that names a CA file and a token."""

    def __init__(self, kubeconfig: str) -> None:
        with open(kubeconfig, encoding="utf-8") as stream:
            loaded = yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        cluster, user = loaded["clusters"][0]["cluster"], loaded["users"][0]["user"]
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        host = urlsplit(cluster["server"]).netloc
        self._connection = http.client.HTTPSConnection(host, context=context, timeout=120)
        self._token = user["token"]

    def get(self, path: str, *, accept: str = "application/json") -> Any:
        """The decoded answer; RuntimeError for anything but 200."""
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {self._token}", "Accept": accept})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status}")
        return json.loads(text)


def table(connection: Connection, _paths: Sequence[str]) -> int:
    """One Table request."""
    return len(connection.get(f"{MIGRATIONS}?includeObject=None", accept=TABLE)["rows"])


def paged(connection: Connection, _paths: Sequence[str]) -> int:
    """The full list, page by page."""
    seen, more = 0, ""
    while True:
        page = connection.get(f"{MIGRATIONS}?limit=500" + (f"&continue={quote(more)}" if more else ""))
        seen += len(page["items"])
        more = page["metadata"].get("continue", "")
        if not more:
            return seen


def get(connection: Connection, paths: Sequence[str]) -> int:
    """Each of the paths once."""
    return sum(len(connection.get(path).get("items", [1])) for path in paths)


WAYS: dict[str, Callable[[Connection, Sequence[str]], int]] = {"table": table, "paged": paged, "get": get}


def main(arguments: Sequence[str]) -> int:
    """Prints how many objects were seen."""
    kubeconfig, way, *paths = arguments
    print(WAYS[way](Connection(kubeconfig), paths))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
