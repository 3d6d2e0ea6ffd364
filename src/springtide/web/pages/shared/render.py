"""Templates: one environment a language, with its words and its formats."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from springtide.core.units import MICRO, NANO, PPM, format_money, format_points, parse_money
from springtide.web.pages.shared import formats
from springtide.web.pages.shared import words as said
from springtide.web.pages.shared.files import Files
from springtide.web.pages.shared.language import LANGUAGES, Language, words

FOLDER = Path(__file__).parents[2] / "templates"

_INDENT = re.compile(r"\n\s+")


class Templates:
    """All templates in all languages."""

    def __init__(self, files: Files, *, demo: bool) -> None:
        self._environments = {
            code: _environment(language, files, demo=demo)
            for code, language in LANGUAGES.items()
        }

    def render(self, language: Language, template: str, **given: Any) -> str:
        """A page; what stands only to indent the template is left out."""
        text = self._environments[language.code].get_template(template).render(given)
        return text if "<pre" in text or "<textarea" in text else _INDENT.sub("\n", text)


def _environment(language: Language, files: Files, *, demo: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue: Any = environment
    catalogue.install_gettext_translations(words(language.locale), newstyle=True)
    environment.filters |= {
        name: getattr(formats, name)
        for name in (
            "money", "amount", "change", "points", "points_change", "price", "count",
            "percent", "times",
        )
    }  # fmt: skip
    environment.filters["day"] = partial(formats.day, locale=language.locale)
    environment.filters["date_of"] = partial(formats.date_of, locale=language.locale)
    environment.filters |= {
        "exact": partial(formats.exact, scale=MICRO, least=2),
        "exact_nano": partial(formats.exact, scale=NANO),
        "exact_money": format_money,
        "exact_points": format_points,
        "micro": parse_money,
    }
    environment.filters["moment"] = partial(formats.moment, locale=language.locale)
    environment.globals |= _globals(language, files, demo=demo)
    return environment


def _globals(language: Language, files: Files, *, demo: bool) -> Mapping[str, Any]:
    return {
        "language": language,
        "languages": LANGUAGES,
        "file": files.address,
        "demo": demo,
        "csrf": formats.csrf,
        "said": said,
        "share": formats.share,
        "sign": formats.SIGN,
        "cash_of": lambda micro, fee_ppm: micro * (PPM - fee_ppm) // PPM,
    }
