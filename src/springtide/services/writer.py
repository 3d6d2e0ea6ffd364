"""The writer: events of one program, many to a transaction, in the order they came.

Whoever holds the program's row writes, so several processes may post to one program. In one
transaction a batch is read for, folded through the reducer, appended, hashed and committed;
only then is anybody answered. Within it one thread folds while another writes what was
folded before. Source: docs/decisions/0003-group-commit.md.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import datetime
from typing import Self

from springtide.core.entry import NotLoaded
from springtide.core.event_fields import Json
from springtide.core.events import Event, PolicyChange, read_event
from springtide.core.policy import Policy
from springtide.core.policy_file import read_policy
from springtide.core.reducer import Outcome, fold
from springtide.core.refusals import InvalidEvent, Refusal
from springtide.core.state import State
from springtide.services.guarding import guard
from springtide.services.stamping import Command, stamp
from springtide.storage import alarms, ledger, programs, working_set
from springtide.storage.acts import Deed, append_deeds
from springtide.storage.chain import Chain
from springtide.storage.database import Database, Transaction, answering
from springtide.storage.ledger import Slice
from springtide.storage.programs import Program
from springtide.storage.working_set import Needs, Tree

MOST_IN_A_BATCH = 20_000
SLICE = 2_000
IN_FLIGHT = 3

Also = Callable[[Transaction, Program, list[Outcome]], None]

Tell = Callable[[Outcome], bytes]


def read_command(event: Json) -> Command:
    """An event with what was read from it, or why it cannot be read.

    A policy is not for whoever posts: see `services.policies`.
    """
    try:
        parsed = read_event(event)
    except Refusal as refusal:
        return event, refusal
    if type(parsed) is PolicyChange:
        return event, InvalidEvent("a policy is not posted; draft it, and have it approved")
    return event, parsed


class Writer:
    """Posts to one program; keeps a connection and the referral tree between batches.

    Not for several threads at once: each has its own writer, and the row's lock orders them.
    `now` tells the time of events that come without one, where the policy's controls ask for
    it, and the day on which evidence has to hold; a replay has none. `tell` puts outcomes
    into words: it is cheapest right after folding, while a receipt is in the processor's cache.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        now: Callable[[], datetime] | None = None,
        tell: Tell | None = None,
    ) -> None:
        self._now = now
        self._tell = tell
        self._database = database
        with database.snapshot() as tx:
            self._program_id = programs.get_program(tx, name).id
        self._connection = database.connect_to_write()
        self._pipe = ThreadPoolExecutor(1, thread_name_prefix="springtide-writer")
        self._tree = Tree()
        self._policy: tuple[int, Policy] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back; a batch that is not committed is rolled back."""
        self._pipe.shutdown()
        self._connection.close()

    def post(
        self,
        events: Sequence[Json],
        deeds: Mapping[int, Deed] | None = None,
        also: Also | None = None,
    ) -> list[Outcome]:
        """Post events in order, durably, and answer each; the entries are let go.

        Of each `MOST_IN_A_BATCH` of them all is written, or none. `deeds` says by place who
        decided on an event: that goes to the log of acts with it, if it is posted. `also` does
        something more in the same transaction, given its outcomes.

        Raises:
            DatabaseDown: the database went away; post the same events again with their ids.
        """
        commands = [read_command(event) for event in events]
        outcomes: list[Outcome] = []
        for first in range(0, len(commands), MOST_IN_A_BATCH):
            batch = commands[first : first + MOST_IN_A_BATCH]
            commit = self._fold(batch, Needs(batch), deeds or {}, first, also)
            outcomes.extend(commit())
        return outcomes

    def fold_batch(
        self,
        commands: Sequence[Command],
        needs: Needs,
        deeds: Mapping[int, Deed],
        *,
        aside: bool,
    ) -> Future[list[Outcome]]:
        """Post events as one batch, some `MOST_IN_A_BATCH` at most.

        With `aside` they are only folded when this returns, and committed by the other thread:
        wait for it before the next call.

        Raises:
            DatabaseDown: the database went away; so may the future.
        """
        commit = self._fold(commands, needs, deeds)
        if aside:
            return self._pipe.submit(commit)
        done: Future[list[Outcome]] = Future()
        done.set_result(commit())
        return done

    def _fold(
        self,
        commands: Sequence[Command],
        needs: Needs,
        deeds: Mapping[int, Deed],
        first: int = 0,
        also: Also | None = None,
    ) -> Callable[[], list[Outcome]]:
        """Fold a batch in a transaction; gives what commits it, on any thread."""
        tx, tree = self._connection, self._tree
        self._tree = Tree()  # what a failed batch believed is forgotten
        with answering(), ExitStack() as opened:
            opened.enter_context(tx.transaction())
            program = programs.lock_to_post(tx, self._program_id)
            if not tree.is_of(program):
                tree = Tree(program.id)
            state = program.state(self._policy_of(program))
            working_set.load_state(tx, program, state, tree, needs)
            batch = _Batch(tx, self._pipe, program, state, self._tell)
            opened.callback(batch.leave)
            now = None if self._now is None else self._now()
            guard(tx, program, state, commands, now)
            outcomes = batch.fold(stamp(commands, state, now))
            transaction = opened.pop_all()

        def commit() -> list[Outcome]:
            with answering(), transaction:
                batch.wait()
                if state.tally.tripped is not None:
                    alarms.append_alarm(tx, program, alarms.DAILY_OUTFLOW, *state.tally.tripped)
                if state.seq > program.seq:
                    programs.move_program(tx, program, state, program.batch + 1, batch.digest())
                if deeds:
                    _log_deeds(tx, program, outcomes, deeds, first)
                if also is not None:
                    also(tx, program, outcomes)
            tree.seq = state.seq
            self._tree = tree
            return outcomes

        return commit

    def _policy_of(self, program: Program) -> Policy:
        if self._policy is None or self._policy[0] != program.policy_version:
            self._policy = program.policy_version, read_policy(program.policy_toml)
        return self._policy[1]


def _log_deeds(
    tx: Transaction,
    program: Program,
    outcomes: Sequence[Outcome],
    deeds: Mapping[int, Deed],
    first: int,
) -> None:
    """Log who decided on what was posted; a repetition or a refusal is no act."""
    posted = []
    for place, outcome in enumerate(outcomes, first):
        if place in deeds and outcome.is_posted:
            receipt = outcome.receipt
            type_, id_ = str(receipt["type"]), str(receipt["id"])
            posted.append((deeds[place], type_, id_, outcome.seq))
    append_deeds(tx, program.id, posted)


class _Batch:
    """A batch in its transaction: folded slice by slice, written one slice behind."""

    def __init__(
        self,
        tx: Transaction,
        pipe: ThreadPoolExecutor,
        program: Program,
        state: State,
        tell: Tell | None,
    ) -> None:
        self._tx = tx
        self._tell = tell
        self._pipe = pipe
        self._program = program
        self._state = state
        self._chain = Chain(program.hash)
        self._part = Slice(program)
        self._writing: deque[Future[None]] = deque()
        self._triggers = working_set.FIRST_TRIGGERS

    def fold(self, commands: list[Command]) -> list[Outcome]:
        outcomes = []
        size = max(SLICE // 4, 1)  # while the first is folded, the other thread waits
        for event, parsed in commands:
            outcome = self._fold_one(event, parsed)
            outcomes.append(outcome)
            if self._tell is not None:
                outcome.told = self._tell(outcome)
            if outcome.entry is not None:
                outcome.close(self._part.add(outcome.entry))
                if self._part.size >= size:
                    self._flush()
                    size = min(2 * size, SLICE)
        self._flush()
        return outcomes

    def digest(self) -> bytes:
        return self._chain.digest()

    def _fold_one(self, event: Json, parsed: Event | Refusal) -> Outcome:
        while True:
            try:
                return fold(self._state, event, parsed)
            except NotLoaded as missing:
                # The tables must say what the state says before more is read from them.
                self._flush()
                self.wait()
                self._triggers = working_set.load_missing(
                    self._tx, self._program, self._state, missing, self._triggers
                )

    def _flush(self) -> None:
        part = self._part
        if part.size:
            self._part = Slice(self._program)
            part.close(self._state)
            self.wait(IN_FLIGHT - 1)
            self._writing.append(
                self._pipe.submit(ledger.append, self._tx, self._program, part, self._chain)
            )

    def wait(self, most: int = 0) -> None:
        """Until at most so many slices are unwritten; raises what the writing raised."""
        while len(self._writing) > most:
            self._writing.popleft().result()

    def leave(self) -> None:
        """Until nothing is sent any more: after the rollback it would begin a transaction."""
        wait(self._writing)
