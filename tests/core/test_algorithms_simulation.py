"""The formulas of docs/algorithms/simulation.md, against its tables and the kernels."""

import numpy as np
import pytest
from numpy.typing import NDArray

from springtide.core.policy_file import read_policy
from springtide.simulation import closed_forms
from springtide.simulation.layout import BUY, CASH_OUT, CASHED, LACKED, NET, UNPAID, Ints, Tape
from springtide.simulation.machine import Machine
from tests.spec import Row, policy_text, worked_examples

Floats = NDArray[np.float64]
GRANT, FEE, LEAVERS = 0.7, 0.2, 2000


def bought(orders: int, contribution: str = "0.30") -> tuple[Machine, Tape]:
    """A program in which so many bought once for 1000.00."""
    text = policy_text("simulation", "Y1")
    if contribution == "0.16":
        text = text.replace('"0.50"', '"0.20"').replace('tform = "0.20"', 'tform = "0.10"')
        text = text.replace('distribution = "0.20"', 'distribution = "0.10"')
    machine = Machine(read_policy(text), orders, orders, solo=True)
    kind, amount = np.full(orders, BUY), np.full(orders, 10**9)
    tape = machine.tape(kind, np.arange(orders), amount, traced=True)
    machine.play(tape)
    return machine, tape


def prices(tape: Tape) -> Floats:
    """The price after each order, and before the first."""
    return np.array([1.0, *(tape.trace[:, 0] / tape.trace[:, 1] * 1000)])


@pytest.mark.parametrize("row", worked_examples("simulation", "Y1"))
def test_y1_price(row: Row) -> None:
    orders, price = int(row["orders"]), float(row["price"])
    assert closed_forms.price_after(orders, GRANT) == pytest.approx(price, abs=1e-5)
    assert prices(bought(orders)[1])[-1] == pytest.approx(price, abs=1e-5)


@pytest.mark.parametrize("row", worked_examples("simulation", "Y2"))
def test_y2_reach_of_the_cap(row: Row) -> None:
    contribution, buyer, total = (
        row["contribution"],
        int(row["buyer"]),
        int(row["orders in all"]),
    )
    multiple = closed_forms.multiple_to_cap(float(row["cap"]), float(contribution), GRANT)
    assert multiple == pytest.approx(float(row["multiple"]), abs=1e-5)
    assert closed_forms.orders_until_cap(buyer, multiple, GRANT) == total
    share = closed_forms.share_reaching_cap(multiple, GRANT)
    assert f"{share:.4%}" == row["long run"]
    played = prices(bought(total + 1, contribution)[1])
    reached = np.flatnonzero(played >= multiple * played[buyer - 1])
    assert reached[0] == total


@pytest.mark.parametrize("row", worked_examples("simulation", "Y3"))
def test_y3_conservation(row: Row) -> None:
    share = closed_forms.highest_share_reaching_cap(
        float(row["cap"]), float(row["contribution"]), float(row["fee"])
    )
    assert f"{share:.2%}" == row["at most"]


def left(machine: Machine) -> Ints:
    """What each leaver was paid of the mark, in a run of equal holders."""
    # Equal lots: everybody bought at one price, in a program that grants all it takes.
    machine.play(machine.tape([CASH_OUT] * LEAVERS, np.arange(LEAVERS), [-1] * LEAVERS))
    return np.asarray(machine.book.lots[:, NET])


def equal_holders() -> Machine:
    text = policy_text("simulation", "Y1").replace('grant_ratio = "0.70"', 'grant_ratio = "1"')
    machine = Machine(read_policy(text), LEAVERS, LEAVERS, solo=True)
    kind, amount = np.full(LEAVERS, BUY), np.full(LEAVERS, 10**9)
    machine.play(machine.tape(kind, np.arange(LEAVERS), amount))
    return machine


@pytest.mark.parametrize("row", worked_examples("simulation", "Y4"))
def test_y4_one_after_the_other(row: Row) -> None:
    gone = float(row["gone before"])
    assert closed_forms.paid_to_leaver(gone, FEE) == pytest.approx(
        float(row["paid"]), abs=0.005
    )
    paid = left(equal_holders())[int(gone * LEAVERS)] / 300e6
    assert paid == pytest.approx(closed_forms.paid_to_leaver(gone, FEE), rel=0.002)


@pytest.mark.parametrize("row", worked_examples("simulation", "Y5"))
def test_y5_short_of_money(row: Row) -> None:
    cover = float(row["cover"])
    assert f"{closed_forms.points_paid_when_short(cover, FEE):.1%}" == row["paid"]
    machine = equal_holders()
    machine.lose(round((1 - cover) * 10**6))
    left(machine)
    unpaid = machine.book.lots[:, LACKED] == machine.book.lots[:, NET]
    assert (1 - unpaid.mean()) == pytest.approx(float(row["paid"][:-1]) / 100, abs=0.002)
    assert machine[UNPAID] < machine[CASHED]
