"""What can be read: programs, entries, members, merchants, wallets, prices."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Path, Query

from springtide.core.event_fields import LONGEST_ID
from springtide.core.receipts import render
from springtide.core.state import State
from springtide.core.units import format_money, format_points, parse_money, price_micro
from springtide.services import cash_outs, listing, reports
from springtide.services.gateway import UnknownMember
from springtide.services.listing import EntryRow, LotRow, MemberRow
from springtide.services.preview import preview
from springtide.web import models
from springtide.web.commands import COMMANDS
from springtide.web.depends import (
    PROBLEMS,
    After,
    Books,
    Id,
    Limit,
    Name,
    OfMember,
    Reader,
    asked,
    clock,
    found,
    missing,
    missing_if,
    page,
    plain,
    seq_of,
)
from springtide.web.models import Page
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)


def _program(program: listing.Program, state: State) -> models.Pool:
    price = price_micro(*state.pair)
    return models.Pool(
        name=program.name,
        entries=program.seq,
        policy_version=program.policy_version,
        reserve=format_money(program.reserve),
        supply=format_points(program.supply),
        orphaned=format_money(program.orphaned),
        price=format_money(price),
        price_less_fee=format_money(state.policy.after_cash_out_fee(price)),
        profile=program.profile,
        pays_cash=state.policy.cash_out_enabled,
        last_hash=program.hash.hex(),
    )


@router.get("/programs")
def list_programs(key: Reader, books: Books) -> Page[models.Pool]:
    """The programs of the key: its own."""
    return Page(data=[_program(*listing.read_program(books, key.program))], next=None)


@router.get("/programs/{name}")
def read_program(key: Reader, books: Books, name: Name) -> models.Pool:
    """A program and its pool."""
    if name != key.program:
        raise missing("program", name)
    return _program(*listing.read_program(books, name))


@router.get("/policies")
def list_policies(key: Reader, books: Books) -> Page[models.PolicyVersion]:
    """All versions of the program's policy."""
    rows = listing.list_policies(books, key.program)
    return page(rows, len(rows), lambda row: row.version, _policy)


@router.get("/policies/{version}")
def read_policy(
    key: Reader, books: Books, version: Annotated[int, Path(ge=1, le=32767)]
) -> models.PolicyVersion:
    """One version of the program's policy."""
    for row in listing.list_policies(books, key.program):
        if row.version == version:
            return _policy(row)
    raise missing("policy", str(version))


def _policy(row: listing.PolicyRow) -> models.PolicyVersion:
    return models.PolicyVersion(
        version=row.version, created_at=row.created_at.isoformat(), toml=row.toml
    )


def posted(row: EntryRow) -> models.Posted:
    """An entry as the API shows it."""
    return models.Posted(
        object=row.kind,
        id=row.id,
        seq=row.seq,
        policy_version=row.policy_version,
        posted_at=row.posted_at.isoformat(),
        event=json.loads(row.event),
        receipt=render(json.loads(row.receipt)),
        settlement=render(json.loads(row.settled_receipt)) if row.settled_receipt else None,
        status=_status(row),
        refunded=format_money(row.refunded) if row.kind in _ORDERS else None,
    )


_ORDERS = ("purchase", "pay")


def _status(row: EntryRow) -> models.OrderStatus | None:
    if row.kind not in _ORDERS:
        return None
    if row.refunded == parse_money(json.loads(row.event)["amount"]):
        return "refunded"
    return "paid" if row.kind == "pay" and row.settled_receipt is None else "settled"


_READ_AS = {"purchase": ["purchase", "pay"], "cash_out": ["cash_out", "cash_out_batch"]}
"""Kinds that are read back at one address."""


