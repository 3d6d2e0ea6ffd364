"""Words for what the books name by keys: none is left without."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from springtide.core import reducer, withdrawal
from springtide.services import acts, cash_outs, rehearsal
from springtide.services.holds import Status
from springtide.storage.database import Database
from springtide.web.commands import COMMANDS
from springtide.web.pages.shared import words
from tests.pages import catalogues

CORE = Path(reducer.__file__).parent
SERVICES = Path(acts.__file__).parent
LOGGING = ("append_act", "log_of_staff", "_changed")
ACT = r"[a-z_]+\.[a-z_]+"
WRITERS = {"move", "burn", "pay", "take_from_wallet"}
"""Methods of an entry whose first argument is the kind of a transfer."""


def kinds_in(source: str) -> set[str]:
    """The kinds of transfers that a module names where it writes them."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr=name), args=[ast.Constant(value=str(kind)), *_]
            ) if name in WRITERS:
                found.add(kind)
    return found


def test_every_kind_of_transfer_has_words() -> None:
    found = set().union(*(kinds_in(path.read_text()) for path in CORE.glob("*.py")))
    assert {"payout", "withdraw_fee", "dividend", "exit"} <= found
    assert found - set(words.CAUSES) == set()


def test_every_kind_in_the_books_has_words(books: Database) -> None:
    with books.snapshot() as tx:
        found = {str(kind) for (kind,) in tx.execute("SELECT DISTINCT kind FROM transfer")}
    assert {"opening", "direct", "grant", "withdraw"} <= found
    assert found - set(words.CAUSES) == set()


def test_every_state_has_words() -> None:
    assert set(words.STATES) == set(withdrawal.STATES)
    assert set(words.REQUESTS) == set(cash_outs.STATES)
    assert set(words.EARNED) == set(get_args(Status))


REFUSING = {
    SERVICES: {"UnusableStaff", "LastOwner", "UnusableKey", "UnusableWebhook"},
    CORE / "webhooks.py": {"ValueError"},
}


def sentences_in(source: str, raised: set[str]) -> Iterator[str]:
    """What a module says when it raises one of these, with a value wherever one is said."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=[said])) if name in raised:
                if isinstance(said, ast.Constant | ast.JoinedStr):
                    yield "".join(map(_filled, getattr(said, "values", [said])))


def _filled(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    return "'7'" if isinstance(part, ast.FormattedValue) and part.conversion != -1 else "7"


def test_every_refusal_of_the_house_has_words() -> None:
    sentences = [
        sentence
        for place, raised in REFUSING.items()
        for path in (place.glob("*.py") if place.is_dir() else [place])
        for sentence in sentences_in(path.read_text(), raised)
    ]
    assert len(sentences) > 15
    for sentence in sentences:
        message, given = words.reason(sentence)
        assert message % given != sentence, f"{sentence!r} has no words"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("no answer within 10 s", "no answer within 10 seconds"),
        ("ConnectError: All connection attempts failed", "nobody answers at this address"),
        (
            "ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
            "the certificate of the host is not valid",
        ),
        ("ReadError: ", "the connection broke off before there was an answer"),
        ("shop.example cannot be looked up; check its name",
         "shop.example cannot be looked up; check its name."),
        ("4.039980 are due to ana; pay no more",
         "¥ 4.03 is due to ana. Pay no more than that."),
        ("tea is owed -1.000000; pay no more",
         "\u2212¥ 1.00 is owed to tea. Pay no more than that."),
        ("100 % new", "100 % new"),
    ],
)  # fmt: skip
def test_a_sentence_of_a_service_is_said_in_words(sentence: str, said: str) -> None:
    message, given = words.reason(sentence)
    assert message % given == said


def test_what_loads_again_says_its_address() -> None:
    for path in (catalogues.SOURCE / "web/templates").rglob("*.html"):
        for reload in re.findall(r'http-equiv="refresh" content="([^>]*)">', path.read_text()):
            assert re.fullmatch(r"\d; url={{ call\.here\(\) }}", reload), (
                f"{path.name} does not load again once somebody skipped to its content"
            )


def test_the_words_are_in_the_catalogues() -> None:
    wanted = {
        *words.CAUSES.values(), words.OTHER, *words.STATES.values(), *words.EARNED.values(),
        *words.REQUESTS.values(), *words.ACTS.values(), *words.ACTORS.values(),
        *(said for _, said in words.REASONS),
    }  # fmt: skip
    assert wanted <= {message.id for message in catalogues.extracted()}


def acts_in(source: str) -> set[str]:
    """The acts that a module names where it logs them."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(LOGGING):
            for part in (part for given in node.args for part in ast.walk(given)):
                if isinstance(part, ast.Constant) and re.fullmatch(ACT, str(part.value)):
                    found.add(str(part.value))
    return found


def test_every_act_has_words(books: Database) -> None:
    found = set().union(*(acts_in(path.read_text()) for path in SERVICES.glob("*.py")))
    assert {
        "key.create",
        "switch.off",
        "staff.reset",
        "role.revoke",
        "member.unfreeze",
    } <= found
    found |= {f"{command.type}.post" for command in COMMANDS} | {"pay.post"}
    found |= {f"withdrawal.{state}" for state in withdrawal.STATES[1:]}
    found |= {act.what for act in acts.list_acts(books, "demo", limit=10**6)}
    assert found - set(words.ACTS) == set()


def test_every_scenario_has_a_name_in_words() -> None:
    said = (catalogues.SOURCE / "web/templates/console/office_words.html").read_text()
    for name in rehearsal.list_scenarios():
        assert f'"{name}": _(' in said, name
