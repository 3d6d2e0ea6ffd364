"""Merchants, agents, invitations, levels, dividends and commissions, as people type them."""

import json
from pathlib import Path

import pytest

from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.cli.conftest import Command
from tests.core.history import ON_STATEMENT, write_toml

POLICY = write_toml(ON_STATEMENT)


@pytest.fixture
def shop(springtide: Command, database: Database, name: str, tmp_path: Path) -> str:
    """A program with an active merchant, an agent, and one order sent by m0."""
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    applied = (
        "--merchant", "noodles", "--title", "Noodles", "--licence", "91110000600037341L",
        "--region", "330106", "--settlement", "account 1", "--owner", "m0", "--recruiter", "m7",
    )  # fmt: skip
    agent = ("--contract", "c1", "--region", "330106", "--member", "ana", "--to", "2999-12-31")
    for command in (
        ("program", "create", name, "--policy", policy, "--profile", "demo"),
        ("merchant", "apply", name, *applied),
        ("merchant", "activate", name, "--merchant", "noodles", "--take-rate", "0.20"),
        ("agent", "appoint", name, *agent),
        ("agent", "deposit", name, "--contract", "c1", "--amount", "500.00"),
    ):
        assert springtide(*command).code == 0, command
    order = {
        "type": "purchase", "id": "o1", "member": "m1", "amount": "1000.00",
        "merchant": "noodles", "referrer": "m0",
    }  # fmt: skip
    with Writer(database, name) as writer:
        assert writer.post([order])[0].is_posted
    return name


def test_agents_and_merchants_are_listed(springtide: Command, shop: str) -> None:
    [contract] = json.loads(springtide("agent", "list", shop, "--json").out)
    assert (contract["region"], contract["deposit"]) == ("330106", "500.000000")
    [merchant] = json.loads(springtide("merchant", "list", shop, "--json").out)
    assert (merchant["status"], merchant["reviewer"]) == ("active", "cli")
    statement = springtide("merchant", "statement", shop, "--merchant", "noodles", "--json")
    assert json.loads(statement.out)["owed"] == "800.000000"
    paid = ("merchant", "paid", shop, "--merchant", "noodles", "--reference", "bank 1")
    assert springtide(*paid, "--amount", "500").code == 0
    assert "owed 300.000000" in springtide(*paid[:-1], "bank 2", "--amount", "500").err
    proofs = json.loads(springtide("merchant", "budget", shop, "--json").out)
    assert {(row["merchant"], row["holds"]) for row in proofs} >= {("noodles", True)}
    assert "西湖区" in springtide("merchant", "regions", "3301").out


def test_terms_and_the_account_of_a_merchant_change(springtide: Command, shop: str) -> None:
    split = ("--take-rate", "0.30", "--platform", "0.20", "--distribution", "0.05")
    changed = springtide("merchant", "change", shop, "--merchant", "noodles", *split)
    assert (changed.code, "from now on" in changed.err) == (0, True)
    half = springtide("merchant", "change", shop, "--merchant", "noodles", *split[:4])
    assert (half.code, "give both" in half.err) == (2, True)
    moved = springtide(
        "merchant", "settlement", shop, "--merchant", "noodles", "--account", "account 2"
    )
    assert "no longer to account 1" in moved.err


def test_a_binding_is_changed_with_a_reason(springtide: Command, shop: str) -> None:
    change = ("rebind", shop, "--member", "m1", "--referrer", "m9", "--reason", "wrong code")
    assert springtide(*change).code == 0
    assert "bound to m9 already" in springtide(*change).err
    listed = json.loads(springtide("bindings", shop, "--member", "m1", "--json").out)
    assert [(row["referrer"], row["reason"]) for row in listed] == [
        ("m0", None), ("m9", "wrong code"),
    ]  # fmt: skip


def test_a_deposit_comes_back_when_the_contract_ended(springtide: Command, shop: str) -> None:
    early = springtide("agent", "return", shop, "--contract", "c1")
    assert (early.code, early.out) == (2, "")
    assert early.err.startswith("springtide: contract c1 still runs")
    assert springtide("agent", "dismiss", shop, "--contract", "c1").code == 0
    assert springtide("agent", "return", shop, "--contract", "c1").out == "500.000000\n"


def test_invitations_are_printed_and_drawn(
    springtide: Command, shop: str, tmp_path: Path
) -> None:
    svg = tmp_path / "store.svg"
    store = springtide("invite", shop, "--merchant", "noodles", "--qr", svg)
    member = springtide("invite", shop, "--member", "m1")
    assert store.out != member.out
    assert b"<svg" in svg.read_bytes()
    assert springtide("invite", shop, "--member", "nobody").code == 2
    assert springtide("invite", shop).code == 2


def test_commissions_say_why_and_are_paid_once(springtide: Command, shop: str) -> None:
    [row] = json.loads(
        springtide("commission", "why", shop, "--order", "o1", "--to", "m0", "--json").out
    )
    assert (row["kind"], row["rate"], row["path"]) == ("direct", "0.003", "m1 > m0")
    exported = springtide("commission", "export", shop).out.splitlines()
    assert exported[0] == "member,due,payable"
    assert "m0,3.000000,3.000000" in exported
    paid = ("commission", "paid", shop, "--member", "m0", "--amount", "3", "--reference", "b1")
    assert springtide(*paid).out == springtide(*paid).out == "0.000000\n"
    more = springtide(*paid[:-1], "b2")
    assert (more.code, "0.000000 are due to m0" in more.err) == (2, True)
    assert springtide("audit", shop).code == 0


def test_levels_are_proposed_then_given(springtide: Command, shop: str) -> None:
    proposed = json.loads(springtide("level", "run", shop, "--dry-run", "--json").out)
    assert [(row["member"], row["level"]) for row in proposed] == [("m1", "1")]
    assert json.loads(springtide("level", "run", shop, "--json").out) == proposed
    assert json.loads(springtide("level", "run", shop, "--json").out) == []
    by_hand = ("level", "set", shop, "--member", "m0", "--reason", "asked")
    assert springtide(*by_hand, "--level", "1").code == 0
    assert springtide(*by_hand, "--level", "9").code == 2


def test_a_dividend_is_only_of_a_month_that_is_over(
    springtide: Command, shop: str, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.csv"
    weights.write_text("member,weight\nana,1\nbo,2\n")
    asked = ("--share", "0.2", "--weights", weights)
    future = springtide("dividend", "post", shop, "--period", "2999-01", *asked)
    assert (future.code, "not over" in future.err) == (2, True)
    empty = springtide("dividend", "preview", shop, "--period", "2020-01", *asked)
    assert (empty.code, "earned 0.000000" in empty.err) == (2, True)
    weights.write_text("ana,1\nana,2\n")
    twice = springtide("dividend", "preview", shop, "--period", "2020-01", *asked)
    assert (twice.code, "stands there twice" in twice.err) == (2, True)


def test_the_worst_case_is_shown_term_by_term(springtide: Command, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    said = springtide("policy", "check", policy).out
    assert "direct: the buyer's referrer" in said
    assert "0.007" in said.splitlines()[-1]
