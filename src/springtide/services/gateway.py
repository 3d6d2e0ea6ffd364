"""What commands and pages need to know of storage: how to open it, and how it says no."""

from springtide.storage.database import Database, open_database
from springtide.storage.errors import (
    BadName,
    DatabaseDown,
    NotPossible,
    ProgramExists,
    UnknownKey,
    UnknownMember,
    UnknownProgram,
    UnusableKey,
)

__all__ = [
    "BadName",
    "Database",
    "DatabaseDown",
    "NotPossible",
    "ProgramExists",
    "UnknownKey",
    "UnknownMember",
    "UnknownProgram",
    "UnusableKey",
    "open_database",
]
