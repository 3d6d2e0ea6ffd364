"""What an event would do now, found by the reducer itself and thrown away."""

from dataclasses import replace
from datetime import datetime

from springtide.core.entry import NotLoaded
from springtide.core.event_fields import Json
from springtide.core.policy_file import read_policy
from springtide.core.reducer import Outcome, fold
from springtide.services.guarding import guard
from springtide.services.stamping import stamp
from springtide.services.writer import read_command
from springtide.storage import programs, working_set
from springtide.storage.database import Database
from springtide.storage.working_set import Needs, Tree


def preview(database: Database, name: str, event: Json, now: datetime) -> tuple[Outcome, int]:
    """The answer that an event would get now, and how many entries stood before it.

    A cash-out is answered as if it were paid at once, even if it has to wait for its day.

    Raises:
        UnknownProgram: there is none of this name.
    """
    command = read_command(event)
    triggers = working_set.FIRST_TRIGGERS
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        policy = replace(read_policy(program.policy_toml), cash_out_daily=False)
        state = program.state(policy)
        working_set.load_state(tx, program, state, Tree(program.id), Needs([command]))
        guard(tx, program, state, [command], now)
        [stamped] = stamp([command], state, now)
        while True:
            try:
                return fold(state, *stamped), program.seq
            except NotLoaded as missing:
                triggers = working_set.load_missing(tx, program, state, missing, triggers)
