"""Programs and their policies."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg.rows import class_row

from springtide.core.policy import Policy
from springtide.core.standing import Distribution
from springtide.core.state import State, open_state
from springtide.core.tally import Tally
from springtide.storage.chain import NO_HASH
from springtide.storage.errors import ProgramExists, UnknownProgram


@dataclass(frozen=True, slots=True)
class Program:
    """A program as its row says: the pool after its last entry, and the chain's head."""

    id: int
    name: str
    profile: str
    policy_version: int
    policy_toml: str
    notice_days: int
    """Of the policy in effect."""
    seq: int
    batch: int
    hash: bytes
    reserve: int
    supply: int
    reference_reserve: int
    reference_supply: int
    orphaned: int
    split_factor: int
    inflow: int
    last_id: str
    clock: int
    outflow: int
    guarded: bool
    """Whether a switch is off or a member frozen."""
    day: str
    registry: int

    def state(self, policy: Policy) -> State:
        """The state that the row gives; lots and members are loaded as they are needed."""
        return State(
            policy=policy,
            reserve_micro=self.reserve,
            supply_nano=self.supply,
            reference=(self.reference_reserve, self.reference_supply),
            orphaned_micro=self.orphaned,
            policy_version=self.policy_version,
            split_factor=self.split_factor,
            seq=self.seq,
            holds_all_lots=False,
            holds_all_balances=False,
            inflow_micro=self.inflow,
            tally=Tally(self.clock, self.outflow),
            distribution=Distribution(day=self.day, registry=self.registry),
        )


_SELECT = """
    SELECT p.id, p.name, p.profile, p.policy_version, c.toml AS policy_toml,
           c.notice_days, p.seq, p.batch, p.hash,
           p.reserve, p.supply, p.reference_reserve, p.reference_supply,
           p.orphaned, p.split_factor, p.inflow, p.last_id,
           p.clock, p.outflow, p.guarded, p.day, p.registry
    FROM program p JOIN policy c ON c.program_id = p.id AND c.version = p.policy_version
"""


def get_program(tx: psycopg.Connection, name: str) -> Program:
    """A program by name.

    Raises:
        UnknownProgram: there is none; the message lists those there are.
    """
    with tx.cursor(row_factory=class_row(Program)) as cursor:
        row = cursor.execute(f"{_SELECT} WHERE p.name = %s", [name]).fetchone()
    if row is None:
        names = ", ".join(known for (known,) in tx.execute("SELECT name FROM program"))
        raise UnknownProgram(
            f"no program is named {name!r}; "
            + (f"known are {names}" if names else "create one with `springtide program create`")
        )
    return row


def list_programs(tx: psycopg.Connection) -> list[Program]:
    """All programs, oldest first."""
    with tx.cursor(row_factory=class_row(Program)) as cursor:
        return cursor.execute(f"{_SELECT} ORDER BY p.id").fetchall()


def lock_program(tx: psycopg.Connection, program_id: int) -> Program:
    """A program's row, held until the transaction ends.

    Nobody posts meanwhile, and no row that names the program is added.
    If a policy came into effect while the lock was waited for, the row is locked and left out,
    for the statement began when it joined another policy. The next one finds it.
    """
    return _lock(tx, program_id, "UPDATE")


def lock_to_post(tx: psycopg.Connection, program_id: int) -> Program:
    """A program's row for whoever writes entries: others who would post wait, and nobody else.

    Rows beside the journal that name the program, as those of `movement_mark`, are added
    meanwhile; with `lock_program` each would wait for a batch, and the next batch for it.
    """
    return _lock(tx, program_id, "NO KEY UPDATE")


def _lock(tx: psycopg.Connection, program_id: int, strength: LiteralString) -> Program:
    with tx.cursor(row_factory=class_row(Program)) as cursor:
        for _ in range(2):
            row = cursor.execute(
                f"{_SELECT} WHERE p.id = %s FOR {strength} OF p", [program_id]
            ).fetchone()
            if row is not None:
                return row
    raise AssertionError(f"there is no program {program_id}")


def insert_program(
    tx: psycopg.Connection, name: str, profile: str, toml: str, policy: Policy, notice_days: int
) -> Program:
    """A new program with its first policy, before its opening is posted.

    Raises:
        ProgramExists: the name is taken.
    """
    state = open_state(policy)
    row = tx.execute(
        """
        INSERT INTO program (name, profile, policy_version, seq, batch, hash, reserve, supply,
                             reference_reserve, reference_supply, orphaned, split_factor,
                             inflow, last_id)
        VALUES (%s, %s, 1, 0, 0, %s, %s, %s, %s, %s, 0, 1, %s, '')
        ON CONFLICT (name) DO NOTHING RETURNING id
        """,
        [name, profile, NO_HASH, state.reserve_micro, state.supply_nano, *state.reference,
         state.inflow_micro],
    ).fetchone()  # fmt: skip
    if row is None:
        raise ProgramExists(f"a program named {name!r} is there already; choose another name")
    tx.execute(
        "INSERT INTO policy (program_id, version, toml, notice_days) VALUES (%s, 1, %s, %s)",
        [*row, toml, notice_days],
    )
    return lock_program(tx, row[0])


def get_policy(tx: psycopg.Connection, program: Program, version: int) -> str:
    """The text of a version of a program's policy."""
    row = tx.execute(
        "SELECT toml FROM policy WHERE program_id = %s AND version = %s", [program.id, version]
    ).fetchone()
    assert row is not None
    return str(row[0])


def read_policies(tx: psycopg.Connection, program: Program) -> dict[int, str]:
    """The texts of all versions of a program's policy, first to last."""
    rows = tx.execute(
        "SELECT version, toml FROM policy WHERE program_id = %s ORDER BY version", [program.id]
    )
    return dict(rows.fetchall())


def move_program(
    tx: psycopg.Connection, program: Program, state: State, batch: int, digest: bytes
) -> None:
    """Let the row say what the state says, and close a batch with its hash."""
    tx.execute(
        """
        UPDATE program SET seq = %s, batch = %s, hash = %s, reserve = %s, supply = %s,
            reference_reserve = %s, reference_supply = %s, orphaned = %s, split_factor = %s,
            inflow = %s, last_id = greatest(last_id, %s), clock = %s, outflow = %s,
            day = %s, registry = %s
        WHERE id = %s
        """,
        [state.seq, batch, digest, state.reserve_micro, state.supply_nano, *state.reference,
         state.orphaned_micro, state.split_factor, state.inflow_micro,
         max(state.posted, default=""), state.tally.clock_s, state.tally.outflow_micro,
         state.distribution.day, state.distribution.registry,
         program.id],
    )  # fmt: skip
    tx.execute(
        """
        INSERT INTO batch (program_id, number, first_seq, last_seq, hash)
        VALUES (%s, %s, %s, %s, %s)
        """,
        [program.id, batch, 0 if batch == 0 else program.seq + 1, state.seq, digest],
    )
