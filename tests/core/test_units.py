"""Units: what is read, what is refused, and that nothing is lost on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from springtide.core.units import (
    LIMIT,
    format_money,
    format_points,
    parse_decimal,
    parse_money,
    parse_points,
    price_micro,
)


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("0", 0),
        ("1", 1_000_000),
        ("0.000001", 1),
        ("12.5", 12_500_000),
        ("1000.00", 1_000_000_000),
        ("007.10", 7_100_000),
        ("9223372036854.775807", LIMIT),
        ("9223372036854.775808", LIMIT + 1),
    ],
)
def test_money_is_read_exactly(text: str, micro: int) -> None:
    assert parse_money(text) == micro


def test_points_have_nine_decimals() -> None:
    assert parse_points("210.000000001") == 210_000_000_001
    assert format_points(210_000_000_001) == "210.000000001"
    assert format_money(210_000_001) == "210.000001"


REFUSED = [
    "", ".", "1.", ".5", "-1", "+1", " 1", "1 ", "1e3", "1_000", "1,5", "1.2.3", "NaN", "inf",
    "0x10", "１２", "1.５", "²", "٣", "1\n", "all", None, True, 1, 1.5, b"1", ["1"],
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED, ids=repr)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not a decimal string like"):
        parse_decimal(text, 6)


@pytest.mark.parametrize("text", ["1.0000000", "0.0000001", "1.0000000000"])
def test_too_many_decimals_are_refused_even_if_they_are_zeros(text: str) -> None:
    with pytest.raises(ValueError, match="at most 6 are kept"):
        parse_money(text)


def test_thousands_of_digits_are_read_as_far_past_the_limit() -> None:
    assert parse_money("9" * 40) == int("9" * 40) * 10**6
    assert parse_money("1" + "0" * 40) == int("9" * 40) * 10**6
    assert parse_money("7" * 10_000 + ".5") > LIMIT
    assert parse_money("0" * 10_000 + "1.5") == 1_500_000
    assert parse_money("0" * 10_000) == 0


@given(st.integers(0, 2 * LIMIT))
def test_what_is_written_is_read_back(number: int) -> None:
    assert parse_money(format_money(number)) == number
    assert parse_points(format_points(number)) == number


@given(st.integers(1, 2 * LIMIT))
def test_a_negative_number_is_written_with_one_sign(number: int) -> None:
    assert format_money(-number) == "-" + format_money(number)
    assert format_points(-number) == "-" + format_points(number)


def test_the_shown_price_is_rounded_down() -> None:
    assert price_micro(160_000_000, 112 * 10**9) == 1_428_571
    assert price_micro(1, 10**9 + 1) == 0
