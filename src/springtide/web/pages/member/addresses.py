"""The member's pages by their addresses."""

from collections.abc import Iterator
from functools import partial
from threading import Event

from starlette.routing import Route

from springtide.services import demo
from springtide.web.pages.member import (
    cashing,
    daily,
    earning,
    home,
    inviting,
    leaving,
    noticing,
    ordering,
    redeeming,
    withdrawing,
)
from springtide.web.pages.member.live import Live
from springtide.web.pages.shared.call import Call, House, routes
from springtide.web.pages.shared.people import Sessions, member_cookies
from springtide.web.pages.shared.phone_door import Door
from springtide.web.pages.shared.sandbox import Sandbox


def addresses(house: House, closing: Event, public_url: str) -> Iterator[Route]:
    """All of them, and the stream of prices."""
    people = Sessions(member_cookies(public_url), "member", lambda call: call.at("m", "/login"))
    door = Door(
        people, Sandbox(), lambda call: call.at("m"), _hint, inviting.carried, inviting.entered
    )
    yield from routes(
        house,
        {
            "/i/{program}/{code}": partial(inviting.landing, people),
            "/m/{program}/login": door.show,
            "POST /m/{program}/login": door.send,
            "POST /m/{program}/enter": door.enter,
            "POST /m/{program}/leave": people.needed(door.leave),
            "/m/{program}": people.needed(home.home),
            "/m/{program}/lots": people.needed(home.lots),
            "/m/{program}/lots/{seq:int}": people.needed(home.lot),
            "/m/{program}/orders": people.needed(ordering.orders),
            "/m/{program}/orders/{id:path}": people.needed(ordering.order),
            "/m/{program}/wallet": people.needed(home.wallet),
            "/m/{program}/disclosure": people.needed(home.disclosure),
            "/m/{program}/account": people.needed(home.account),
            "/m/{program}/export.json": people.needed(home.export),
            "/m/{program}/cash-out": people.needed(cashing.ask),
            "POST /m/{program}/cash-out": people.needed(cashing.confirm),
            "/m/{program}/cash-outs/{id}": people.needed(cashing.receipt),
            "/m/{program}/requests/{id:path}": people.needed(daily.show),
            "POST /m/{program}/requests/{id:path}/cancel": people.needed(daily.cancel),
            "/m/{program}/withdraw": people.needed(withdrawing.ask),
            "POST /m/{program}/withdraw": people.needed(withdrawing.confirm),
            "/m/{program}/withdrawals": people.needed(withdrawing.listed),
            "/m/{program}/withdrawals/{id:path}": people.needed(withdrawing.show),
            "POST /m/{program}/withdrawals/{id:path}/cancel": people.needed(withdrawing.cancel),
            "/m/{program}/earnings": people.needed(earning.earnings),
            "/m/{program}/earnings/{id:path}": people.needed(earning.why),
            "/m/{program}/invite": people.needed(inviting.invite),
            "POST /m/{program}/invite": people.needed(inviting.make),
            "/m/{program}/invite/poster.svg": people.needed(inviting.poster),
            "/m/{program}/invite/qr.png": people.needed(inviting.qr_png),
            "/m/{program}/invited": people.needed(inviting.invited),
            "POST /m/{program}/invited": people.needed(inviting.join),
            "/m/{program}/redeem": people.needed(redeeming.ask),
            "POST /m/{program}/redeem": people.needed(redeeming.make),
            "/m/{program}/redeem/{id}": people.needed(redeeming.state),
            "/m/{program}/notices": people.needed(noticing.notices),
            "/m/{program}/delete": people.needed(leaving.ask),
            "POST /m/{program}/delete": people.needed(partial(leaving.confirm, people)),
            "/m/{program}/left": leaving.left,
        },
    )
    yield Route("/m/{program}/live", Live(house, people, closing).follow)


def _hint(call: Call) -> str:
    return demo.PHONE if call.program == demo.PROGRAM else ""
