"""Withdrawals: their rows, the steps they took, and the wallets they are taken from."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import psycopg

from springtide.core.events import Step
from springtide.core.journal import wallet_account
from springtide.core.state import Withdrawal
from springtide.core.withdrawal import GIVEN_BACK
from springtide.storage.acts import append_act
from springtide.storage.database import Transaction
from springtide.storage.programs import Program

WITHDRAWAL = "withdrawal (program_id, id, seq, member, amount, fee, approvals, asked_by, day)"


class StepRow(NamedTuple):
    """A step as its row says."""

    seq: int
    withdrawal: str
    number: int
    at: datetime
    actor: str
    from_state: str
    to_state: str
    why: str
    reference: str | None


def withdrawal_row(head: str, row: Withdrawal) -> str:
    """The row of a withdrawal that was asked for, as COPY reads it."""
    return (
        f"{head}{row.id}\t{row.seq}\t{row.member}\t{row.amount_micro}\t{row.fee_micro}\t"
        f"{row.needed}\t{row.by}\t{row.day}\n"
    )


def step_row(seq: int, after: Withdrawal, step: Step, before: str) -> StepRow:
    """The row of a step that an entry took."""
    reference = after.reference if step.to == "sent" else None
    return StepRow(
        seq, after.id, after.steps, step.at, step.by, before, after.state, step.why, reference
    )


def append_steps(tx: Transaction, program: Program, steps: Sequence[StepRow]) -> None:
    """Write steps, which move their withdrawals, and log them as acts of who took them."""
    for row in steps:
        tx.execute(
            "INSERT INTO withdrawal_act (program_id, seq, withdrawal, number, at, actor,"
            " from_state, to_state, why, reference)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [program.id, *row],
        )
        append_act(
            tx, program.id, row.at, row.actor,
            f"withdrawal.{row.to_state}", row.withdrawal,
            before={"state": row.from_state}, after={"state": row.to_state, "why": row.why},
        )  # fmt: skip


def read_wallets(
    tx: psycopg.Connection, program: Program, members: Collection[str]
) -> dict[str, int]:
    """What the wallets of members hold, by account, in micro.

    One pass over the transfers since the last debit of any of them, not one for each.
    """
    codes = [wallet_account(member) for member in members]
    rows = tx.execute(
        "SELECT code, balance, through_seq FROM wallet"
        " WHERE program_id = %s AND (code = ANY(%s) OR code = '')",
        [program.id, codes],
    ).fetchall()
    counted = {code: (int(balance), seq) for code, balance, seq in rows}
    _, all_through = counted.get("", (0, -1))
    found = {code: counted.get(code, (0, all_through)) for code in codes}
    through = {code: max(seq, all_through) for code, (_, seq) in found.items()}
    moved = tx.execute(
        """
        SELECT side.code, sum(side.change) FROM (
            SELECT seq, credit AS code, amount AS change FROM transfer
            WHERE program_id = %(program)s AND seq > %(since)s AND credit = ANY(%(codes)s)
            UNION ALL
            SELECT seq, debit, -amount FROM transfer
            WHERE program_id = %(program)s AND seq > %(since)s AND debit = ANY(%(codes)s)
        ) side JOIN unnest(%(codes)s::text[], %(through)s::bigint[]) asked (code, through)
             ON asked.code = side.code AND side.seq > asked.through
        GROUP BY side.code
        """,
        {
            "program": program.id, "codes": codes, "since": min(through.values()),
            "through": [through[code] for code in codes],
        },
    )  # fmt: skip
    balances = {code: balance for code, (balance, _) in found.items()}
    for code, change in moved:
        balances[code] += int(change)
    return balances


def read_withdrawn(
    tx: psycopg.Connection, program: Program, days: Collection[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """What members withdrew on days, less what was given back; in micro."""
    rows = tx.execute(
        """
        SELECT w.member, w.day::text, sum(w.amount)
        FROM unnest(%s::text[], %s::date[]) asked (member, day)
        JOIN withdrawal w ON w.program_id = %s AND w.member = asked.member AND w.day = asked.day
        WHERE NOT w.state = ANY(%s) GROUP BY w.member, w.day
        """,
        [
            [member for member, _ in days], [day for _, day in days], program.id,
            list(GIVEN_BACK),
        ],
    )  # fmt: skip
    return {(member, day): int(amount) for member, day, amount in rows}


_WITHDRAWAL: LiteralString = """
    SELECT w.id, w.seq, w.member, w.amount, w.fee, w.approvals, w.asked_by, w.day::text,
           w.state, w.steps,
           ARRAY(SELECT a.actor FROM withdrawal_act a
                 WHERE a.program_id = w.program_id AND a.withdrawal = w.id
                   AND a.from_state = 'under_review'
                   AND a.to_state IN ('under_review', 'approved') ORDER BY a.number),
           coalesce(w.reference, '')
    FROM withdrawal w WHERE w.program_id = %(program)s
