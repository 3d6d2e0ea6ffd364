"""How amounts, shares and times look on a page; the exact value is always there too.

Shown amounts are rounded down: a page never shows more than would be paid. The exact value
stands in the element's `value` and `title`.
"""

import datetime as dt
from decimal import ROUND_DOWN, Decimal

from babel.dates import format_date, format_datetime
from markupsafe import Markup

from springtide.core.units import (
    MICRO,
    NANO,
    PPM,
    format_fraction,
    format_money,
    format_points,
)
from springtide.services.sessions import Session
from springtide.web.sessions import CSRF_FIELD

SIGN = "¥"
MINUS = "\u2212"
FEW_POINTS = 1_000 * NANO
"""Below this many points four decimals are shown, else two."""


def shown(number: int, scale: int, decimals: int) -> str:
    """A number of a scale with so many decimals, thousands parted; rounded towards zero."""
    step = Decimal(1).scaleb(-decimals)
    value = (Decimal(abs(number)) / scale).quantize(step, ROUND_DOWN)
    return f"{MINUS if number < 0 and value else ''}{value:,}"


def exact(number: int, scale: int, least: int = 0) -> str:
    """A number of a scale, thousands parted, without trailing zeros after `least` decimals."""
    whole, _, fraction = format_fraction(abs(number), scale).partition(".")
    fraction = fraction.ljust(least, "0")
    text = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
    return MINUS + text if number < 0 else text


def money_text(amount_micro: int) -> str:
    """Money with its sign, as text."""
    text = shown(amount_micro, MICRO, 2)
    return f"{MINUS}{SIGN} {text[1:]}" if text.startswith(MINUS) else f"{SIGN} {text}"


def price_text(price_micro: int) -> str:
    """A price with its sign and four decimals, as text."""
    return f"{SIGN} {shown(price_micro, MICRO, 4)}"


def points_text(points_nano: int) -> str:
    """Points, as text."""
    return shown(points_nano, NANO, 4 if abs(points_nano) < FEW_POINTS else 2)


def _data(text: str, exact: str, name: str = "") -> Markup:
    live = Markup(' data-figure="{}"').format(name) if name else ""
    return Markup('<data value="{0}" title="{0}"{2}>{1}</data>').format(exact, text, live)


def money(amount_micro: int, name: str = "") -> Markup:
    """Money with its sign; `name` lets it be brought up to date while the page is open."""
    return _data(money_text(amount_micro), format_money(amount_micro), name)


def amount(amount_micro: int) -> Markup:
    """Money without its sign, for tables and sums."""
    return _data(shown(amount_micro, MICRO, 2), format_money(amount_micro))


def change(amount_micro: int) -> Markup:
    """Money that came or went: the sign says which."""
    plus = "+" if amount_micro > 0 else ""
    return _data(plus + shown(amount_micro, MICRO, 2), format_money(amount_micro))


def points(points_nano: int, name: str = "") -> Markup:
    """Points."""
    return _data(points_text(points_nano), format_points(points_nano), name)


def points_change(points_nano: int) -> Markup:
    """Points that came or went."""
    plus = "+" if points_nano > 0 else ""
    return _data(plus + points_text(points_nano), format_points(points_nano))


def price(price_micro: int, name: str = "") -> Markup:
    """The price of a point."""
    return _data(price_text(price_micro), format_money(price_micro), name)


def count(number: int) -> Markup:
    """A number of things."""
    return Markup('<span class="num">{:,}</span>').format(number)


def percent(ratio_ppm: int) -> str:
    """A ratio of a policy as a percentage, exactly."""
    text = f"{Decimal(ratio_ppm * 100) / PPM:,f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def share(part: int, whole: int) -> str:
    """A share of things that were counted; a few of very many are not shown as none."""
    if not whole:
        return "0 %"
    hundredths = 10_000 * part // whole
    if part and not hundredths:
        return "< 0.01 %"
    return f"{hundredths / 100:,.2f} %"


def times(multiple: float) -> str:
    """By how much something must be multiplied; rounded up, so that it is never too little."""
    if multiple >= 100:
        return f"{int(multiple) + (multiple % 1 > 0):,}"
    return f"{multiple + 0.04999:,.1f}"


def day(at: dt.date, locale: str) -> Markup:
    """A date."""
    text = format_date(at, "medium", locale=locale)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat()[:10], text)


def moment(at: dt.datetime, locale: str) -> Markup:
    """An instant, in UTC and saying so."""
    utc = at.astimezone(dt.UTC)
    text = format_datetime(utc, "yyyy-MM-dd HH:mm:ss", locale=locale)
    return Markup('<time datetime="{}">{} UTC</time>').format(utc.isoformat(), text)


def date_of(text: str, locale: str) -> Markup:
    """The day that an event names; empty if it named none that can be read."""
    try:
        return day(dt.datetime.fromisoformat(text).date(), locale)
    except ValueError:
        return Markup("")


def csrf(session: Session) -> Markup:
    """The field by which a form of a session says that it is our own page's."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, session.csrf)
