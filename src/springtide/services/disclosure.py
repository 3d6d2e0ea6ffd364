"""The truth about outcomes of a running program, from its own books."""

from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median
from typing import Any, cast

from springtide.core.disclosure import Outlook, outlook
from springtide.core.policy_file import read_policy
from springtide.core.units import format_money, parse_money
from springtide.services.history import History, catch_up, read_history
from springtide.services.preview import preview
from springtide.services.reports import prices_of
from springtide.storage import buyers, programs
from springtide.storage.buyers import Part
from springtide.storage.database import Database, Transaction
from springtide.storage.programs import Program


class NotDisclosed(Exception):
    """A purchase of this amount would be refused; the message says why."""


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the buyers, by their first order; what they have for 100 spent."""

    number: int
    buyers: int
    spent_micro: int
    median: float
    mean: float
    """Of money received for points and cash now, for 100 spent."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a purchase today would bring, and what became of those before it."""

    outlook: Outlook
    orders: int
    reached_cap: int
    tenths: list[Tenth]
    rise: dict[str, float]
    """By what each cause multiplied the price so far; the product is all of it."""
    pays_cash: bool
    """Whether points can be cashed; if not, what they pay now is goods."""


def disclose(database: Database, name: str, amount: str, now: datetime) -> Disclosure:
    """What a purchase of an amount would bring now, and what became of all before it.

    Raises:
        UnknownProgram: there is none of this name.
        NotDisclosed: such a purchase would be refused.
    """
    receipt = receipt_of_newcomer(database, name, amount, now)
    catch_up(database, name)
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        history = read_history(tx, program)
        return disclosure_of(tx, program, history, amount, receipt)


def receipt_of_newcomer(
    database: Database, name: str, amount: str, now: datetime
) -> dict[str, Any]:
    """What a purchase of somebody new would be answered now.

    Raises:
        NotDisclosed: it would be refused.
    """
    newcomer = "springtide:newcomer"
    event = {"type": "purchase", "id": newcomer, "member": newcomer, "amount": amount}
    outcome, _ = preview(database, name, event, now)
    if not outcome.is_posted:
        raise NotDisclosed(f"a purchase of {amount} would be refused: {outcome.refusal}")
    return cast(dict[str, Any], outcome.receipt)


def disclosure_of(
    tx: Transaction,
    program: Program,
    history: History,
    amount: str,
    receipt: dict[str, Any],
) -> Disclosure:
    """The same, of what was read of a journal and a receipt that a newcomer would get."""
    policy = read_policy(program.policy_toml)
    tenths = buyers.read_tenths(tx, program, history.since, prices_of(program, policy))
    return Disclosure(
        outlook=outlook(policy, parse_money(amount), receipt),
        orders=history.activity.orders,
        reached_cap=history.activity.exits,
        tenths=[_tenth(part) for part in tenths],
        rise=history.rise.multiples,
        pays_cash=policy.cash_out_enabled,
    )


def _tenth(part: Part) -> Tenth:
    got = [100 * got / spent for got, spent in zip(part.got, part.spent, strict=True)]
    return Tenth(part.number, len(got), sum(part.spent), median(got), fmean(got))


def as_json(name: str, found: Disclosure) -> dict[str, object]:
    """A disclosure in the words of the API: money as decimal strings, shares as numbers."""
    now = found.outlook
    return {
        "program": name,
        "purchase": {
            "amount": format_money(now.amount),
            "value": format_money(now.value),
            "cash_now": format_money(now.cash_now),
            "highest": None if now.highest is None else format_money(now.highest),
            "highest_paid": None
            if now.highest_paid is None
            else format_money(now.highest_paid),
            "price_multiple": now.price_multiple,
            "pool_multiple": now.pool_multiple,
        },
        "orders": found.orders,
        "reached_cap": found.reached_cap,
        "tenths": [
            {
                "tenth": tenth.number,
                "buyers": tenth.buyers,
                "spent": format_money(tenth.spent_micro),
                "median_for_100": tenth.median,
                "mean_for_100": tenth.mean,
            }
            for tenth in found.tenths
        ],
        "price_multiplied_by": found.rise,
    }
