"""What operators and members read: status, statements, prices, outcomes."""

from dataclasses import dataclass
from itertools import pairwise

from springtide.core.policy import Policy
from springtide.core.policy_file import read_policy
from springtide.core.units import PPM, format_money, format_points, price_micro
from springtide.services.history import Activity, History, catch_up, read_history
from springtide.storage import buyers, movements, programs, reports
from springtide.storage.buyers import Prices
from springtide.storage.buyers import Summary as Outcomes
from springtide.storage.database import Database, Transaction
from springtide.storage.errors import UnknownMember
from springtide.storage.programs import Program
from springtide.storage.reports import Price

__all__ = [
    "Outcomes",
    "Price",
    "Statement",
    "Status",
    "read_prices",
    "read_statement",
    "read_status",
]


@dataclass(frozen=True, slots=True)
class Status:
    """A program as it stands; money in micro, points in nano."""

    program: Program
    policy: Policy
    activity: Activity
    price_micro: int
    outcomes: Outcomes
    """What buyers got for what they spent."""


def read_status(database: Database, name: str) -> Status:
    """Everything about a program on one page.

    Raises:
        UnknownProgram: there is none of this name.
    """
    catch_up(database, name)
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return status_of(tx, program, read_history(tx, program))


def status_of(tx: Transaction, program: Program, history: History) -> Status:
    """The same, of what was read of a journal up to the program's last entry."""
    policy = read_policy(program.policy_toml)
    prices = prices_of(program, policy)
    return Status(
        program=program,
        policy=policy,
        activity=history.activity,
        price_micro=price_micro(prices.reserve, prices.supply),
        outcomes=buyers.read_summary(tx, program, history.since, prices),
    )


def prices_of(program: Program, policy: Policy) -> Prices:
    """What points pay now, as `State.cash_now_micro` says it of some."""
    return Prices(*program.state(policy).pair, PPM - policy.cash_out_fee_ppm)


@dataclass(frozen=True, slots=True)
class Line:
    """A movement on a member's account, and the balance it left.

    Units: micro of money or store credit, nano of points in the units of that time; a line
    of cause `split` restates the points that were held.
    """

    seq: int
    id: str
    at: str | None
    cause: str
    unit: str
    change: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """All movements of a member, oldest first, and what they leave."""

    member: str
    lines: list[Line]
    wallet_micro: int
    credit_micro: int
    points_nano: int
    cash_now_micro: int
    """What all points would pay now."""
    pays_cash: bool
    """Whether in cash; if not, in goods."""


def read_statement(database: Database, name: str, member: str) -> Statement:
    """Every movement of a member's wallet, points and store credit, with its cause.

    Raises:
        UnknownProgram: there is no program of this name.
        UnknownMember: nobody of this id ever bought, earned or was bound in it.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        moved = movements.read_movements(tx, program, member)
        if not moved and not reports.is_member(tx, program, member):
            raise UnknownMember(
                f"nobody named {member!r} ever bought, earned or was bound in {name}; "
                "check the id, it is case-sensitive"
            )
        split_dates = movements.read_split_dates(tx, program)
    balances = {"wallet": 0, "credit": 0, "points": 0}
    lines, factor = [], 1

    def split(seq: int, to: int) -> None:
        nonlocal factor
        held = balances["points"]
        if to > factor and held:
            balances["points"] = held * (to // factor)
            gain = balances["points"] - held
            at = split_dates.get(to)  # of the last, if there were several
            lines.append(Line(seq, "", at, "split", "points", gain, balances["points"]))
        factor = max(factor, to)

    for movement in moved:
        split(movement.seq, movement.factor)
        unit = movement.account.partition(":")[0]
        balances[unit] += movement.change
        lines.append(
            Line(
                movement.seq,
                movement.id,
                movement.at,
                movement.cause,
                unit,
                movement.change,
                balances[unit],
            )
        )
    split(program.seq, program.split_factor)
    policy = read_policy(program.policy_toml)
    return Statement(
        member=member,
        lines=lines,
        wallet_micro=balances["wallet"],
        credit_micro=balances["credit"],
        points_nano=balances["points"],
        cash_now_micro=program.state(policy).cash_now_micro(balances["points"]),
        pays_cash=policy.cash_out_enabled,
    )


def line_json(line: Line) -> dict[str, object]:
    """A line of a statement, as JSON writes it."""
    show = format_points if line.unit == "points" else format_money
    return {
        "entry": line.seq,
        "id": line.id or None,
        "at": line.at,
        "cause": line.cause,
        "unit": line.unit,
        "change": show(line.change),
        "balance": show(line.balance),
    }


def read_prices(database: Database, name: str, most: int) -> tuple[Policy, list[Price]]:
    """The price after at most `most` entries, evenly spread, and the policy behind it.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        prices = reports.read_prices(tx, program, most)
    assert all(earlier.seq < later.seq for earlier, later in pairwise(prices))
    return read_policy(program.policy_toml), prices
