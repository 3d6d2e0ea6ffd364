"""Importing orders from a CSV file: streamed, resumable, nothing posted twice."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TextIO

from springtide.core.event_fields import Json
from springtide.services.writer import Writer
from springtide.storage.database import Database

FIELDS = ("id", "member", "amount", "at", "merchant", "region", "referrer")
REQUIRED = ("id", "member", "amount", "at")
BATCH = 5_000


class ImportRefused(Exception):
    """The file cannot be imported as it is; the message says the line and the remedy."""


@dataclass(slots=True)
class ImportResult:
    """Counts of an import's rows; `reasons` are those of the rejected, by their code."""

    rows: int = 0
    posted: int = 0
    repeated: int = 0
    """Posted by an earlier run."""
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    rejects: Path | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: list[str]
    event: Json | None
    reason: str
    code: str


def read_mapping(text: str) -> dict[str, str]:
    """Read `id=order_id,member=customer,...`: which column each field comes from.

    Raises:
        ImportRefused: a field is unknown, twice or missing.
    """
    mapping: dict[str, str] = {}
    for part in text.split(","):
        name, equals, column = part.partition("=")
        if not equals or not column or name not in FIELDS or name in mapping:
            raise ImportRefused(
                f"--map has {part!r}; give each of {', '.join(FIELDS)} at most once, "
                "as field=column"
            )
        mapping[name] = column
    for name in REQUIRED:
        if name not in mapping:
            raise ImportRefused(f"--map lacks {name}; add {name}=COLUMN")
    return mapping


class OrderFile:
    """A CSV file of orders, with the columns that hold their fields.

    Raises:
        ImportRefused: the file or a column of the mapping is not there.
    """

    def __init__(self, path: Path, mapping: Mapping[str, str]) -> None:
        self.path = path
        with self._open() as file:
            try:
                self.header: list[str] = next(csv.reader(file), [])
            except UnicodeDecodeError:
                raise self._not_text(1) from None
            except csv.Error as error:
                raise ImportRefused(f"{path} line 1: {error}") from None
        if len(self.header) == 1 and (sign := set(self.header[0]) & set(";\t|")):
            raise ImportRefused(
                f"{path}: its columns are separated by {sign.pop()!r}; separate them by commas"
            )
        self._columns = {}
        for name, column in mapping.items():
            if column not in self.header:
                raise ImportRefused(
                    f"{path} has no column {column!r} for {name}; "
                    f"its columns are {', '.join(self.header) or 'none'}"
                )
            self._columns[name] = self.header.index(column)

    def check_order(self) -> int:
        """Read the file once for its dates; gives the number of rows.

        Raises:
            ImportRefused: a date is before the one above it.
        """
        latest, latest_line, count = None, 0, 0
        for row in self.rows():
            count += 1
            if row.event is None:
                continue
            at = _instant(str(row.event["at"]))
            if latest is not None and at is not None and at < latest:
                raise ImportRefused(
                    f"{self.path} line {row.line}: {row.event['at']} is before the date of "
                    f"line {latest_line}; sort the file by date and import it again"
                )
            latest, latest_line = at, row.line
        return count

    def rows(self) -> Iterator[_Row]:
        """The rows in order, each as an event or with the reason why it is none."""
        with self._open() as file:
            reader = csv.reader(file)
            next(reader, None)
            try:
                for cells in reader:
                    if cells:
                        yield self._row(reader.line_num, cells)
            except csv.Error as error:
                raise ImportRefused(f"{self.path} line {reader.line_num}: {error}") from None
            except UnicodeDecodeError:
                raise self._not_text(reader.line_num) from None

    def _row(self, line: int, cells: list[str]) -> _Row:
        if len(cells) != len(self.header):
            reason = f"{len(cells)} cells where the header has {len(self.header)}"
            return _Row(line, cells, None, reason, "invalid_row")
        event: dict[str, object] = {"type": "purchase"}
        for name, column in self._columns.items():
            event[name] = cells[column]
        if _instant(str(event["at"])) is None:
            reason = f"{event['at']!r} is not a date like 2026-01-31"
            return _Row(line, cells, None, reason, "invalid_date")
        return _Row(line, cells, event, "", "")

    def _not_text(self, line: int) -> ImportRefused:
        return ImportRefused(f"{self.path} near line {line} is not UTF-8; save it as UTF-8")

    def _open(self) -> TextIO:
        try:
            return self.path.open(encoding="utf-8-sig", newline="")
        except OSError as error:
            raise ImportRefused(f"{self.path}: {error.strerror}; check the path") from None


def _instant(text: str) -> datetime | None:
    """A date or a time of ISO 8601 as an instant; without a zone it counts as UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def import_orders(
    database: Database,
    name: str,
    orders: OrderFile,
    progress: Callable[[int], None],
    now: Callable[[], datetime] | None = None,
) -> ImportResult:
    """Post every row of a file; rows that cannot be posted go to a file beside it.

    Each batch is durable before the next is read. A second run of the same file finds its
    rows posted and posts the rest. `progress` is told how many rows were done; with `now`,
    rows of a program with timed controls may not be later than that.

    Raises:
        ImportRefused: the file cannot be read to its end; what was posted stays.
        UnknownProgram: there is no program of this name.
    """
    result = ImportResult()
    rows = orders.rows()
    with Writer(database, name, now) as writer:
        rejects = _Rejects(orders)
        while batch := list(islice(rows, BATCH)):
            _post(writer, batch, result, rejects)
            progress(len(batch))
    result.rejects = rejects.close()
    return result


def _post(
    writer: Writer, batch: Sequence[_Row], result: ImportResult, rejects: "_Rejects"
) -> None:
    outcomes = iter(writer.post([row.event for row in batch if row.event is not None]))
    for row in batch:
        result.rows += 1
        code, reason = row.code, row.reason
        if row.event is not None:
            outcome = next(outcomes)
            if outcome.is_posted:
                result.posted += 1
                continue
            if outcome.refusal is None:
                result.repeated += 1
                continue
            code, reason = outcome.refusal.code, str(outcome.refusal)
        result.rejected += 1
        result.reasons[code] = result.reasons.get(code, 0) + 1
        rejects.add(row, f"{code}: {reason}")


class _Rejects:
    """The file of rejected rows: made with the first of them, absent if there is none."""

    def __init__(self, orders: OrderFile) -> None:
        self._path = orders.path.with_name(f"{orders.path.stem}.rejects.csv")
        self._header = ["line", "reason", *orders.header]
        self._file: TextIO | None = None
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise self._refusal(error) from None

    def add(self, row: _Row, reason: str) -> None:
        if self._file is None:
            try:
                self._file = self._path.open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise self._refusal(error) from None
            csv.writer(self._file).writerow(self._header)
        csv.writer(self._file).writerow([row.line, reason, *row.cells])

    def _refusal(self, error: OSError) -> ImportRefused:
        return ImportRefused(
            f"{self._path}: {error.strerror}; rejected rows go there: import a copy of "
            "the file from a folder you may write to"
        )

    def close(self) -> Path | None:
        if self._file is None:
            return None
        self._file.close()
        return self._path
