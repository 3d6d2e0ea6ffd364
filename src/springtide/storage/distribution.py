"""Merchants' terms, agents' contracts and levels: rows of what the journal says stands now."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import psycopg

from springtide.core.policy import Terms
from springtide.core.standing import (
    Change,
    Contract,
    Distribution,
    NewLevel,
    NewTerms,
    Rebound,
    Today,
)
from springtide.storage.programs import Program

_TERMS = """
    SELECT m.id, t.take_ppm, t.region, t.recruiter, t.platform_ppm, t.distribution_ppm,
           t.recruiter_until, t.owner, t.suspended
    FROM merchant m
    LEFT JOIN merchant_terms t ON t.program_id = m.program_id AND t.merchant = m.id
    WHERE m.program_id = %s
"""

FOR_EVER = 2**62


def read_terms(
    tx: psycopg.Connection, program: Program, merchants: Sequence[str]
) -> Iterator[tuple[str, Terms | None]]:
    """Those of the merchants who are known, with the terms that an event gave them."""
    rows = tx.execute(f"{_TERMS} AND m.id = ANY(%s)", [program.id, list(merchants)])
    for merchant, *terms in rows:
        yield merchant, None if terms[0] is None else Terms(*terms)


def read_all_terms(tx: psycopg.Connection, program: Program) -> dict[str, Terms]:
    """The terms of every merchant to whom an event gave some."""
    rows = tx.execute(f"{_TERMS} AND t.seq > 0 ORDER BY m.id", [program.id])
    return {merchant: Terms(*terms) for merchant, *terms in rows}


def load_contracts(tx: psycopg.Connection, program: Program, into: Distribution) -> None:
    """Load every contract, and which is the last one of its region."""
    for contract in read_contracts(tx, program):
        into.contracts[contract.id] = contract
        if not contract.ended or contract.region not in into.agents:
            into.agents[contract.region] = contract.id


def read_contracts(tx: psycopg.Connection, program: Program) -> list[Contract]:
    """All contracts, by region."""
    rows = tx.execute(
        "SELECT id, region, member, rate_ppm, first_day, last_day, ended, deposit"
        " FROM agent_contract WHERE program_id = %s ORDER BY region, id",
        [program.id],
    )
    return [Contract(*row) for row in rows]


def load_levels(
    tx: psycopg.Connection, program: Program, into: Distribution, members: Collection[str]
) -> None:
    """Load the levels that events gave members; what is known is newer, and stays."""
    rows = tx.execute(
        "SELECT member, level FROM member_level WHERE program_id = %s AND member = ANY(%s)",
        [program.id, list(members)],
    )
    for member, level in rows:
        into.levels.setdefault(member, level)


def read_levels(tx: psycopg.Connection, program: Program) -> dict[str, str]:
    """The level of every member to whom an event gave one, or took it away."""
    rows = tx.execute(
        "SELECT member, level FROM member_level WHERE program_id = %s", [program.id]
    )
    return dict(rows.fetchall())


def list_levels(
    tx: psycopg.Connection, program: Program, own: Mapping[str, str], after: str, most: int
) -> list[tuple[str, str]]:
    """Members with a level, by member from after one: what an event gave, else their `own`."""
    rows = tx.execute(
        """
        SELECT member, level FROM (
            SELECT member, level FROM member_level
            WHERE program_id = %(program)s AND level <> ''
            UNION ALL
            SELECT o.member COLLATE "C", o.level
            FROM unnest(%(members)s::text[], %(levels)s::text[]) AS o (member, level)
            WHERE NOT EXISTS (SELECT FROM member_level g
                              WHERE g.program_id = %(program)s AND g.member = o.member)
        ) stands WHERE member > %(after)s ORDER BY member LIMIT %(most)s
        """,
        {
            "program": program.id, "members": list(own), "levels": list(own.values()),
            "after": after, "most": most,
        },
    )  # fmt: skip
    return rows.fetchall()


def find_level(tx: psycopg.Connection, program: Program, member: str) -> tuple[str, str] | None:
    """The level that an event gave a member, or took away, and why."""
    row = tx.execute(
        "SELECT level, reason FROM member_level WHERE program_id = %s AND member = %s",
        [program.id, member],
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]))


def read_held(
    tx: psycopg.Connection, program: Program, accounts: Collection[str]
) -> dict[str, int]:
    """Balances of accounts that a batch may draw on only as far as they go."""
    held = {}
    for account in accounts:
        asked: list[Any] = [program.id, account]
        if account.startswith("commission-due:"):
            row = tx.execute("SELECT due_balance(%s, %s, %s)", [*asked, FOR_EVER]).fetchone()
        else:
            row = tx.execute(
                "SELECT coalesce(sum(credit - debit), 0) FROM posting"
                " WHERE program_id = %s AND account = %s",
                asked,
            ).fetchone()
        assert row is not None
        held[account] = int(row[0])
    return held


def write(
    tx: psycopg.Connection, program: Program, changes: Sequence[tuple[int, Change]]
) -> None:
    """Let the rows say what entries changed, in their order."""
    for seq, change in changes:
        match change:
            case NewTerms(merchant, terms):
                _write_terms(tx, [program.id, merchant, seq, *terms])
            case Contract():
                _write_contract(tx, [program.id, seq, *change])
            case NewLevel(member, level, reason):
                tx.execute(
                    "INSERT INTO member_level (program_id, member, level, seq, reason)"
                    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (program_id, member) DO UPDATE"
                    " SET level = excluded.level, seq = excluded.seq,"
                    " reason = excluded.reason",
                    [program.id, member, level, seq, reason],
                )
            case Rebound(member, before, referrer, day, reason):
                tx.execute(
                    "INSERT INTO rebinding VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    [program.id, member, seq, before, referrer, day or None, reason],
                )
            case Today():
                pass  # it stands in the program's row


def _write_terms(tx: psycopg.Connection, row: list[Any]) -> None:
    tx.execute(
        """
        INSERT INTO merchant_terms (program_id, merchant, seq, take_ppm, region, recruiter,
            platform_ppm, distribution_ppm, recruiter_until, owner, suspended)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (program_id, merchant) DO UPDATE SET seq = excluded.seq,
            take_ppm = excluded.take_ppm, region = excluded.region,
            recruiter = excluded.recruiter, platform_ppm = excluded.platform_ppm,
            distribution_ppm = excluded.distribution_ppm,
            recruiter_until = excluded.recruiter_until, owner = excluded.owner,
            suspended = excluded.suspended
        """,
        row,
    )


def _write_contract(tx: psycopg.Connection, row: list[Any]) -> None:
    tx.execute(
        """
        INSERT INTO agent_contract (program_id, seq, id, region, member, rate_ppm, first_day,
            last_day, ended, deposit)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (program_id, id) DO UPDATE SET seq = excluded.seq,
            ended = excluded.ended, deposit = excluded.deposit
        """,
        row,
    )


def read_bound_on(tx: psycopg.Connection, program: Program) -> dict[str, str]:
    """The days of bindings that are known."""
    rows = tx.execute(
        "SELECT member, bound_on::text FROM bound"
        " WHERE program_id = %s AND bound_on IS NOT NULL",
        [program.id],
    )
    return dict(rows.fetchall())


def differences(tx: psycopg.Connection, program: Program, told: Distribution) -> list[str]:
    """What the rows say that the journal does not."""
    found = {
        "the merchants' terms": (read_all_terms(tx, program), told.terms),
        "the contracts": ({row.id: row for row in read_contracts(tx, program)}, told.contracts),
        "the levels": (read_levels(tx, program), told.levels),
        "the days of bindings": (read_bound_on(tx, program), told.bound_on),
        "the program's day": ((program.day, program.registry), (told.day, told.registry)),
    }
    return [name for name, (there, journal) in found.items() if there != journal]
