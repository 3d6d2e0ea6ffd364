"""The catalogues: every message of the pages in both languages, none that is not used."""

import re

import pytest

from tests.pages import catalogues

PLACES = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_a_catalogue_is_complete(locale: str) -> None:
    used = {message.id for message in catalogues.extracted() if message.id}
    known = {message.id: message.string for message in catalogues.read(locale) if message.id}
    assert len(used) > 250
    assert used - set(known) == set(), "run `make words`"
    assert set(known) - used == set(), "run `make words`"
    for message, string in known.items():
        assert string, f"{message!r} has no translation"
        assert isinstance(string, str)
        assert set(PLACES.findall(string)) == set(PLACES.findall(str(message))), message


def test_english_is_what_the_templates_say() -> None:
    for message in catalogues.read("en"):
        assert message.id == message.string or not message.id


def test_chinese_is_chinese() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    for message in catalogues.read("zh_Hans_CN"):
        words = any(letter.isalpha() for letter in str(message.id))  # ": " has none
        assert not words or han.search(str(message.string)), message.id
