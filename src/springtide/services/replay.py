"""Replaying events: the same receipts from memory and from the database."""

from collections.abc import Iterable, Iterator
from itertools import islice

from springtide.core.event_fields import Json
from springtide.core.policy_file import read_policy
from springtide.core.receipts import render
from springtide.core.reducer import fold
from springtide.core.state import Receipt, open_state
from springtide.services.programs import create_program
from springtide.services.writer import Writer, read_command
from springtide.storage.database import Database

BATCH = 5_000


def replay_in_memory(policy_toml: str, events: Iterable[Json]) -> Iterator[Receipt]:
    """The receipts of events, folded one by one from a program's opening.

    Raises:
        PolicyError: the policy cannot be used.
    """
    state = open_state(read_policy(policy_toml))
    for event in events:
        yield render(fold(state, *read_command(event)).receipt)


def replay_in_database(
    database: Database, name: str, policy_toml: str, events: Iterable[Json]
) -> Iterator[Receipt]:
    """The receipts of events, posted to a new program of this name.

    Raises:
        PolicyError: the policy cannot be used.
        ProgramExists: the name is taken.
    """
    create_program(database, name, policy_toml, without_reserve=True)
    remaining = iter(events)
    with Writer(database, name) as writer:
        while batch := list(islice(remaining, BATCH)):
            for outcome in writer.post(batch):
                yield render(outcome.receipt)
