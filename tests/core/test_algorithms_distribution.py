"""The rules of docs/algorithms/distribution.md, run as written."""

from collections.abc import Iterator

import pytest

from springtide.core.events import DISTRIBUTION
from springtide.core.journal import Transfer
from tests.spec import Program, check_story, policy_text, worked_examples

RULES = ["D1", "D2", "D3", "D4"]


@pytest.mark.parametrize("rule", RULES)
def test_stories(rule: str) -> None:
    check_story("distribution", rule)


def transfers_of(page: str, rule: str) -> Iterator[Transfer]:
    """Every transfer of a story."""
    program = Program(policy_text(page, rule))
    for row in worked_examples(page, rule):
        for sentence in row["event"].split("; "):
            yield from program.tell(sentence).transfers


def test_no_kind_of_event_moves_a_deposit_anywhere_but_back() -> None:
    """Every kind of transfer there is, on every page: those with deposits are two."""
    stories = [("distribution", rule) for rule in RULES]
    stories += [("commission", rule) for rule in ("K1", "K2", "K3", "K4", "K8", "K9", "K10")]
    moved = {row for page, rule in stories for row in transfers_of(page, rule)}
    held = {row for row in moved if "deposits" in row[1] + row[2]}
    assert {kind for kind, _, _, _ in held} == {"deposit", "deposit_return"}
    for kind, debit, credit, _ in held:
        outside, inside = (debit, credit) if kind == "deposit" else (credit, debit)
        assert outside == "deposits-paid"
        assert inside.startswith("deposits:")


def test_every_event_of_distribution_is_told_on_a_page() -> None:
    told = set()
    for page, rules in (("distribution", RULES), ("commission", ["K8", "K9", "K10"])):
        for rule in rules:
            program = Program(policy_text(page, rule))
            for row in worked_examples(page, rule):
                for sentence in row["event"].split("; "):
                    told.add(program.tell(sentence).receipt["type"])
    assert set(DISTRIBUTION) <= told
