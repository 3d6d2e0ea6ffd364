"""The profile of a program, and the licences and opinions that it has on file."""

from datetime import date

from starlette.responses import Response

from springtide.services import profiles
from springtide.services.gateway import UnknownEvidence, UnusableEvidence
from springtide.services.login import SignedIn
from springtide.services.profiles import Wish
from springtide.web.pages.shared.call import Call, Missing

FIELDS = ("feature", "kind", "number", "issuer", "valid_from", "expires_on", "depth")


class Unusable(Exception):
    """A field of the form that cannot be, and why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field
        self.why = why


def show(call: Call, staff: SignedIn) -> Response:
    """What the profile allows, and what is on file."""
    return _page(call, staff)


def add(call: Call, staff: SignedIn) -> Response:
    """Record a document; of the file only the hash is kept."""
    try:
        wish = _wish(call)
        profiles.add_evidence(
            call.database, call.program, wish, f"staff:{staff.name}", call.now
        )
    except Unusable as error:
        return _page(call, staff, 422, {error.field: error.why})
    except UnusableEvidence as error:
        return _page(call, staff, 422, {"": str(error)})
    return call.go(call.at("console", "/profile"))


def revoke(call: Call, staff: SignedIn) -> Response:
    """Let a document count no more."""
    text = str(call.request.path_params["number"])
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Missing
    actor = f"staff:{staff.name}"
    try:
        profiles.revoke_evidence(call.database, call.program, int(text), actor, call.now)
    except UnknownEvidence:
        raise Missing from None
    return call.go(call.at("console", "/profile"))


def _wish(call: Call) -> Wish:
    """What the form asks for.

    Raises:
        Unusable: a field that no service could read.
    """
    form = call.form
    digest, depth = form.get("file", ""), form.get("depth", "")
    if not digest:
        raise Unusable("file", call.say("Choose the file; only its SHA-256 is kept."))
    if depth and not (depth.isascii() and depth.isdigit() and len(depth) < 5):
        raise Unusable("depth", call.say("Give a whole number, or nothing."))
    return Wish(
        form.get("feature", ""),
        form.get("kind", ""),
        form.get("number", ""),
        form.get("issuer", ""),
        _date(call, "valid_from"),
        _date(call, "expires_on"),
        bytes.fromhex(digest),
        int(depth) if depth else None,
    )


def _date(call: Call, name: str) -> date:
    try:
        return date.fromisoformat(call.form.get(name, ""))
    except ValueError:
        raise Unusable(name, call.say("Give a day like 2026-12-31.")) from None


def _page(
    call: Call, staff: SignedIn, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    rows = profiles.list_evidence(call.database, call.program)[::-1]
    stands = profiles.standing(call.database, call.program, call.now)
    return call.page(
        "console/profile.html", status, staff=staff, tab="profile", stands=stands, rows=rows,
        features=list(profiles.FEATURES), kinds=list(profiles.KINDS), today=call.now.date(),
        asks=any(stands.profile.evidence.get(name) for name in stands.features),
        errors=errors or {}, typed={name: call.form.get(name, "") for name in FIELDS},
    )  # fmt: skip
