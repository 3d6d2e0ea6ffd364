"""Languages: which one a caller reads, and its words."""

from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO
from typing import Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Code = Literal["zh", "en"]

COOKIE = "language"


@dataclass(frozen=True)
class Language:
    """A language of the pages; its catalogue is `locale/LOCALE/LC_MESSAGES/pages.po`."""

    code: Code
    locale: str
    tag: str
    """As HTML names it."""
    name: str
    """In the language itself."""


LANGUAGES = {
    "zh": Language("zh", "zh_Hans_CN", "zh-Hans-CN", "中文"),
    "en": Language("en", "en", "en", "English"),
}
"""The first is what somebody reads who asked for none of them."""


def choose(asked: str, remembered: str, accepted: str) -> Language:
    """The language of a call: what the address asks for, the cookie, then the browser."""
    for code in (asked, remembered):
        if code in LANGUAGES:
            return LANGUAGES[code]
    for part in accepted.split(","):
        code = part.partition(";")[0].strip()[:2].lower()
        if code in LANGUAGES:
            return LANGUAGES[code]
    return LANGUAGES["zh"]


@cache
def words(locale: str) -> GNUTranslations:
    """A catalogue, compiled when it is first needed: nothing compiled can be out of date."""
    po = files("springtide.web") / "locale" / locale / "LC_MESSAGES" / "pages.po"
    compiled = BytesIO()
    with po.open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale))
    compiled.seek(0)
    return GNUTranslations(compiled)
