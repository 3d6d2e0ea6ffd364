"""The words of the pages: `python -m tests.pages.catalogues` brings the catalogues up to date.

What is new gets an empty translation in every language but English, where the message is its
own; what is no longer used is dropped.
"""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from springtide.core import policy_diff
from springtide.services import audit, rehearsal

LAWS = (
    audit.CHAIN, audit.REPEATED, audit.PRICE, audit.RESERVE, audit.BALANCED, audit.CONSERVED,
    audit.KEPT, audit.SUPPLY, audit.LOTS,
)  # fmt: skip
"""What the audit says in English, and its page in the reader's language."""

_SAID = [*policy_diff.KNOWN.values(), *policy_diff.BY_KEY.values()]
_SAID += [row for table in policy_diff.INSIDE.values() for row in table.values()]
RULES = {about for _, about, _ in _SAID} | policy_diff.WORDS
"""What policy changes say in English, and the notices in the reader's language."""

SOURCE = Path(__file__).parents[2] / "src" / "springtide"
LOCALE = SOURCE / "web" / "locale"
METHODS = [("web/pages/**.py", "python"), ("web/templates/**.html", "jinja2")]
OPTIONS = {"web/templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}


def extracted() -> Catalog:
    """Every message of templates and pages."""
    found = Catalog(project="Springtide", charset="utf-8")
    rows = extract_from_dir(SOURCE, METHODS, OPTIONS, keywords=KEYWORDS)
    for _, _, message, _, context in rows:
        found.add(message, context=context)
    for said in (*LAWS, *RULES, *rehearsal.list_scenarios().values()):
        found.add(said)
    return found


KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None, "said": None}


def path_of(locale: str) -> Path:
    return LOCALE / locale / "LC_MESSAGES" / "pages.po"


def read(locale: str) -> Catalog:
    with path_of(locale).open("rb") as file:
        return read_po(file, locale=locale)


def update(locale: str) -> int:
    """Bring a catalogue up to date; gives how many messages lack a translation."""
    path = path_of(locale)
    old = read(locale) if path.exists() else Catalog(locale=locale)
    new = Catalog(locale=locale, project="Springtide", charset="utf-8", fuzzy=False)
    lacking = 0
    for message in extracted():
        if not message.id:
            continue
        known = old.get(message.id)
        string = message.id if locale == "en" else (known.string if known else "")
        lacking += not string
        new.add(message.id, string)
    buffer = BytesIO()
    write_po(buffer, new, width=0, sort_output=True, omit_header=True)
    header = f'msgid ""\nmsgstr ""\n"Language: {locale}\\n"\n'
    header += '"Content-Type: text/plain; charset=utf-8\\n"\n'
    forms = {"en": "nplurals=2; plural=(n != 1);"}.get(locale, "nplurals=1; plural=0;")
    header += f'"Plural-Forms: {forms}\\n"\n\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + buffer.getvalue().decode())
    return lacking


if __name__ == "__main__":
    for name in ("en", "zh_Hans_CN"):
        sys.stdout.write(f"{name}: {update(name)} messages lack a translation\n")
