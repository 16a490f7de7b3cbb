# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities: every suffix, exact arithmetic, rounding away from zero, and errors that help."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kubevirt_ops.live_migration.plugins.module_utils._facts.quantity import (
    QuantityError,
    format_bytes,
    format_quantity,
    parse_quantity,
    quantity_bytes,
    quantity_milli,
    scaled_giga,
)

DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
WHOLE = st.integers(min_value=-(10**15), max_value=10**15)


@given(number=WHOLE, suffix=st.sampled_from(sorted(DECIMAL)))
def test_parse_quantity_decimal_suffix_is_a_power_of_ten(number: int, suffix: str) -> None:
    assert parse_quantity(f"{number}{suffix}") == number * Fraction(10) ** DECIMAL[suffix]


@given(number=WHOLE, suffix=st.sampled_from(sorted(BINARY)))
def test_parse_quantity_binary_suffix_is_a_power_of_1024(number: int, suffix: str) -> None:
    assert quantity_bytes(f"{number}{suffix}") == number * 1024 ** BINARY[suffix]


@given(number=WHOLE, exponent=st.integers(-9, 18), letter=st.sampled_from("eE"), sign=st.sampled_from(["", "+"]))
def test_parse_quantity_exponent_is_a_power_of_ten(number: int, exponent: int, letter: str, sign: str) -> None:
    text = f"{number}{letter}{sign if exponent >= 0 else ''}{exponent}"
    assert parse_quantity(text) == number * Fraction(10) ** exponent


@given(nano=st.integers(min_value=-(10**30), max_value=10**30), binary=st.booleans())
def test_format_quantity_any_amount_reads_back_exactly(nano: int, binary: bool) -> None:
    amount = Fraction(nano, 10**9)
    assert parse_quantity(format_quantity(amount, binary=binary)) == amount


@given(value=st.one_of(st.text(), st.none(), st.booleans(), st.lists(st.integers()), st.floats(), st.integers()))
def test_parse_quantity_anything_gives_a_number_or_a_quantity_error(value: Any) -> None:
    message = ""
    try:
        outcome = parse_quantity(value)
    except QuantityError as error:
        message, outcome = str(error), Fraction(0)
    assert outcome.denominator <= 10**9
    assert not message or "is not a Kubernetes quantity" in message


@given(number=st.decimals(-(10**6), 10**6, places=4))
def test_quantity_bytes_fraction_is_rounded_away_from_zero(number: Any) -> None:
    rounded = quantity_bytes(format(number, "f"))
    assert abs(Fraction(number)) <= abs(rounded) < abs(Fraction(number)) + 1
    assert rounded * Fraction(number) >= 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1E", 10**18),
        ("1E6", 10**6),
        ("1e3", 1000),
        ("0Mi", 0),
        ("+5", 5),
        ("-5", -5),
        (".5Ki", 512),
        ("5.", 5),
        ("3783496Ki", 3874299904),
        ("1k", 1000),
        ("1.5Gi", 1610612736),
        ("0.1m", 1),
        (3, 3),
        (0.5, 1),
        ("1e-30", 1),
    ],
    ids=str,
)
def test_quantity_bytes_accepted_form_gives_whole_units(value: Any, expected: int) -> None:
    assert quantity_bytes(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("4Gi", 5), ("8Gi", 9), ("1G", 1), ("1", 1), ("0", 0), ("1000000001", 2), ("512Mi", 1)],
    ids=str,
)
def test_scaled_giga_rounds_up_to_decimal_gigabytes(value: str, expected: int) -> None:
    assert scaled_giga(value) == expected


@pytest.mark.parametrize(("value", "expected"), [("250m", 250), ("2", 2000), ("1500u", 2), ("100n", 1)], ids=str)
def test_quantity_milli_rounds_up_to_thousandths(value: str, expected: int) -> None:
    assert quantity_milli(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 1",
        "1 ",
        "1.1.M",
        "1+1.0M",
        "0.1mi",
        "aoeu",
        ".5i",
        "1i",
        "1e",
        "1e1.5",
        "--1",
        ".",
        "1Gi\n",
        "4GB",
        "1K",
        "٣",
        "1e99999999999",
        "1e999999999",
        "1e-999999999",
        "-1e65",
        1e300,
        "NaN",
        "Infinity",
        "0x10",
        "1" * 200,
        True,
        None,
        [],
        {},
        float("nan"),
        float("inf"),
        b"1",
    ],
    ids=lambda value: repr(value)[:20],
)
def test_parse_quantity_other_forms_are_refused(value: Any) -> None:
    with pytest.raises(QuantityError, match=r"is not a Kubernetes quantity.*accepted is .*4Gi"):
        parse_quantity(value)


def test_parse_quantity_huge_number_is_refused_without_converting_it() -> None:
    with pytest.raises(QuantityError, match="more than 128 digits"):
        parse_quantity(1 << 100_000)


def test_quantity_error_names_the_value_and_stays_short() -> None:
    assert str(QuantityError("4GB")).startswith("'4GB' is not a Kubernetes quantity; accepted is a number")
    assert len(str(QuantityError("x" * 10_000))) < 300


@pytest.mark.parametrize(
    ("number", "binary", "expected"),
    [
        (Fraction(3, 2), False, "1500m"),
        (3 * 2**30, True, "3Gi"),
        (1000, False, "1000"),
        (0, True, "0"),
        (Fraction(1, 10**6), False, "1u"),
        (-(2**20), True, "-1Mi"),
        (Fraction(1, 10**9), False, "1n"),
    ],
    ids=["milli", "gibi", "plain", "zero", "micro", "negative", "nano"],
)
def test_format_quantity_is_the_shortest_exact_form(number: Fraction | int, binary: bool, expected: str) -> None:
    assert format_quantity(number, binary=binary) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (8 * 2**30, "8 GiB"),
        (-(2**21), "-2 MiB"),
        (2**30 - 1, "1 GiB"),
        (2**70, "1024 EiB"),
        (3874299904, "3.6 GiB"),
    ],
    ids=str,
)
def test_format_bytes_reads_well(number: int, expected: str) -> None:
    assert format_bytes(number) == expected


@given(number=st.integers(min_value=-(2**80), max_value=2**80))
def test_format_bytes_is_never_off_by_more_than_its_last_digit(number: int) -> None:
    amount, unit = format_bytes(number).split()
    shift = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].index(unit) * 10
    assert abs(Fraction(amount) * 2**shift - number) <= Fraction(2**shift, 20)
