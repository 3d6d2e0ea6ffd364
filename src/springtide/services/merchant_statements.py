"""A merchant's statement: what it sold, what was refunded, and what it is owed for a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import xlsxwriter

from springtide.core.event_fields import read_money
from springtide.core.journal import merchant_account
from springtide.core.reducer import Outcome
from springtide.core.units import MICRO, format_money
from springtide.services.deciding import decide
from springtide.storage import history, listing, programs, sales
from springtide.storage.database import Database
from springtide.storage.errors import NotPossible
from springtide.storage.sales import Movement

__all__ = [
    "MerchantStatement",
    "Movement",
    "pay_merchant",
    "read_merchant_statement",
    "write_xlsx",
]


@dataclass(frozen=True, slots=True)
class MerchantStatement:
    """What moved on a merchant's account in a time; money in micro."""

    merchant: str
    since: datetime
    until: datetime
    """The first instant that is not in it."""
    sold: int
    """The merchant's part of sales."""
    redeemed: int
    """For goods given for points."""
    returned: int
    """What refunds took back, shortfalls included."""
    paid: int
    """What was sent to the merchant."""
    owed_now: int
    """The balance of the account when the statement was made."""
    lines: list[Movement]


def read_merchant_statement(
    database: Database, name: str, merchant: str, since: datetime, until: datetime
) -> MerchantStatement:
    """A merchant's sales and settlement from one instant to before another.

    Raises:
        UnknownProgram: there is none of this name.
        NotPossible: there is no such merchant.
    """
    account = merchant_account(merchant)
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        if not merchant or not listing.is_merchant(tx, program, merchant):
            raise NotPossible(f"{name} has no merchant {merchant!r}; check the id")
        lines = sales.read_movements(tx, program, account, since, until)
        owed = history.read_merchants(tx, program, [account])[account]
    return MerchantStatement(
        merchant, since, until,
        sold=_sum(lines, ("merchant",)),
        redeemed=_sum(lines, ("redeem",)),
        returned=-_sum(lines, ("refund", "shortfall")),
        paid=-_sum(lines, ("merchant_paid",)),
        owed_now=owed,
        lines=lines,
    )  # fmt: skip


def _sum(lines: Sequence[Movement], kinds: tuple[str, ...]) -> int:
    return sum(line.change for line in lines if line.kind in kinds)


def pay_merchant(
    database: Database,
    name: str,
    merchant: str,
    amount: str,
    reference: str,
    now: datetime,
    actor: str,
) -> Outcome:
    """Note that a merchant was paid elsewhere; the same reference again is the same.

    Raises:
        NotPossible: it is more than the merchant is owed.
        Refusal: nobody of this id sold, the amount is none, or the reference marked another.
    """
    id_ = f"merchant-paid:{merchant[:100]}:{reference[:100]}"
    event = {
        "type": "merchant_paid", "id": id_, "merchant": merchant, "amount": amount,
        "reference": reference,
    }  # fmt: skip
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        if listing.read_entry(tx, program, ["merchant_paid"], id_) is None:
            account = merchant_account(merchant)
            owed = history.read_merchants(tx, program, [account])[account]
            if read_money(amount) > max(owed, 0):
                raise NotPossible(f"{merchant} is owed {format_money(owed)}; pay no more")
    return decide(database, name, event, now, actor, merchant)


def write_xlsx(found: MerchantStatement, path: Path | BinaryIO) -> None:
    """Write a statement as a sheet; amounts are numbers, and exact as text beside them."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        sheet, bold = book.add_worksheet("statement"), book.add_format({"bold": True})
        number = book.add_format({"num_format": "#,##0.00"})
        facts = {
            "sold": found.sold, "redeemed": found.redeemed, "returned": found.returned,
            "paid": found.paid, "owed now": found.owed_now,
        }  # fmt: skip
        sheet.write_string(0, 0, f"{found.merchant}, {found.since} to {found.until}", bold)
        for row, (what, micro) in enumerate(facts.items(), 1):
            sheet.write_string(row, 0, what)
            sheet.write_number(row, 1, micro / MICRO, number)
            sheet.write_string(row, 2, format_money(micro))
        heads = ("posted at", "cause", "id", "amount", "exact")
        for column, head in enumerate(heads):
            sheet.write_string(7, column, head, bold)
        for row, line in enumerate(found.lines, 8):
            sheet.write_string(row, 0, line.posted_at.isoformat())
            sheet.write_string(row, 1, line.kind)
            sheet.write_string(row, 2, line.id)
            sheet.write_number(row, 3, line.change / MICRO, number)
            sheet.write_string(row, 4, format_money(line.change))
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 4, 18)
