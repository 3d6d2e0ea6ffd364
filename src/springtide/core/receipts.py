"""Receipts: from integers to decimal strings; docs/algorithms/amounts.md, rule M1."""

from collections.abc import Callable, Iterable

from springtide.core.state import Receipt
from springtide.core.units import format_money, format_points


def _render_rows(rows: Iterable[Receipt]) -> list[Receipt]:
    return [render(row) for row in rows]


_WRITERS: dict[str, Callable[..., object]] = {
    **dict.fromkeys(("points", "granted", "burned", "supply"), format_points),
    **dict.fromkeys(
        (
            "amount", "contribution", "due", "fee", "gross", "held", "merchant", "net",
            "platform", "price", "recovered", "released", "reserve", "shortfall", "wallet",
        ),
        format_money,
    ),
    **dict.fromkeys(("commissions", "dividends", "exits", "paid", "refused"), _render_rows),
}  # fmt: skip

_writer_of = _WRITERS.get


def render(receipt: Receipt) -> Receipt:
    """A receipt with its amounts as decimal strings, fields in the same order."""
    return {
        name: value if (write := _writer_of(name)) is None else write(value)
        for name, value in receipt.items()
    }