def _add_entries(path: str, kind: str) -> None:
    """The two routes that read back what was posted to an address."""
    kinds = _READ_AS.get(kind, [kind])

    def list_them(
        key: Reader, books: Books, limit: Limit = 20, after: After = ""
    ) -> Page[models.Posted]:
        rows = listing.list_entries(books, key.program, kinds, seq_of(after), limit + 1)
        return page(rows, limit, lambda row: row.seq, posted)

    def read_one(key: Reader, books: Books, id_: Id) -> models.Posted:
        row = listing.read_entry(books, key.program, kinds, plain(id_))
        return posted(found(row, kind, id_))

    address = path.removeprefix("/v1")
    what = path.removeprefix("/v1/")
    list_them.__doc__ = f"The {what} that were posted, oldest first."
    read_one.__doc__ = f"One of the {what}, with its receipt."
    if kind != "purchase":  # `web/orders` lists these
        router.get(address, operation_id=f"list_{kind}")(list_them)
    router.get(address + "/{id:path}", operation_id=f"read_{kind}")(read_one)


@router.get("/cash-outs/quote")
def quote(
    key: Reader,
    books: Books,
    member: Annotated[str, Query(min_length=1, max_length=LONGEST_ID)],
    points: Annotated[str, Query(examples=["all"])] = "all",
) -> models.Quote:
    """What a cash-out would pay now; where it is daily, an estimate."""
    id_ = f"springtide:quote:{uuid4().hex}"  # never posted, so never taken
    event = {"type": "cash_out", "id": id_, "member": member, "points": points}
    now = clock()
    outcome, seq = preview(books, key.program, event, now)
    if outcome.refusal is not None:
        raise Problem(outcome.refusal.code, str(outcome.refusal), outcome.refusal.retry_at)
    receipt, due = outcome.receipt, cash_outs.next_batch(books, key.program, now)
    return models.Quote(
        member=member,
        points=format_points(_int(receipt["points"])),
        gross=format_money(_int(receipt["gross"])),
        net=format_money(_int(receipt["net"])),
        state=seq,
        execution="instant" if due is None else "daily",
        is_estimate=due is not None,
        pays_at=None if due is None else due.isoformat(),
    )


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


for _command in COMMANDS:
    if _command.type != "cash_out_batch":
        _add_entries(_command.path, _command.type)


def _member(row: MemberRow, state: State) -> models.Member:
    value, cash = _worth(row.points, state)
    return models.Member(
        id=row.id,
        referrer=row.referrer,
        lots=row.lots,
        points=format_points(row.points),
        value=value,
        cash_now=cash,
        received=format_money(row.received),
    )


def _worth(points_nano: int, state: State) -> tuple[str, str]:
    value, cash = state.value_micro(points_nano), state.cash_now_micro(points_nano)
    return format_money(value), format_money(cash)


@router.get("/members")
def list_members(
    key: Reader, books: Books, limit: Limit = 20, after: After = ""
) -> Page[models.Member]:
    """Members by id."""
    _, state = listing.read_program(books, key.program)
    rows = listing.list_members(books, key.program, asked("after", after), limit + 1)
    return page(rows, limit, lambda row: row.id, lambda row: _member(row, state))


@router.get("/members/{id:path}/lots")
def list_lots(
    key: Reader, books: Books, id_: Id, limit: Limit = 20, after: After = ""
) -> Page[models.Lot]:
    """A member's lots, oldest first."""
    found(listing.read_member(books, key.program, plain(id_)), "member", id_)
    _, state = listing.read_program(books, key.program)
    rows = listing.list_lots(books, key.program, id_, seq_of(after), limit + 1)
    return page(rows, limit, lambda row: row.seq, lambda row: _lot(row, state))


def _lot(row: LotRow, state: State) -> models.Lot:
    value, cash = _worth(row.points, state)
    return models.Lot(
        id=row.id,
        seq=row.seq,
        points=format_points(row.points),
        value=value,
        cash_now=cash,
        headroom=format_money(row.headroom),
        received=format_money(row.net),
    )


@router.get("/members/{id:path}/statement")
def read_statement(key: Reader, books: Books, id_: Id) -> models.Statement:
    """Every movement of a member, its cause, and the balance after it."""
    with missing_if(UnknownMember, "member", id_):
        told = reports.read_statement(books, key.program, plain(id_))
    return models.Statement(
        member=id_,
        wallet=format_money(told.wallet_micro),
        credit=format_money(told.credit_micro),
        points=format_points(told.points_nano),
        cash_now=format_money(told.cash_now_micro),
        lines=list(_lines(told.lines)),
    )


