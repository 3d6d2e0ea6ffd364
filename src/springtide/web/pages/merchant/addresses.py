"""The store's pages by their addresses."""

from collections.abc import Iterator

from starlette.responses import Response
from starlette.routing import Route

from springtide.services import demo, demo_store
from springtide.web.pages.merchant import redeeming, sales, statement, till
from springtide.web.pages.merchant.gate import Gate, Visit, place
from springtide.web.pages.shared.call import Call, House, routes
from springtide.web.pages.shared.people import Sessions
from springtide.web.pages.shared.phone_door import Door
from springtide.web.pages.shared.sandbox import Sandbox
from springtide.web.sessions import Cookies


def addresses(house: House, public_url: str) -> Iterator[Route]:
    """All of them."""
    cookies = Cookies(public_url)
    cookies.name += "-store"  # whoever owns a store is a member too, elsewhere
    people = Sessions(cookies, "member", lambda call: f"{place(call)}/login")
    door = Door(people, Sandbox(), place, _hint)
    opened = Gate(people, public_url).opened
    at = "/s/{program}/{merchant}"

    def more(visit: Visit) -> Response:
        return visit.page("more", "more")

    yield from routes(
        house,
        {
            f"{at}/login": door.show,
            f"POST {at}/login": door.send,
            f"POST {at}/enter": door.enter,
            f"POST {at}/leave": people.needed(door.leave),
            at: opened(till.home),
            f"POST {at}/codes": opened(till.show),
            f"{at}/codes/{{code}}": opened(till.code),
            f"{at}/card": opened(till.card),
            f"POST {at}/card": opened(till.make_card),
            f"{at}/sales": opened(sales.sales),
            f"{at}/orders/{{id}}": opened(sales.order),
            f"POST {at}/orders/{{id}}": opened(sales.refund),
            f"{at}/redeem": opened(redeeming.ask),
            f"POST {at}/redeem": opened(redeeming.quote),
            f"POST {at}/hand-in": opened(redeeming.hand_in),
            f"{at}/redeemed": opened(redeeming.receipt),
            f"{at}/statement": opened(statement.statement),
            f"{at}/statement.xlsx": opened(statement.sheet),
            f"{at}/customers": opened(statement.customers),
            f"{at}/more": opened(more),
        },
    )


def _hint(call: Call) -> str:
    asked = call.program, call.request.path_params["merchant"]
    return demo_store.PHONE if asked == (demo.PROGRAM, demo_store.MERCHANT) else ""
