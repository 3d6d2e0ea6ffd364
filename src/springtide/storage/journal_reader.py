"""Reading the journal back, in order, as the very bytes that the hash chain is over."""

from collections.abc import Generator, Iterator
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from springtide.core.state import Withdrawal
from springtide.storage.chain import ENTRY_COLUMNS, TRANSFER_COLUMNS
from springtide.storage.database import Transaction
from springtide.storage.programs import Program
from springtide.storage.withdrawals import StepRow, list_withdrawals, read_steps


class Row(NamedTuple):
    """A row of the journal: the bytes of its canonical form, and its columns as text."""

    data: bytes
    columns: list[str]

    @property
    def seq(self) -> int:
        """The entry it belongs to; the second column of both tables."""
        return int(self.columns[1])


def _read(
    tx: Transaction, columns: LiteralString, rest: LiteralString, program: Program
) -> Generator[Row, None, None]:
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        sql.SQL(columns), sql.SQL(rest).format(sql.Literal(program.id))
    )
    with tx.cursor().copy(query) as copy:
        for block in copy:
            data = bytes(block)
            line = data[:-1].decode().replace("\\\\", "\\")
            yield Row(data, line.split("\t"))


def read_entries(tx: Transaction, program: Program) -> Generator[Row, None, None]:
    """Entry rows in order; columns as in `ENTRY_COLUMNS`."""
    return _read(tx, ENTRY_COLUMNS, "entry WHERE program_id = {} ORDER BY seq", program)


def read_transfers(tx: Transaction, program: Program) -> Generator[Row, None, None]:
    """Transfer rows in order; columns as in `TRANSFER_COLUMNS`."""
    return _read(
        tx, TRANSFER_COLUMNS, "transfer WHERE program_id = {} ORDER BY seq, line", program
    )


class Batch(NamedTuple):
    """A closed batch."""

    number: int
    first_seq: int
    last_seq: int
    hash: bytes


def read_batches(tx: Transaction, program: Program) -> list[Batch]:
    """All batches in order."""
    rows = tx.execute(
        "SELECT number, first_seq, last_seq, hash FROM batch"
        " WHERE program_id = %s ORDER BY number",
        [program.id],
    )
    return [Batch(*row) for row in rows]


def read_unbalanced(tx: Transaction, program: Program) -> int:
    """How many entries have a unit whose debits and credits differ."""
    row = tx.execute(
        """
        SELECT count(*) FROM (
            SELECT FROM posting WHERE program_id = %s
            GROUP BY seq, unit HAVING sum(debit) <> sum(credit)) unbalanced
        """,
        [program.id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def read_balances(tx: Transaction, program: Program) -> dict[str, int]:
    """The balance of every account of money and store credit, from the postings."""
    rows = tx.execute(
        """
        SELECT account, sum(credit) - sum(debit) FROM posting
        WHERE program_id = %s AND unit <> 'points' GROUP BY account
        """,
        [program.id],
    )
    return dict(rows.fetchall())


def read_kept_balances(tx: Transaction, program: Program) -> dict[str, int]:
    """The balances that the database keeps, brought up to date where they lag."""
    rows = tx.execute(
        """
        SELECT code, balance FROM account WHERE program_id = %(id)s
        UNION ALL
        SELECT w.code, w.balance + coalesce(sum(side.change), 0)
        FROM wallet w LEFT JOIN (
            SELECT seq, credit AS code, amount AS change FROM transfer WHERE program_id = %(id)s
            UNION ALL
            SELECT seq, debit, -amount FROM transfer WHERE program_id = %(id)s
        ) side ON side.code = w.code AND side.seq > w.through_seq
        WHERE w.program_id = %(id)s GROUP BY w.code, w.balance
        """,
        {"id": program.id},
    )
    return dict(rows.fetchall())


class LotRow(NamedTuple):
    """A lot as its row says."""

    id: str
    member: str
    points: int
    headroom: int
    net: int
    seq: int
    trigger_key: int | None


def read_lots(tx: Transaction, program: Program) -> Iterator[LotRow]:
    """All lots in the order they were opened."""
    rows = tx.execute(
        "SELECT id, member, points, headroom, net, seq, trigger_key FROM lot"
        " WHERE program_id = %s ORDER BY seq",
        [program.id],
    )
    return (LotRow(*row) for row in rows)


def read_owed(tx: Transaction, program: Program) -> dict[str, tuple[int, int]]:
    """Kept balances of wallets, each with what is owed of it."""
    rows = tx.execute(
        "SELECT code, balance, owed FROM wallet WHERE program_id = %s", [program.id]
    )
    return {code: (balance, owed) for code, balance, owed in rows}


class Derived(NamedTuple):
    """Rows that only repeat what the journal says, to find it quickly."""

    members: set[str]
    merchants: set[str]
    referral_tree: dict[str, str]
    """Referrers by member."""
    refunds: dict[int, tuple[str, int]]
    """Orders and amounts of refunds by seq."""
    settlements: dict[str, int]
    """Seqs of settlements by order."""
    splits: dict[int, int]
    """Factors by seq."""
    withdrawals: dict[str, Withdrawal]
    steps_of_withdrawals: dict[int, StepRow]
    """By seq; times are instants."""
    policies: dict[int, str]
    """Texts by version."""


def read_derived(tx: Transaction, program: Program) -> Derived:
    """All rows that could be made anew from the journal, but for the lots."""

    def rows(query: LiteralString) -> list[tuple[Any, ...]]:
        return tx.execute(query + " WHERE program_id = %s", [program.id]).fetchall()

    return Derived(
        {member for (member,) in rows("SELECT id FROM member")},
        {merchant for (merchant,) in rows("SELECT id FROM merchant")},
        dict(rows("SELECT member, referrer FROM bound")),
        {
            seq: (order, amount)
            for seq, order, amount in rows("SELECT seq, order_id, amount FROM refund")
        },
        dict(rows("SELECT order_id, seq FROM settlement")),
        dict(rows("SELECT seq, factor FROM split")),
        {row.id: row for row in list_withdrawals(tx, program, most=None)},
        {row.seq: row for row in read_steps(tx, program)},
        dict(rows("SELECT version, toml FROM policy")),
    )
