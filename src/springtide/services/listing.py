"""Pages of what a program holds, for those who ask for one thing at a time."""

from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from springtide.core.journal import merchant_account
from springtide.core.policy_file import read_policy
from springtide.core.state import State
from springtide.storage import earnings, history, listing, movements, orders, programs
from springtide.storage.database import Database, Transaction
from springtide.storage.earnings import CommissionRow
from springtide.storage.listing import EntryRow, LotRow, MemberRow, PolicyRow
from springtide.storage.orders import OrderFilter
from springtide.storage.programs import Program

__all__ = [
    "CommissionRow",
    "EntryRow",
    "LotRow",
    "MemberRow",
    "OrderFilter",
    "PolicyRow",
    "Program",
    "list_commissions",
    "list_entries",
    "list_lots",
    "list_members",
    "list_merchants",
    "list_newest",
    "list_orders",
    "list_policies",
    "read_entry",
    "read_member",
    "read_merchant",
    "read_program",
    "read_wallet",
]

P = ParamSpec("P")
T = TypeVar("T")


def _read(
    query: Callable[Concatenate[Transaction, Program, P], T],
    database: Database,
    name: str,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    with database.snapshot() as tx:
        return query(tx, programs.get_program(tx, name), *args, **kwargs)


def read_program(database: Database, name: str) -> tuple[Program, State]:
    """A program and its pool.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
    return program, program.state(read_policy(program.policy_toml))


def list_entries(
    database: Database, name: str, kinds: list[str], after: int, most: int
) -> list[EntryRow]:
    """Entries of some kinds in the order they were posted, from after a seq."""
    return _read(listing.read_entries, database, name, kinds, after, most)


def list_orders(
    database: Database, name: str, wanted: OrderFilter, after: int, most: int
) -> list[EntryRow]:
    """Orders that match a filter, in the order they were posted, from after a seq."""
    return _read(orders.read_orders, database, name, wanted, after, most)


def list_newest(
    database: Database, name: str, kinds: list[str], before: int | None, most: int
) -> list[EntryRow]:
    """Entries of some kinds, newest first, from before a seq."""
    return _read(listing.read_newest, database, name, kinds, before, most)


def read_entry(database: Database, name: str, kinds: list[str], id_: str) -> EntryRow | None:
    """The entry of this id, if it is of one of these kinds."""
    return _read(listing.read_entry, database, name, kinds, id_)


def list_members(database: Database, name: str, after: str, most: int) -> list[MemberRow]:
    """Members by id, from after one."""
    return _read(listing.read_members, database, name, after, most)


def read_member(database: Database, name: str, id_: str) -> MemberRow | None:
    """One member."""
    return _read(listing.read_member, database, name, id_)


def list_lots(
    database: Database, name: str, member: str, after: int, most: int
) -> list[LotRow]:
    """A member's lots, oldest first, from after a seq."""
    return _read(listing.read_lots, database, name, member, after, most)


def list_merchants(database: Database, name: str, after: str, most: int) -> Sequence[str]:
    """Merchants by id, from after one."""
    return _read(listing.read_merchants, database, name, after, most)


def read_merchant(database: Database, name: str, id_: str) -> int | None:
    """What is owed to a merchant, in micro; None if there is no such merchant."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        if not listing.is_merchant(tx, program, id_):
            return None
        account = merchant_account(id_)
        return history.read_merchants(tx, program, [account])[account]


def read_wallet(database: Database, name: str, member: str) -> int | None:
    """A member's wallet in micro; None if there is no such member."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        wallet = movements.read_wallet(tx, program, member)
        if not wallet and listing.read_member(tx, program, member) is None:
            return None
        return wallet


def list_commissions(
    database: Database, name: str, member: str, after: tuple[int, int], most: int
) -> list[CommissionRow]:
    """Commissions in the order they were posted, of one member if one is given."""
    return _read(earnings.read_commissions, database, name, member, after, most)


def list_policies(database: Database, name: str) -> list[PolicyRow]:
    """All versions of a program's policy."""
    return _read(listing.read_policies, database, name)
