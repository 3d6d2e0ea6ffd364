"""Reading the log of acts: who did what to what, newest first."""

from springtide.storage import acts, programs
from springtide.storage.acts import Act
from springtide.storage.database import Database

__all__ = ["Act", "list_acts"]


def list_acts(
    database: Database,
    name: str | None,
    *,
    limit: int,
    before_id: int | None = None,
    subject: str | None = None,
    actor: str | None = None,
) -> list[Act]:
    """Acts of a program, or those that concern the installation alone, newest first.

    Only those before `before_id`, on one subject and by one actor, where these are given.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        program_id = acts.INSTALLATION if name is None else programs.get_program(tx, name).id
        return acts.list_acts(
            tx, program_id, limit=limit, before_id=before_id, subject=subject, actor=actor
        )
