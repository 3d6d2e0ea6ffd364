"""Regions of GB/T 2260, as python-stdnum has them, with the years in which they were valid."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_PROVINCE = re.compile(r'([0-9]{2}) province="(.*)"')
_COUNTY = re.compile(r' +([0-9]{4}) county="(.*)"')
_VALID = re.compile(r"\[([0-9]{4})?-([0-9]{4})?\](.*)")


@dataclass(frozen=True, slots=True)
class Region:
    """A province, a city or a district; the years are None where they are open."""

    code: str
    """2, 4 or 6 digits: how a policy and an order name it."""
    name: str
    since: int | None
    until: int | None

    def is_valid(self, year: int) -> bool:
        """Whether it was a region in this year."""
        return (self.since or year) <= year <= (self.until or year)


def _read() -> list[Region]:
    """Every name that every code ever had.

    Municipalities have districts right below them: their cities are the codes ending in 01
    and 02, which the data lists as a district of that name.
    """
    regions, province = [], ""
    text = (files("stdnum.cn") / "loc.dat").read_text(encoding="utf-8")
    for line in text.splitlines():
        if found := _PROVINCE.match(line):
            province = found[1]
            regions.append(Region(province, found[2], None, None))
        elif found := _COUNTY.match(line):
            rest, names = found[1], found[2]
            if rest == "0000":
                continue
            code = province + (rest[:2] if rest.endswith("00") else rest)
            regions.extend(_named(code, name) for name in names.split(",") if name)
    return regions


def _named(code: str, name: str) -> Region:
    valid = _VALID.fullmatch(name)
    if valid is None:
        return Region(code, name, None, None)
    since, until, plain = valid.groups()
    return Region(code, plain, int(since) if since else None, int(until) if until else None)


@cache
def _all() -> dict[str, tuple[Region, ...]]:
    found: dict[str, tuple[Region, ...]] = {}
    for region in _read():
        found[region.code] = (*found.get(region.code, ()), region)
    return found


def find_region(code: str, year: int) -> Region | None:
    """The region of a code that was valid in a year."""
    return next((one for one in _all().get(code, ()) if one.is_valid(year)), None)


def list_regions(parent: str, year: int) -> list[Region]:
    """The regions right below one that were valid in a year; provinces, if it is empty."""
    digits = len(parent) + 2
    return [
        region
        for code, names in sorted(_all().items())
        for region in names
        if code.startswith(parent) and len(code) == digits and region.is_valid(year)
    ]
