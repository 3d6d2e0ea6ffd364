"""The console's pages by their addresses, and what may be done by whoever opens one."""

from collections.abc import Iterator

from starlette.routing import Route

from springtide.services import demo
from springtide.web.login import Door
from springtide.web.pages.console import (
    batches,
    books,
    care,
    earning,
    network,
    refunds,
    reviews,
    territories,
)
from springtide.web.pages.console.auditing import Audits
from springtide.web.pages.console.care import Care
from springtide.web.pages.console.door import Reception
from springtide.web.pages.console.office import office
from springtide.web.pages.shared.call import Handler, House, routes
from springtide.web.sessions import Cookies


def addresses(house: House, door: Door, public_url: str) -> Iterator[Route]:
    """All of them."""
    hints = demo.hints if house.demo else lambda _: []
    staff = Reception(Cookies(public_url), door, hints)
    audits = Audits()
    yield from routes(house, office(house, staff, door))
    yield from routes(
        house,
        {
            "/login": staff.show,
            "POST /login": staff.enter,
            "POST /leave": staff.leave,
            "/console": staff.start,
            "/console/{program}": staff.needed("read", books.overview),
            "/console/{program}/members": staff.needed("read", books.members),
            "/console/{program}/members/{id:path}": staff.needed("read", books.member),
            "/console/{program}/statements/{id:path}": staff.needed("read", books.statement),
            "/console/{program}/orders": staff.needed("read", books.orders),
            "/console/{program}/orders/{id:path}": staff.needed("read", books.order),
            "/console/{program}/prices": staff.needed("read", books.prices),
            "/console/{program}/audit": staff.needed("read", audits.show),
            "POST /console/{program}/audit": staff.needed("read", audits.start),
            "/console/{program}/log": staff.needed("audit", books.log),
            **_money(staff),
            **_network(staff),
        },
    )


def _money(staff: Reception) -> dict[str, Handler]:
    """What moves money, and who may move theirs."""
    review, refund = "review", "refunds"
    return {
        "/console/{program}/withdrawals": staff.needed("read", reviews.show_list),
        "/console/{program}/cash-outs": staff.needed("read", reviews.show_requests),
        "/console/{program}/withdrawals/{id:path}": staff.needed("read", reviews.show),
        "POST /console/{program}/withdrawals/{id:path}": staff.needed(review, reviews.decide),
        "/console/{program}/together": staff.needed(review, reviews.show_together),
        "POST /console/{program}/together": staff.needed(review, reviews.approve_together),
        "/console/{program}/payouts": staff.needed(review, batches.show),
        "POST /console/{program}/payouts": staff.needed(review, batches.send),
        "/console/{program}/payouts/{batch}": staff.needed(review, batches.batch),
        "/console/{program}/payouts/{batch}/file": staff.needed(review, batches.file),
        "POST /console/{program}/results": staff.needed(review, batches.take_results),
        "/console/{program}/refunds/{id:path}": staff.needed(refund, refunds.ask),
        "POST /console/{program}/refunds/{id:path}": staff.needed(refund, refunds.confirm),
        "POST /console/{program}/settlements/{id:path}": staff.needed("orders", refunds.settle),
        "POST /console/{program}/freezes/{id:path}": staff.needed(
            "controls", Care(books.member).freeze
        ),
        "POST /console/{program}/alarms/{id:int}": staff.needed("controls", care.acknowledge),
    }


def _network(staff: Reception) -> dict[str, Handler]:
    """Merchants, agents, and what they and members earn."""
    manage = "merchants"
    return {
        "/console/{program}/merchants": staff.needed("read", network.show_list),
        "/console/{program}/merchants/{id:path}": staff.needed("read", network.show),
        "POST /console/{program}/merchants/{id:path}": staff.needed(manage, network.decide),
        "/console/{program}/sheets/{id:path}": staff.needed("read", network.sheet),
        "/console/{program}/agents": staff.needed("read", territories.show_list),
        "/console/{program}/agents/{id:path}": staff.needed("read", territories.show),
        "POST /console/{program}/agents/{id:path}": staff.needed(manage, territories.decide),
        "/console/{program}/appoint": staff.needed(manage, territories.ask),
        "POST /console/{program}/appoint": staff.needed(manage, territories.appoint),
        "/console/{program}/commissions": staff.needed("read", earning.show),
        "POST /console/{program}/commissions": staff.needed(manage, earning.mark_paid),
        "/console/{program}/commissions.csv": staff.needed("read", earning.statement),
        "/console/{program}/why/{id:path}": staff.needed("read", earning.why),
        "/console/{program}/levels": staff.needed("read", earning.show_levels),
        "POST /console/{program}/levels": staff.needed(manage, earning.set_level),
        "/console/{program}/dividends": staff.needed(manage, earning.show_dividends),
        "POST /console/{program}/dividends": staff.needed(manage, earning.share),
    }
