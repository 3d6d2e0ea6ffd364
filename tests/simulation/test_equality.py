"""The kernels against the reducer: the same integers after every event."""

from random import Random

import numpy as np
import pytest

from springtide.core.policy import Policy
from springtide.simulation import layout
from springtide.simulation.layout import STATUS
from springtide.simulation.machine import Machine, SimulationLimit
from tests.simulation.histories import (
    Told,
    machine_of,
    member_id,
    order_id,
    random_policy,
    tell,
)

SCENARIOS = 320
GROUPS = 16


def check_events(tape: layout.Tape, told: Told, through: int) -> None:
    """The answer, the reserve and the supply after every event up to a row."""
    for (row, answer, reserve, supply), last in zip(told.answers, told.last_rows, strict=True):
        if last >= through:
            return
        after = tuple(int(number) for number in tape.trace[last])
        assert (tape.codes[row, STATUS], *after) == (answer, reserve, supply), f"row {row}"


def check_end(machine: Machine, policy: Policy, told: Told) -> None:
    """Every number of the pool and of every lot."""
    state = told.state
    assert machine.pair == state.pair
    assert machine[layout.ORPHANED] == state.orphaned_micro
    assert machine[layout.FACTOR] == state.split_factor
    assert machine[layout.INFLOW] == state.inflow_micro
    assert machine[layout.EXITS] == told.exits == machine.book.lots[:, layout.EXITED].sum()
    name = member_id if policy.cap_per_member else order_id
    for number, row in enumerate(machine.book.lots.tolist()):
        lot = state.lots.get(name(number))
        held = (lot.points_nano, lot.headroom_micro, lot.net_micro) if lot else (0, 0, 0)
        assert tuple(row[:3]) == held, name(number)


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_scenarios_of_every_event(group: int) -> None:
    played = 0
    for number in range(group, SCENARIOS, GROUPS):
        random = Random(number)
        policy = random_policy(random)
        events = 3000 if number < GROUPS else random.choice([30, 300, 300, 1000])
        huge = number % 10 == 9
        told = tell(random, policy, events, huge=huge)
        machine, tape = machine_of(policy, told)
        try:
            machine.play(tape)
        except SimulationLimit:
            stopped = int(np.flatnonzero(tape.codes[:, STATUS] == layout.OUT_OF_RANGE)[0])
            assert huge or told.state.split_factor > 10**9, f"scenario {number} stopped"
            check_events(tape, told, stopped)
            continue
        check_events(tape, told, len(tape.codes))
        check_end(machine, policy, told)
        played += 1
    assert played >= SCENARIOS // GROUPS * 3 // 4
