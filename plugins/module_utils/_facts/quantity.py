# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes quantities (C(4Gi), C(250m), C(1k), C(1e3)), exact and without floating point.

This module is private to the collection and may change without notice.

Rules: k8s.io/apimachinery/pkg/api/resource/quantity.go. Finer than nano is rounded to nano, whole values are rounded
to integers, both away from zero, as the API server, the scheduler and KubeVirt's deadlines do.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

__all__ = [
    "QuantityError",
    "format_bytes",
    "format_quantity",
    "parse_quantity",
    "quantity_bytes",
    "quantity_milli",
    "scaled_giga",
]

_ACCEPTED = (
    "a number with one of the suffixes n u m k M G T P E Ki Mi Gi Ti Pi Ei or an exponent,"
    ' such as "4Gi", "1.5G", "250m" or "1e3"'
)
_QUANTITY = re.compile(r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]+))?", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_MAX_TEXT = 128
# Far beyond any resource, and small enough that 10 to this power costs nothing.
_MAX_EXPONENT = 64
_NANO = 10**9


class QuantityError(ValueError):
    """A value that is no Kubernetes quantity. The text names the value and the accepted forms."""

    def __init__(self, value: Any, *, why: str = "") -> None:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        super().__init__(f"{shown} is not a Kubernetes quantity{': ' + why if why else ''}; accepted is {_ACCEPTED}")


def parse_quantity(value: Any) -> Fraction:
    """The exact value of a quantity, in units (bytes, cores). Raises QuantityError for anything else.

    Takes text as the API gives it, and numbers as YAML gives them (`cpu: 2`, `cpu: 0.5`).
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise QuantityError(value)
    return _parse(value)


# A cluster of any size writes few different amounts, tens of thousands of times, and exact arithmetic is slow. Typed,
# as 1 and 1.0 are one key and not one text.
@lru_cache(maxsize=4096, typed=True)
def _parse(value: str | int | float) -> Fraction:
    match = _QUANTITY.fullmatch(_text_of(value))
    if match is None:
        raise QuantityError(value)
    sign, digits, suffix, exponent = match.groups()
    number = Fraction("0" + digits if digits.startswith(".") else digits.rstrip("."))
    number *= _factor(value, suffix=suffix or "", exponent=exponent or "0")
    return _to_nano(-number if sign == "-" else number)


def _text_of(value: str | int | float) -> str:
    if isinstance(value, int) and value.bit_length() > 4 * _MAX_TEXT:
        raise QuantityError("a number of more than 128 digits")
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _MAX_TEXT:
        raise QuantityError(value, why=f"longer than {_MAX_TEXT} characters")
    return text


def _factor(value: Any, *, suffix: str, exponent: str) -> Fraction:
    if suffix in _BINARY:
        return Fraction(2 ** _BINARY[suffix])
    power = _DECIMAL.get(suffix, int(exponent))
    if abs(power) > _MAX_EXPONENT:
        raise QuantityError(value, why=f"an exponent is at most {_MAX_EXPONENT}")
    return Fraction(10) ** power


def _to_nano(number: Fraction) -> Fraction:
    return Fraction(_away_from_zero(number * _NANO), _NANO)


def _away_from_zero(number: Fraction) -> int:
    whole = -(-abs(number.numerator) // number.denominator)
    return whole if number >= 0 else -whole


def quantity_bytes(value: Any) -> int:
    """Whole units (bytes of memory or disk), rounded away from zero as Quantity.Value()."""
    return _away_from_zero(parse_quantity(value))


def quantity_milli(value: Any) -> int:
    """Thousandths (millicores), rounded away from zero as Quantity.MilliValue()."""
    return _away_from_zero(parse_quantity(value) * 1000)


def scaled_giga(value: Any) -> int:
    """Decimal gigabytes rounded up as Quantity.ScaledValue(Giga): 4Gi -> 5, 8Gi -> 9.

    KubeVirt counts a VM's memory so for its deadlines (virtwrap/live-migration-source.go).
    """
    return _away_from_zero(parse_quantity(value) / _NANO)


def format_quantity(number: Fraction | int, *, binary: bool = False) -> str:
    """`number` as the shortest exact quantity: 1500m, 3Gi (`binary`), 1k is written 1000.

    Finer than nano is rounded away from zero.
    """
    value = _to_nano(Fraction(number))
    if value.denominator == 1:
        return _format_whole(value.numerator, binary=binary)
    for suffix in ("m", "u"):
        scaled = value / Fraction(10) ** _DECIMAL[suffix]
        if scaled.denominator == 1:
            return f"{scaled.numerator}{suffix}"
    return f"{(value * _NANO).numerator}n"


def _format_whole(number: int, *, binary: bool) -> str:
    if binary and number:
        for suffix, power in reversed(_BINARY.items()):
            if number % 2**power == 0:
                return f"{number // 2**power}{suffix}"
    return str(number)


def format_bytes(number: int) -> str:
    """Bytes for people: `512 B`, `1.5 GiB`, `-2 MiB`; one decimal place at most, the half rounded up."""
    sign, amount = ("-" if number < 0 else ""), abs(number)
    for power, unit in ((0, "B"), (10, "KiB"), (20, "MiB"), (30, "GiB"), (40, "TiB"), (50, "PiB"), (60, "EiB")):
        tenths = (amount * 20 + 2**power) // (2 * 2**power)
        if tenths < 10240 or unit == "EiB":
            break
    whole, tenth = divmod(tenths, 10)
    return f"{sign}{whole}{f'.{tenth}' if tenth else ''} {unit}"
