"""What commands and pages need to know of storage: how to open it, and how it says no."""

from springtide.storage.database import Database, open_database
from springtide.storage.errors import (
    BadName,
    DatabaseDown,
    DraftState,
    FourEyes,
    LastOwner,
    ProgramExists,
    UnknownAlarm,
    UnknownDraft,
    UnknownEvidence,
    UnknownKey,
    UnknownMember,
    UnknownProgram,
    UnknownStaff,
    UnusableControl,
    UnusableEvidence,
    UnusableKey,
    UnusableStaff,
)

__all__ = [
    "BadName",
    "Database",
    "DatabaseDown",
    "DraftState",
    "FourEyes",
    "LastOwner",
    "ProgramExists",
    "UnknownAlarm",
    "UnknownDraft",
    "UnknownEvidence",
    "UnknownKey",
    "UnknownMember",
    "UnknownProgram",
    "UnknownStaff",
    "UnusableControl",
    "UnusableEvidence",
    "UnusableKey",
    "UnusableStaff",
    "open_database",
]
