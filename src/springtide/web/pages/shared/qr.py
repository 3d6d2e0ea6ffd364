"""QR codes, drawn on the server: an image that any camera reads, in light and in dark."""

from io import BytesIO

import segno

from springtide.web.pages.shared.call import Call

QUIET = 4
"""Modules of white around a code, as its standard wants."""


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", micro=False)


def qr(text: str) -> str:
    """A QR code as an address of its own picture: black on white, with its quiet margin."""
    return _code(text).svg_data_uri(
        scale=8, border=QUIET, dark="#000", light="#fff", omitsize=True
    )


def png(text: str) -> bytes:
    """A QR code as a picture that every phone keeps among its photos."""
    picture = BytesIO()
    _code(text).save(picture, kind="png", scale=12, border=QUIET)
    return picture.getvalue()


def squares(text: str) -> tuple[int, list[tuple[int, int]]]:
    """How many modules wide a QR code is with its margin, and where its dark ones are."""
    code = _code(text)
    dark = [
        (x + QUIET, y + QUIET)
        for y, row in enumerate(code.matrix)
        for x, is_dark in enumerate(row)
        if is_dark
    ]
    return int(code.symbol_size(border=QUIET)[0]), dark


def whole(call: Call, public_url: str, path: str) -> str:
    """An address as somebody else must type it, with the host."""
    return f"{(public_url or str(call.request.base_url)).rstrip('/')}{path}"
