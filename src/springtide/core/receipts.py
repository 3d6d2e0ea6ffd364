"""Receipts: from integers to decimal strings; docs/algorithms/amounts.md, rule M1."""

from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring as quoted
from typing import Any

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


def settled_micro(receipt: Mapping[str, Any]) -> int:
    """What an order was settled for: the sum of all that it was divided into."""
    whole: int = receipt["merchant"] + receipt["platform"] + receipt["contribution"]
    whole += sum(paid["amount"] for paid in receipt["commissions"])
    return whole


def render(receipt: Receipt) -> Receipt:
    """A receipt with its amounts as decimal strings, fields in the same order."""
    return {
        name: value if (write := _writer_of(name)) is None else write(value)
        for name, value in receipt.items()
    }


_ORDER = (
    "id", "type", "merchant", "platform", "commissions", "contribution", "granted", "exits",
    "split", "reserve", "supply", "price",
)  # fmt: skip


def write_order(receipt: Mapping[str, Any]) -> str | None:
    """The JSON of `render`, if this is of an order that was settled at once, without exits.

    None for all others. Nearly all receipts of a day are of this shape; written in one piece
    they take half the time.
    """
    if tuple(receipt) != _ORDER or receipt["exits"]:
        return None
    (
        id_, kind, merchant, platform, paid, contribution, granted, _, split, reserve, supply,
        price,
    ) = receipt.values()  # fmt: skip
    commissions = ",".join(
        [
            f'{{"kind":"{why}","to":{quoted(to)},"amount":"{format_money(amount)}"}}'
            for why, to, amount in [row.values() for row in paid]
        ]
    )
    return (
        f'{{"id":{quoted(id_)},"type":"{kind}","merchant":"{format_money(merchant)}",'
        f'"platform":"{format_money(platform)}","commissions":[{commissions}],'
        f'"contribution":"{format_money(contribution)}","granted":"{format_points(granted)}",'
        f'"exits":[],"split":{split},"reserve":"{format_money(reserve)}",'
        f'"supply":"{format_points(supply)}","price":"{format_money(price)}"}}'
    )
