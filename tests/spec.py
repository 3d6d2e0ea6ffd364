"""The rule pages in docs/algorithms/, read by the tests that hold them.

A worked table is either a list of cases, one a row, or a story: its rows happen one after
the other in one program. A row of a story is an event (`o1: m1 buys for 1000.00`), a part
of the event above it (`from o1`, `m1 is paid`), or what the event brought about (`o1 exits`,
`points split by 10`). The state of the pool stands in the last row that moved it.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, cast

from springtide.core.journal import Transfer
from springtide.core.policy import Policy
from springtide.core.policy_file import read_policy
from springtide.core.receipts import render
from springtide.core.reducer import fold, opening_transfers
from springtide.core.state import Lot, State, open_state, trigger_key
from springtide.core.units import format_money, format_points, price_micro
from tests.sentences import read_sentence

PAGES = Path(__file__).parent.parent / "docs" / "algorithms"

Row = dict[str, str]


def sections(page: str) -> dict[str, str]:
    """The text under each rule of a page, by the rule's number; "" is what stands above."""
    parts = re.split(r"^## ([A-Z][0-9]+)\. .*$", read_page(page), flags=re.MULTILINE)
    return dict(zip(["", *parts[1::2]], parts[::2], strict=True))


def read_page(page: str) -> str:
    return (PAGES / f"{page}.md").read_text(encoding="utf-8")


def worked_examples(page: str, rule: str) -> list[Row]:
    """The rows of the table under a rule, each a mapping from heading to cell."""
    lines = [line for line in sections(page)[rule].splitlines() if line.startswith("|")]
    heading, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines
    )
    assert rows, f"{page}.md, {rule}: no worked examples"
    assert heading[-1] == "why", f"{page}.md, {rule}: the last column says why"
    assert all(row[-1] for row in rows), f"{page}.md, {rule}: a row does not say why"
    return [dict(zip(heading, row, strict=True)) for row in rows]


def policy_text(page: str, rule: str) -> str:
    """The policy that a rule's examples run under.

    It is the first one of the page, changed by the last one that stands above the examples.
    """
    text = read_page(page)
    end = text.index("\n|", text.index(f"## {rule}. "))
    blocks = re.findall(r"^```toml\n(.*?)^```", text[:end], re.DOTALL | re.MULTILINE)
    if len(blocks) == 1:
        return str(blocks[0])
    policy, change = (
        {line.split(" = ")[0]: line for line in block.splitlines()}
        for block in (blocks[0], blocks[-1])
    )
    return "\n".join({**change, **policy, **change}.values()) + "\n"


def next_policy_text(page: str, rule: str) -> str:
    """The policy that follows in a story: the last one of its rule, below the table."""
    blocks = re.findall(r"^```toml\n(.*?)^```", sections(page)[rule], re.DOTALL | re.MULTILINE)
    return str(blocks[-1]) if blocks else ""


def plain(cell: str) -> str:
    """A cell without the marks of code."""
    return cell.strip("`")


def check(row: Row, column: str, value: object) -> None:
    """Whether a cell says exactly this; an empty cell says that there is nothing to say."""
    if column in row:
        meant = "" if value is None else str(value)
        assert _exact(plain(row[column])) == _exact(meant), f"{column} is {meant}: {row['why']}"


def _exact(text: str) -> list[Decimal | str]:
    """The words of a cell, its numbers as numbers: 2.50 and 2.500000 are the same."""
    number = re.compile(r"-?[0-9]+(\.[0-9]+)?")
    words = re.split(r"(;?\s)", text)
    return [Decimal(word) if number.fullmatch(word) else word for word in words]


class Told(NamedTuple):
    """What an event did: its receipt as written, its transfers, and the lots before it."""

    receipt: dict[str, Any]
    transfers: list[Transfer]
    lots_before: dict[str, Lot]


