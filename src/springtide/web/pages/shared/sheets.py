"""Tables as sheets for Excel: one mechanism for every table of the console.

Days and times are dates. Amounts are numbers while a sheet's numbers are exact, which is up
to 15 digits; what is larger is text with all its digits, so that nothing is ever rounded.
Instants are in UTC, as their heads say, for a sheet knows no zones.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from threading import BoundedSemaphore
from typing import IO, Any

import xlsxwriter
from starlette.responses import Response, StreamingResponse

from springtide.core.units import (
    MICRO,
    NANO,
    PPM,
    format_money,
    format_points,
    format_ratio,
)
from springtide.services.login import SignedIn
from springtide.web.pages.shared.call import HEADERS, Call

MOST_ROWS = 50_000
EXACT = 10**15
"""Below it, numbers of a sheet keep every digit."""

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_NUMBERS = {"money": '#,##0.00####', "points": '#,##0.0000#####', "price": '#,##0.0000##',
            "count": "#,##0", "ratio": "0.00##%", "day": "yyyy-mm-dd",
            "moment": "yyyy-mm-dd hh:mm:ss"}  # fmt: skip
_SCALES: dict[str, tuple[int, Callable[[int], str]]] = {
    "money": (MICRO, format_money),
    "price": (MICRO, format_money),
    "points": (NANO, format_points),
    "ratio": (PPM, format_ratio),
}
_writing = BoundedSemaphore(2)

Head = tuple[str, str]
"""A column: what it is called, and text, money, points, price, count, ratio, day or moment."""

Rows = Iterator[Sequence[object]]
Table = Callable[[Call, SignedIn], tuple[str, Sequence[Head], Rows]]
"""A table of the console: its name, its columns, and all its rows, read as they are needed."""


def sheet(table: Table) -> Callable[[Call, SignedIn], Response]:
    """The page that downloads a table."""

    def answer(call: Call, staff: SignedIn) -> Response:
        name, heads, rows = table(call, staff)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was sent
        try:
            with _writing:
                first = next(rows, None)  # what is not there is said before anything is sent
                write(file, call.say, heads, [] if first is None else _chained(first, rows))
        except BaseException:
            file.close()
            raise
        program = re.sub(r"[^A-Za-z0-9_-]", "_", call.program)
        said = f'attachment; filename="{program}-{name}-{call.now:%Y%m%d}.xlsx"'
        headers = {**HEADERS, "Content-Disposition": said}
        return StreamingResponse(_parts(file), 200, headers, TYPE)

    return answer


def _chained(first: Sequence[object], rows: Rows) -> Rows:
    yield first
    yield from rows


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while part := file.read(64 * 1024):
            yield part


def write(
    file: IO[bytes],
    say: Callable[[str], str],
    heads: Sequence[Head],
    rows: Iterable[Sequence[object]],
    most: int = MOST_ROWS,
) -> None:
    """Write a sheet, row by row; one that is too long says so in its last row."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        page, bold = book.add_worksheet(), book.add_format({"bold": True})
        forms = {kind: book.add_format({"num_format": form}) for kind, form in _NUMBERS.items()}
        page.freeze_panes(1, 0)
        page.set_column(0, len(heads) - 1, 20)
        for column, (head, _) in enumerate(heads):
            page.write_string(0, column, head, bold)
        rows = iter(rows)
        number = 0
        for number, row in enumerate(islice(rows, most), 1):
            for column, ((_, kind), value) in enumerate(zip(heads, row, strict=True)):
                _write(page, number, column, kind, value, forms.get(kind))
        if next(rows, None) is not None:
            said = say(
                "There are more rows. A sheet ends after %(most)s; the API has the rest."
            )
            page.write_string(number + 1, 0, said % {"most": f"{most:,}"}, bold)


def _write(page: Any, row: int, column: int, kind: str, value: object, form: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, datetime):
        page.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), form)
    elif isinstance(value, date):
        page.write_datetime(row, column, value, form)
    elif isinstance(value, int) and kind in _SCALES:
        scale, exact = _SCALES[kind]
        if abs(value) < EXACT:
            page.write_number(row, column, value / scale, form)
        else:
            page.write_string(row, column, exact(value))
    elif isinstance(value, int) and abs(value) < EXACT:
        page.write_number(row, column, value, form)
    else:
        page.write_string(row, column, str(value)[:32_767])
