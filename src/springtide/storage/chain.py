"""The canonical form of entries, and the hash chain over batches of them.

The canonical form of a row is the line that PostgreSQL's COPY writes for it: its columns with
tabs between them and backslashes doubled. So psql and sha256sum alone can reproduce it. The
hash of a batch is

    SHA-256(hash of the batch before || SHA-256(entry rows) || SHA-256(transfer rows))

with rows in the order of seq, and of line within it. Before the first batch stand 32 zero
bytes. The columns are those of `ENTRY_COLUMNS` and `TRANSFER_COLUMNS`.
"""

from hashlib import sha256
from typing import LiteralString

import msgspec

from springtide.core.event_fields import Json
from springtide.core.state import Receipt

ENTRY_COLUMNS: LiteralString = "program_id, seq, id, kind, policy_version, event, receipt"
TRANSFER_COLUMNS: LiteralString = "program_id, seq, line, kind, debit, credit, amount"

NO_HASH = bytes(32)

_sorted = msgspec.json.Encoder(order="deterministic").encode
_as_given = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, object]).decode


def encode_event(event: Json) -> str:
    """An event as JSON with sorted keys."""
    return _sorted(event).decode()


def encode_receipt(receipt: Receipt) -> str:
    """A receipt as JSON, its fields in the order in which the rules give them."""
    return _as_given(receipt).decode()


def decode(text: str | bytes) -> dict[str, object]:
    """An event or a receipt from its JSON."""
    return _decode(text)


def to_copy(rows: list[str]) -> bytes:
    """Rows as COPY reads and writes them; names and JSON hold no control characters."""
    return "".join(rows).replace("\\", "\\\\").encode()


class Chain:
    """The hash of one batch in the making."""

    def __init__(self, previous: bytes) -> None:
        self._previous = previous
        self._entries = sha256()
        self._transfers = sha256()

    def add(self, entry_rows: bytes, transfer_rows: bytes) -> None:
        """Take in the next rows, in their canonical form."""
        self._entries.update(entry_rows)
        self._transfers.update(transfer_rows)

    def digest(self) -> bytes:
        """The hash of the batch as far as it was added."""
        return sha256(
            self._previous + self._entries.digest() + self._transfers.digest()
        ).digest()
