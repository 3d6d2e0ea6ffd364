"""Writes members' movements for statements, beside the orders and after them."""

import asyncio

from springtide.services.gateway import Database
from springtide.services.movements import write_movements
from springtide.web.desks import again_and_again


async def write_movements_for_ever(database: Database, pause_s: float) -> None:
    """Look again and again whether there are enough to be written."""

    async def write() -> None:
        while await asyncio.to_thread(write_movements, database):
            """There may be more; between two steps the server can end."""

    await again_and_again("writing movements", write, pause_s)
