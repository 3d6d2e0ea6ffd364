"""Orders that match what is asked for: who bought, where, when, and what became of them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg

from springtide.storage.listing import ENTRY, EntryRow
from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What is asked for; what is empty or None is not asked."""

    member: str = ""
    merchant: str = ""
    state: str = ""
    """`paid`, `settled` or `refunded`."""
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""


_BEGIN: LiteralString = """
    SELECT seq, id, kind, policy_version, posted_at, event, receipt, refunded, settled_receipt
    FROM (
"""

_WHERE: LiteralString = """
    WHERE e.program_id = %(program)s AND e.kind = ANY(%(kinds)s)
      AND e.seq > greatest(%(after)s, (
          SELECT max(last_seq) FROM batch
          WHERE program_id = %(program)s AND posted_at < %(since)s::timestamptz))
      AND (%(state)s::text <> 'paid' OR e.seq > coalesce((
          SELECT seq FROM settled_mark WHERE program_id = %(program)s), 0))
      AND (%(until)s::timestamptz IS NULL OR e.seq <= (
          SELECT max(last_seq) FROM batch
          WHERE program_id = %(program)s AND posted_at < %(until)s))
      AND (%(member)s::text = '' OR strpos(e.event, %(member_text)s) > 0
           AND said(e.event, 'member') = %(member)s)
      AND (%(merchant)s::text = '' OR strpos(e.event, %(merchant_text)s) > 0
           AND said(e.event, 'merchant') = %(merchant)s)
    ORDER BY e.seq
    ) found
    WHERE %(state)s::text = '' OR %(state)s = CASE
        WHEN refunded = said(event, 'amount')::numeric * 1000000 THEN 'refunded'
        WHEN kind = 'pay' AND settled_receipt IS NULL THEN 'paid'
        ELSE 'settled' END
    ORDER BY seq LIMIT %(most)s
"""


def read_orders(
    tx: psycopg.Connection, program: Program, wanted: OrderFilter, after: int, most: int
) -> list[EntryRow]:
    """Orders in the order they were posted, from after a seq.

    Time is found by the batches, of which there are fewer. The rest is a walk over the orders
    from there on, for an index of names would cost each order something: names are looked for
    in the text of an event before it is parsed.
    """
    rows = tx.execute(
        f"{_BEGIN}{ENTRY}{_WHERE}",
        {
            "program": program.id, "after": after, "most": most, "state": wanted.state,
            "kinds": ["pay"] if wanted.state == "paid" else ["purchase", "pay"],
            "since": wanted.since, "until": wanted.until,
            "member": wanted.member, "member_text": _text(wanted.member),
            "merchant": wanted.merchant, "merchant_text": _text(wanted.merchant),
        },
    )  # fmt: skip
    return [EntryRow(*row) for row in rows]


def _text(name: str) -> str:
    """A name as it stands in an event."""
    return json.dumps(name, ensure_ascii=False)
