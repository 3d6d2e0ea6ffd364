"""The adverts' figures, from the kernels: prices after the first orders, the first exit."""

import numpy as np
import pytest

from springtide.core.policy import Policy
from springtide.core.units import NANO
from springtide.simulation.layout import BUY, EXITED, EXITS, RESERVE, SUPPLY
from springtide.simulation.machine import Machine
from tests.core.history import ADVERT_B, policy_of

HALF = {"take_rate": "0.50", "platform": "0.20", "distribution": "0.20"}

ADVERT_A = policy_of(ADVERT_B, opening_reserve="0", split=HALF, cap={"multiple": "2"})
B = policy_of(ADVERT_B, opening_reserve="0", cap={"multiple": "1.2"})


@pytest.mark.parametrize(("policy", "first_exit"), [(ADVERT_A, 768), (B, 1137)])
def test_prices_and_the_exit_of_the_first_buyer(policy: Policy, first_exit: int) -> None:
    machine = Machine(policy, first_exit, first_exit, solo=True)
    orders = np.arange(first_exit)
    tape = machine.tape(
        np.full(first_exit, BUY), orders, np.full(first_exit, 10**9), traced=True
    )
    machine.play(tape)
    prices = {
        order: int(tape.trace[order - 1, RESERVE]) * NANO // int(tape.trace[order - 1, SUPPLY])
        for order in (1, 2, 3, 767)
    }
    assert prices == {1: 1428571, 2: 1680672, 3: 1867413, 767: 9523383}
    reserves = tape.trace[:, RESERVE]
    assert (np.diff(reserves)[:-1] > 0).all(), "nobody exits before"
    assert machine[EXITS] == machine.book.lots[0, EXITED] == 1
