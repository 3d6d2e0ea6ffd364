"""Payouts: sent once whatever happens, and what the bank says of them."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from springtide.services.payouts import (
    CsvFile,
    Payout,
    PayoutAdapter,
    PayoutRefused,
    Report,
    Result,
    Sandbox,
    apply_results,
    harmless,
    mark_sent,
    read_results,
    send,
)
from springtide.services.programs import create_program
from springtide.services.withdrawals import list_withdrawals, read_withdrawal
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, buy, cash_out, merged, step, withdraw, write_toml
from tests.services.histories import (
    assert_sound,
    new_name,
    open_cash_program,
    open_program,
)
from tests.services.test_withdrawals import at_once, post
from tests.spec import Row, worked_examples

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
CLOSED = merged(
    ADVERT_B, cash_out={"fee": None, "enabled": False}, commission={"direct": "0.003"}
)
MEMBERS = ("m1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)")
SENT = 50_000
"""What is paid out of each withdrawal, from 10.05 on by a cent more, so that none fails."""


class Bank:
    """A program whose withdrawals w0 to w4 are approved, and what is done with them."""

    def __init__(self, database: Database, writer: Writer, name: str) -> None:
        self.database, self.writer, self.name = database, writer, name

    def mark(self, batch: str) -> list[Payout]:
        return mark_sent(
            self.database, self.name, self.writer.post, batch, by="staff:bo", now=NOW, real=True
        )  # fmt: skip

    def export(self, path: Path, batch: str) -> list[Payout]:
        sent, report = send(
            self.database, self.name, self.writer.post, CsvFile(path), batch, by="cli", now=NOW
        )
        assert report == Report()
        return sent

    def told(self, *rows: Result | str) -> Report:
        return apply_results(
            self.database, self.name, self.writer.post, enumerate(rows, 1), by="cli", now=NOW
        )

    def read(self, path: Path) -> Report:
        return apply_results(
            self.database, self.name, self.writer.post, read_results(path), by="cli", now=NOW
        )

    def states(self) -> Counter[str]:
        rows = list_withdrawals(self.database, self.name, after=0, most=100)
        return Counter(row.state for row in rows)


@pytest.fixture
def bank(database: Database) -> Iterator[Bank]:
    name = open_cash_program(database, ADVERT_B)
    for number, member in enumerate(MEMBERS):
        post(database, name, [
            buy(f"o{number}", member, 10**9), cash_out(f"x{number}", member, 10**10),
            withdraw(f"w{number}", member, 10 * 10**6 + SENT + number * 10_000),
            step(f"r{number}", f"w{number}", "under_review"),
            step(f"a{number}", f"w{number}", "approved"),
        ])  # fmt: skip
    with Writer(database, name) as writer:
        yield Bank(database, writer, name)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_batch_is_sent_once_and_written_again_as_it_was(bank: Bank, tmp_path: Path) -> None:
    first = bank.export(tmp_path / "first.csv", "friday")
    assert [one.member for one in first] == list(MEMBERS)
    assert len({one.reference for one in first}) == len(MEMBERS)
    assert bank.states() == {"sent": 5}
    assert bank.export(tmp_path / "second.csv", "monday") == []
    assert not (tmp_path / "second.csv").exists()
    assert bank.export(tmp_path / "again.csv", "friday") == first
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()
    assert_sound(bank.database, bank.name)


def test_no_cell_of_the_file_is_a_formula(bank: Bank, tmp_path: Path) -> None:
    bank.export(tmp_path / "f.csv", "b1")
    heading, *rows = rows_of(tmp_path / "f.csv")
    assert heading == ["reference", "member", "amount"]
    assert [row[1] for row in rows] == ["m1", *(f"'{member}" for member in MEMBERS[1:])]
    assert [row[2] for row in rows] == ["10.05", "10.06", "10.07", "10.08", "10.09"]
    assert not any(cell[0] in "=+-@" for row in rows for cell in row)
    assert [harmless(cell) for cell in ("", "a=b", "=a")] == ["", "a=b", "'=a"]


def test_a_crash_after_marking_leaves_what_can_be_written_and_is_not_paid_twice(
    bank: Bank, tmp_path: Path
) -> None:
    """The process died between the commit and the file."""
    marked = bank.mark("friday")
    assert bank.states() == {"sent": 5}
    assert bank.export(tmp_path / "f.csv", "monday") == []
    assert bank.export(tmp_path / "f.csv", "friday") == marked
    assert [row[0] for row in rows_of(tmp_path / "f.csv")[1:]] == [
        one.reference for one in marked
    ]


def test_a_crash_before_marking_leaves_nothing_sent(bank: Bank, tmp_path: Path) -> None:
    CsvFile(tmp_path / "f.csv")
    assert bank.states() == {"approved": 5}
    assert not (tmp_path / "f.csv").exists()
    assert len(bank.export(tmp_path / "f.csv", "friday")) == 5


def test_a_file_that_is_there_is_not_written_over(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("mine")
    for path in (tmp_path / "f.csv", tmp_path / "nowhere" / "f.csv"):
        with pytest.raises(PayoutRefused, match=r"f\.csv"):
            CsvFile(path)
    with pytest.raises(PayoutRefused, match="18 letters and digits"):
        bank.mark("a b")
    assert bank.states() == {"approved": 5}


def test_eight_who_export_at_once_send_each_payout_once(bank: Bank) -> None:
    def export(number: int) -> list[Payout]:
        with Writer(bank.database, bank.name) as writer:
            return Bank(bank.database, writer, bank.name).mark(f"b{number}")

    sent = [one for batch in at_once(8, export) for one in batch]
    assert sorted(one.member for one in sent) == sorted(MEMBERS)
    assert bank.states() == {"sent": 5}
    assert_sound(bank.database, bank.name)


def results(sent: Sequence[Payout], *states: str) -> list[Result]:
    return [Result(one.reference, state) for one, state in zip(sent, states, strict=False)]


def test_what_the_bank_says_is_taken_in_once(bank: Bank, tmp_path: Path) -> None:
    sent = bank.export(tmp_path / "f.csv", "b1")
    said = results(sent, "settled", "failed", "returned", "awaiting_member", "unknown")
    answer = tmp_path / "answer.csv"
    with answer.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["state", "note", "reference", "reason"])
        rows.writerows([one.state, "", one.reference, "no\tsuch account"] for one in said)
    report = bank.read(answer)
    expected = {"settled", "failed", "returned", "awaiting_member", "unknown"}
    assert report.changed == Counter(expected)
    assert (report.repeated, report.findings) == (0, [])
    assert bank.states() == Counter(expected)
    steps = read_withdrawal(bank.database, bank.name, "w1")[1]
    assert steps[-1].why == "no such account"
    assert bank.read(answer) == Report(repeated=5)
    assert bank.told(*results(sent[3:], "settled", "returned")).changed.total() == 2
    assert bank.read(answer) == Report(repeated=5), "the older file says what was so then"
    assert bank.states() == {"settled": 2, "failed": 1, "returned": 2}
    assert_sound(bank.database, bank.name)


def test_what_cannot_be_used_changes_nothing_and_is_named_by_its_line(bank: Bank) -> None:
    sent = bank.mark("b1")
    assert bank.told(*results(sent, "settled")).changed == {"settled": 1}
    before = bank.states()
    report = bank.told(
        Result("b1w999", "settled"),
        Result("\0", "settled"),
        Result(sent[0].reference, "failed"),
        Result(sent[1].reference, "paid"),
        Result(sent[2].reference, "settled"),
        Result(sent[2].reference, "failed"),
        "the row has not as many cells as the header",
    )
    reasons = dict(report.findings)
    assert list(reasons) == [1, 2, 3, 4, 5, 6, 7]
    assert reasons[1] == "reference 'b1w999' is unknown: nothing was sent under it"
    assert reasons[3] == f"{sent[0].reference} cannot be failed: it is settled already"
    assert reasons[4].startswith("state is 'paid'; known are settled, failed")
    assert "says of" in reasons[5]
    assert "failed and settled" in reasons[6]
    assert (report.changed.total(), report.repeated) == (0, 0)
    assert bank.states() == before
    twice = bank.told(*results([sent[2], sent[2]], "failed", "failed"))
    assert (twice.changed, twice.repeated) == ({"failed": 1}, 1)


def test_an_unknown_one_is_never_sent_again(bank: Bank) -> None:
    sent = bank.mark("b1")
    bank.told(*results(sent, *["unknown"] * 5))
    assert bank.mark("b2") == []
    assert bank.told(*results(sent[:1], "sent")).findings[0][1].startswith("state is 'sent'")
    assert bank.states() == {"unknown": 5}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "has no column reference and no state"),
        (b"reference,status\nx,settled\n", "has no column state"),
        (b'reference,state\n"x,settled\n', "is not a CSV file"),
        (b"reference,state\n\xff,settled\n", "is not a CSV file in UTF-8"),
    ],
)
def test_a_file_that_is_no_answer_is_refused(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "answer.csv"
    path.write_bytes(text)
    with pytest.raises(PayoutRefused, match=says):
        list(read_results(path))


def test_rows_with_too_few_cells_are_named(tmp_path: Path) -> None:
    path = tmp_path / "answer.csv"
    path.write_text("reference,state\nx,settled\ny\nz,failed,more\n")
    told = list(read_results(path))
    assert told[0] == (2, Result("x", "settled"))
    assert [line for line, row in told if isinstance(row, str)] == [3, 4]
    with pytest.raises(PayoutRefused, match="No such file"):
        list(read_results(tmp_path / "nowhere.csv"))


def test_the_sandbox_does_everything_that_can_happen(database: Database) -> None:
    name = open_program(database, write_toml(ADVERT_B))
    post(database, name, [buy("o1", "m1", 10**10), cash_out("x1", "m1", 2 * 10**11)])
    for cents in range(6):
        post(database, name, [
            withdraw(f"w{cents}", "m1", 10**7 + cents * 10_000),
            step(f"r{cents}", f"w{cents}", "under_review"),
            step(f"a{cents}", f"w{cents}", "approved"),
        ])  # fmt: skip
    with Writer(database, name) as writer:
        sent, report = send(
            database, name, writer.post, Sandbox(), "demo", by="cli", now=NOW
        )  # fmt: skip
    assert len(sent) == 6
    assert report.changed == {
        "settled": 2, "failed": 1, "returned": 1, "awaiting_member": 1, "unknown": 1,
    }  # fmt: skip
    assert_sound(database, name)


@pytest.mark.parametrize("row", worked_examples("profiles", "L2"))
def test_l2_only_what_the_money_is_like_pays_it_out(
    database: Database, tmp_path: Path, row: Row
) -> None:
    profile, name = row["profile"].strip("`"), new_name()
    create_program(database, name, write_toml(CLOSED), profile=profile)
    post(database, name, [
        buy("o1", "m1", 10**10, referrer="m0"), withdraw("w1", "m0", 10**7),
        step("r1", "w1", "under_review"), step("a1", "w1", "approved"),
    ])  # fmt: skip
    ways: dict[str, PayoutAdapter] = {"file": CsvFile(tmp_path / "f.csv"), "sandbox": Sandbox()}
    used = row["paid out by"]
    with Writer(database, name) as writer:

        def pay(way: str) -> str:
            send(database, name, writer.post, ways[way], "b1", by="cli", now=NOW)
            return read_withdrawal(database, name, "w1")[0].state

        for way in sorted(ways, key=used.__eq__):  # the one that works comes last
            if way != used:
                with pytest.raises(PayoutRefused, match=f"profile {profile}, wh"):
                    pay(way)
                assert read_withdrawal(database, name, "w1")[0].state == "approved"
                assert not (tmp_path / "f.csv").exists()
        assert pay(used) == ("sent" if used == "file" else "settled")
    assert_sound(database, name)
