"""Payouts: approved withdrawals are sent once, and what the bank says of them is taken in.

A payout is marked as sent before anything leaves the house. A crash in between leaves one that
is marked and was never paid, which a person can see and send under the same reference; it can
never leave one that is paid and not marked. Source: docs/decisions/0014-withdrawals.md.
"""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from springtide.core.event_fields import LONGEST_ID, is_name
from springtide.core.events import is_batch
from springtide.core.state import Withdrawal
from springtide.core.units import CENT
from springtide.core.withdrawal import NEXT
from springtide.services.profiles import get_profile
from springtide.services.withdrawals import Post, step_events
from springtide.storage import programs, withdrawals
from springtide.storage.database import Database
from springtide.storage.programs import Program

MOST_AT_ONCE = 5_000
"""Withdrawals of one batch: few enough for one transaction of the writer."""

OUTCOMES = NEXT["sent"]
"""What can become of a payout."""


class PayoutRefused(Exception):
    """A file or a batch that cannot be used; the message says why and the remedy."""


class Payout(NamedTuple):
    """Money that is to reach a member."""

    reference: str
    member: str
    amount_micro: int
    """Less the fee; whole cents."""


class Result(NamedTuple):
    """What became of a payout, by its reference."""

    reference: str
    state: str
    """One of `OUTCOMES`."""
    reason: str = ""


class PayoutAdapter(Protocol):
    """A way to pay: it is handed each payout once, and may know results at once or later.

    One that calls a payment service passes the reference on as that service's own key of
    idempotency, and answers `unknown` whenever it cannot tell what happened.
    """

    @property
    def real(self) -> bool:
        """Whether money leaves the house by it."""
        ...

    def send(self, payouts: Sequence[Payout]) -> Sequence[Result]:
        """Have payouts paid; gives what is known of them already."""


_SANDBOX = {1: "failed", 2: "returned", 3: "awaiting_member", 4: "unknown"}


