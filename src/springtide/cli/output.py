"""How commands speak: results on stdout, for people or as JSON; the rest on stderr."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import msgspec
from rich.console import Console
from rich.table import Table

from springtide.core.units import MICRO, NANO

out = Console(highlight=False, soft_wrap=True, markup=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def write_json(value: object) -> None:
    """One JSON value on one line of stdout."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")


def money(amount_micro: int, decimals: int = 2) -> str:
    """Money for people: thousands separated, rounded down to the decimals shown."""
    return _shorten(amount_micro, MICRO, decimals)


def points(points_nano: int, decimals: int = 4) -> str:
    """Points for people."""
    return _shorten(points_nano, NANO, decimals)


def price(price_micro: int) -> str:
    """A price for people."""
    return money(price_micro, 4)


def date_text(at: str) -> str:
    """A date of ISO 8601 as it is, a time to the minute; what is neither, as it is."""
    try:
        return at if len(at) <= len("2026-01-31") else f"{datetime.fromisoformat(at):%F %H:%M}"
    except ValueError:
        return at


def now_word(*, pays_cash: bool) -> str:
    """What points pay now: cash, or the goods they are redeemed for."""
    return "cash now" if pays_cash else "goods now"


def percent(part: int, whole: int) -> str:
    """A share for people, in percent with two decimals."""
    return f"{_shorten(part * 10_000 // whole, 100, 2)} %" if whole else "0.00 %"


def _shorten(number: int, unit: int, decimals: int) -> str:
    sign, number = ("-", -number) if number < 0 else ("", number)
    whole, fraction = divmod(number // (unit // 10**decimals), 10**decimals)
    return f"{sign}{whole:,}.{fraction:0{decimals}d}"


def facts(title: str, rows: Mapping[str, str]) -> Table:
    """A table of names and figures."""
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    table.add_column()
    table.add_column(justify="right")
    for name, figure in rows.items():
        table.add_row(name, figure)
    return table


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr; gives the function that moves it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = TextColumn(what), BarColumn(), MofNCompleteColumn(), Remaining()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
