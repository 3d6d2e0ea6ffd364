"""Forms with a file: the file is hashed as it comes and kept nowhere.

The form gets the file's SHA-256 in place of the file, as hexadecimal digits; a field left empty
gives nothing.
"""

import hashlib
from collections.abc import AsyncGenerator

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

MOST_FILE = 20 * 1024 * 1024
TOO_LARGE = "body_too_large"
"""Stands in the form, with any value, if it was cut off."""

_MOST_BODY = MOST_FILE + 64 * 1024
_PART = 64 * 1024


class _TooLarge(Exception):
    """More came than is read."""


def has_files(request: Request) -> bool:
    """Whether a request brings a form of this kind."""
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    return kind == b"multipart/form-data"


async def read_files(request: Request) -> dict[str, str]:
    """The fields of a form; nothing of one that cannot be read."""
    parser = MultiPartParser(
        request.headers, _limited(request), max_files=1, max_fields=50, max_part_size=_PART
    )
    try:
        form = await parser.parse()
    except _TooLarge:
        return {TOO_LARGE: "yes"}
    except MultiPartException:
        return {}
    fields = {}
    for name, value in form.items():
        if not isinstance(value, UploadFile):
            fields[name] = value.strip()
        elif value.filename:
            fields[name] = await _hash(value)
    await form.close()
    return fields


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _MOST_BODY:
            raise _TooLarge
        yield part


async def _hash(file: UploadFile) -> str:
    digest = hashlib.sha256()
    while part := await file.read(_PART):
        digest.update(part)
    return digest.hexdigest()
