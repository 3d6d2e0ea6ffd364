"""Looking hosts up, for webhooks."""

import asyncio
import socket

from springtide.core.webhooks import Target

LOOKUP_LASTS_S = 5.0


def lookup(target: Target) -> list[str]:
    """The IP addresses of a host, in the order in which the system prefers them."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # no such host, or no such name of one
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def lookup_soon(target: Target) -> list[str]:
    """The same without holding up the loop; none if it takes long."""
    try:
        async with asyncio.timeout(LOOKUP_LASTS_S):
            return await asyncio.to_thread(lookup, target)
    except TimeoutError:
        return []
