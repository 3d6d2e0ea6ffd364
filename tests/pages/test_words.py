"""Words for what the books name by keys: none is left without."""

import ast
from pathlib import Path
from typing import get_args

from springtide.core import reducer, withdrawal
from springtide.services import cash_outs
from springtide.services.holds import Status
from springtide.storage.database import Database
from springtide.web.pages.shared import words
from tests.pages import catalogues

CORE = Path(reducer.__file__).parent
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
        *words.REQUESTS.values(),
    }  # fmt: skip
    assert wanted <= {message.id for message in catalogues.extracted()}
