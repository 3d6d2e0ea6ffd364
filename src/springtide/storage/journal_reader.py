"""Reading the journal back, in order, as the very bytes that the hash chain is over."""

from collections.abc import Iterator
from struct import Struct
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql

from springtide.storage.chain import COPY_HEADER, ENTRY_COLUMNS, TRANSFER_COLUMNS
from springtide.storage.programs import Program

_INT2, _INT4, _INT8 = Struct(">h"), Struct(">i"), Struct(">q")


class Row(NamedTuple):
    """A row as binary COPY gives it: its bytes, and its fields."""

    data: bytes
    fields: list[bytes]

    @property
    def seq(self) -> int:
        """The entry it belongs to; the second column of both tables."""
        return int(_INT8.unpack(self.fields[1])[0])

    def number(self, column: int) -> int:
        """An integer column, by its width."""
        value = self.fields[column]
        return int({2: _INT2, 4: _INT4, 8: _INT8}[len(value)].unpack(value)[0])

    def text(self, column: int) -> str:
        """A text column."""
        return self.fields[column].decode()


def _split(data: bytes) -> list[bytes]:
    fields, offset = [], _INT2.size
    for _ in range(_INT2.unpack_from(data)[0]):
        (length,) = _INT4.unpack_from(data, offset)
        offset += _INT4.size
        fields.append(data[offset : offset + length])
        offset += length
    return fields


def _read(
    tx: psycopg.Connection, columns: LiteralString, rest: LiteralString, program: Program
) -> Iterator[Row]:
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)").format(
        sql.SQL(columns), sql.SQL(rest).format(sql.Literal(program.id))
    )
    with tx.cursor().copy(query) as copy:
        first = True
        for block in copy:
            data = bytes(block)
            if first:
                data, first = data[len(COPY_HEADER) :], False
            if len(data) > _INT2.size:  # the trailer is shorter than any row
                yield Row(data, _split(data))


def read_entries(tx: psycopg.Connection, program: Program) -> Iterator[Row]:
    """Entry rows in order; columns as in `ENTRY_COLUMNS`."""
    return _read(tx, ENTRY_COLUMNS, "entry WHERE program_id = {} ORDER BY seq", program)


def read_transfers(tx: psycopg.Connection, program: Program) -> Iterator[Row]:
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


def read_batches(tx: psycopg.Connection, program: Program) -> list[Batch]:
    """All batches in order."""
    rows = tx.execute(
        "SELECT number, first_seq, last_seq, hash FROM batch"
        " WHERE program_id = %s ORDER BY number",
        [program.id],
    )
    return [Batch(*row) for row in rows]


def read_unbalanced(tx: psycopg.Connection, program: Program) -> int:
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


def read_balances(tx: psycopg.Connection, program: Program) -> dict[str, int]:
    """The balance of every account of money and store credit, from the postings."""
    rows = tx.execute(
        """
        SELECT account, sum(credit) - sum(debit) FROM posting
        WHERE program_id = %s AND unit <> 'points' GROUP BY account
        """,
        [program.id],
    )
    return dict(rows.fetchall())


def read_kept_balances(tx: psycopg.Connection, program: Program) -> dict[str, int]:
    """The balances that the database keeps, brought up to date where they lag."""
    rows = tx.execute(
        """
        SELECT code, balance FROM account WHERE program_id = %(id)s
        UNION ALL
        SELECT w.code, w.balance + coalesce(sum(
            CASE WHEN t.credit = w.code THEN t.amount ELSE -t.amount END), 0)
        FROM wallet w LEFT JOIN transfer t ON t.program_id = w.program_id
             AND t.seq > w.through_seq AND w.code IN (t.debit, t.credit)
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


def read_lots(tx: psycopg.Connection, program: Program) -> Iterator[LotRow]:
    """All lots in the order they were opened."""
    rows = tx.execute(
        "SELECT id, member, points, headroom, net, seq, trigger_key FROM lot"
        " WHERE program_id = %s ORDER BY seq",
        [program.id],
    )
    return (LotRow(*row) for row in rows)


def read_referrers(tx: psycopg.Connection, program: Program) -> dict[str, str]:
    """Who is bound to whom."""
    rows = tx.execute(
        "SELECT id, referrer FROM member WHERE program_id = %s AND referrer IS NOT NULL",
        [program.id],
    )
    return dict(rows.fetchall())
