"""Batches of payouts: what was sent together, and the file of it for the bank."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from springtide.core.state import Withdrawal
from springtide.services.payouts import CsvFile, Payout, send
from springtide.services.withdrawals import Post
from springtide.storage import programs, withdrawals
from springtide.storage.database import Database
from springtide.storage.withdrawals import BatchRow

__all__ = ["BatchRow", "bank_file", "list_batches", "read_batch", "send_by_file"]


def list_batches(database: Database, name: str, most: int) -> list[BatchRow]:
    """What was sent together, the newest first.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return withdrawals.list_batches(tx, programs.get_program(tx, name), most)


def read_batch(database: Database, name: str, batch: str) -> list[Withdrawal]:
    """The withdrawals that were sent with a batch, oldest first; none if there is no such.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return withdrawals.read_batch(tx, programs.get_program(tx, name), batch)


def send_by_file(
    database: Database, name: str, post: Post, batch: str, *, by: str, now: datetime
) -> int:
    """Send all approved withdrawals as a batch of which a bank is given a file; how many.

    Raises:
        UnknownProgram: there is none of this name.
        PayoutRefused: the batch cannot have this name, or no file may leave the house.
    """
    with TemporaryDirectory(prefix="springtide-") as folder:
        adapter = CsvFile(Path(folder) / "payouts.csv")
        payouts, _ = send(database, name, post, adapter, batch, by=by, now=now)
    return len(payouts)


def bank_file(rows: Sequence[Withdrawal]) -> str:
    """The file for the bank: reference, member and the amount less the fee, in whole cents."""
    with TemporaryDirectory(prefix="springtide-") as folder:
        path = Path(folder) / "payouts.csv"
        CsvFile(path).send(
            [
                Payout(row.reference, row.member, row.amount_micro - row.fee_micro)
                for row in rows
            ]
        )
        return path.read_text(encoding="utf-8")
