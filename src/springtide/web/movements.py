"""Writes members' movements for statements, beside the orders and after them."""

import asyncio

from springtide.services.gateway import Database
from springtide.services.movements import BEHIND, FAR_BEHIND, write_movements
from springtide.web.desks import Desks, again_and_again


async def write_movements_for_ever(database: Database, desks: Desks, pause_s: float) -> None:
    """Look again and again whether there are enough to be written; orders come first."""

    async def write() -> None:
        while await asyncio.to_thread(
            write_movements, database, FAR_BEHIND if desks.waiting else BEHIND
        ):
            """There may be more; between two steps the server can end."""

    await again_and_again("writing movements", write, pause_s)
