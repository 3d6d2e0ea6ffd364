"""Fields of events, read from parsed JSON: names, regions, amounts.

Amounts are unbounded here; `overflow` is decided by the reducer.
"""

import re
from collections.abc import Callable, Mapping
from typing import cast

from springtide.core.refusals import InvalidAmount, InvalidEvent
from springtide.core.units import parse_money, parse_points

Json = Mapping[str, object]
"""An event as parsed from JSON; fields nobody reads are kept as part of its content."""

LONGEST_ID = 255
"""Characters of an id: more than any shop needs, and few enough for a database index."""

_NAME = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{LONGEST_ID}}}").fullmatch

ALL = "all"


def is_name(value: object) -> bool:
    """Whether this can name something: text without control characters, not too long."""
    return type(value) is str and _NAME(value) is not None


def read_name(event: Json, field: str) -> str:
    """A name of somebody or something."""
    value = event.get(field)
    if type(value) is str and 0 < len(value) <= LONGEST_ID and value.isprintable():
        return value  # what is printable has no control characters: quick, and nearly all
    if is_name(value):
        return cast(str, value)
    raise InvalidEvent(
        f"{field} is {value!r}; give 1 to {LONGEST_ID} characters of text, none of them control"
    )


def read_optional_name(event: Json, field: str) -> str:
    """A name, or nothing if none was given."""
    value = event.get(field)
    return "" if value is None or value == "" else read_name(event, field)


def read_region(event: Json) -> str:
    """A region code, or nothing if none was given."""
    value = event.get("region")
    if value is None or value == "":
        return ""
    if not is_region(value):
        raise InvalidEvent(f"region is {value!r}; give 2, 4 or 6 digits of GB/T 2260")
    return str(value)


def is_region(value: object) -> bool:
    """Whether this is a region code of 2, 4 or 6 ASCII digits."""
    return (
        type(value) is str and len(value) in (2, 4, 6) and value.isascii() and value.isdigit()
    )


def read_present(event: Json, field: str) -> object:
    """A field that has to be there."""
    if field not in event:
        raise InvalidEvent(f"{field} is missing")
    return event[field]


def read_positive(value: object, parse: Callable[[object], int], field: str) -> int:
    """A number above zero, as `parse` reads it."""
    try:
        number = parse(value)
    except ValueError as error:
        raise InvalidAmount(f"{field}: {error}") from None
    if number == 0:
        raise InvalidAmount(f"{field} is {value!r}; it must be above zero")
    return number


def read_money(value: object, field: str = "amount") -> int:
    """An amount above zero, in micro."""
    return read_positive(value, parse_money, field)


def read_points(value: object) -> int | None:
    """Points above zero, in nano; None for all of them."""
    return None if value == ALL else read_positive(value, parse_points, "points")
