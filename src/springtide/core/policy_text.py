"""The text of a policy or scenario file: where a parameter stands, and writing one in it.

Everything else of the text stays as it is, comments too. Whatever was written is read again:
if the file would say anything but what was meant, nothing is written.
"""

import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

_HEADER = re.compile(r"\s*\[([A-Za-z0-9_.-]+)\]\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_VALUE = re.compile(r"(\s*[A-Za-z0-9_-]+\s*=\s*)(?:\"[^\"]*\"|[^#\s\[{]+)(\s*(?:#.*)?)")
_NAMED = re.compile(r"[a-z][a-z_]*(?:\.[A-Za-z0-9_-]+)*")
_AT_LINE = re.compile(r"at line ([0-9]+)")


class NotWritten(ValueError):
    """The text is laid out so that a parameter cannot be written by itself."""


def quoted(text: str) -> str:
    """A string as TOML writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def value_of(document: dict[str, Any], name: str) -> object:
    """The value of a parameter by its dotted name; None if it is not given."""
    value: object = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def line_of(text: str, name: str) -> int | None:
    """The line of a parameter, from 1, or of the nearest table that it would stand in."""
    found = {place: number for number, place in _places(text.split("\n"))}
    while name:
        for place in (name, f"[{name}]"):
            if place in found:
                return found[place] + 1
        name = name.rpartition(".")[0]
    return None


def blamed(text: str, refusal: str) -> tuple[str, int | None]:
    """The parameter that a refusal begins with, if the text has it, and its line."""
    said = _AT_LINE.search(refusal)
    if said is not None:
        return "", int(said[1])
    named = _NAMED.match(refusal)
    name = named[0] if named else ""
    line = line_of(text, name)
    return (name, line) if line is not None else ("", None)


def write(text: str, name: str, value: str | None) -> str:
    """The text with a parameter set to a TOML value; None takes it out.

    A table that has nothing left is taken out too.

    Raises:
        NotWritten: the text is no TOML, or would have to be written in another form.
    """
    try:
        meant = deepcopy(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise NotWritten(f"not a TOML file: {error}") from None
    table, _, key = name.rpartition(".")
    _set(meant, name.split("."), value)
    lines = text.split("\n")
    places = {place: number for number, place in _places(lines)}
    if name in places:
        _replace(lines, places[name], value)
    elif value is not None:
        _add(lines, places, table, f"{key} = {value}")
    written = "\n".join(_without_empty(lines, table, meant))
    try:
        fits = tomllib.loads(written) == meant
    except (tomllib.TOMLDecodeError, RecursionError):
        fits = False
    if not fits:
        raise NotWritten(f"{name} cannot be written by itself here; change it in the text")
    return written


def _places(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The number of each line that begins a table or gives a key, and its full name."""
    table = ""
    for number, line in enumerate(lines):
        header, key = _HEADER.fullmatch(line), _KEY.match(line)
        if header is not None:
            table = header[1]
            yield number, f"[{table}]"
        elif line.lstrip().startswith("["):
            table = "["  # one of an array of tables: what is in it has no name
        elif key is not None and table != "[":
            yield number, f"{table}.{key[1]}" if table else key[1]


def _set(meant: dict[str, Any], path: list[str], value: str | None) -> None:
    *tables, key = path
    inside = meant
    for table in tables:
        inside = inside.setdefault(table, {})
        if not isinstance(inside, dict):
            raise NotWritten(f"{'.'.join(path)}: {table} is not a table here")
    if value is not None:
        inside[key] = tomllib.loads(f"x = {value}")["x"]
        return
    inside.pop(key, None)
    while tables and not inside:
        inside = meant
        for table in tables[:-1]:
            inside = inside[table]
        inside.pop(tables.pop(), None)


def _replace(lines: list[str], number: int, value: str | None) -> None:
    if value is None:
        del lines[number]
        return
    match = _VALUE.fullmatch(lines[number])
    if match is not None:
        lines[number] = f"{match[1]}{value}{match[2]}"


def _add(lines: list[str], places: dict[str, int], table: str, line: str) -> None:
    if not table:
        headers = [number for place, number in places.items() if place.startswith("[")]
        lines.insert(min(headers, default=len(lines)), line)
        return
    header = places.get(f"[{table}]")
    if header is None:
        while lines and not lines[-1].strip():
            lines.pop()
        lines += ["", f"[{table}]", line, ""]
        return
    inside = [number for place, number in places.items()
              if place.rpartition(".")[0] == table and not place.startswith("[")]  # fmt: skip
    lines.insert(max(inside, default=header) + 1, line)


def _without_empty(lines: list[str], table: str, meant: dict[str, Any]) -> list[str]:
    if not table or value_of(meant, table) is not None:
        return lines
    return [line for line in lines
            if (found := _HEADER.fullmatch(line)) is None or found[1] != table]  # fmt: skip
