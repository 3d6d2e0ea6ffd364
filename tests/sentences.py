"""What rule pages say happens, in sentences, as events."""

import re

from springtide.core.events import DAY_BATCH, STEPS

_SALE = (
    r"(?P<amount>\S+)(?: at (?P<merchant>\S+))?"
    r"(?: in (?P<region>\S+))?(?: on (?P<at>\S+))?(?:, sent by (?P<referrer>\S+))?"
    r"(?:, (?P<wallet>\S+) of it from the wallet)?"
)
_SENTENCES = {
    "purchase": r"(?P<member>\S+) buys for " + _SALE,
    "pay": r"(?P<member>\S+) pays " + _SALE,
    "settle": r"(?P<order>\S+) is settled",
    "bind": r"(?P<member>\S+) is referred by (?P<referrer>\S+)(?: on (?P<at>\S+))?",
    "cash_out": r"(?P<member>\S+) cashes out (?P<points>\S+)",
    "redeem": r"(?P<member>\S+) redeems (?P<points>\S+) at (?P<merchant>\S+)",
    "refund": r"(?:(?P<amount>\S+) of )?(?P<order>\S+) is refunded",
    "inject": r"(?P<amount>\S+) is injected",
    "withdraw": r"(?P<member>\S+) withdraws (?P<amount>\S+)(?: on (?P<at>\S+))?",
    "step": r"(?P<withdrawal>\S+) becomes (?P<to>\S+)(?: by (?P<by>\S+))?",
    "appoint": r"(?P<contract>\S+) makes (?P<member>\S+) agent of (?P<region>\S+)"
    r"(?: at (?P<rate>\S+))?(?: from (?P<from>\S+))?(?: to (?P<to>\S+))?"
    r"(?: on (?P<at>\S+))?",
    "dismiss": r"(?P<contract>\S+) is dismissed",
    "level": r"(?P<member>\S+) has level (?P<level>\S+)(?P<reason>)",
    "rebind": r"(?P<member>\S+) is rebound to (?P<referrer>\S+)(?P<reason>)",
    "deposit": r"(?P<amount>\S+) is deposited for (?P<contract>\S+)",
    "deposit_return": r"(?:(?P<amount>\S+) of )?the deposit of (?P<contract>\S+) is returned"
    r"(?: on (?P<at>\S+))?",
    "commission_paid": r"(?P<member>\S+) is paid (?P<amount>\S+) on statement(?P<reference>)",
    "merchant_paid": r"(?P<merchant>\S+) is paid (?P<amount>\S+) for its sales(?P<reference>)",
    "day": r"it is (?P<at>\S+)",
}
_TEXTS = {"reason": "as the rule says", "reference": "as the rule says"}

NOON = "T12:00:00Z"
_UNSAID: dict[str, dict[str, object]] = {
    "withdraw": {"by": "key:shop", "at": "2026-01-31"},
    "step": {"by": "staff:ana", "at": "2026-01-31", "batch": "b1"},
}
"""What a sentence about withdrawals need not say."""


def _wish(wish: str) -> dict[str, str]:
    member, points, *least = wish.split()
    return {"member": member, "points": points, **({"min_net": least[1]} if least else {})}


def read_sentence(sentence: str) -> dict[str, object]:
    """The event that a sentence of a story tells."""
    id_, told = sentence.split(": ", 1)
    batch = re.fullmatch(r"(the day's )?batch of (.+)", told)
    if batch:
        requests = [_wish(wish) for wish in batch[2].split(", ")]
        day = {"day": id_, "id": DAY_BATCH + id_} if batch[1] else {"id": id_}
        return {"type": "cash_out_batch", **day, "requests": requests}
    terms = re.fullmatch(r"(\S+) has terms (.+)", told)
    if terms:
        given = dict(pair.split() for pair in terms[2].split(", "))
        suspended = (
            {"suspended": given.pop("suspended") == "true"} if "suspended" in given else {}
        )
        return {"type": "merchant_terms", "id": id_, "merchant": terms[1], **given, **suspended}
    shared = re.fullmatch(r"(\S+) of (\S+) is shared by (.+)", told)
    if shared:
        weights = dict(pair.split() for pair in shared[3].split(", "))
        event = {
            "period": id_.removeprefix("dividend:"),
            "share": shared[1],
            "weights": weights,
        }
        return {"type": "dividend", "id": id_, "revenue": shared[2], **event}
    for kind, pattern in _SENTENCES.items():
        match = re.fullmatch(pattern, told)
        if match:
            found = match.groupdict()
            fields = {key: value for key, value in found.items() if value}
            fields |= {key: text for key, text in _TEXTS.items() if key in found}
            if kind in _UNSAID:
                fields = {**_UNSAID[kind], **fields}
                fields["at"] = f"{fields['at']}{NOON}"
                kind = next((end for end in STEPS if fields.get("to") in STEPS[end]), kind)
            return {"type": kind, "id": id_, **fields}
    raise AssertionError(f"no event reads like {sentence!r}")
