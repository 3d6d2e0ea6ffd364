"""The rules of docs/algorithms/distribution.md, run as written."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from springtide.core.events import DISTRIBUTION
from springtide.core.journal import Transfer
from springtide.core.policy_file import read_policy
from springtide.core.units import MICRO, format_money, parse_money
from springtide.services.holds import stand
from springtide.services.levels import reached
from springtide.storage.earnings import EarnedRow
from tests.spec import Program, Row, check, check_story, policy_text, worked_examples

RULES = ["D1", "D2", "D3", "D4", "D7"]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


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


@pytest.mark.parametrize("row", worked_examples("distribution", "D5"))
def test_d5_from_earned_to_payable(row: Row) -> None:
    parts = {"merchant": 800 * MICRO, "platform": 37 * MICRO, "contribution": 160 * MICRO}
    receipt = json.dumps({**parts, "commissions": [{"amount": 3 * MICRO}]})
    refunds = [parse_money(amount) for amount in row["refunds"].split()]
    earned = EarnedRow(1, 2, "direct", "m0", 3 * MICRO, "o1", 1, NOW, receipt, refunds)
    hold, later = (timedelta(days=int(row[name])) for name in ("hold days", "days after"))
    found = stand(earned, hold, NOW + later)
    check(row, "status", found.status)
    check(row, "taken back", format_money(found.clawed_back))


@pytest.mark.parametrize("row", worked_examples("distribution", "D6"))
def test_d6_levels_by_sales(row: Row) -> None:
    policy = read_policy(policy_text("distribution", "D6"))
    own, team = (int(row[name]) * MICRO for name in ("own", "team"))
    check(row, "reaches", reached(policy, row["has"], own, team))
