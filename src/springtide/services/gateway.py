"""What commands and pages need to know of storage: how to open it, and how it says no."""

from springtide.storage.database import Database, open_database
from springtide.storage.errors import (
    BadName,
    DatabaseDown,
    LastOwner,
    ProgramExists,
    UnknownKey,
    UnknownMember,
    UnknownProgram,
    UnknownStaff,
    UnusableKey,
    UnusableStaff,
)

__all__ = [
    "BadName",
    "Database",
    "DatabaseDown",
    "LastOwner",
    "ProgramExists",
    "UnknownKey",
    "UnknownMember",
    "UnknownProgram",
    "UnknownStaff",
    "UnusableKey",
    "UnusableStaff",
    "open_database",
]
