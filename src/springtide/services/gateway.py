"""What commands and pages need to know of storage: how to open it, and how it says no."""

from springtide.storage.database import Database, open_database
from springtide.storage.errors import (
    BadName,
    DatabaseDown,
    ProgramExists,
    UnknownAlarm,
    UnknownKey,
    UnknownMember,
    UnknownProgram,
    UnusableControl,
    UnusableKey,
)

__all__ = [
    "BadName",
    "Database",
    "DatabaseDown",
    "ProgramExists",
    "UnknownAlarm",
    "UnknownKey",
    "UnknownMember",
    "UnknownProgram",
    "UnusableControl",
    "UnusableKey",
    "open_database",
]
