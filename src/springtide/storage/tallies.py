"""What controls count, as rows; programs whose policy has none never come here."""

from collections.abc import Iterable, Sequence

import psycopg

from springtide.core.state import State
from springtide.core.tally import Counts
from springtide.storage.alarms import DAILY_OUTFLOW, find_latest_day
from springtide.storage.chain import to_copy
from springtide.storage.programs import Program


def load_tally(
    tx: psycopg.Connection, program: Program, state: State, holders: set[str]
) -> None:
    """Fill the tally with what cash-outs of these members can ask for."""
    if not holders:
        return
    tally, members = state.tally, list(holders)
    rows = tx.execute(
        "SELECT member, spent, cash_day, cashed FROM tally"
        " WHERE program_id = %s AND member = ANY(%s)",
        [program.id, members],
    )
    for member, spent, day, cashed in rows:
        if spent is not None:
            tally.spent[member] = spent
        if day is not None:
            tally.cashed[member] = day, cashed
    rows = tx.execute(
        "SELECT l.id, h.settled_at FROM lot l JOIN hold h USING (program_id, seq)"
        " WHERE l.program_id = %s AND l.member = ANY(%s) AND l.points > 0",
        [program.id, members],
    )
    tally.settled.update(rows.fetchall())
    tally.paused_day = find_latest_day(tx, program, DAILY_OUTFLOW)


def append_counts(tx: psycopg.Connection, program: Program, counts: Iterable[Counts]) -> None:
    """Add what entries counted, in their order."""
    spent: dict[str, int] = {}
    cashed: dict[str, tuple[int, int]] = {}
    holds: list[str] = []
    for one in counts:
        for member, change in one.spent:
            spent[member] = spent.get(member, 0) + change
        cashed.update({member: (day, net) for member, day, net in one.cashed})
        if one.settled is not None:
            _, seq, at_s = one.settled
            holds.append(f"{program.id}\t{seq}\t{at_s}\n")
    if holds:
        with tx.cursor().copy("COPY hold (program_id, seq, settled_at) FROM STDIN") as copy:
            copy.write(to_copy(holds))
    if spent:
        _add_spent(tx, program, list(spent), list(spent.values()))
    if cashed:
        _set_cashed(tx, program, cashed)


def _add_spent(
    tx: psycopg.Connection, program: Program, members: Sequence[str], changes: Sequence[int]
) -> None:
    # MERGE, not ON CONFLICT: a refund's change is below zero, which no new row may be.
    tx.execute(
        """
        MERGE INTO tally t USING unnest(%s::text[], %s::numeric[]) c (member, change)
        ON t.program_id = %s AND t.member = c.member
        WHEN MATCHED THEN UPDATE SET spent = coalesce(t.spent, 0) + c.change
        WHEN NOT MATCHED THEN INSERT (program_id, member, spent) VALUES (%s, member, change)
        """,
        [members, changes, program.id, program.id],
    )


def _set_cashed(
    tx: psycopg.Connection, program: Program, cashed: dict[str, tuple[int, int]]
) -> None:
    tx.execute(
        """
        INSERT INTO tally (program_id, member, cash_day, cashed)
        SELECT %s, member, day, net
        FROM unnest(%s::text[], %s::int[], %s::numeric[]) c (member, day, net)
        ON CONFLICT (program_id, member) DO UPDATE
        SET cash_day = excluded.cash_day, cashed = excluded.cashed
        """,
        [
            program.id,
            list(cashed),
            [day for day, _ in cashed.values()],
            [net for _, net in cashed.values()],
        ],
    )


def read_tally(
    tx: psycopg.Connection, program: Program
) -> tuple[dict[str, int], dict[str, tuple[int, int]], dict[int, int]]:
    """All that is counted of a program: spending, cash-outs of a day, and holds by seq."""
    rows = tx.execute(
        "SELECT member, spent, cash_day, cashed FROM tally WHERE program_id = %s", [program.id]
    ).fetchall()
    spent = {member: spent for member, spent, _, _ in rows if spent is not None}
    cashed = {member: (day, net) for member, _, day, net in rows if day is not None}
    holds = tx.execute("SELECT seq, settled_at FROM hold WHERE program_id = %s", [program.id])
    return spent, cashed, dict(holds.fetchall())
