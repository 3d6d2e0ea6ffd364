"""Members who are frozen and let go, and alarms that somebody has seen."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from springtide.services import (
    acts,
    commissions,
    controls,
    listing,
    merchants,
    policies,
    withdrawals,
)
from springtide.services.gateway import UnknownAlarm, UnknownMember
from springtide.services.login import SignedIn
from springtide.web.pages.console.deeds import REFUSED, actor_of, path_id
from springtide.web.pages.shared.call import Call, Missing

MOST = 10
MOST_ALARMS = 1_000
FREEZES = ("member.freeze", "member.unfreeze")

Page = Callable[..., Response]


def facts(call: Call, staff: SignedIn, member: str) -> dict[str, Any]:
    """What a member's page says besides points: freezes, withdrawals, team and earnings."""
    rows = withdrawals.list_withdrawals(
        call.database, call.program, member=member, after=0, most=1_000
    )
    freezes = []
    if {"controls", "audit"} & staff.permissions(call.program):
        told = acts.list_acts(call.database, call.program, limit=100, subject=member)
        freezes = [act for act in told if act.what in FREEZES][:MOST]
    return {
        "frozen": controls.find_freeze(call.database, call.program, member),
        "freezes": freezes,
        "withdrawals": rows[::-1][:MOST],
        "wallet": listing.read_wallet(call.database, call.program, member),
        "team": commissions.read_team(call.database, call.program, member),
    }


class Care:
    """Freezing members; `page` shows the member again if it was refused."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def freeze(self, call: Call, staff: SignedIn) -> Response:
        """Freeze a member or let them go, with a reason."""
        id_, reason = path_id(call), call.form.get("reason", "")[:255]
        do = {"freeze": controls.freeze_member, "unfreeze": controls.unfreeze_member}.get(
            call.form.get("do", "")
        )
        if do is None:
            raise Missing
        try:
            do(call.database, call.program, id_, reason, actor_of(staff), call.now)
        except UnknownMember:
            raise Missing from None
        except REFUSED as refusal:
            return self._page(call, staff, refusal)
        return call.go(call.at("console", f"/members/{quote(id_)}"))


def waiting(call: Call, staff: SignedIn) -> dict[str, Any]:
    """What waits for people: withdrawals, drafts, applications and alarms nobody has seen."""
    counted = withdrawals.count_states(call.database, call.program)
    alarms = controls.list_alarms(call.database, call.program, 0, MOST_ALARMS)
    applied = merchants.list_applications(call.database, call.program, "applied", "", 100)
    may_approve = "policy.approve" in staff.permissions(call.program)
    drafts = (
        policies.list_for_approval(call.database, call.program, actor_of(staff))
        if may_approve
        else []
    )
    return {
        "drafts": drafts,
        "to_review": [counted[state] for state in ("requested", "under_review")],
        "to_send": counted["approved"],
        "unclear": counted["unknown"],
        "applied": len(applied),
        "alarms": [alarm for alarm in alarms[::-1] if alarm.acknowledged_at is None],
        "seen": [alarm for alarm in alarms[::-1] if alarm.acknowledged_at is not None][:3],
    }


def acknowledge(call: Call, staff: SignedIn) -> Response:
    """Note that somebody has seen an alarm."""
    try:
        controls.acknowledge_alarm(
            call.database, call.program, int(call.request.path_params["id"]), actor_of(staff),
            call.now,
        )  # fmt: skip
    except UnknownAlarm:
        raise Missing from None
    return call.go(call.at("console"))
