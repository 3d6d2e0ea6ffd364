"""QR codes, drawn on the server: an image that any camera reads, in light and in dark."""

import segno

from springtide.web.pages.shared.call import Call


def qr(address: str) -> str:
    """A QR code as an address of its own picture: black on white, with its quiet margin."""
    code = segno.make(address, error="m", micro=False)
    return code.svg_data_uri(scale=8, border=4, dark="#000", light="#fff", omitsize=True)


def whole(call: Call, public_url: str, path: str) -> str:
    """An address as somebody else must type it, with the host."""
    return f"{(public_url or str(call.request.base_url)).rstrip('/')}{path}"
