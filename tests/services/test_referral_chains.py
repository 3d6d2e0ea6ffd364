"""Loops and chains are seen although a batch reads no more of the tree than can earn."""

from collections.abc import Collection, Sequence
from random import Random

import psycopg
import pytest

from springtide.core.event_fields import Json
from springtide.core.policy_file import read_policy
from springtide.core.reducer import fold
from springtide.core.state import State, open_state
from springtide.services.writer import Writer
from springtide.storage import referrals
from springtide.storage.database import Database
from springtide.storage.programs import Program
from tests.core.history import ADVERT_B, merged, write_toml
from tests.services.histories import assert_sound, open_program, written

POLICY = write_toml(merged(ADVERT_B, commission={"direct": "0.003", "indirect": "0.002"}))
DEEP = 60


def bind(number: int, member: str, referrer: str) -> Json:
    return {"type": "bind", "id": f"b{number}", "member": member, "referrer": referrer}


def post(database: Database, name: str, batches: Sequence[Sequence[Json]]) -> list[str]:
    """Each batch by a writer that remembers nothing of the one before."""
    receipts = []
    for batch in batches:
        with Writer(database, name) as writer:
            receipts += [outcome.receipt for outcome in writer.post(batch)]
    return written(receipts)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_loop_through_a_binding_of_the_same_batch_is_seen(
    database: Database, *, hidden: bool
) -> None:
    """x0 has a deep tree below it; in one batch x0 goes below m, and m below the deepest.

    If a later wish of x0 hides the first, the chain is only read when it is walked.
    """
    name = open_program(database, POLICY)
    chain = [bind(number, f"x{number + 1}", f"x{number}") for number in range(DEEP)]
    late = [
        bind(100, "x0", "m"),
        *([bind(102, "x0", "z")] if hidden else []),
        bind(101, "m", f"x{DEEP}"),
        {"type": "purchase", "id": "o1", "member": "x1", "amount": "10.00"},
        {"type": "purchase", "id": "o2", "member": "m", "amount": "10.00", "referrer": "x30"},
    ]
    assert post(database, name, [chain, late]) == in_memory_raw([*chain, *late])
    with database.connect() as tx:
        rows = tx.execute(
            "SELECT member FROM binding b JOIN program p ON p.id = b.program_id"
            " WHERE member = 'm' AND name = %s", [name],
        ).fetchall()  # fmt: skip
    assert rows == []
    assert_sound(database, name)


def in_memory_raw(events: Sequence[Json]) -> list[str]:
    """The receipts in memory, not rendered."""
    state = open_state(read_policy(POLICY))
    return written([fold(state, event).receipt for event in events])


@pytest.mark.parametrize("seed", range(4))
def test_random_bindings_in_any_order_come_out_as_in_memory(
    database: Database, seed: int
) -> None:
    chance, name = Random(seed), open_program(database, POLICY)
    members = [f"m{number}" for number in range(40)]
    events: list[Json] = []
    for number in range(300):
        member, other = chance.choice(members), chance.choice(members)
        kind = chance.choice(["bind", "bind", "purchase", "rebind"])
        event: dict[str, object] = {"type": kind, "id": f"e{number}", "member": member}
        event["referrer"] = other
        event |= {"amount": "10.00"} if kind == "purchase" else {}
        event |= {"reason": "asked"} if kind == "rebind" else {}
        events.append(event)
    batches = [events[first : first + 25] for first in range(0, 300, 25)]
    assert post(database, name, batches) == in_memory_raw(events)
    assert_sound(database, name)


def test_orders_far_down_a_chain_read_two_steps_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = open_program(database, POLICY)
    post(database, name, [[bind(n, f"x{n + 1}", f"x{n}") for n in range(DEEP)]])
    read: list[int] = []
    load = referrals.load_chains

    def counted(
        tx: psycopg.Connection,
        program: Program,
        state: State,
        names: Collection[str],
        steps: int,
    ) -> None:
        load(tx, program, state, names, steps)
        read.append(len(state.members))

    monkeypatch.setattr("springtide.storage.working_set.load_chains", counted)
    order = {"type": "purchase", "id": "o1", "member": f"x{DEEP}", "amount": "10.00"}
    post(database, name, [[order]])
    assert read == [2], "the buyer and the referrer, with whom each was sent by"
