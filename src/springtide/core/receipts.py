"""Receipts: from integers to decimal strings; docs/algorithms/amounts.md, rule M1."""

from collections.abc import Callable
from typing import cast

from springtide.core.state import Receipt
from springtide.core.units import format_money, format_points

_WRITERS: dict[str, Callable[[int], str]] = {
    **dict.fromkeys(("points", "granted", "burned", "supply"), format_points),
    **dict.fromkeys(
        (
            "amount", "contribution", "due", "fee", "gross", "held", "merchant", "net",
            "platform", "price", "recovered", "released", "reserve", "shortfall", "wallet",
        ),
        format_money,
    ),
}  # fmt: skip

_ROWS = frozenset(("commissions", "dividends", "exits", "paid", "refused"))


def render(receipt: Receipt) -> Receipt:
    """A receipt with its amounts as decimal strings, fields in the same order."""
    rendered: Receipt = {}
    for name, value in receipt.items():
        writer = _WRITERS.get(name)
        if writer is not None:
            rendered[name] = writer(cast(int, value))
        elif name in _ROWS:
            rendered[name] = [render(row) for row in cast(list[Receipt], value)]
        else:
            rendered[name] = value
    return rendered
