# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture can answer, and what it must not take for "not there"."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.asked import (
    is_implied,
    parse_fields,
    parse_labels,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.bundle import (
    progress_as_data,
    progress_from,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.capture_time import newest_time
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.captured import (
    Asked,
    Captured,
    by_kind,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.coverage import (
    Rule,
    lacking,
    render_role,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.layout import (
    KINDS,
    Kind,
    Place,
    path_of,
    place_of,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.progress import Progress, Sample
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.selector import Requirement
from tests.unit.builders import NOW, ago

PODS, NODES = KINDS["", "Pod"], KINDS["", "Node"]
VMIMS, KUBEVIRTS = KINDS["kubevirt.io", "VirtualMachineInstanceMigration"], KINDS["kubevirt.io", "KubeVirt"]
POLICIES = KINDS["migrations.kubevirt.io", "MigrationPolicy"]

PLACES: dict[str, Place | None] = {
    "cluster-scoped-resources/core/nodes/a.yaml": Place(NODES),
    "cluster-scoped-resources/core/nodes.yaml": Place(NODES, is_whole=True),
    "x/y/cluster-scoped-resources/migrationpolicies.migrations.kubevirt.io/a.yaml": Place(POLICIES, is_gathered=True),
    "namespaces/a/a.yaml": Place(KINDS["", "Namespace"]),
    "namespaces/a/core/pods.yaml": Place(PODS, "a", is_whole=True),
    "namespaces/a/core/pods/b.yaml": Place(PODS, "a"),
    "namespaces/a/pods/b/b.yaml": Place(PODS, "a"),
    "namespaces/a/crs/virtualmachineinstancemigrations.kubevirt.io/b.yaml": Place(VMIMS, "a", is_gathered=True),
    "namespaces/a/kubevirt.io/virtualmachines/custom/b.yaml": Place(KINDS["kubevirt.io", "VirtualMachine"], "a"),
    "namespaces/a/kubevirt.io/virtualmachineinstances.yaml": Place(
        KINDS["kubevirt.io", "VirtualMachineInstance"], "a", is_whole=True
    ),
    "namespaces/a/core/secrets.yaml": None,
    "namespaces/a/core/configmaps/b.yaml": None,
    "namespaces/a/crs/cdis.cdi.kubevirt.io/b.yaml": None,
    "namespaces/a/pods/b/compute/compute/logs/current.log": None,
    "namespaces/a.yaml": None,
    "nodes/a/dmesg": None,
    "version": None,
}


@pytest.mark.parametrize(("path", "place"), PLACES.items(), ids=PLACES.keys())
def test_place_of_layout_of_others_is_known(path: str, place: Place | None) -> None:
    assert place_of(path) == place


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.plural)
@given(
    namespace=st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True), name=st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True)
)
def test_path_of_leads_back_to_kind_and_namespace(kind: Kind, namespace: str, name: str) -> None:
    is_of_cluster = kind.plural in ("nodes", "namespaces", "migrationpolicies")

    found = place_of(path_of(kind, namespace="" if is_of_cluster else namespace, name=name))

    assert found is not None
    assert (found.kind, found.namespace) == (kind, "" if is_of_cluster else namespace)


@given(path=st.text())
def test_place_of_any_path_is_a_kind_or_nothing(path: str) -> None:
    found = place_of(path)

    assert found is None or found.kind


SELECTORS: dict[str, tuple[Requirement, ...]] = {
    "": (),
    "a=b": (Requirement("a", "In", ("b",)),),
    "a==b,c!=d": (Requirement("a", "In", ("b",)), Requirement("c", "NotIn", ("d",))),
    "a.b/c in (y, x),d": (Requirement("a.b/c", "In", ("x", "y")), Requirement("d", "Exists")),
    "!a": (Requirement("a", "DoesNotExist"),),
    "a notin (b)": (Requirement("a", "NotIn", ("b",)),),
}


@pytest.mark.parametrize(("text", "found"), SELECTORS.items(), ids=SELECTORS.keys())
def test_parse_labels_each_form(text: str, found: tuple[Requirement, ...]) -> None:
    assert parse_labels(text) == found


@given(text=st.text(alphabet="ab,=!() in"))
def test_parse_labels_anything_else_is_no_selector(text: str) -> None:
    try:
        found = parse_labels(text)
    except ValueError:
        return

    assert all(isinstance(one, Requirement) and one.key for one in found)


def test_parse_fields_that_something_exists_is_no_field_selector() -> None:
    with pytest.raises(ValueError, match="no field selector"):
        parse_fields("spec.nodeName")


IMPLIED = {
    "less of a list": ("a in (x,y)", "a=x", True),
    "more of a list": ("a in (x,y)", "a in (x,z)", False),
    "one more": ("a=x", "a=x,b=y", True),
    "one less": ("a=x,b=y", "a=x", False),
    "exists": ("a", "a=x", True),
    "exists not shown": ("a", "a!=x", False),
    "another key": ("a=x", "b=x", False),
}


@pytest.mark.parametrize(("wide", "narrow", "answer"), IMPLIED.values(), ids=IMPLIED.keys())
def test_is_implied(wide: str, narrow: str, answer: bool) -> None:
    assert is_implied(parse_labels(wide), by=parse_labels(narrow)) is answer


# -- a capture


def a_pod(name: str, *, namespace: str = "a", node: str = "n", **labels: str) -> tuple[Kind, str, str, dict[str, Any]]:
    metadata = {"namespace": namespace, "name": name, "labels": labels}
    return PODS, namespace, name, {"metadata": metadata, "spec": {"nodeName": node}}


def a_capture(*pods: Any, **more: Any) -> Captured:
    return Captured(read_at=NOW, objects=by_kind(pods), **more)


def asked(labels: str = "", fields: str = "", *, namespace: str = "a", kind: Kind = PODS) -> Asked:
    return Asked(kind, namespace, parse_labels(labels), parse_fields(fields))


def names(found: Any) -> list[str]:
    return [obj["metadata"]["name"] for obj in found]


def test_captured_many_what_was_listed_is_filtered_as_the_server_would() -> None:
    pods = (a_pod("x", app="web"), a_pod("y", app="db"), a_pod("z", namespace="b", app="web"))
    captured = a_capture(*pods, listed=(asked(namespace=""),))

    assert names(captured.many(asked("app=web"))) == ["x"]
    assert names(captured.many(asked("app in (web,db)", "spec.nodeName=n", namespace=""))) == ["x", "y", "z"]
    assert names(captured.many(asked("", "spec.nodeName!=n"))) == []


UNANSWERED: dict[str, tuple[Asked, Asked]] = {
    "another namespace": (asked(), asked(namespace="b")),
    "the whole cluster": (asked(), asked(namespace="")),
    "another value": (asked("app=web"), asked("app=db")),
    "one value of two": (asked("app=web"), asked("app in (web,db)")),
    "all": (asked("app=web"), asked()),
    "another kind": (asked(), asked(kind=NODES)),
}


@pytest.mark.parametrize(("listed", "question"), UNANSWERED.values(), ids=UNANSWERED.keys())
def test_captured_many_what_was_not_listed_is_no_empty_list(listed: Asked, question: Asked) -> None:
    captured = a_capture(a_pod("x", app="web"), listed=(listed,))

    found = captured.many(question)

    assert found == Rule("list", "", question.kind.plural, question.namespace, is_uncaptured=True)


def test_captured_many_long_list_that_was_asked_in_chunks_is_answered() -> None:
    captured = a_capture(a_pod("x", app="web"), listed=(asked("app in (web,db)"), asked("app=mail")))

    assert names(captured.many(asked("app in (db,mail,web)"))) == ["x"]


def test_captured_one_says_there_absent_refused_or_not_captured() -> None:
    refused = Rule("get", "", "pods", "a")
    captured = a_capture(a_pod("x"), absent=frozenset({(PODS, "a", "gone")}), refused={(PODS, "a", "hidden"): refused})

    assert names([captured.one(PODS, namespace="a", name="x")]) == ["x"]
    assert captured.one(PODS, namespace="a", name="gone") is None
    assert captured.one(PODS, namespace="a", name="hidden") == refused
    assert captured.one(PODS, namespace="a", name="y") == Rule("get", "", "pods", "a", is_uncaptured=True)


def test_captured_one_of_a_whole_list_that_is_not_in_it_was_not_there() -> None:
    assert a_capture(listed=(asked(),)).one(PODS, namespace="a", name="y") is None
    assert a_capture(listed=(asked("app=web"),)).one(PODS, namespace="a", name="y") is not None


def test_captured_many_virt_handler_is_looked_for_where_kubevirt_is() -> None:
    handler = a_pod("h", namespace="kubevirt", **{"kubevirt.io": "virt-handler"})
    other = (KUBEVIRTS, "kubevirt", "kubevirt", {"metadata": {"namespace": "kubevirt", "name": "kubevirt"}})
    captured = a_capture(handler, other, listed=(asked(namespace="kubevirt"),))

    assert names(captured.many(asked("kubevirt.io=virt-handler", namespace=""))) == ["h"]
    assert isinstance(captured.many(asked("kubevirt.io=virt-api", namespace="")), Rule)


def test_captured_kind_that_was_not_served_has_nothing() -> None:
    captured = a_capture(absent=frozenset({(POLICIES, "", "")}))

    assert captured.many(asked(namespace="", kind=POLICIES)) == []
    assert captured.lacks(POLICIES)


def test_newest_time_counts_what_was_written_and_nothing_that_lies_ahead() -> None:
    obj = {
        "metadata": {"creationTimestamp": ago(900), "deletionTimestamp": ago(-600)},
        "status": {"conditions": [{"lastTransitionTime": ago(5)}, {"notAfter": ago(-9000)}, {"lastProbeTime": 5}]},
    }

    assert newest_time([obj]) is not None
    assert (NOW - newest_time([obj])).total_seconds() == 5  # type: ignore[operator]
    assert newest_time([{"spec": {}}]) is None


SAMPLES = Progress((Sample(at=NOW, node="n", remaining_bytes=5), Sample(at=NOW, dirty_bytes_per_second=0)), "x", "why")


def test_progress_from_what_was_written_gives_the_same() -> None:
    assert progress_from(progress_as_data(SAMPLES)) == SAMPLES


SPOILT: list[Any] = [
    {"at": "yesterday"},
    {"at": ago(1), "remaining_bytes": -1},
    {"at": ago(1), "remaining_bytes": True},
    {"at": ago(1), "remaining_bytes": "5"},
    "text",
]


@pytest.mark.parametrize("sample", SPOILT, ids=["time", "negative", "boolean", "text", "no_object"])
def test_progress_from_a_spoilt_sample_is_left_out(sample: Any) -> None:
    assert progress_from({"samples": [sample], "source": 5}) == Progress()


def test_lacking_tells_a_missing_right_from_a_missing_file() -> None:
    right, file = Rule("list", "", "pods", "a"), Rule("get", "", "nodes", is_uncaptured=True)

    assert lacking((right,)) == "not allowed to list pods in namespace a"
    assert lacking((file, right, file)) == "not allowed to list pods in namespace a; not in the capture: get nodes"
    assert lacking(()) == ""
    assert render_role((file,)) == ""
    assert file.to_result()["reason"] == "not_captured"
    assert right.to_result()["reason"] == "forbidden"
