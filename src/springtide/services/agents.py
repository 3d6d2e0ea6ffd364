"""Agents of territories: their contracts and refundable deposits; and the program's day."""

from collections.abc import Mapping
from datetime import UTC, datetime

from springtide.core.event_fields import Json
from springtide.core.policy_file import read_policy
from springtide.core.reducer import Outcome
from springtide.core.standing import Contract
from springtide.services.deciding import decide
from springtide.storage import distribution, programs
from springtide.storage.database import Database

__all__ = [
    "Contract",
    "appoint",
    "deposit",
    "dismiss",
    "due_day",
    "find_contract",
    "list_contracts",
    "return_deposit",
]


def _today(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def appoint(
    database: Database,
    name: str,
    contract: str,
    region: str,
    member: str,
    more: Mapping[str, str],
    now: datetime,
    actor: str,
) -> Outcome:
    """Make a member the agent of a region; `more` may have a rate, and days from and to.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
        Refusal: the region is taken, the contract is known, or the rate is too high.
    """
    event = {
        "type": "appoint", "id": f"appoint:{contract}", "contract": contract,
        "region": region, "member": member, "at": _today(now), **more,
    }  # fmt: skip
    return decide(database, name, event, now, actor, contract)


def dismiss(database: Database, name: str, contract: str, now: datetime, actor: str) -> Outcome:
    """End a contract now.

    Raises:
        Refusal: there is none that runs.
    """
    event = {"type": "dismiss", "id": f"dismiss:{contract}", "contract": contract}
    return decide(database, name, {**event, "at": _today(now)}, now, actor, contract)


def deposit(
    database: Database,
    name: str,
    contract: str,
    amount: str,
    now: datetime,
    actor: str,
    reference: str = "",
) -> Outcome:
    """Note that an agent paid a deposit; it is held until the contract is over.

    A `reference` of the payment notes it once, however often it is sent.

    Raises:
        Refusal: there is no contract that runs, or the amount is none.
    """
    event = {
        "type": "deposit", "id": f"deposit:{contract}:{reference or now.isoformat()}",
        "contract": contract, "amount": amount, "at": _today(now),
    }  # fmt: skip
    return decide(database, name, event, now, actor, contract)


def return_deposit(
    database: Database, name: str, contract: str, now: datetime, actor: str
) -> Outcome:
    """Note that all of a deposit went back to the agent.

    Raises:
        Refusal: the contract still runs, or nothing is held.
    """
    event = {
        "type": "deposit_return", "id": f"deposit-return:{contract}:{now.isoformat()}",
        "contract": contract, "at": _today(now),
    }  # fmt: skip
    return decide(database, name, event, now, actor, contract)


def list_contracts(database: Database, name: str) -> list[Contract]:
    """All contracts, by region; deposits in micro."""
    with database.snapshot() as tx:
        return distribution.read_contracts(tx, programs.get_program(tx, name))


def find_contract(database: Database, name: str, contract: str) -> Contract | None:
    """One contract, if it was ever made; the deposit in micro."""
    found = list_contracts(database, name)
    return next((one for one in found if one.id == contract), None)


def due_day(database: Database, name: str, now: datetime) -> list[Json]:
    """The event that says which day it is, if the program has not been told yet.

    Only programs in which something ends with a day are told: those whose bindings do, and
    those in which events gave merchants terms or agents contracts.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
    today = _today(now)
    dated = program.registry or read_policy(program.policy_toml).promotion.bind_days
    if not dated or program.day >= today:
        return []
    return [{"type": "day", "id": f"springtide:day:{today}", "at": today}]
