"""The referral tree: as much of it as a batch needs, and what its members want to know.

Orders pay the referrer and the referrer's referrer, so that far up is read and no further;
only where levels pay is more of the chain needed, and all of it only to see whether somebody
would be above themselves.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from springtide.core.state import State
from springtide.storage import distribution
from springtide.storage.programs import Program

FEW_STEPS = 12
"""Up to here chains are read step by step; for more, all that is above is read once."""

# LIMIT 1 lets each row be found by its key. A join is planned by statistics, which lag behind:
# it would read all bindings of a program for those of a batch.
_CHAINS = """
    WITH RECURSIVE above AS (
        SELECT m.id, b.referrer, b.bound_on {step}
        FROM unnest(%(members)s::text[]) u (id)
        CROSS JOIN LATERAL (
            SELECT id FROM member WHERE program_id = %(program)s AND id = u.id LIMIT 1
        ) m
        LEFT JOIN LATERAL (
            SELECT referrer, bound_on FROM {binding}
            WHERE program_id = %(program)s AND member = m.id LIMIT 1
        ) b ON true
        UNION
        SELECT a.referrer, b.referrer, b.bound_on {next_step}
        FROM above a
        LEFT JOIN LATERAL (
            SELECT referrer, bound_on FROM {binding}
            WHERE program_id = %(program)s AND member = a.referrer LIMIT 1
        ) b ON true
        WHERE a.referrer IS NOT NULL {limit}
    ) SELECT id, referrer, bound_on::text FROM above
"""
_SOME_STEPS = {
    "step": ", 1 AS step", "next_step": ", a.step + 1", "limit": "AND a.step < %(steps)s",
}  # fmt: skip
_TO_THE_TOP = {"step": "", "next_step": "", "limit": ""}


def _load(
    tx: psycopg.Connection,
    program: Program,
    state: State,
    members: Collection[str],
    steps: int | None,
) -> None:
    """Load members with those above them; what the state knows is newer, and stays."""
    binding = "bound" if program.registry else "binding"
    parts = _TO_THE_TOP if steps is None else _SOME_STEPS
    # Planned anew each time: a plan that is kept from when the tables were empty may look for
    # bindings by the wrong index, and read all of them.
    rows = tx.execute(
        _CHAINS.format(binding=binding, **parts),
        {"program": program.id, "members": list(members), "steps": steps},
        prepare=False,
    ).fetchall()
    known, days = state.referrers, state.distribution.bound_on
    state.members.update(row[0] for row in rows)
    for member, referrer, bound_on in rows:
        if referrer and member not in known:
            known[member] = referrer
            if bound_on:
                days[member] = bound_on
    if program.registry:
        names = {name for row in rows for name in row[:2] if name}
        distribution.load_levels(tx, program, state.distribution, names)


def load_chains(
    tx: psycopg.Connection,
    program: Program,
    state: State,
    members: Collection[str],
    level_steps: int,
) -> None:
    """Load members with whoever can earn on their orders; levels are paid so many steps up."""
    steps = max(2, level_steps)
    # Far up, a step at a time would read the same people again for each chain.
    _load(tx, program, state, members, steps if steps <= FEW_STEPS else None)


def unknown_of(state: State, members: set[str], walked: set[str], level_steps: int) -> set[str]:
    """Those above whom somebody who can earn on their orders is not known yet.

    `walked` are members for whom that was found or loaded before, as far up as levels are paid.
    """
    if level_steps:
        return members - walked
    known, referrers = state.members, state.referrers
    return {
        member
        for member in members
        if member not in known or referrers.get(member, member) not in known
    }


def load_above(
    tx: psycopg.Connection, program: Program, state: State, members: Collection[str]
) -> None:
    """Load members and everybody above them."""
    _load(tx, program, state, members, None)


def load_loops(
    tx: psycopg.Connection, program: Program, state: State, wishes: Mapping[str, str]
) -> None:
    """Load what tells whether binding these members to these referrers would close a loop.

    Only somebody to whom others were bound can be above anybody. So what is above the
    referrer is read only for those, and for those whom this very batch may bind others to.
    """
    wanted, sponsors = set(wishes.values()), state.distribution.sponsors
    old = [member for member in wishes if member in state.members and member not in sponsors]
    if old:
        rows = tx.execute(
            "SELECT m FROM unnest(%(members)s::text[]) m"
            " WHERE (SELECT true FROM binding b"
            "  WHERE b.program_id = %(program)s AND b.referrer = m LIMIT 1)"
            " OR (SELECT true FROM rebinding r"
            "  WHERE r.program_id = %(program)s AND r.referrer = m LIMIT 1)",
            {"program": program.id, "members": old},
        )
        state.distribution.sponsors.update(member for (member,) in rows)
    whole: set[str] = set()
    above = {
        referrer
        for member, referrer in wishes.items()
        if (member in sponsors or member in wanted) and not _is_whole(state, referrer, whole)
    }
    if above:
        load_above(tx, program, state, above)


def _is_whole(state: State, member: str, whole: set[str]) -> bool:
    """Whether everybody above a member is known; `whole` keeps those of whom it is known."""
    walked, above = [member], state.referrers.get(member)
    while above is not None and above not in whole:
        if above not in state.members:
            return False
        walked.append(above)
        above = state.referrers.get(above)
    whole.update(walked)
    return True


@dataclass(frozen=True, slots=True)
class Bound:
    """A member who was bound, or bound to somebody else."""

    seq: int
    posted_at: datetime
    before: str
    """The referrer until then; empty if there was none."""
    referrer: str
    bound_on: date | None
    reason: str
    """Why it was changed; the first binding has none."""


def read_bindings(tx: psycopg.Connection, program: Program, member: str) -> list[Bound]:
    """The binding of a member and what was changed of it, oldest first."""
    with tx.cursor(row_factory=class_row(Bound)) as cursor:
        return cursor.execute(
            """
            SELECT h.seq, b.posted_at, h.before, h.referrer, h.bound_on, h.reason FROM (
                SELECT seq, '' AS before, referrer, bound_on, '' AS reason FROM binding
                WHERE program_id = %(program)s AND member = %(member)s
                UNION ALL
                SELECT seq, before, referrer, bound_on, reason FROM rebinding
                WHERE program_id = %(program)s AND member = %(member)s
            ) h JOIN LATERAL (
                SELECT posted_at FROM batch b
                WHERE b.program_id = %(program)s AND b.last_seq >= h.seq
                ORDER BY b.last_seq LIMIT 1
            ) b ON true ORDER BY h.seq
            """,
            {"program": program.id, "member": member},
        ).fetchall()
