"""What became of buyers: a row each that is kept, and of those whose lots moved since, anew."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import psycopg

from springtide.storage.programs import Program

_FRESH = """
    WITH told AS (
        SELECT * FROM unnest(%(members)s::text[], %(spent)s::numeric[]) t (member, spent)
    ), touched AS (
        SELECT member FROM told
        UNION
        SELECT member FROM lot
        WHERE program_id = %(id)s AND seq > %(after)s AND seq <= %(through)s
        UNION
        SELECT substr(side.account, 8)
        FROM transfer, LATERAL (VALUES (debit), (credit)) side (account)
        WHERE program_id = %(id)s AND seq > %(after)s AND seq <= %(through)s
          AND side.account >= 'points:' AND side.account < 'points;'
    ), fresh AS (
        SELECT t.member, lots.*, coalesce(told.spent, 0) + coalesce((
                   SELECT b.spent FROM buyer b
                   WHERE b.program_id = %(id)s AND b.member = t.member), 0) AS spent
        FROM touched t LEFT JOIN told USING (member)
        CROSS JOIN LATERAL (
            SELECT min(l.seq) AS first_seq, coalesce(sum(l.points), 0) AS points,
                   coalesce(sum(l.net), 0) AS received
            FROM lot l WHERE l.program_id = %(id)s AND l.member = t.member) lots
    )
"""
_WRITE = """
    INSERT INTO buyer AS b (program_id, member, first_seq, spent, points, received, factor)
    SELECT p.id, f.member, f.first_seq, f.spent, f.points, f.received, p.split_factor
    FROM fresh f, program p WHERE p.id = %(id)s
    ON CONFLICT (program_id, member) DO UPDATE
    SET first_seq = excluded.first_seq, spent = excluded.spent,
        points = excluded.points, received = excluded.received, factor = excluded.factor
"""
_STANDS = """
    , stands AS MATERIALIZED (
        SELECT first_seq, spent, received,
               div(div(points * %(reserve)s, %(supply)s) * %(pays_ppm)s, 1000000) AS cash
        FROM (
            SELECT b.first_seq, b.spent, b.received,
                   b.points * div(%(factor)s, b.factor) AS points
            FROM buyer b WHERE b.program_id = %(id)s
              AND NOT EXISTS (SELECT FROM fresh f WHERE f.member = b.member)
            UNION ALL
            SELECT first_seq, spent, received, points FROM fresh
        ) one
        WHERE first_seq IS NOT NULL AND spent > 0
    )
"""
_SUMMARY = """
    SELECT count(*),
           coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY spent), 0),
           coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY received), 0),
           coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY cash), 0),
           count(*) FILTER (WHERE received + cash >= spent)
    FROM stands
"""
_TENTHS = """
    SELECT tenth::int, array_agg(spent::bigint), array_agg((received + cash)::bigint) FROM (
        SELECT *, (10 * row_number() OVER (ORDER BY first_seq) - 1) / count(*) OVER () AS tenth
        FROM stands
    ) numbered GROUP BY tenth ORDER BY tenth
"""
_DIFFERENT = """
    SELECT count(*) FROM (SELECT * FROM buyer WHERE program_id = %(id)s) b
    FULL JOIN (
        SELECT member, min(seq) AS first_seq, sum(points) AS points, sum(net) AS received
        FROM lot WHERE program_id = %(id)s GROUP BY member
    ) l USING (member)
    WHERE NOT EXISTS (SELECT FROM touched t WHERE t.member = coalesce(b.member, l.member))
      AND (b.first_seq, b.points * div(%(factor)s, b.factor), b.received)
          IS DISTINCT FROM (l.first_seq, coalesce(l.points, 0), coalesce(l.received, 0))
"""


class Since(NamedTuple):
    """What the rows that are kept do not say yet."""

    after: int
    """The entry up to which they are written."""
    through: int
    spent: Mapping[str, int]
    """By member, in micro: what was ordered since, less what was taken back."""


class Prices(NamedTuple):
    """What points pay now."""

    reserve: int
    supply: int
    pays_ppm: int
    """Of what points are worth: all but the fee."""


class Summary(NamedTuple):
    """How many buyers there are, and what they have; medians in micro, the lower of two."""

    buyers: int
    median_spent: int
    median_received: int
    median_cash_now: int
    got_back: int


class Part(NamedTuple):
    """A tenth of the buyers, in the order of their first lots; in micro, by buyer."""

    number: int
    spent: list[int]
    got: list[int]
    """Received for points, and the cash for those that are left."""


def _asked(program: Program, since: Since) -> dict[str, Any]:
    return {
        "id": program.id, "after": since.after, "through": since.through,
        "members": list(since.spent), "spent": list(since.spent.values()),
    }  # fmt: skip


def write_buyers(tx: psycopg.Connection, program: Program, since: Since) -> None:
    """Write anew the rows of all who ordered since, or whose lots moved."""
    tx.execute(f"{_FRESH}{_WRITE}", _asked(program, since))


def read_summary(
    tx: psycopg.Connection, program: Program, since: Since, prices: Prices
) -> Summary:
    """What became of all buyers but those who took everything back.

    Those who only have orders that are not settled are left out too.
    """
    row = tx.execute(
        f"{_FRESH}{_STANDS}{_SUMMARY}", _priced(tx, program, since, prices)
    ).fetchone()
    assert row is not None
    return Summary(*row)


def read_tenths(
    tx: psycopg.Connection, program: Program, since: Since, prices: Prices
) -> Iterator[Part]:
    """The same buyers one by one, tenth by tenth; one that is empty is left out."""
    rows = tx.execute(
        f"{_FRESH}{_STANDS}{_TENTHS}", _priced(tx, program, since, prices), binary=True
    )
    for tenth, spent, got in rows:
        yield Part(tenth + 1, spent, got)


def is_as_told(
    tx: psycopg.Connection, program: Program, since: Since, spent: Mapping[str, int]
) -> bool:
    """Whether rows say what lots say, but for those that moved since, and who spent what."""
    rows = tx.execute("SELECT member, spent FROM buyer WHERE program_id = %s", [program.id])
    asked = _asked(program, since) | {"factor": program.split_factor}
    different = tx.execute(f"{_FRESH}{_DIFFERENT}", asked).fetchone()
    return different == (0,) and dict(rows.fetchall()) == spent


def _priced(
    tx: psycopg.Connection, program: Program, since: Since, prices: Prices
) -> dict[str, Any]:
    tx.execute("SET LOCAL work_mem = '64MB'")  # a million rows are sorted
    return _asked(program, since) | prices._asdict() | {"factor": program.split_factor}