def _lines(lines: Sequence[reports.Line]) -> Iterator[models.StatementLine]:
    for line in lines:
        write = format_points if line.unit == "points" else format_money
        yield models.StatementLine(
            seq=line.seq,
            id=line.id,
            at=line.at,
            cause=line.cause,
            unit=line.unit,
            change=write(line.change),
            balance=write(line.balance),
        )


@router.get("/members/{id:path}", operation_id="read_member")
def read_member(key: Reader, books: Books, id_: Id) -> models.Member:
    """A member: points, what they are worth, and what they could be cashed for now."""
    row = found(listing.read_member(books, key.program, plain(id_)), "member", id_)
    return _member(row, listing.read_program(books, key.program)[1])


@router.get("/merchants")
def list_merchants(
    key: Reader, books: Books, limit: Limit = 20, after: After = ""
) -> Page[models.Merchant]:
    """Merchants by id."""
    rows = listing.list_merchants(books, key.program, asked("after", after), limit + 1)
    return page(rows, limit, lambda row: row, lambda row: models.Merchant(id=row))


@router.get("/merchants/{id:path}", operation_id="read_merchant")
def read_merchant(key: Reader, books: Books, id_: Id) -> models.MerchantAccount:
    """A merchant, and what is owed to it."""
    owed = found(listing.read_merchant(books, key.program, plain(id_)), "merchant", id_)
    return models.MerchantAccount(id=id_, owed=format_money(owed))


@router.get("/wallets/{member:path}/entries")
def list_wallet_entries(
    key: Reader,
    books: Books,
    member: Name,
    cause: Annotated[str, Query(max_length=255, description="only these, like cash_out")] = "",
) -> Page[models.StatementLine]:
    """Every movement of a member's cash, oldest first."""
    with missing_if(UnknownMember, "wallet", member):
        told = reports.read_statement(books, key.program, plain(member))
    lines = [line for line in told.lines if line.unit == "wallet"]
    shown = [line for line in lines if cause in ("", line.cause)]
    return Page(data=list(_lines(shown)), next=None)


@router.get("/wallets/{member:path}")
def read_wallet(key: Reader, books: Books, member: Name) -> models.Wallet:
    """A member's cash."""
    balance = found(listing.read_wallet(books, key.program, plain(member)), "wallet", member)
    return models.Wallet(member=member, balance=format_money(balance))


@router.get("/commissions")
def list_commissions(
    key: Reader,
    books: Books,
    limit: Limit = 20,
    after: After = "",
    member: OfMember = "",
) -> Page[models.Commission]:
    """Commissions in the order they were earned."""
    seq, _, line = after.partition("-")
    rows = listing.list_commissions(
        books, key.program, asked("member", member), (seq_of(seq), seq_of(line)), limit + 1
    )
    return page(rows, limit, lambda row: f"{row.seq}-{row.line}", _commission)


def _commission(row: listing.CommissionRow) -> models.Commission:
    return models.Commission(
        seq=row.seq,
        kind=row.kind,
        member=row.member,
        amount=format_money(row.amount),
        order=row.order,
    )


@router.get("/prices")
def read_prices(
    key: Reader, books: Books, most: Annotated[int, Query(ge=2, le=1000)] = 200
) -> models.Prices:
    """The price after at most so many entries, evenly spread."""
    policy, prices = reports.read_prices(books, key.program, most)
    return models.Prices(
        cash_out_fee=format_money(policy.cash_out_fee_ppm),
        data=[
            models.PricePoint(
                seq=price.seq,
                type=price.kind,
                at=price.at,
                reserve=format_money(price.reserve),
                supply=format_points(price.supply),
                price=format_money(price.price),
                factor=price.factor,
            )
            for price in prices
        ],
    )
