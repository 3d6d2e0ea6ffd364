"""docs/algorithms/controls.md: every control refuses what its table says, and nothing else."""

import pytest

from springtide.core.controls import read_at
from springtide.core.refusals import InvalidEvent
from springtide.core.tally import COMMISSIONS, SWITCHES, Guards
from tests.sentences import read_sentence
from tests.spec import Program, Row, check, commissions_of, plain, policy_text, worked_examples


@pytest.mark.parametrize("row", worked_examples("controls", "K1"))
def test_k1_the_time_of_an_event(row: Row) -> None:
    event = {"at": plain(row["at"])}
    if row["seconds"]:
        assert read_at(event) == int(row["seconds"]), row["why"]
    else:
        with pytest.raises(InvalidEvent, match=f"at is '{row['at'][:10]}"):
            read_at(event)


def read_timed(sentence: str) -> dict[str, object]:
    told, _, at = sentence.partition(" on ")
    event = read_sentence(told)
    return {**event, "at": at} if at else event


def guards_of(cell: str) -> Guards | None:
    """What stands in a column `stopped`."""
    parts = [part.rsplit(" ", 1) for part in cell.split("; ") if part]
    assert all(how == "frozen" or name in SWITCHES for name, how in parts), cell
    off = frozenset(name for name, how in parts if how == "off")
    frozen = frozenset(name for name, how in parts if how == "frozen")
    return Guards(off, frozen) if parts else None


@pytest.mark.parametrize("rule", ["K2", "K3", "K4", "K5", "K6", "K7", "K8", "K9", "K10"])
def test_a_control_refuses_what_its_table_says(rule: str) -> None:
    program = Program(policy_text("controls", rule))
    for row in worked_examples("controls", rule):
        program.state.guards = guards = guards_of(row.get("stopped", ""))
        event = read_timed(row["event"])
        if guards and COMMISSIONS in guards.off and event["type"] in ("purchase", "settle"):
            event["commissions"] = "off"  # as the service does
        receipt = program.post(event).receipt
        check(row, "refused as", receipt.get("error"))
        check(row, "retry at", receipt.get("retry_at"))
        for column in ("net", "reserve", "platform", "contribution"):
            check(row, column, receipt.get(column))
        check(row, "commissions", commissions_of(receipt))
        exits = [f"{one['lot']} {one['net']}" for one in receipt.get("exits", [])]
        check(row, "exits", "; ".join(exits))
