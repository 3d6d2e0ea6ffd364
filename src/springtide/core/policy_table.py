"""A table of a policy file, read key by key: whatever is wrong in it is refused by its name."""

from collections.abc import Callable, Iterator
from typing import cast

from springtide.core.event_fields import is_name, is_region
from springtide.core.policy import PolicyError
from springtide.core.units import LIMIT, PPM, format_ratio, parse_decimal, parse_money

RATIO_DECIMALS = 6


class Table:
    """A table of the file, read key by key; whatever nobody asked for is refused."""

    def __init__(self, values: object, path: str) -> None:
        if not isinstance(values, dict):
            raise PolicyError(f"{path} is {values!r}; it must be a table")
        self._values = cast(dict[str, object], dict(values))
        self._path = path
        self._children: list[Table] = []

    def name(self, key: str) -> str:
        """The full name of a parameter, as refusals call it."""
        return f"{self._path}.{key}" if self._path else key

    def take(self, key: str) -> object:
        """The value of a parameter, which is not asked for again; None if it is missing."""
        return self._values.pop(key, None)

    def table(self, key: str) -> "Table":
        """A table inside this one; an empty one if it is missing."""
        value = self.take(key)
        child = Table({} if value is None else value, self.name(key))
        self._children.append(child)
        return child

    def has(self, key: str) -> bool:
        """Whether a parameter is given."""
        return key in self._values

    def multiple(self, key: str) -> int:
        """A positive decimal that may pass 1, in ppm."""
        return self._number(
            key, None, lambda text: parse_decimal(text, RATIO_DECIMALS), '"1.2"'
        )

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def close(self) -> None:
        """Refuse what nobody asked for, here and in the tables inside."""
        for key in self._values:
            raise PolicyError(f"{self.name(key)} is not known here; remove or correct it")
        for child in self._children:
            child.close()

    def _number(
        self, key: str, default: str | None, parse: Callable[[object], int], form: str
    ) -> int:
        value = self.take(key)
        value = default if value is None else value
        if value is None:
            raise PolicyError(f"{self.name(key)} is missing; give it as a string like {form}")
        try:
            return parse(value)
        except ValueError as error:
            raise PolicyError(f"{self.name(key)}: {error}; give it like {form}") from None

    def ratio(self, key: str, default: str | None = None, *, below_one: bool = False) -> int:
        """A ratio in 0..1 as ppm; with `below_one`, 1 itself is refused."""
        ppm = self._number(
            key, default, lambda text: parse_decimal(text, RATIO_DECIMALS), '"0.20"'
        )
        highest = PPM - 1 if below_one else PPM
        if ppm > highest:
            bound = "below 1" if below_one else "in 0..1"
            raise PolicyError(
                f"{self.name(key)} is {format_ratio(ppm)}; a ratio must be {bound}"
            )
        return ppm

    def money(self, key: str, default: str | None = None) -> int:
        """Money in micro, 2^63 - 1 at most."""
        micro = self._number(key, default, parse_money, '"5000.00"')
        if micro > LIMIT:
            raise PolicyError(f"{self.name(key)} passes 2^63 - 1 micro; lower it")
        return micro

    def optional_money(self, key: str) -> int | None:
        """Money in micro; None if it is missing."""
        return self.money(key) if self.has(key) else None

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number between two others, both included."""
        value = self.take(key)
        value = default if value is None else value
        if type(value) is not int or not least <= value <= most:
            raise PolicyError(
                f"{self.name(key)} is {value!r}; give a whole number from {least} to {most}"
            )
        return value

    def choice(self, key: str, default: str, other: str) -> bool:
        """Whether `other` was chosen instead of the default."""
        value = self.take(key)
        if value in (None, default, other):
            return value == other
        raise PolicyError(f'{self.name(key)} is {value!r}; give "{default}" or "{other}"')

    def flag(self, key: str, *, default: bool) -> bool:
        """A switch, true or false."""
        value = self.take(key)
        if value is None or type(value) is bool:
            return default if value is None else value
        raise PolicyError(f"{self.name(key)} is {value!r}; give true or false")

    def person(self, key: str) -> str:
        """The id of a member."""
        value = self.take(key)
        if not is_name(value):
            raise PolicyError(f"{self.name(key)} is {value!r}; give the id of a member")
        return cast(str, value)

    def region(self, key: str) -> str:
        """A region of 2, 4 or 6 digits; empty if it is missing."""
        value = self.take(key)
        if value is None:
            return ""
        if not is_region(value):
            raise PolicyError(f"{self.name(key)} is {value!r}; give 2, 4 or 6 digits")
        return cast(str, value)
