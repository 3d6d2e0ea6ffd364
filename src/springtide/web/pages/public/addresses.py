"""The public pages by their addresses."""

from springtide.web.pages.patterns import patterns
from springtide.web.pages.public import reserve
from springtide.web.pages.shared.call import Handler

PUBLIC: dict[str, Handler] = {
    "/": reserve.start,
    "/p/{program}": reserve.reserve,
    "/patterns": patterns,
}
