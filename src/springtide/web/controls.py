"""What people stop and see, over HTTP: freezing members, switches, alarms."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, Field, StrictBool

from springtide.services import controls
from springtide.services.gateway import Database, UnknownAlarm, UnknownMember, UnusableControl
from springtide.services.permissions import Principal
from springtide.web.depends import (
    PROBLEMS,
    After,
    Books,
    Controller,
    Id,
    Limit,
    Reader,
    asked,
    clock,
    missing,
    missing_if,
    page,
    plain,
    seq_of,
)
from springtide.web.models import Name, Page
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)


class ReasonIn(BaseModel):
    """Why somebody does what they do; it is logged."""

    reason: Name


class Freeze(BaseModel):
    """A member who is frozen, or was; who did it and why."""

    object: Literal["freeze"] = "freeze"
    member: str
    frozen: bool
    at: str
    actor: str
    reason: str


class SwitchIn(ReasonIn):
    """A switch, and how it is to stand."""

    name: Literal["purchases", "settlement", "cash-outs", "commissions"]
    off: StrictBool


class Switch(BaseModel):
    """A switch, and who put it there and why, if anybody ever did."""

    object: Literal["switch"] = "switch"
    name: str
    meaning: str = Field(description="what happens while it is on")
    off: bool
    at: str | None
    actor: str | None
    reason: str | None


class Alarm(BaseModel):
    """What operators were told; who of them has seen it."""

    object: Literal["alarm"] = "alarm"
    id: str
    kind: str
    day: str
    at: str
    detail: str
    acknowledged_at: str | None
    acknowledged_by: str | None


Reason = Annotated[ReasonIn, Body()]


def _freeze(row: controls.Freeze) -> Freeze:
    return Freeze(
        member=row.member,
        frozen=row.frozen,
        at=row.at.isoformat(),
        actor=row.actor,
        reason=row.reason,
    )


def _turn(
    turn: Callable[[Database, str, str, str, str, datetime], controls.Freeze],
    what: str,
    key: Principal,
    books: Database,
    id_: str,
    why: Reason,
) -> Freeze:
    """Freeze a member or let one go, where the member is there."""
    try:
        with missing_if(UnknownMember, what, id_):
            return _freeze(turn(books, key.program, plain(id_), why.reason, key.actor, clock()))
    except UnusableControl as error:
        raise Problem("invalid_parameter", str(error)) from None


@router.post("/members/{id:path}/freeze", operation_id="freeze_member")
def freeze_member(key: Controller, books: Books, id_: Id, why: Reason) -> Freeze:
    """Freeze a member: no orders, cash-outs or redemptions; refunds work."""
    return _turn(controls.freeze_member, "member", key, books, id_, why)


@router.post("/members/{id:path}/unfreeze", operation_id="unfreeze_member")
def unfreeze_member(key: Controller, books: Books, id_: Id, why: Reason) -> Freeze:
    """Let a frozen member go."""
    return _turn(controls.unfreeze_member, "frozen member", key, books, id_, why)


@router.get("/freezes")
def list_frozen(
    key: Reader, books: Books, limit: Limit = 20, after: After = ""
) -> Page[Freeze]:
    """Members who are frozen, by id."""
    rows = controls.list_frozen(books, key.program, asked("after", after), limit + 1)
    return page(rows, limit, lambda row: row.member, _freeze)


def _switch(name: str, row: controls.Switch | None) -> Switch:
    return Switch(
        name=name,
        meaning=controls.SWITCHES[name],
        off=row is not None and row.off,
        at=row.at.isoformat() if row else None,
        actor=row.actor if row else None,
        reason=row.reason if row else None,
    )


@router.get("/switches")
def list_switches(key: Reader, books: Books) -> Page[Switch]:
    """The four switches of the program, and how they stand."""
    rows = controls.list_switches(books, key.program)
    return Page(data=[_switch(name, row) for name, row in rows], next=None)


@router.post("/switches")
def set_switch(key: Controller, books: Books, wish: Annotated[SwitchIn, Body()]) -> Switch:
    """Switch a part of the program off, or on again; it holds from the next batch on."""
    try:
        row = controls.set_switch(
            books, key.program, wish.name, wish.reason, key.actor, clock(),
            off=wish.off,
        )  # fmt: skip
    except UnusableControl as error:
        raise Problem("invalid_parameter", str(error)) from None
    return _switch(row.name, row)


def _alarm(row: controls.Alarm) -> Alarm:
    return Alarm(
        id=str(row.id),
        kind=row.kind,
        day=row.day.isoformat(),
        at=row.at.isoformat(),
        detail=row.detail,
        acknowledged_at=row.acknowledged_at.isoformat() if row.acknowledged_at else None,
        acknowledged_by=row.acknowledged_by,
    )


@router.get("/alarms")
def list_alarms(key: Reader, books: Books, limit: Limit = 20, after: After = "") -> Page[Alarm]:
    """What operators were told, oldest first."""
    rows = controls.list_alarms(books, key.program, seq_of(after), limit + 1)
    return page(rows, limit, lambda row: row.id, _alarm)


@router.post("/alarms/{id}/acknowledge", operation_id="acknowledge_alarm")
def acknowledge_alarm(
    key: Controller, books: Books, id_: Annotated[int, Path(alias="id", ge=1, le=2**63 - 1)]
) -> Alarm:
    """Note that an alarm was seen; the first who did stands."""
    try:
        row = controls.acknowledge_alarm(books, key.program, id_, key.actor, clock())
    except UnknownAlarm:
        raise missing("alarm", str(id_)) from None
    return _alarm(row)
