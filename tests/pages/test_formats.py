"""Formats: never more than there is, and the exact value always there."""

from datetime import UTC, datetime

import pytest

from springtide.web.pages.shared import formats
from springtide.web.pages.shared.language import choose


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (900_129_999, "¥ 900.12"),
        (0, "¥ 0.00"),
        (9_999, "¥ 0.00"),
        (-12_349_999, "\u2212¥ 12.34"),
        (-9_999, "¥ 0.00"),
        (399_101_234_567, "¥ 399,101.23"),
        (2**63 - 1, "¥ 9,223,372,036,854.77"),
    ],
)
def test_money_is_rounded_towards_zero(amount: int, text: str) -> None:
    assert formats.money_text(amount) == text


def test_the_exact_value_is_there() -> None:
    assert formats.money(900_123_456, "cash") == (
        '<data value="900.123456" title="900.123456" data-figure="cash">¥ 900.12</data>'
    )
    assert 'title="2.229100001"' in formats.points(2_229_100_001)


def test_arithmetic_shows_every_decimal() -> None:
    assert formats.exact(1_234_567_890_120, 10**6) == "1,234,567.89012"
    assert formats.exact(112_000_000, 10**6) == "112"
    assert formats.exact(112_000_000, 10**6, least=2) == "112.00"
    assert formats.exact(112_345_000, 10**6, least=2) == "112.345"
    assert formats.exact(-500_000, 10**6) == "\u22120.5"


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (2_229_199_999, "2.2291"),
        (999_999_999_999, "999.9999"),
        (1_000_000_000_000, "1,000.00"),
        (10_962_129_999_999, "10,962.12"),
    ],
)
def test_few_points_have_four_decimals(points: int, text: str) -> None:
    assert formats.points_text(points) == text


@pytest.mark.parametrize(
    ("ppm", "text"),
    [(800_000, "80 %"), (1_000_000, "100 %"), (3_000, "0.3 %"), (1, "0.0001 %"), (0, "0 %")],
)
def test_ratios_are_exact(ppm: int, text: str) -> None:
    assert formats.percent(ppm) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "0 %"), (0, 5, "0.00 %"), (16, 69_579, "0.02 %"), (1, 10**6, "< 0.01 %")],
)
def test_a_few_of_many_are_not_none(part: int, whole: int, text: str) -> None:
    assert formats.share(part, whole) == text


@pytest.mark.parametrize(
    ("multiple", "text"), [(4.41, "4.5"), (4.4, "4.4"), (139.2, "140"), (2709.0, "2,709")]
)
def test_what_is_needed_is_never_too_little(multiple: float, text: str) -> None:
    assert formats.times(multiple) == text


def test_times_say_their_zone() -> None:
    at = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)
    assert ">2026-03-01 04:05:06 UTC<" in formats.moment(at, "zh_Hans_CN")
    assert formats.date_of("2026-03-01T04:05:06Z", "en").endswith(">Mar 1, 2026</time>")
    assert formats.date_of("some day", "en") == ""


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "code"),
    [
        ("", "", "", "zh"),
        ("", "", "fr, de;q=0.8", "zh"),
        ("", "", "fr, en-GB;q=0.8, zh;q=0.5", "en"),
        ("", "zh", "en", "zh"),
        ("en", "zh", "zh", "en"),
        ("xx", "", "en", "en"),
    ],
)
def test_a_language_is_chosen(asked: str, remembered: str, accepted: str, code: str) -> None:
    assert choose(asked, remembered, accepted).code == code
