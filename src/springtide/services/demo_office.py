"""What the demonstration's office has on its desk: a draft that waits for somebody's look."""

from contextlib import suppress
from datetime import datetime

from springtide.core.policy import PolicyError
from springtide.core.policy_text import NotWritten, quoted, write
from springtide.services import policies
from springtide.storage.database import Database

MAKER = "staff:demo-operator"
"""Not the one whom visitors are logged in as, so that they can approve it."""


def put_on_the_desk(database: Database, program: str, now: datetime) -> None:
    """Draft a change once: a lower fee for cash-outs, submitted and not decided."""
    if policies.list_drafts(database, program):
        return
    _, running = policies.get_version(database, program)
    with suppress(PolicyError, NotWritten):
        toml = write(running, "cash_out.fee", quoted("0.15"))
        draft = policies.create_draft(database, program, toml, MAKER, now)
        policies.submit(database, program, draft.number, MAKER, now)
