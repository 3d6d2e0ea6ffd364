"""Words for what the books name by keys: none is left without."""

import ast
import re
from pathlib import Path
from typing import get_args

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


def test_the_words_are_in_the_catalogues() -> None:
    wanted = {
        *words.CAUSES.values(), words.OTHER, *words.STATES.values(), *words.EARNED.values(),
        *words.REQUESTS.values(), *words.ACTS.values(),
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