class Sandbox:
    """Pays nobody: the cents of an amount say what becomes of it."""

    real = False

    def send(self, payouts: Sequence[Payout]) -> Sequence[Result]:
        """Every outcome at once; all other cents settle."""
        return [
            Result(one.reference, self.state_of(one.amount_micro), "sandbox") for one in payouts
        ]

    def state_of(self, amount_micro: int) -> str:
        """What becomes of an amount."""
        return _SANDBOX.get(amount_micro // CENT % 100, "settled")


class CsvFile:
    """A file for the bank, one payout a row; results come later, by `read_results`.

    It is written beside its place and moved there when it is whole.

    Raises:
        PayoutRefused: there is a file already, or none can be written there.
    """

    real = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        if path.exists():
            raise PayoutRefused(f"{path} is there already; give the name of a new file")
        try:
            self._part.write_text("")
        except OSError as error:
            raise PayoutRefused(f"{path}: {error.strerror}; give another path") from None

    def send(self, payouts: Sequence[Payout]) -> Sequence[Result]:
        """Write the file.

        Raises:
            PayoutRefused: the disk is full, or the folder went away.
        """
        try:
            with self._part.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(["reference", "member", "amount"])
                for one in payouts:
                    cents = one.amount_micro // CENT
                    amount = f"{cents // 100}.{cents % 100:02d}"
                    rows.writerow([one.reference, harmless(one.member), amount])
                file.flush()
                os.fsync(file.fileno())
            self._part.replace(self._path)
        except OSError as error:
            raise PayoutRefused(f"{self._path}: {error.strerror}") from None
        return []

    def discard(self) -> None:
        """Leave nothing behind, if nothing was written."""
        self._part.unlink(missing_ok=True)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell


@dataclass(slots=True)
class Report:
    """What became of results: how many brought each state, and what could not be used."""

    changed: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    """Known from an earlier import, or said twice."""
    findings: list[tuple[int, str]] = field(default_factory=list)
    """Lines that changed nothing, each with the reason."""


def send(
    database: Database,
    name: str,
    post: Post,
    adapter: PayoutAdapter,
    batch: str,
    *,
    by: str,
    now: datetime,
) -> tuple[list[Payout], Report]:
    """Send all approved withdrawals as a batch; gives its payouts, and what is known of them.

    A batch that was sent before is handed to the adapter again, as it was, and nothing new
    with it: so a file that was lost can be written again, under the same references.

    Raises:
        UnknownProgram: there is none of this name.
        PayoutRefused: the batch cannot have this name, or the program's profile has another
            kind of money than the adapter.
    """
    payouts = mark_sent(database, name, post, batch, by=by, now=now, real=adapter.real)
    results = adapter.send(payouts) if payouts else []
    rows = list(enumerate(results, 1))
    return payouts, apply_results(database, name, post, rows, by=by, now=now)


def mark_sent(
    database: Database,
    name: str,
    post: Post,
    batch: str,
    *,
    by: str,
    now: datetime,
    real: bool,
) -> list[Payout]:
    """Mark all approved withdrawals as sent with a batch, at most `MOST_AT_ONCE`.

    `real` says whether whoever gets the payouts will pay them.

    Raises:
        UnknownProgram: there is none of this name.
        PayoutRefused: the batch cannot have this name, or the program's profile has another
            kind of money.
    """
    if not is_batch(batch):
        raise PayoutRefused(f"batch is {batch!r}; give 1 to 18 letters and digits of ASCII")
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        check_money(program, real=real)
        sent = withdrawals.read_batch(tx, program, batch)
        approved = [] if sent else withdrawals.list_withdrawals(
            tx, program, state="approved", most=MOST_AT_ONCE
        )  # fmt: skip
    if approved:
        # One that somebody else rejected or sent meanwhile is refused, and not in the batch.
        post([
            event for row in approved
            for event in step_events(row, "sent", by=by, now=now, batch=batch)
        ])  # fmt: skip
        with database.snapshot() as tx:
            sent = withdrawals.read_batch(tx, program, batch)
    return [Payout(row.reference, row.member, row.amount_micro - row.fee_micro) for row in sent]


def check_money(program: Program, *, real: bool) -> None:
    """Refuse to pay real money where nothing is real, and to pretend where it is.

    Raises:
        PayoutRefused: names the profile, and the other way.

    Source: docs/algorithms/profiles.md, rule L2.
    """
    profile = get_profile(program.profile)
    where = f"{program.name} runs under the profile {profile.name}"
    if real and not profile.real_money:
        raise PayoutRefused(
            f"{where}, which has no real money, so nothing is paid out; use the sandbox, or "
            "open a program under another profile"
        )
    if profile.real_money and not real:
        raise PayoutRefused(
            f"{where}, whose money is real, and the sandbox pays nobody; write a file for the "
            "bank instead"
        )


def read_results(path: Path) -> Iterator[tuple[int, Result | str]]:
    """The rows of a bank's answer with their lines; text where a row cannot be read.

    Raises:
        PayoutRefused: the file is not there, is no CSV in UTF-8 or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from read_rows(file, str(path))
    except OSError as error:
        raise PayoutRefused(f"{path}: {error.strerror}; check the path") from None


def read_rows(lines: Iterable[str], called: str) -> Iterator[tuple[int, Result | str]]:
    """The rows of a bank's answer, as `read_results`; a refusal names it as it is called.

    Raises:
        PayoutRefused: it is no CSV in UTF-8 or lacks a column.
    """
    try:
        rows = csv.DictReader(lines, strict=True)
        missing = {"reference", "state"} - set(rows.fieldnames or ())
        if missing:
            raise PayoutRefused(
                f"{called} has no column {' and no '.join(sorted(missing))}; "
                "it needs reference and state, and may have reason"
            )
        for row in rows:
            if None in row or None in row.values():
                yield rows.line_num, "the row has not as many cells as the header"
            else:
                reason = row.get("reason", "")
                yield rows.line_num, Result(row["reference"], row["state"], reason)
    except (csv.Error, UnicodeDecodeError) as error:
        raise PayoutRefused(f"{called} is not a CSV file in UTF-8: {error}") from None


def apply_results(
    database: Database,
    name: str,
    post: Post,
    rows: Iterable[tuple[int, Result | str]],
    *,
    by: str,
    now: datetime,
) -> Report:
    """Take in what became of payouts; whatever cannot be used changes nothing.

    Raises:
        UnknownProgram: there is none of this name.
    """
    report = Report()
    results: list[tuple[int, Result]] = []
    for line, row in rows:
        if isinstance(row, str):
            report.findings.append((line, row))
        else:
            results.append((line, row))
    if results:
        planned = _plan(database, name, results, report)
        events = [
            event for row, withdrawal in planned.values()
            for event in step_events(
                withdrawal, row.state, by=by, now=now, why=_plain(row.reason)
            )
        ]  # fmt: skip
        outcomes = post(events) if events else []
        for (line, (row, _)), outcome in zip(planned.items(), outcomes, strict=True):
            if outcome.refusal is None:
                report.changed[row.state] += 1
            else:
                report.findings.append((line, f"{outcome.refusal}; import the file again"))
    report.findings.sort()
    return report


def _plan(
    database: Database, name: str, results: Sequence[tuple[int, Result]], report: Report
) -> dict[int, tuple[Result, Withdrawal]]:
    """The results that bring a withdrawal further, by line; all others go into the report."""
    said = defaultdict[str, set[str]](set)
    for _, row in results:
        said[row.reference].add(row.state)
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        references = [reference for reference in said if is_name(reference)]
        known = withdrawals.read_references(tx, program, references)
        steps = withdrawals.read_steps(tx, program, [row.id for row in known.values()])
    told = {(step.withdrawal, step.to_state) for step in steps}
    planned: dict[int, tuple[Result, Withdrawal]] = {}
    for line, row in results:
        withdrawal = known.get(row.reference)
        why_not = _objection(row, withdrawal, said[row.reference])
        if why_not or withdrawal is None:
            report.findings.append((line, why_not))
        elif (withdrawal.id, row.state) in told:
            report.repeated += 1
        elif row.state not in NEXT.get(withdrawal.state, ()):
            why_not = f"{row.reference} cannot be {row.state}: it is {withdrawal.state} already"
            report.findings.append((line, why_not))
        else:
            planned[line] = row, withdrawal
            told.add((withdrawal.id, row.state))
    return planned


def _objection(row: Result, withdrawal: Withdrawal | None, said: set[str]) -> str:
    """Why a result cannot be used, however far the withdrawal came; empty if it can."""
    if withdrawal is None:
        return f"reference {row.reference!r} is unknown: nothing was sent under it"
    if row.state not in OUTCOMES:
        return f"state is {row.state!r}; known are {', '.join(OUTCOMES)}"
    if len(said) > 1:
        return f"the file says of {row.reference} {' and '.join(sorted(said))}; it can be one"
    return ""


def _plain(reason: str) -> str:
    """A reason as an event can hold it."""
    return "".join(c if c.isprintable() else " " for c in reason)[:LONGEST_ID].strip()
