"""The pages of paying by their addresses; who pays is logged in as a member."""

from collections.abc import Iterator

from starlette.routing import Route

from springtide.web.pages.pay.paying import Paying, place
from springtide.web.pages.shared.call import House, routes
from springtide.web.pages.shared.people import Sessions, member_cookies
from springtide.web.pages.shared.phone_door import Door
from springtide.web.pages.shared.sandbox import Sandbox


def addresses(house: House, public_url: str) -> Iterator[Route]:
    """All of them."""
    people = Sessions(member_cookies(public_url), "member", lambda call: f"{place(call)}/login")
    door = Door(people, Sandbox(), place, lambda _: "")
    paying = Paying(people)
    at = "/pay/{program}/{code}"
    yield from routes(
        house,
        {
            at: paying.show,
            f"POST {at}": people.needed(paying.pay),
            f"POST {at}/amount": paying.type_amount,
            f"{at}/login": door.show,
            f"POST {at}/login": door.send,
            f"POST {at}/enter": door.enter,
        },
    )
