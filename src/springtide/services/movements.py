"""Movements of members, kept ready for statements: written now and then, many at once."""

from springtide.storage import movements
from springtide.storage.database import Database

BEHIND = 10_000
"""So many entries may be unwritten: reading their transfers takes some milliseconds."""

FAR_BEHIND = 30 * BEHIND
"""So many may be while orders wait: a statement then takes a tenth of a second more."""

MOST = 50_000
"""Entries in one transaction: about a second's work."""


def write_movements(database: Database, behind: int = BEHIND, most: int = MOST) -> int:
    """Write some of what statements read of every program that is behind.

    Gives of how many entries: if there were any, there may be more. Several servers may do so
    at once: whoever comes second leaves a program to the first.
    """
    with database.snapshot() as tx:
        programs = movements.list_behind(tx, behind)
    written = 0
    for program in programs:
        with database.transaction() as tx:
            written += movements.note_movements(tx, program, most)
    return written
