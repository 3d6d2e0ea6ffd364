"""The books of docs/algorithms/books.md, posted as written."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest

from springtide.core import journal
from springtide.core.journal import Transfer
from springtide.core.units import format_money, format_points, parse_money, parse_points
from tests.spec import OPENS, Program, Row, check, policy_text, worked_examples

STORIES = [["B2", "B3", "B4", "B5", "B6"], ["B7"], ["B8"], ["B9"], ["B10"], ["B11"]]


def _entries(rules: list[str]) -> Iterator[tuple[str, list[Row]]]:
    """Each event of a story with the rows of its entry."""
    rows: list[Row] = []
    for row in (row for rule in rules for row in worked_examples("books", rule)):
        if row["event"] and rows:
            yield rows[0]["event"], rows
            rows = []
        rows.append(row)
    yield rows[0]["event"], rows


def _unit(account: str) -> str:
    start = account.split("-")[0].split(":")[0]
    return start if start in {"points", "credit"} else "money"


_READERS = {"money": parse_money, "points": parse_points, "credit": parse_money}
_WRITERS = {"money": format_money, "points": format_points, "credit": format_money}


def _posted(program: Program, event: str) -> list[Transfer]:
    """The transfers of an event, the last one if the cell tells several."""
    if event == OPENS:
        return program.opening()
    *earlier, last = event.split("; ")
    for sentence in earlier:
        program.tell(sentence)
    return program.tell(last).transfers


@pytest.mark.parametrize("rules", STORIES, ids=" ".join)
def test_entries(rules: list[str]) -> None:
    program = Program(policy_text("books", rules[0]))
    for event, rows in _entries(rules):
        transfers = _posted(program, event)
        if not transfers:
            assert len(rows) == 1, f"{event} moves nothing"
            for column in ("kind", "debit", "credit", "amount"):
                check(rows[0], column, None)
            continue
        for row, (kind, debit, credit, amount) in zip(rows, transfers, strict=True):
            assert _unit(debit) == _unit(credit), "one transfer has one unit"
            check(row, "kind", kind)
            check(row, "debit", debit)
            check(row, "credit", credit)
            check(row, "amount", _WRITERS[_unit(debit)](amount))


def test_the_rows_of_the_first_story_add_up_to_its_balances() -> None:
    """The page alone, read as a journal, gives the balances that the core has."""
    program = Program(policy_text("books", "B2"))
    balances = defaultdict[str, int](int)
    for event, rows in _entries(STORIES[0]):
        if event != OPENS:
            program.tell(event)
        for row in (row for row in rows if row["kind"]):
            amount = _READERS[_unit(row["debit"])](row["amount"])
            balances[row["debit"]] -= amount
            balances[row["credit"]] += amount
    state = program.state
    assert balances.pop("pool") == state.reserve_micro
    assert -balances.pop("points-issued") == state.supply_nano
    money = {name: amount for name, amount in balances.items() if _unit(name) == "money"}
    assert money.pop("opening") == -program.policy.opening_reserve_micro
    assert money == {name: program.balance(name) for name in money}


def _accounts() -> set[str]:
    """Every account of the journal, people and merchants written as a placeholder."""
    named = {
        value
        for name, value in vars(journal).items()
        if name.isupper() and isinstance(value, str)
    }
    people = {
        make("<member>")
        for make in (journal.wallet_account, journal.points_account, journal.credit_account)
    }
    people.add(journal.due_account("<member>"))
    others = {journal.merchant_account("<merchant>"), journal.deposit_account("<contract>")}
    return named | people | others


def _placeholder(account: str) -> str:
    kind, colon, _ = account.partition(":")
    if not colon:
        return account
    whose = {"merchant": "merchant", "deposits": "contract"}.get(kind, "member")
    return f"{kind}:<{whose}>"


def _transfers() -> Iterator[Transfer]:
    for rules in STORIES:
        program = Program(policy_text("books", rules[0]))
        for event, _ in _entries(rules):
            yield from _posted(program, event)


def _kinds(account: str, sides: Iterable[tuple[str, str]]) -> str:
    return " ".join(sorted({kind for kind, side in sides if _placeholder(side) == account}))


@pytest.mark.parametrize("row", worked_examples("books", "B1"))
def test_b1_chart_of_accounts(row: Row) -> None:
    account = row["account"].strip("`")
    assert account in _accounts()
    assert row["unit"] == _unit(account)
    posted = list(_transfers())
    debits = [(kind, debit) for kind, debit, _, _ in posted]
    credits_ = [(kind, credit) for kind, _, credit, _ in posted]
    check(row, "debited by", _kinds(account, debits))
    check(row, "credited by", _kinds(account, credits_))


def test_b1_names_every_account_once() -> None:
    named = [row["account"].strip("`") for row in worked_examples("books", "B1")]
    assert sorted(named) == sorted(_accounts())
