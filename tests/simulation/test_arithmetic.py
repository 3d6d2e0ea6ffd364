"""The emulated 128-bit arithmetic against Python's integers."""

from random import Random

import numpy as np
import pytest
from numba import njit

from springtide.simulation.arithmetic import (
    LIMIT,
    OVERFLOW,
    at_most,
    mul_div,
    mul_div_wide,
    share,
)
from springtide.simulation.layout import Ints

CHUNK = 200_000


@njit()
def every(a: Ints, b: Ints, d: Ints, c: Ints) -> Ints:
    answers = np.empty((len(a), 4), np.int64)
    for i in range(len(a)):
        answers[i, 0] = mul_div(a[i], b[i], d[i])
        answers[i, 1] = mul_div_wide(a[i], b[i], d[i])
        answers[i, 2] = at_most(a[i], b[i], c[i], d[i])
        answers[i, 3] = share(a[i], b[i])
    return answers


def numbers(chance: np.random.Generator, count: int) -> Ints:
    """Of every size from 0 to 63 bits, each size as likely as any other."""
    bits = chance.integers(1, 64, count)
    return chance.integers(0, LIMIT, count, endpoint=True) >> (63 - bits)


def check(a: Ints, b: Ints, d: Ints, c: Ints) -> None:
    answers = every(a, b, d, c)
    columns = (column.tolist() for column in (a, b, d, c, *answers.T))
    for x, y, z, w, fast, wide, below, part in zip(*columns, strict=True):
        quotient, millionths = x * y // z, x * y // 10**6
        assert part == (millionths if millionths <= LIMIT else OVERFLOW), (x, y)
        assert fast == wide == (quotient if quotient <= LIMIT else OVERFLOW), (x, y, z)
        assert below == (x * y <= w * z), (x, y, w, z)


def check_random(seed: int) -> None:
    chance = np.random.default_rng(seed)
    a, b, d, c = (numbers(chance, CHUNK) for _ in range(4))
    near = chance.random(CHUNK) < 0.5
    # Half of the divisors are such that the quotient is near a whole number: there an
    # estimate that is not repaired would be wrong.
    d = np.where(near & (b > 0), b - chance.integers(0, 3, CHUNK), d)
    c = np.where(near, a, c)
    check(a, b, np.maximum(d, 1), c)


def test_a_chunk_of_random_cases() -> None:
    check_random(1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_twenty_million_random_cases(seed: int) -> None:
    check_random(seed)


def test_the_limits() -> None:
    edges = [0, 1, 2, 3, 2**31, 2**50 - 1, 2**50, 2**50 + 1, 2**61, 2**62 - 1, 2**62]
    edges += [LIMIT - 1, LIMIT]
    random = Random(1)
    cases = [
        (a, b, max(d, 1), random.choice(edges)) for a in edges for b in edges for d in edges
    ]
    check(*(np.array(column) for column in zip(*cases, strict=True)))
