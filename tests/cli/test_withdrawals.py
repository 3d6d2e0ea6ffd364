"""`springtide withdrawal` and `springtide payout`, as people and scripts use them."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.cli.conftest import Command
from tests.core.history import ADVERT_B, buy, cash_out, merged, step, withdraw, write_toml
from tests.services.histories import open_cash_program, open_program

POLICY = merged(ADVERT_B, withdrawal={"fee": "0.01", "four_eyes_above": "20.00"})


@pytest.fixture
def shop(database: Database, name: str) -> str:
    """A program with real money in which m1 asked for 10.00 and for 20.01."""
    open_cash_program(database, POLICY, name)
    return asked(database, name)


@pytest.fixture
def demo(database: Database, name: str) -> str:
    """The same in a program without real money."""
    open_program(database, write_toml(POLICY), name)
    return asked(database, name)


def asked(database: Database, name: str) -> str:
    with Writer(database, name) as writer:
        outcomes = writer.post([
            buy("o1", "m1", 10**9), cash_out("x1", "m1", 40 * 10**9),
            withdraw("w1", "m1", 10**7), withdraw("w2", "m1", 20_010_000),
        ])  # fmt: skip
    assert all(outcome.is_posted for outcome in outcomes)
    return name


def read(springtide: Command, *arguments: object) -> Any:
    result = springtide(*arguments, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_a_list_without_withdrawals_says_so(springtide: Command, name: str) -> None:
    springtide("program", "create", name, "--preset", "local-life", "--profile", "demo")
    assert springtide("withdrawal", "list", name).out == (
        f"no withdrawal of {name} was asked for yet\n"
    )
    assert springtide("withdrawal", "list", name, "--member", "m1").out == (
        f"{name} has no such withdrawal; without --state and --member all are listed\n"
    )


def test_withdrawals_are_listed_and_decided(springtide: Command, shop: str) -> None:
    shown = springtide("withdrawal", "list", shop)
    assert [line.split()[:5] for line in shown.out.splitlines()[1:]] == [
        ["w1", "m1", "10.00", "0.10", "requested"], ["w2", "m1", "20.01", "0.20", "requested"],
    ]  # fmt: skip
    done = springtide("withdrawal", "approve", shop, "w1", "--why", "as usual")
    assert done == (0, "w1 of m1, 10.00: approved\n", "")
    half = springtide("withdrawal", "approve", shop, "w2")
    assert half.out == "w2 of m1, 20.01: under_review, 1 of 2 approvals\n"
    again = springtide("withdrawal", "approve", shop, "w2")
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "another person must approve it too" in again.err
    rejected = read(springtide, "withdrawal", "reject", shop, "w2", "--why", "a typo")
    assert (rejected["state"], rejected["approved_by"]) == ("rejected", ["cli"])
    assert rejected["steps"][-1] | {"at": ""} == {
        "at": "", "actor": "cli", "before": "under_review", "after": "rejected",
        "why": "a typo",
    }  # fmt: skip
    [left] = read(springtide, "withdrawal", "list", shop, "--state", "approved")
    assert left["id"] == "w1"
    assert read(springtide, "withdrawal", "list", shop, "--member", "m2") == []


def test_a_batch_goes_to_the_bank_and_its_answer_comes_back(
    springtide: Command, shop: str, tmp_path: Path
) -> None:
    assert springtide("withdrawal", "approve", shop, "w1").code == 0
    file, answer = tmp_path / "friday.csv", tmp_path / "answer.csv"
    exported = springtide("payout", "export", shop, "--file", file, "--batch", "b1")
    assert exported.out == "batch b1: 1 payouts, 9.90\n"
    assert f"springtide payout export {shop} --batch b1 --file F" in exported.err
    [_, (reference, member, amount)] = csv.reader(file.read_text().splitlines())
    assert (member, amount) == ("m1", "9.90")
    nothing = springtide("payout", "export", shop, "--file", tmp_path / "again.csv")
    assert "no withdrawal is approved and not sent" in nothing.out
    assert [path.name for path in tmp_path.iterdir()] == ["friday.csv"]
    answer.write_text(f"reference,state,reason\n{reference},unknown,timeout\nx,settled,\n")
    taken = springtide("payout", "import", shop, answer)
    assert taken.out == "1 unknown\n0 known before, 1 not usable\n"
    assert taken.err == "line 3: reference 'x' is unknown: nothing was sent under it\n"
    told = read(springtide, "payout", "import", shop, answer)
    assert (told["changed"], told["repeated"], len(told["findings"])) == ({}, 1, 1)
    resolved = springtide("withdrawal", "resolve", shop, "w1", "settled", "--why", "I called")
    assert resolved.out == "w1 of m1, 10.00: settled\n"
    assert springtide("audit", shop).code == 0


def test_the_sandbox_pays_nobody_at_once(
    springtide: Command, demo: str, tmp_path: Path
) -> None:
    assert springtide("withdrawal", "approve", demo, "w1").code == 0
    real = springtide("payout", "export", demo, "--file", tmp_path / "f.csv")
    assert (real.code, real.out) == (2, "")
    assert "under the profile demo, which has no real money" in real.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
    told = read(springtide, "payout", "export", demo, "--sandbox")
    assert told["results"] == {"settled": 1}
    assert (told["payouts"], told["amount"], told["file"]) == (1, "9.900000", None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("withdrawal", "list", "{}", "--state", "paid"), "known are requested"),
        (("withdrawal", "approve", "{}", "w9"), "see `springtide withdrawal list"),
        (("withdrawal", "resolve", "{}", "w1", "sent"), "give settled, failed or returned"),
        (("withdrawal", "resolve", "{}", "w1", "settled"), "it can become under_review or"),
        (("withdrawal", "reject", "{}", "w1", "--why", "x" * 256), "why is "),
        (("payout", "export", "{}"), "give either --file F.csv or --sandbox"),
        (("payout", "export", "{}", "--file", "/nowhere/f.csv"), "give another path"),
        (("payout", "export", "{}", "--sandbox"), "profile cash, whose money is real"),
        (("payout", "export", "{}", "--file", "/tmp/{}.csv", "--batch", "a b"), "letters and"),
        (("payout", "import", "{}", "/nowhere.csv"), "check the path"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    springtide: Command, shop: str, arguments: tuple[str, ...], says: str
) -> None:
    refused = springtide(*(argument.format(shop) for argument in arguments))
    assert (refused.code, refused.out) == (2, "")
    assert says in refused.err.splitlines()[-1]
    assert refused.err.splitlines()[-1].startswith("springtide: ")


def test_a_step_by_hand_is_one_of_the_events(database: Database, shop: str) -> None:
    """What the commands do is in the journal, where everybody can post it."""
    with Writer(database, shop) as writer:
        [outcome] = writer.post([step("s1", "w1", "rejected", "staff:ana")])
    assert outcome.receipt["state"] == "rejected"
