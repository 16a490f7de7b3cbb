# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter migration_convergence, as a template calls it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.filter import migration_convergence
from tests.unit.builders import a_state, a_vmi
from tests.unit.mangling import paths_of, replaced

CONVERGENCE = migration_convergence.FilterModule().filters()["migration_convergence"]
SLOW = {"bandwidthPerMigration": "64Mi", "completionTimeoutPerGiB": 20}
EVERYTHING = ["throttling", "pause", "post_copy"]


def a_vmi_with(**configuration: Any) -> dict[str, Any]:
    return a_vmi(state=a_state(migrationConfiguration={**SLOW, **configuration}))


def actions(found: dict[str, Any]) -> list[str]:
    return [one["action"] for one in found["advice"]]


def why_not(found: dict[str, Any]) -> dict[str, str]:
    return {one["action"]: one["why"] for one in found["not_advised"]}


def test_a_vmi_brings_its_memory_its_devices_and_its_recorded_settings() -> None:
    found = CONVERGENCE(a_vmi_with(), dirty_rate="60Mi", transfer_rate="64Mi", bears=EVERYTHING)

    # 8Gi are 9 GB x 20 s; 8 GiB / (64 - 60) MiB/s are 2,048 s, less what the last pass spares.
    assert (found["finishes"], found["reason"], found["seconds"], found["limit_seconds"]) == (
        False,
        "too_slow",
        2044,
        180,
    )
    assert actions(found) == ["deadline", "bandwidth", "auto_converge", "pause", "post_copy"]
    assert found["advice"][0]["policy"] == {"completionTimeoutPerGiB": 228}
    assert found["advice"][1]["policy"] == {"bandwidthPerMigration": "106Mi"}
    assert found["summary"] == (
        "The copy does not end in time: it takes 2044 s and has 180 s. "
        "The least risky change that makes it end: completionTimeoutPerGiB 228."
    )


def test_plain_figures_say_the_same_as_the_vmi() -> None:
    plain = CONVERGENCE(None, memory="8Gi", settings=SLOW, dirty_rate=60 * 2**20, has_host_devices=False)

    assert plain == CONVERGENCE(a_vmi_with(), dirty_rate="60Mi")


def test_given_settings_go_before_those_of_the_last_migration() -> None:
    found = CONVERGENCE(a_vmi_with(), dirty_rate="60Mi", settings={"completionTimeoutPerGiB": 228})

    assert (found["answer"], found["how"], found["advice"]) == ("none_needed", "pre_copy", [])
    assert found["summary"] == "The copy ends after 2044 s of the 2052 s that it may take."


@pytest.mark.parametrize(("text", "value"), [("True", True), ("false", False)])
def test_a_permission_may_be_text_as_a_template_gives_it(text: str, value: bool) -> None:
    as_text = CONVERGENCE(a_vmi_with(), dirty_rate="60Mi", settings={"allowPostCopy": text})

    assert as_text == CONVERGENCE(a_vmi_with(), dirty_rate="60Mi", settings={"allowPostCopy": value})


def test_the_margin_is_added_to_the_dirty_rate() -> None:
    found = CONVERGENCE({}, memory="8Gi", settings=SLOW, dirty_rate="50Mi", dirty_rate_margin=20)

    assert found["dirty_bytes_per_second"] == 60 * 2**20
    assert found["advice"][0]["policy"] == {"completionTimeoutPerGiB": 228}


def test_bandwidth_that_nobody_has_seen_the_link_carry_is_offered_with_that_doubt() -> None:
    unseen = CONVERGENCE(a_vmi_with(), dirty_rate="70Mi", transfer_rate="64Mi")
    seen = CONVERGENCE(a_vmi_with(), dirty_rate="70Mi", transfer_rate="64Mi", link="1Gi")

    assert unseen["summary"].endswith(
        "makes it end: bandwidthPerMigration 116Mi, if the network carries it: what the link carries is not known."
    )
    assert seen["summary"].endswith("makes it end: bandwidthPerMigration 116Mi.")


def test_nothing_known_names_everything_that_is_missing() -> None:
    found = CONVERGENCE({})

    assert (found["finishes"], found["answer"]) == (None, "unknown")
    assert found["missing"] == ["memory", "bandwidth", "dirty_rate", "deadline"]
    assert found["advice"] == found["not_advised"] == []


def test_a_network_that_moves_nothing_is_an_answer() -> None:
    found = CONVERGENCE(a_vmi_with(), dirty_rate="60Mi", transfer_rate=0, bears=EVERYTHING)

    assert (found["answer"], found["advice"]) == ("no_setting_helps", [])
    assert found["summary"] == "No setting helps: the network moves nothing."


def test_a_working_set_beyond_the_downtime_says_that_time_never_helps() -> None:
    found = CONVERGENCE(a_vmi_with(), dirty_rate="1Mi", working_set="40Mi", transfer_rate="64Mi")

    assert found["reason"] == "working_set"
    assert why_not(found)["deadline"] == (
        "the working set (40 MiB) is larger than a downtime of 0.3 s allows: time alone never helps"
    )