class Program:
    """A program in memory, moved by sentences; the laws are checked after each of them."""

    def __init__(self, policy: str) -> None:
        self.policy: Policy = read_policy(policy)
        self.state: State = open_state(self.policy)
        self.next_toml = ""
        """The policy that `version 2 is in effect` puts in effect."""

    def opening(self) -> list[Transfer]:
        return opening_transfers(self.state)

    def tell(self, sentence: str) -> Told:
        change = re.fullmatch(
            r"(?P<id>\S+): version (?P<version>[0-9]+) is in effect", sentence
        )
        if change is None:
            return self.post(read_sentence(sentence))
        version = int(change["version"])
        return self.post(
            {"type": "policy", "id": change["id"], "version": version, "toml": self.next_toml}
        )

    def post(self, event: dict[str, object]) -> Told:
        lots, pair, factor = dict(self.state.lots), self.state.pair, self.state.split_factor
        outcome = fold(self.state, event)
        split = self.state.split_factor // factor
        self._check_laws(pair, split)
        transfers = outcome.entry.transfers if outcome.entry else []
        return Told(render(outcome.receipt), transfers, lots)

    def _check_laws(self, before: tuple[int, int], split: int) -> None:
        state, (reserve, supply) = self.state, self.state.pair
        assert reserve * before[1] * split >= before[0] * supply, "the price fell"
        assert state.reserve_micro >= 0, "the reserve is not full"
        assert state.reserve_micro == self.balance("pool"), "money appeared or vanished"
        held = sum(lot.points_nano for lot in state.lots.values())
        opening = self.policy.opening_supply_nano * state.split_factor
        assert state.supply_nano == opening + held, "points appeared or vanished"

    def balance(self, account: str) -> int:
        return self.state.balances.get(account, 0)

    def look(self, column: str) -> str | None:
        """What a column about the state says: `price`, `m1 value`, `o1 headroom`..."""
        subject, _, what = column.rpartition(" ")
        if not subject:
            return self._look_at_pool(what)
        if what in {"points", "headroom", "paid", "key"}:
            return self._look_at_lot(subject, what)
        if what == "balance":
            return format_money(self.balance(subject))
        if what in {"wallet", "credit"}:
            return format_money(self.balance(f"{what}:{subject}"))
        receipt = deepcopy(self).tell(f"?: {subject} cashes out all").receipt
        return cast(str | None, receipt.get("gross"))

    def _look_at_pool(self, what: str) -> str:
        state = self.state
        if what == "supply":
            return format_points(state.supply_nano)
        money = {
            "reserve": state.reserve_micro,
            "price": price_micro(*state.pair),
            "orphaned": state.orphaned_micro,
        }
        return format_money(money[what])

    def _look_at_lot(self, lot_id: str, what: str) -> str | None:
        lot = self.state.lots.get(lot_id)
        if lot is None:
            return None
        if what == "points":
            return format_points(lot.points_nano)
        if what == "key":
            return str(trigger_key(lot))
        return format_money(lot.headroom_micro if what == "headroom" else lot.net_micro)


def check_story(page: str, rule: str) -> None:
    """Run a table that tells a story, and compare every cell of it."""
    program = Program(policy_text(page, rule))
    program.next_toml = next_policy_text(page, rule)
    for event, *others in _groups(worked_examples(page, rule)):
        parts = [row for row in others if not _is_consequence(row)]
        consequences = [row for row in others if _is_consequence(row)]
        if event["event"] == OPENS:
            _check_empty(event, but={"event", "why"})
        else:
            *earlier_events, sentence = event["event"].split("; ")
            for earlier in earlier_events:
                assert "error" not in program.tell(earlier).receipt
            told = program.tell(sentence)
            _check_receipt(event, told.receipt)
            _check_parts(program, told, parts)
            _check_consequences(told.receipt, consequences)
        *before, last = [event, *consequences]
        for row in [*before, *parts]:
            _check_silent(row)
        _check_state(program, last)


OPENS = "the program opens"

_OF_RECEIPT = (
    "merchant", "platform", "contribution", "granted", "points", "gross", "net", "burned",
    "released", "recovered", "shortfall", "referrer", "wallet", "fee", "approvals", "state",
)  # fmt: skip


def _groups(rows: list[Row]) -> Iterator[list[Row]]:
    """Each event with the rows that belong to it."""
    group: list[Row] = []
    for row in rows:
        if group and (": " in row["event"] or row["event"] == OPENS):
            yield group
            group = []
        group.append(row)
    yield group


