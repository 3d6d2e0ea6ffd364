"""Agents of territories over HTTP: their contracts, and deposits that are given back."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from springtide.core.units import format_money, format_ratio
from springtide.services import agents
from springtide.services.agents import Contract
from springtide.services.gateway import Database
from springtide.services.permissions import Principal
from springtide.web.depends import (
    PROBLEMS,
    After,
    Books,
    Id,
    Limit,
    Merchandiser,
    Now,
    Reader,
    asked,
    found,
    page,
    plain,
    refusing,
)
from springtide.web.distribution import DAY
from springtide.web.models import AmountIn, Money, Name, Page, ReferenceIn

router = APIRouter(prefix="/v1", responses=PROBLEMS)

LONGEST = 100
"""Of a contract's id, which stands in the ids of events together with a reference."""


class AgentIn(BaseModel):
    """Makes a member the agent of a region, which has one at a time."""

    contract: str = Field(min_length=1, max_length=LONGEST, examples=["c1"])
    region: str = Field(pattern="^([0-9]{2}){1,3}$", description="GB/T 2260")
    member: Name
    rate: str | None = Field(
        default=None, pattern=r"^0(\.[0-9]{1,6})?$", description="its own; else the policy's"
    )
    first: str | None = Field(default=None, alias="from", pattern=DAY)
    last: str | None = Field(default=None, alias="to", pattern=DAY)


class Agent(BaseModel):
    """A contract of an agent, and the deposit that is held for it."""

    object: Literal["agent"] = "agent"
    contract: str
    region: str
    member: str
    rate: str | None
    first: str | None = Field(serialization_alias="from")
    last: str | None = Field(serialization_alias="to")
    ended: bool
    deposit: Money


class DepositIn(BaseModel):
    """What an agent paid; refundable, and never anybody's revenue."""

    amount: AmountIn
    reference: ReferenceIn


def _show(row: Contract) -> Agent:
    return Agent(
        contract=row.id,
        region=row.region,
        member=row.member,
        rate=None if row.rate_ppm is None else format_ratio(row.rate_ppm),
        first=row.first or None,
        last=row.last or None,
        ended=row.ended,
        deposit=format_money(row.deposit_micro),
    )


def _agent(books: Database, key: Principal, contract: str) -> Agent:
    row = agents.find_contract(books, key.program, plain(contract))
    return _show(found(row, "contract", contract))


@router.get("/agents")
def list_agents(key: Reader, books: Books, limit: Limit = 20, after: After = "") -> Page[Agent]:
    """All contracts by id, those that ended among them."""
    past = asked("after", after)
    rows = sorted(
        (row for row in agents.list_contracts(books, key.program) if row.id > past),
        key=lambda row: row.id,
    )
    return page(rows[: limit + 1], limit, lambda row: row.id, _show)


@router.post("/agents", status_code=201)
def appoint_agent(
    key: Merchandiser, books: Books, now: Now, wish: Annotated[AgentIn, Body()]
) -> Agent:
    """Make a member the agent of a region, from a day to a day; sent again it is the same."""
    given = {"rate": wish.rate, "from": wish.first, "to": wish.last}
    more = {field: value for field, value in given.items() if value}
    with refusing():
        agents.appoint(
            books, key.program, wish.contract, wish.region, wish.member, more, now, key.actor
        )
    return _agent(books, key, wish.contract)


@router.get("/agents/{id:path}", operation_id="read_agent")
def read_agent(key: Reader, books: Books, id_: Id) -> Agent:
    """One contract."""
    return _agent(books, key, id_)


@router.post("/agents/{id:path}/deposits", operation_id="deposit")
def deposit(
    key: Merchandiser, books: Books, now: Now, id_: Id, wish: Annotated[DepositIn, Body()]
) -> Agent:
    """Note that an agent paid a deposit; it is held until the contract is over."""
    _agent(books, key, id_)
    with refusing():
        agents.deposit(books, key.program, id_, wish.amount, now, key.actor, wish.reference)
    return _agent(books, key, id_)


@router.post("/agents/{id:path}/dismiss", operation_id="dismiss_agent")
def dismiss_agent(key: Merchandiser, books: Books, now: Now, id_: Id) -> Agent:
    """End a contract now; the region may have another agent from now on."""
    _agent(books, key, id_)
    with refusing():
        agents.dismiss(books, key.program, id_, now, key.actor)
    return _agent(books, key, id_)


@router.post("/agents/{id:path}/deposits/return", operation_id="return_deposit")
def return_deposit(key: Merchandiser, books: Books, now: Now, id_: Id) -> Agent:
    """Note that all of a deposit went back to the agent, after the contract's end."""
    _agent(books, key, id_)
    with refusing():
        agents.return_deposit(books, key.program, id_, now, key.actor)
    return _agent(books, key, id_)
