"""Redemption by one-time code: a member makes it, a merchant's till hands it in.

The redemption is an event whose id is made of the code's, so a code is used once, however
often and from however many tills it comes. Whether it was used, the journal says.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from springtide.core.event_fields import Json, is_name
from springtide.core.events import Redeem, read_event
from springtide.core.refusals import IdReused, InvalidAmount, InvalidEvent
from springtide.core.units import LIMIT, format_points, parse_points
from springtide.storage import acts, codes, listing, programs
from springtide.storage.codes import RedemptionCode
from springtide.storage.database import Database

__all__ = [
    "CODE_USED",
    "LONGEST_ID",
    "LONGEST_MINUTES",
    "RedemptionCode",
    "UnusableCode",
    "make_code",
    "read_code",
    "redemption_by_code",
]

REDEMPTION = "springtide:redeem:"
"""How the id of a redemption by code begins; the code's id follows."""

CODE_USED = "the code was used before, for something else; ask for a new one"

LONGEST_ID = 200
LONGEST_MINUTES = 24 * 60

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: none is taken for another when it is read out."""

LENGTH = 12
"""Letters of a code, of five bits each: no till guesses one of them within its day."""

_READ_AS = str.maketrans("OIL", "011", "- ")


class UnusableCode(Exception):
    """A code that cannot be redeemed.

    Attributes:
        code: `unknown_code`, `code_expired`, `code_exceeded` or `code_used`.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def make_code(
    database: Database,
    name: str,
    id_: str,
    member: str,
    points: str,
    minutes: int,
    actor: str,
    now: datetime,
    random_below: Callable[[int], int],
) -> tuple[str, RedemptionCode]:
    """A new code for at most so many points, in place of the member's last one.

    Gives the code, which is kept nowhere, and its record. `random_below` gives a random whole
    number below one, as `secrets.randbelow`.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
        InvalidEvent: the id or the member cannot name anything, or the time is no minutes.
        InvalidAmount: the points are not a number of points above zero.
        IdReused: the program has a code of this id.
    """
    _check(id_, member, minutes)
    points_nano = _points(points)
    code = "".join(LETTERS[random_below(len(LETTERS))] for _ in range(LENGTH))
    with database.transaction() as tx:
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        expires_at = now + timedelta(minutes=minutes)
        if not codes.insert_code(
            tx, program, id_, member, points_nano, _digest(code), now, expires_at
        ):
            raise IdReused(f"there is a code {id_} already; choose another id")
        acts.append_act(tx, program.id, now, actor, "redemption_code.make", id_)
        made = codes.find_code(tx, program, id_)
    assert made is not None
    return "-".join(code[at : at + 4] for at in range(0, LENGTH, 4)), made


def _check(id_: str, member: str, minutes: int) -> None:
    if not is_name(id_) or len(id_) > LONGEST_ID:
        raise InvalidEvent(f"id is {id_!r}; give 1 to {LONGEST_ID} characters of text")
    if not is_name(member):
        raise InvalidEvent(f"member is {member!r}, which names nobody")
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise InvalidEvent(f"minutes is {minutes}; give 1 to {LONGEST_MINUTES}")


def _points(text: str) -> int:
    try:
        points = parse_points(text)
    except ValueError as error:
        raise InvalidAmount(f"points: {error}") from None
    if not 0 < points <= LIMIT:
        raise InvalidAmount(f"points is {text!r}; give a number above zero, below 2^63 nano")
    return points


def read_code(
    database: Database, name: str, id_: str, now: datetime
) -> tuple[RedemptionCode, str] | None:
    """A code by its id, without the code itself, and its state.

    That is `open`, `used`, `expired`, or `closed` because the member made another one.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        code = codes.find_code(tx, program, id_)
        if code is None:
            return None
        used = listing.is_posted(tx, program, REDEMPTION + id_)
    if used:
        return code, "used"
    if code.closed_at is not None:
        return code, "closed"
    return code, "open" if now < code.expires_at else "expired"


def redemption_by_code(database: Database, name: str, wish: Json, now: datetime) -> Json:
    """The redemption that a till asks for by `code`, `merchant` and, if not all, `points`.

    For a code that was used it is the redemption that was posted, if it is the same.

    Raises:
        UnusableCode: there is no such code, or it is used, expired, closed or for less.
        InvalidEvent, InvalidAmount: the wish cannot be one.
    """
    digest = _digest(str(wish.get("code", "")))
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        code = codes.find_code_by_hash(tx, program, digest)
        if code is None:
            raise UnusableCode("unknown_code", "there is no such code; check it, or ask again")
        posted = listing.read_entry(tx, program, ["redeem"], REDEMPTION + code.id)
    most = code.points * (program.split_factor // code.split_factor)
    event = {
        "type": "redeem",
        "id": REDEMPTION + code.id,
        "member": code.member,
        "merchant": wish.get("merchant"),
        "points": wish.get("points", format_points(most)),
    }
    asked = read_event(event)
    assert isinstance(asked, Redeem)
    if posted is not None:
        return _again(json.loads(posted.event), event, all_of_it="points" not in wish)
    if code.closed_at is not None or now >= code.expires_at:
        raise UnusableCode("code_expired", "the code is no longer valid; ask for a new one")
    points = asked.request.points_nano
    if points is None or points > most:
        raise UnusableCode(
            "code_exceeded",
            f"the code is for at most {format_points(most)} points; ask for less",
        )
    return event


def _again(posted: Json, event: Json, *, all_of_it: bool) -> Json:
    same = posted["merchant"] == event["merchant"]
    if same and (all_of_it or posted["points"] == event["points"]):
        return posted
    raise UnusableCode("code_used", CODE_USED)


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.upper().translate(_READ_AS).encode()).digest()