def _is_consequence(row: Row) -> bool:
    return row["event"].endswith(" exits") or row["event"].startswith("points split by ")


def _check_receipt(row: Row, receipt: dict[str, Any]) -> None:
    for column in _OF_RECEIPT:
        check(row, column, receipt.get(column))
    check(row, "refused as", receipt.get("error"))
    dividends = [f"{one['to']} {one['amount']}" for one in receipt.get("dividends", [])]
    check(row, "dividends", "; ".join(dividends) or None)
    check(row, "held", receipt.get("held"))
    check(row, "due", receipt.get("due"))
    check(row, "commissions", commissions_of(receipt))
    check(row, "headroom", None)


def commissions_of(receipt: dict[str, Any]) -> str | None:
    """The commissions of a receipt in one line; None if there are none."""
    rows = receipt.get("commissions", [])
    return "; ".join(f"{row['kind']} {row['to']} {row['amount']}" for row in rows) or None


_OF_PART = {"event", "refused as", "points", "gross", "net", "headroom", "why"}
_OF_EXIT = {"event", "points", "gross", "net", "price", "why"}


def _check_empty(row: Row, *, but: set[str]) -> None:
    for column in row:
        if column not in but and column not in _state_columns(row):
            check(row, column, None)


def _check_parts(program: Program, told: Told, rows: list[Row]) -> None:
    for row in rows:
        _check_empty(row, but=_OF_PART)
    if "paid" in told.receipt:
        rows = _check_left_out(told.receipt.get("refused", []), rows)
        for row, paid in zip(rows, told.receipt["paid"], strict=True):
            assert row["event"] == f"{paid['member']} is paid"
            for column in ("points", "gross", "net"):
                check(row, column, paid[column])
    elif rows:
        for row in rows:
            _check_lot(program, told, row)
        for column in ("points", "gross", "net"):
            total = sum(Decimal(row[column]) for row in rows)
            assert total == Decimal(told.receipt[column]), f"the lots' {column} do not add up"


def _check_left_out(refused: list[dict[str, Any]], rows: list[Row]) -> list[Row]:
    """The last rows, of those whom a day's batch leaves out; gives the others."""
    first = len(rows) - len(refused)
    for row, one in zip(rows[first:], refused, strict=True):
        assert row["event"] == f"{one['member']} is left out"
        check(row, "refused as", one["error"])
    return rows[:first]


def _check_lot(program: Program, told: Told, row: Row) -> None:
    """What a cash-out took from one lot, seen from the lot."""
    lot_id = row["event"].removeprefix("from ")
    before, after = told.lots_before[lot_id], program.state.lots[lot_id]
    check(row, "points", format_points(before.points_nano - after.points_nano))
    check(row, "gross", format_money(before.headroom_micro - after.headroom_micro))
    check(row, "net", format_money(after.net_micro - before.net_micro))
    check(row, "headroom", format_money(after.headroom_micro))


def _check_consequences(receipt: dict[str, Any], rows: list[Row]) -> None:
    exits, split = receipt.get("exits", []), receipt.get("split", 1)
    happened = [f"{one['lot']} exits" for one in exits]
    happened += [f"points split by {split}"] * (split > 1)
    assert [row["event"] for row in rows] == happened
    for row in rows:
        _check_empty(row, but=_OF_EXIT if row["event"].endswith(" exits") else {"event", "why"})
    for row, one in zip(rows, exits, strict=False):
        for column in ("points", "gross", "net", "price"):
            check(row, column, one[column])


_OF_POOL = ("reserve", "supply", "price", "orphaned")
_OF_ONE = ("value", "wallet", "credit", "key", "points", "headroom", "paid", "balance")
"""Second words of headings such as `m1 value` or `o1 headroom`."""


def _state_columns(row: Row) -> list[str]:
    return [
        name
        for name in row
        if name in _OF_POOL or (" " in name and name.split()[-1] in _OF_ONE)
    ]


def _check_silent(row: Row) -> None:
    """Rows that are not the last of their event say nothing about the state after it."""
    for column in _state_columns(row):
        if column != "price" or not row["event"].endswith(" exits"):
            check(row, column, None)


def _check_state(program: Program, row: Row) -> None:
    for column in _state_columns(row):
        check(row, column, program.look(column))
