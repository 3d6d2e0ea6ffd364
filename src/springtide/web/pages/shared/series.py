"""Histories as charts want them: few enough points, the last always among them."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

from springtide.core.units import MICRO, PPM
from springtide.services.overview import Day, Overview

T = TypeVar("T")

Priced = tuple[date, int, int]
"""A day, the price of a point and the cash for it, in micro and in the points of today."""


def thinned(rows: Sequence[T], most: int) -> list[T]:
    """At most so many rows, evenly spread, always with the last."""
    step = max(-(-len(rows) // most), 1)
    return list(rows[::-1][::step][::-1])


def prices(found: Overview, most: int) -> list[Priced]:
    """Days and their prices."""
    factor = found.status.program.split_factor
    fee = found.status.policy.cash_out_fee_ppm
    return [
        (day.on, price, price * (PPM - fee) // PPM)
        for day, price in ((day, day.price_micro(factor)) for day in thinned(found.days, most))
    ]


def curve(rows: Sequence[Priced]) -> str:
    """Days and prices as the script of the curve reads them."""
    at = [int(datetime(on.year, on.month, on.day, tzinfo=UTC).timestamp()) for on, *_ in rows]
    prices = [price / MICRO for _, price, _ in rows]
    return json.dumps([at, prices, [cash / MICRO for *_, cash in rows]])


def weeks(days: Sequence[Day], most: int) -> list[tuple[date, int, int]]:
    """What came and what left, of as many days together as make at most so many rows."""
    if not days:
        return []
    span = (days[-1].on - days[0].on).days + 1
    step = max(-(-span // most), 1)
    rows: dict[int, tuple[date, int, int]] = {}
    for day in days:
        number = (day.on - days[0].on).days // step
        on, came, left = rows.get(number, (day.on, 0, 0))
        rows[number] = on, came + day.inflow, left + day.outflow
    return list(rows.values())
