"""Switches: stopping a part of a program at once, and letting it go on."""

from starlette.responses import Response

from springtide.services import controls
from springtide.services.gateway import UnusableControl
from springtide.services.login import SignedIn
from springtide.web.pages.shared.call import Call, Missing


def show(call: Call, staff: SignedIn) -> Response:
    """How the four switches stand, who put them there and why."""
    rows = controls.list_switches(call.database, call.program)
    return call.page("console/switches.html", staff=staff, tab="switches", rows=rows)


def ask(call: Call, staff: SignedIn) -> Response:
    """What turning a switch does; it asks for the reason."""
    return _page(call, staff)


def turn(call: Call, staff: SignedIn) -> Response:
    """Turn a switch, with a reason."""
    name, _ = _stands(call)
    wanted, reason = call.form.get("to", ""), call.form.get("reason", "")
    if wanted not in ("on", "off"):
        raise Missing
    try:
        controls.set_switch(
            call.database, call.program, name, reason, f"staff:{staff.name}", call.now,
            off=wanted == "off",
        )  # fmt: skip
    except UnusableControl:
        said = call.say("Say why in 1 to 255 characters of plain text; it is logged.")
        return _page(call, staff, 422, reason=reason, error=said)
    return call.go(call.at("console", "/switches"))


def _stands(call: Call) -> tuple[str, controls.Switch | None]:
    name = str(call.request.path_params["name"])
    rows = dict(controls.list_switches(call.database, call.program))
    if name not in rows:
        raise Missing
    return name, rows[name]


def _page(
    call: Call, staff: SignedIn, status: int = 200, reason: str = "", error: str = ""
) -> Response:
    name, row = _stands(call)
    return call.page(
        "console/switch.html", status, staff=staff, tab="switches", name=name, row=row,
        reason=reason, error=error,
    )  # fmt: skip
