"""Events that a person decided: posted and logged in one transaction."""

from collections.abc import Callable
from datetime import datetime

from springtide.core.event_fields import Json
from springtide.core.reducer import Outcome
from springtide.services.writer import Writer
from springtide.storage.acts import Facts, append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.programs import Program


def decide(
    database: Database,
    name: str,
    event: Json,
    now: datetime,
    actor: str,
    subject: str,
    also: Callable[[Transaction, Program], None] | None = None,
    before: Facts | None = None,
) -> Outcome:
    """Post an event, and log who decided it; `also` does more in the same transaction.

    `before` are the facts that the event changes, for the log.

    The act is named by the event's type. An event that was posted before is not logged again.

    Raises:
        UnknownProgram: there is none of this name.
        Refusal: the event was refused; nothing was done.
    """

    def log(tx: Transaction, program: Program, outcomes: list[Outcome]) -> None:
        if not outcomes[0].is_posted:
            return
        after: Facts = {key: value for key, value in event.items() if key != "type"}
        append_act(tx, program.id, now, actor, f"event.{event['type']}", subject, before, after)
        if also is not None:
            also(tx, program)

    with Writer(database, name, lambda: now) as writer:
        [outcome] = writer.post([event], also=log)
    if outcome.refusal is not None:
        raise outcome.refusal
    return outcome
