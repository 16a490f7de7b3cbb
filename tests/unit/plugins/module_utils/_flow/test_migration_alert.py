# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""migration_alert where the test cluster cannot be brought into the state: spoilt objects, odd answers, lost ones."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.clock import Clock
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._cluster.errors import (
    Conflict,
    ConnectionLost,
)
from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._flow.migration_alert import run
from tests.unit.plugins.module_utils._cluster.network import a_client, a_status, an_answer

RULES = {"metadata": {"namespace": "kubevirt", "name": "kubevirt-ops-live-migration", "uid": "u-1"}, "spec": {}}


def kubevirts(*settings: Any) -> Any:
    """A list of KubeVirt objects that set this."""
    items = [
        {"metadata": {"namespace": f"ns-{place}", "name": "kubevirt"}, "spec": {"configuration": {"migrations": one}}}
        for place, one in enumerate(settings)
    ]
    return an_answer({"kind": "KubeVirtList", "apiVersion": "kubevirt.io/v1", "items": items})


def none_of(kind: str) -> Any:
    return an_answer({"kind": f"{kind}List", "apiVersion": "v1", "items": []})


# A KubeVirt, no policies; then what stands there, who loads rules, the namespace, no OpenShift.
FOUND = (kubevirts({}), none_of("MigrationPolicy"))
AROUND = (
    none_of("Prometheus"),
    none_of("ThanosRuler"),
    an_answer({"metadata": {"name": "ns-0"}}),
    a_status(404, message="no"),
)
MISSING = a_status(404, message="not found", reason="NotFound")


def test_settings_that_cannot_be_read_are_refused() -> None:
    client, transport, _clock = a_client(kubevirts({"completionTimeoutPerGiB": "much"}))

    found = run(client, {}, Clock(), check_mode=False)

    assert [one["code"] for one in found["refusals"]] == ["SettingsUnreadable"]
    assert (found["changed"], len(transport.sent)) == (False, 1)


def test_of_several_kubevirts_none_is_picked() -> None:
    client, _transport, _clock = a_client(kubevirts({}, {}))

    found = run(client, {}, Clock(), check_mode=False)

    assert [one["code"] for one in found["refusals"]] == ["KubeVirtAmbiguous"]
    assert "ns-0/kubevirt, ns-1/kubevirt" in found["refusals"][0]["reason"]


def test_a_conflict_that_is_not_about_fields_is_an_error() -> None:
    client, _transport, _clock = a_client(*FOUND, MISSING, *AROUND, a_status(409, message="try again"))

    with pytest.raises(Conflict, match="try again") as caught:
        run(client, {}, Clock(), check_mode=False)

    assert (caught.value.result["changed"], caught.value.result["refused"]) == (False, False)


@pytest.mark.parametrize(
    "spoilt",
    [{}, {"spec": None}, {"spec": {"groups": "x"}}, {"metadata": {"labels": ["x"]}}, {"spec": {"groups": [1, None]}}],
    ids=["empty", "no spec", "groups are text", "labels are a list", "groups are numbers"],
)
def test_an_object_without_shape_is_just_another_one(spoilt: dict[str, Any]) -> None:
    there = an_answer({**RULES, **spoilt})
    answered = an_answer({**RULES, "spec": {"groups": [2]}})
    client, _transport, _clock = a_client(*FOUND, there, *AROUND, answered, answered)

    found = run(client, {}, Clock(), check_mode=True)

    assert (found["changed"], "- 2\n" in found["diff"]["after"]) == (True, True)


def test_an_answer_that_is_lost_for_good_leaves_the_change_in_doubt() -> None:
    lost = ConnectionLost("gone")
    client, _transport, _clock = a_client(*FOUND, MISSING, *AROUND, an_answer(RULES), *[lost] * 9)

    with pytest.raises(ConnectionLost) as caught:
        run(client, {}, Clock(), check_mode=False)

    result = caught.value.result
    assert (caught.value.is_uncertain, result["changed"], [one["outcome"] for one in result["plan"]]) == (
        True,
        True,
        ["unknown"],
    )