"""


def _withdrawals(rows: Iterable[tuple[Any, ...]]) -> list[Withdrawal]:
    return [Withdrawal(*(*row[:10], tuple(row[10]), row[11])) for row in rows]


def read_withdrawals(
    tx: psycopg.Connection, program: Program, ids: Collection[str]
) -> dict[str, Withdrawal]:
    """Withdrawals by id; those that are not there are left out."""
    rows = tx.execute(
        _WITHDRAWAL + " AND w.id = ANY(%(ids)s)", {"program": program.id, "ids": list(ids)}
    )
    return {row.id: row for row in _withdrawals(rows)}


def read_references(
    tx: psycopg.Connection, program: Program, references: Collection[str]
) -> dict[str, Withdrawal]:
    """Withdrawals by the reference they were sent under."""
    rows = tx.execute(
        _WITHDRAWAL + " AND w.reference = ANY(%(references)s)",
        {"program": program.id, "references": list(references)},
    )
    return {row.reference: row for row in _withdrawals(rows)}


def read_batch(tx: psycopg.Connection, program: Program, batch: str) -> list[Withdrawal]:
    """The withdrawals that were sent with a batch, oldest first."""
    rows = tx.execute(
        _WITHDRAWAL + " AND w.reference = %(batch)s || 'w' || w.seq ORDER BY w.seq",
        {"program": program.id, "batch": batch},
    )
    return _withdrawals(rows)


def list_withdrawals(
    tx: psycopg.Connection,
    program: Program,
    *,
    state: str = "",
    member: str = "",
    after: int = 0,
    most: int | None = 100,
) -> list[Withdrawal]:
    """Withdrawals in the order they were asked for, from after a seq; all states if none."""
    rows = tx.execute(
        _WITHDRAWAL + """
          AND w.seq > %(after)s AND (%(state)s::text = '' OR w.state = %(state)s)
          AND (%(member)s::text = '' OR w.member = %(member)s)
        ORDER BY w.seq LIMIT %(most)s
        """,
        {
            "program": program.id, "state": state, "member": member, "after": after,
            "most": most,
        },
    )  # fmt: skip
    return _withdrawals(rows)


def read_steps(
    tx: psycopg.Connection, program: Program, ids: Collection[str] | None = None
) -> list[StepRow]:
    """The steps of some withdrawals in their order, or of all."""
    rows = tx.execute(
        """
        SELECT seq, withdrawal, number, at, actor, from_state, to_state, why, reference
        FROM withdrawal_act
        WHERE program_id = %s AND (%s OR withdrawal = ANY(%s)) ORDER BY withdrawal, number
        """,
        [program.id, ids is None, list(ids or ())],
    )
    return [StepRow(*row) for row in rows]


class StateSum(NamedTuple):
    """Withdrawals in a state: how many, what was asked for, and less the fees; in micro."""

    number: int
    amount: int
    net: int


class BatchRow(NamedTuple):
    """What was sent together: how many, asked for and less the fee, and how it stands."""

    name: str
    sent_at: datetime
    payouts: int
    amount: int
    net: int
    states: dict[str, int]


def count_states(tx: psycopg.Connection, program: Program) -> dict[str, StateSum]:
    """How many withdrawals are in each state, and how much they are together."""
    rows = tx.execute(
        "SELECT state, count(*), sum(amount), sum(amount - fee) FROM withdrawal"
        " WHERE program_id = %s GROUP BY 1",
        [program.id],
    )
    return {row[0]: StateSum(*map(int, row[1:])) for row in rows}


def list_batches(tx: psycopg.Connection, program: Program, most: int) -> list[BatchRow]:
    """What was sent together, the newest first; a reference is its batch, `w` and its seq."""
    rows = tx.execute(
        """
        SELECT name, min(at), sum(number)::bigint, sum(amount)::bigint, sum(net)::bigint,
               jsonb_object_agg(state, number)
        FROM (
            SELECT left(w.reference, -length('w' || w.seq)) AS name, w.state, min(a.at) AS at,
                   count(*) AS number, sum(w.amount) AS amount, sum(w.amount - w.fee) AS net
            FROM withdrawal w JOIN withdrawal_act a
              ON a.program_id = w.program_id AND a.withdrawal = w.id AND a.to_state = 'sent'
            WHERE w.program_id = %s AND w.reference IS NOT NULL GROUP BY 1, 2
        ) sent GROUP BY name ORDER BY min(at) DESC, name LIMIT %s
        """,
        [program.id, most],
    )
    return [BatchRow(*row) for row in rows]
