"""The public pages by their addresses."""

from springtide.web.pages.patterns import patterns
from springtide.web.pages.public import reserve, store
from springtide.web.pages.shared.call import Handler

PUBLIC: dict[str, Handler] = {
    "/": reserve.start,
    "/p/{program}": reserve.reserve,
    "/p/{program}/stores/{merchant}": store.store,
    "/patterns": patterns,
}
