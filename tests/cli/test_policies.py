"""`springtide policy`, `profile`, `evidence` and `text`, from a draft to its effect."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from springtide.services.presets import read_preset
from tests.cli.conftest import Command

CLOSED = read_preset("closed-loop")


def read(springtide: Command, *arguments: object) -> Any:
    result = springtide(*arguments, "--json")
    assert (result.code, result.err) == (0, ""), result
    return json.loads(result.out)


def said(springtide: Command, *arguments: object) -> str:
    result = springtide(*arguments)
    assert result.code == 0, result
    return result.out + result.err


def test_from_a_draft_to_its_effect(springtide: Command, name: str, tmp_path: Path) -> None:
    file = tmp_path / "next.toml"
    file.write_text(read_preset("advert-b").replace('fee = "0.20"', 'fee = "0.25"'))
    said(springtide, "program", "create", name, "--preset", "advert-b", "--profile", "demo")
    change = {
        "parameter": "cash_out.fee", "about": "kept from whoever cashes out",
        "old": "20 %", "new": "25 %",
    }  # fmt: skip
    assert read(springtide, "policy", "diff", name, "--policy", file) == [change]
    draft = read(springtide, "policy", "draft", name, "--policy", file, "--by", "ana")
    assert (draft["draft"], draft["state"], draft["made_by"]) == (1, "draft", "cli:ana")
    assert read(springtide, "policy", "diff", name, "--draft", 1) == [change]
    assert "25 %" in said(springtide, "policy", "diff", name, "--draft", 1)
    assert "policy approve" in said(springtide, "policy", "submit", name, 1, "--by", "ana")

    refused = springtide("policy", "approve", name, 1, "--by", "ana")
    assert refused.code == 2
    assert "cli:ana made draft 1; somebody else must approve it" in refused.err
    approved = read(springtide, "policy", "approve", name, 1, "--by", "ben")
    assert (approved["state"], approved["approved_by"]) == ("scheduled", "cli:ben")
    assert said(springtide, "policy", "effect", name) == f"version 2 of {name} is in effect\n"
    [row] = read(springtide, "policy", "list", name)
    assert (row["state"], row["closed_by"]) == ("in_effect", "system")
    assert "in effect" in said(springtide, "policy", "list", name)
    assert said(springtide, "policy", "show", name) == file.read_text()
    first = said(springtide, "policy", "show", name, "--version", 1)
    assert first == read_preset("advert-b")


def test_a_day_that_is_asked_for(springtide: Command, name: str, tmp_path: Path) -> None:
    file = tmp_path / "next.toml"
    file.write_text(CLOSED.replace('"0.70"', '"0.60"'))
    said(springtide, "program", "create", name, "--preset", "closed-loop")
    for number in (1, 2):
        said(springtide, "policy", "draft", name, "--policy", file, "--by", "ana")
        said(springtide, "policy", "submit", name, number)
    soon, later = (datetime.now(UTC) + timedelta(days=days) for days in (6, 8))
    early = springtide("policy", "approve", name, 1, "--by", "ben", "--at", soon.isoformat())
    assert early.code == 2
    assert "wants 7 days of notice, so give " in early.err
    at = f"{later:%Y-%m-%d}"
    approved = read(springtide, "policy", "approve", name, 1, "--by", "ben", "--at", at)
    assert approved["effective_at"] == f"{at}T00:00:00+00:00"
    assert read(springtide, "policy", "effect", name)["version"] == 1
    said(springtide, "policy", "withdraw", name, 1, "--by", "ana")
    told = said(springtide, "policy", "reject", name, 2, "--by", "ben", "--reason", "too soon")
    assert told == f"draft 2 of {name} is rejected; too soon\n"
    wrong = springtide("policy", "approve", name, 2, "--by", "ben", "--at", "soon")
    assert "--at is 'soon'; give it like " in wrong.err
    nameless = springtide("policy", "submit", name, 2, "--by", "a\tb")
    assert "cannot name who does it; give --by NAME" in nameless.err


def test_a_backtest_tells_both(springtide: Command, name: str, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("id,who,amount,at\no1,m1,100.00,2026-01-01\no2,m2,50.00,2026-01-02\n")
    said(springtide, "program", "create", name, "--preset", "closed-loop")
    mapping = "id=id,member=who,amount=amount,at=at"
    said(springtide, "import", orders, "--program", name, "--map", mapping)
    for command in (["status"], ["statement", "--member", "m1"], ["prices"], ["disclose"]):
        told = said(springtide, command[0], name, *command[1:])
        assert "goods now" in told, "no cash is spoken of where none is paid"
        assert "cash now" not in told
    file = tmp_path / "other.toml"
    file.write_text(read_preset("advert-a"))
    found = read(springtide, "policy", "backtest", name, "--policy", file)
    assert (found["was"]["reserve"], found["would_be"]["reserve"]) == ("25.000000", "46.000000")
    told = said(springtide, "policy", "backtest", name, "--policy", file)
    for part in ("25.00", "46.00", "as it was", "would be", "split.take_rate", "2 events"):
        assert part in told


def test_what_is_on_file(springtide: Command, name: str, tmp_path: Path) -> None:
    said(springtide, "program", "create", name, "--preset", "closed-loop", "--profile", "cash")
    document, policy = tmp_path / "licence.pdf", tmp_path / "cash.toml"
    document.write_bytes(b"a licence")
    policy.write_text(CLOSED.replace("enabled = false", 'fee = "0.20"'))
    refused = springtide("policy", "draft", name, "--policy", policy)
    assert "needs a licence of an authority on file that holds on " in refused.err
    today = datetime.now(UTC).date()
    for kind in ("licence", "opinion"):
        recorded = read(
            springtide, "evidence", "add", name, "--feature", "cash_out", "--kind", kind,
            "--number", "L-17", "--issuer", "the authority", "--valid-from", today,
            "--expires-on", today + timedelta(days=1), "--file", document, "--by", "ana",
        )  # fmt: skip
        assert recorded["sha256"] == hashlib.sha256(b"a licence").hexdigest()
    assert read(springtide, "policy", "draft", name, "--policy", policy)["state"] == "draft"
    said(springtide, "evidence", "revoke", name, recorded["id"])
    rows = read(springtide, "evidence", "list", name)
    assert [row["revoked_at"] is None for row in rows] == [True, False]
    assert "revoked" in said(springtide, "evidence", "list", name)
    shown = read(springtide, "profile", "show", name)
    assert (shown["profile"], shown["uses"], shown["missing"]) == ("cash", [], None)
    assert "none of the features" in said(springtide, "profile", "show", name)
    listed = {row["profile"]: row for row in read(springtide, "profile", "list")}
    assert listed["closed-loop"]["allows"] == {}
    assert listed["cash"]["allows"]["cash_out"] == ["licence", "opinion"]
    assert "no real money" in said(springtide, "profile", "list")


def test_a_text_is_checked(springtide: Command, tmp_path: Path) -> None:
    text = tmp_path / "poster.txt"
    text.write_text("积分：只涨不跌\nWhat you could cash today is on your page.\n")
    result = springtide("text", "check", text)
    assert result.code == 1
    assert result.out == f"{text}:1:4: '只涨不跌' promises that the price rises\n"
    assert springtide("text", "check", text, "--json").code == 1
    text.write_text("What you could cash today is on your page.\n")
    assert read(springtide, "text", "check", text) == []
    assert "somebody still has to read it" in said(springtide, "text", "check", text)
