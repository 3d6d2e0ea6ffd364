"""Exact 64-bit arithmetic for compiled code: products of 128 bits, divided.

Numba has no 128-bit integers, and a raw 128-bit division crashes it. So a quotient is
estimated in floating point, where it may be off by one, and repaired exactly from the
remainder, which 64 wrapping bits suffice to tell. Where the estimate cannot be trusted to
one, the product is built from 32-bit halves and divided bit by bit.

All operands are int64 and non-negative, all divisors positive.
"""

from functools import partial

import numpy as np
from numba import njit

kernel = partial(njit, cache=True, _nrt=False)
"""Compiles a function that allocates no arrays, and so need not count references to them:
counting them took longer than the arithmetic."""

LIMIT = 2**63 - 1

OVERFLOW = -1
"""In place of a quotient that passes LIMIT."""

TRUSTED_QUOTIENT = 2.0**50
"""Five roundings of 2^-53 keep an estimate below this within one of the truth."""

TRUSTED_DIVISOR = 2**62
"""Twice a divisor below this fits 63 bits, and with it every remainder of an estimate."""

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@kernel()
def repaired(estimate: float, a: int, b: int, d: int) -> int:
    """A * b // d, exactly, from a trusted estimate."""
    quotient = int(estimate)
    remainder = a * b - quotient * d
    if remainder < 0:
        return quotient - 1
    if remainder >= d:
        return quotient + 1
    return quotient


@kernel(error_model="numpy")
def mul_div(a: int, b: int, d: int) -> int:
    """A * b // d, exactly; OVERFLOW if that passes LIMIT. Rounds down."""
    estimate = np.float64(a) / np.float64(d) * np.float64(b)
    if estimate < TRUSTED_QUOTIENT and d < TRUSTED_DIVISOR:
        return repaired(estimate, a, b, d)
    return mul_div_wide(a, b, d)


@kernel(error_model="numpy")
def share(amount: int, ppm: int) -> int:
    """Of an amount so many millionths, exactly; OVERFLOW if that passes LIMIT. Rounds down."""
    if amount < 2**40 and ppm < 2**23:  # the product fits, and dividing by a constant is cheap
        return amount * ppm // 10**6
    return mul_div(amount, ppm, 10**6)


@kernel()
def mul_div_capped(a: int, b: int, d: int) -> int:
    """min(a * b // d, LIMIT)."""
    quotient = mul_div(a, b, d)
    return LIMIT if quotient == OVERFLOW else quotient


@kernel()
def mul_wide(a: int, b: int) -> tuple[np.uint64, np.uint64]:
    """A * b as its upper and lower 64 bits, unsigned."""
    x, y = np.uint64(a), np.uint64(b)
    x1, x0, y1, y0 = x >> _HALF, x & _LOW, y >> _HALF, y & _LOW
    middle = x1 * y0 + ((x0 * y0) >> _HALF)
    other = x0 * y1 + (middle & _LOW)
    upper = x1 * y1 + (middle >> _HALF) + (other >> _HALF)
    return np.uint64(upper), np.uint64(x * y)


@kernel()
def mul_div_wide(a: int, b: int, d: int) -> int:
    """As `mul_div`, by long division in base two; slow and right for all operands."""
    upper, lower = mul_wide(a, b)
    divisor = np.uint64(d)
    if upper >= divisor:
        return OVERFLOW
    quotient = np.uint64(0)
    remainder = upper
    for place in range(64):
        bit = (lower >> np.uint64(63 - place)) & np.uint64(1)
        remainder = np.uint64((remainder << np.uint64(1)) | bit)
        quotient = np.uint64(quotient << np.uint64(1))
        if remainder >= divisor:
            remainder = np.uint64(remainder - divisor)
            quotient = np.uint64(quotient | np.uint64(1))
    return OVERFLOW if quotient > np.uint64(LIMIT) else int(np.int64(quotient))


@kernel()
def at_most(a: int, b: int, c: int, d: int) -> bool:
    """Whether a * b <= c * d, without dividing."""
    left_upper, left_lower = mul_wide(a, b)
    right_upper, right_lower = mul_wide(c, d)
    if left_upper != right_upper:
        return bool(left_upper < right_upper)
    return bool(left_lower <= right_lower)
