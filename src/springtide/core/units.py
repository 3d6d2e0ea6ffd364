"""Units: how money, points and ratios are counted, read and written.

    money   micro, a millionth of the program's currency   "1000.000000"
    points  nano, a billionth of a point                   "210.000000000"
    ratio   ppm, a millionth                               "0.70"

Every quantity is an integer; nothing in the product is a float.
"""

MICRO = 10**6
CENT = 10_000
"""Micro of the smallest amount that banks move."""
NANO = 10**9
PPM = 10**6

MONEY_DECIMALS = 6
POINTS_DECIMALS = 9

LIMIT = 2**63 - 1
"""The largest number that a balance, a lot or the pool may hold: 64 bits, signed."""

_LONGEST_WHOLE = 40
"""Digits kept of a whole part: far past LIMIT, far below what int() refuses to read."""


def parse_decimal(text: object, decimals: int) -> int:
    """Read a decimal string exactly, as units of 10**-decimals.

    Accepted are ASCII strings of the form `[0-9]+(\\.[0-9]+)?` with at most `decimals`
    decimals, even if those are zeros. Nothing is rounded and no sign is accepted.

    Raises:
        ValueError: anything else; the message says what was expected.

    Source: docs/algorithms/amounts.md, rule M2.
    """
    if type(text) is not str or not text.isascii():
        raise ValueError(f"{text!r} is not a decimal string like '12.50'")
    whole, dot, fraction = text.partition(".")
    if not whole.isdigit() or (dot and not fraction.isdigit()):
        raise ValueError(f"{text!r} is not a decimal string like '12.50'")
    if len(fraction) > decimals:
        raise ValueError(f"{text!r} has {len(fraction)} decimals; at most {decimals} are kept")
    if len(whole) > _LONGEST_WHOLE:
        whole = whole.lstrip("0")
        if len(whole) > _LONGEST_WHOLE:
            whole = "9" * _LONGEST_WHOLE
    return int((whole or "0") + fraction.ljust(decimals, "0"))


def parse_money(text: object) -> int:
    """Read money as micro; see `parse_decimal`."""
    return parse_decimal(text, MONEY_DECIMALS)


def parse_points(text: object) -> int:
    """Read points as nano; see `parse_decimal`."""
    return parse_decimal(text, POINTS_DECIMALS)


def format_money(amount_micro: int) -> str:
    """Write micro as a decimal string of six digits, exactly."""
    if amount_micro < MICRO:
        if amount_micro < 0:
            return "-" + format_money(-amount_micro)
        return f"0.{amount_micro:06d}"
    digits = str(amount_micro)  # quicker than to divide
    return f"{digits[:-MONEY_DECIMALS]}.{digits[-MONEY_DECIMALS:]}"


def format_points(points_nano: int) -> str:
    """Write nano as a decimal string of nine digits, exactly."""
    if points_nano < NANO:
        if points_nano < 0:
            return "-" + format_points(-points_nano)
        return f"0.{points_nano:09d}"
    digits = str(points_nano)
    return f"{digits[:-POINTS_DECIMALS]}.{digits[-POINTS_DECIMALS:]}"


def format_fraction(number: int, scale: int) -> str:
    """Write number / scale, a power of ten, without trailing zeros, exactly."""
    whole, fraction = divmod(number, scale)
    digits = str(scale + fraction)[1:].rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def format_ratio(ratio_ppm: int) -> str:
    """Write ppm as a policy file does."""
    return format_fraction(ratio_ppm, PPM)


def price_micro(reserve_micro: int, supply_nano: int) -> int:
    """The shown price of one point, in micro, rounded down; never stored."""
    return reserve_micro * NANO // supply_nano