def test_the_stall_detectors_downtime_counts_only_where_it_is_on() -> None:
    given: dict[str, Any] = {"dirty_rate": "1Mi", "working_set": "40Mi", "transfer_rate": "64Mi"}
    off = CONVERGENCE(a_vmi_with(maxDowntimeMs=900), **given)
    on = CONVERGENCE(a_vmi_with(maxDowntimeMs=900, experimental={"stallDetector": {}}), **given)

    assert (off["downtime_seconds"], off["finishes"]) == (0.3, False)
    assert (on["downtime_seconds"], on["finishes"]) == (0.9, True)


@pytest.mark.parametrize(
    "devices",
    [
        {"hostDevices": [{"name": "a", "deviceName": "vendor.com/a"}]},
        {"gpus": [{"name": "a", "deviceName": "vendor.com/a"}]},
        {"interfaces": [{"name": "default", "masquerade": {}}, {"name": "fast", "sriov": {}}]},
    ],
    ids=["host device", "gpu", "sr-iov"],
)
def test_a_vm_with_a_device_of_the_host_is_never_put_into_post_copy(devices: dict[str, Any]) -> None:
    vmi = a_vmi_with()
    vmi["spec"]["domain"]["devices"] = devices
    found = CONVERGENCE(vmi, dirty_rate="60Mi", transfer_rate="64Mi", bears=EVERYTHING)

    assert "post_copy" not in actions(found)
    assert "VFIO" in why_not(found)["post_copy"]


def test_devices_that_cannot_be_read_rule_post_copy_out_too() -> None:
    vmi = a_vmi_with()
    vmi["spec"]["domain"]["devices"] = "none"
    found = CONVERGENCE(vmi, dirty_rate="60Mi", transfer_rate="64Mi", bears=EVERYTHING)

    assert "not known" in why_not(found)["post_copy"]


def test_storage_that_moves_too_leaves_the_limit_unknown() -> None:
    vmi = a_vmi_with()
    vmi["status"]["migrationMethod"] = "BlockMigration"

    assert CONVERGENCE(vmi, dirty_rate="1Mi", transfer_rate="64Mi")["missing"] == ["deadline"]


@pytest.mark.parametrize(
    ("vmi", "options", "words"),
    [
        ("web-1", {}, "the input is a str; a VirtualMachineInstance object is needed"),
        ({}, {"memory": "8 GB"}, "memory: '8 GB' is not a Kubernetes quantity; accepted is"),
        ({}, {"dirty_rate": True}, "dirty_rate: True is not a Kubernetes quantity"),
        ({}, {"link": "-1Mi"}, "link is '-1Mi'; nothing below 0 is accepted"),
        ({}, {"transfer_rate": math.nan}, "transfer_rate: nan is not"),
        ({}, {"settings": [1]}, "settings is a list; a map by the API's names is needed"),
        ({}, {"bears": "pause"}, "bears is a str; a list of throttling, pause, post_copy is needed"),
        ({}, {"bears": ["pain"]}, "bears holds 'pain'; a list of"),
        ({}, {"bears": [["pause"]]}, "bears holds"),
        ({}, {"outbound_migrations": 0}, "outbound_migrations is 0; a whole number from 1"),
        ({}, {"outbound_migrations": 2.5}, "outbound_migrations is 2.5; a whole number from 1"),
        ({}, {"dirty_rate_margin": -5}, "dirty_rate_margin is -5; a whole number from 0"),
        ({}, {"has_host_devices": "no"}, "has_host_devices is 'no'; true, false or null is needed"),
    ],
    ids=lambda value: str(value)[:40] if not isinstance(value, str) else "",
)
def test_what_means_nothing_is_an_error_with_filter_argument_and_way_out(
    vmi: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        CONVERGENCE(vmi, **options)

    assert str(raised.value).startswith("kubevirt_ops.live_migration.migration_convergence: ")
    assert words in str(raised.value)


WHOLE = a_vmi_with(experimental={"stallDetector": {}}, maxDowntimeMs=900, allowPostCopy=True, progressTimeout=150)
NONSENSE = st.sampled_from(
    [None, "", "x", -1, 0, 2**70, 1.5, math.nan, math.inf, True, [], ["x"], {}, {"x": 1}, "9" * 500]
)


@given(path=st.sampled_from(list(paths_of(WHOLE))[1:]), value=NONSENSE)
def test_no_object_however_mangled_makes_a_traceback(path: tuple[Any, ...], value: Any) -> None:
    vmi = replaced(WHOLE, path, value)
    found = CONVERGENCE(vmi, dirty_rate="60Mi", transfer_rate="64Mi", bears=EVERYTHING)

    json.dumps(found, allow_nan=False)
    assert set(found) == set(CONVERGENCE({}))


@given(
    name=st.sampled_from([*SLOW, "allowPostCopy", "progressTimeout", "experimental", "maxDowntimeMs"]), value=NONSENSE
)
def test_a_setting_of_another_type_never_raises_and_never_allows_anything(name: str, value: Any) -> None:
    found = CONVERGENCE({}, memory="8Gi", settings={**SLOW, name: value}, dirty_rate="60Mi", transfer_rate="64Mi")

    json.dumps(found, allow_nan=False)
    if value is not True:
        assert found["how"] in ("", "pre_copy")
