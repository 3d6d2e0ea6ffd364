"""Who may open a store's pages: the member who owns it, while it is active."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from springtide.services.desk import Deed
from springtide.services.sessions import Session
from springtide.services.stores import Store, find_store
from springtide.web.pages.shared.call import Call, Handler, Missing
from springtide.web.pages.shared.people import Sessions


def place(call: Call) -> str:
    """The address of the store that a call names."""
    return call.at("s", f"/{quote(call.request.path_params['merchant'], safe='')}")


@dataclass
class Visit:
    """An owner in their store."""

    call: Call
    store: Store
    session: Session
    public_url: str

    @property
    def now(self) -> datetime:
        """When the call came."""
        return self.call.now

    @cached_property
    def deed(self) -> Deed:
        """What the owner decides is logged under their name."""
        return Deed(self.session.subject, self.call.now)

    def at(self, rest: str = "") -> str:
        """An address of this store."""
        return place(self.call) + rest

    def page(self, template: str, tab: str, status: int = 200, **given: Any) -> Response:
        """A page of this store."""
        return self.call.page(
            f"merchant/{template}.html", status, store=self.store, place=self.at(), tab=tab,
            session=self.session, **given,
        )  # fmt: skip


class Gate:
    """Lets owners in; to all others there is no such page."""

    def __init__(self, people: Sessions, public_url: str) -> None:
        self._people = people
        self._public_url = public_url

    def opened(self, handler: Callable[[Visit], Response]) -> Handler:
        """A page for the owner of the store that the address names."""

        def answer(call: Call, session: Session) -> Response:
            merchant = call.request.path_params["merchant"]
            store = find_store(call.database, call.program, merchant, call.now)
            is_owner = store is not None and store.owner == self._people.name(session)
            if store is None or not is_owner or not store.active:
                raise Missing
            return handler(Visit(call, store, session, self._public_url))

        return self._people.needed(answer)
