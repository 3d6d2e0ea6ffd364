"""The pattern page: every component in every state, to look at and to test."""

import json

from starlette.responses import Response

from springtide.web.pages.shared.call import Call


def patterns(call: Call) -> Response:
    """Every component; its figures are made up and belong to no program."""
    days = [1_609_459_200 + 86_400 * number for number in range(60)]
    price = [1 + number / 12 for number in range(60)]
    curve = [days, price, [value * 0.8 for value in price]]
    return call.page("shared/patterns.html", curve=json.dumps(curve))
