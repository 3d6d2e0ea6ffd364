"""What commands and pages need to know of storage: how to open it, and how it says no."""

from springtide.storage.database import Database, open_database
from springtide.storage.errors import (
    BadName,
    DatabaseDown,
    DraftState,
    FourEyes,
    ProgramExists,
    UnknownDraft,
    UnknownEvidence,
    UnknownKey,
    UnknownMember,
    UnknownProgram,
    UnusableEvidence,
    UnusableKey,
)

__all__ = [
    "BadName",
    "Database",
    "DatabaseDown",
    "DraftState",
    "FourEyes",
    "ProgramExists",
    "UnknownDraft",
    "UnknownEvidence",
    "UnknownKey",
    "UnknownMember",
    "UnknownProgram",
    "UnusableEvidence",
    "UnusableKey",
    "open_database",
]
