"""What the console's script draws of a simulation."""

import json

from springtide.core.units import MICRO
from springtide.services.rehearsal import Rehearsal
from springtide.web.pages.shared.call import Call


def price(call: Call, played: Rehearsal) -> str:
    """The price of a point after every period, and the cash for it."""
    return json.dumps(
        {
            "at": [point.period for point in played.points],
            "price": [point.price / MICRO for point in played.points],
            "cash": [point.cash / MICRO for point in played.points],
            "names": [call.say("Price of a point"), call.say("Cash now for it")],
        }
    )


def pool(call: Call, played: Rehearsal) -> str:
    """What is in the pool, and what was paid in so far."""
    return json.dumps(
        {
            "at": [point.period for point in played.points],
            "price": [point.reserve / MICRO for point in played.points],
            "cash": [point.paid_in / MICRO for point in played.points],
            "names": [call.say("In the pool"), call.say("Paid in so far")],
        }
    )


def tenths(call: Call, played: Rehearsal) -> str:
    """What each tenth of the members has for 100 spent: the median, and nearly the ends."""
    return json.dumps(
        {
            "at": [tenth.name for tenth in played.tenths],
            "low": [round(tenth.low, 2) for tenth in played.tenths],
            "median": [round(tenth.median, 2) for tenth in played.tenths],
            "high": [round(tenth.high, 2) for tenth in played.tenths],
            "names": [
                call.say("5 % of them have less"),
                call.say("Median"),
                call.say("5 % of them have more"),
            ],
        }
    )
