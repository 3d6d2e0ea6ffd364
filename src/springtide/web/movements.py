"""Writes what is kept of journals, beside the orders and after them.

Members' movements for statements, and what pages say of the whole.
"""

import asyncio

from springtide.services.gateway import Database
from springtide.services.history import write_histories
from springtide.services.movements import BEHIND, FAR_BEHIND, write_movements
from springtide.web.desks import Desks, again_and_again


async def write_movements_for_ever(database: Database, desks: Desks, pause_s: float) -> None:
    """Look again and again whether there are enough to be written; orders come first."""

    async def write() -> None:
        while await asyncio.to_thread(
            write_movements, database, FAR_BEHIND if desks.waiting else BEHIND
        ):
            """There may be more; between two steps the server can end."""
        while not desks.waiting:
            if not await asyncio.to_thread(write_histories, database):
                return

    await again_and_again("writing movements", write, pause_s)
