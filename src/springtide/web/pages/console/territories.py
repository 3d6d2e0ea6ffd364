"""Agents of territories: contracts by region, what one would cost at worst, deposits."""

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from springtide.core.standing import Contract
from springtide.core.units import format_money, parse_money
from springtide.services import agents, listing, regions
from springtide.services.budget import read_budget
from springtide.services.login import SignedIn
from springtide.services.preview import preview
from springtide.web.pages.console.deeds import REFUSED, actor_of, path_id
from springtide.web.pages.console.network import place_of
from springtide.web.pages.shared.call import Call, Missing

FIELDS = ("contract", "region", "member", "rate", "from", "to")
MOST = 64


def show_list(call: Call, staff: SignedIn) -> Response:
    """All contracts by region, and the form of a new one."""
    return call.page("console/agents.html", staff=staff, tab="agents", **_given(call, {}))


def _given(call: Call, wish: dict[str, str]) -> dict[str, Any]:
    _, state = listing.read_program(call.database, call.program)
    region = wish.get("region", "") or call.asked("below", 6)
    return {
        "contracts": agents.list_contracts(call.database, call.program),
        "policy": state.policy,
        "place_of": lambda code: place_of(code, call.now),
        "wish": {name: wish.get(name, "") for name in FIELDS},
        "below": regions.list_regions(region, call.now.year) if len(region) < 6 else [],
        "region": region,
        "today": call.now.date().isoformat(),
    }


def ask(call: Call, staff: SignedIn) -> Response:
    """What appointing somebody would mean: for whom, where, and the worst case of an order."""
    wish = {name: call.asked(name, MOST) for name in FIELDS}
    return _preview(call, staff, wish)


def _preview(
    call: Call, staff: SignedIn, wish: dict[str, str], refusal: Exception | None = None
) -> Response:
    status = 409 if refusal else 200
    if refusal is None:
        event = {
            "type": "appoint", "id": f"appoint:{wish['contract']}",
            "at": f"{call.now:%Y-%m-%d}", "contract": wish["contract"],
            "region": wish["region"], "member": wish["member"],
            **_more(wish),
        }  # fmt: skip
        refusal = preview(call.database, call.program, event, call.now)[0].refusal
    worst = read_budget(call.database, call.program)
    return call.page(
        "console/appoint.html", status, staff=staff, tab="agents", refusal=refusal,
        terms=[term for term in worst.terms if term.most_ppm], proofs=worst.proofs[:20],
        worst=sum(term.most_ppm for term in worst.terms),
        known=bool(listing.read_member(call.database, call.program, wish["member"])),
        **_given(call, wish),
    )  # fmt: skip


def _more(wish: dict[str, str]) -> dict[str, str]:
    return {name: wish[name] for name in ("rate", "from", "to") if wish[name]}


def appoint(call: Call, staff: SignedIn) -> Response:
    """Make a member the agent of a region, as it was shown."""
    wish = {name: call.form.get(name, "")[:MOST] for name in FIELDS}
    try:
        agents.appoint(
            call.database, call.program, wish["contract"], wish["region"], wish["member"],
            _more(wish), call.now, actor_of(staff),
        )  # fmt: skip
    except REFUSED as refusal:
        return _preview(call, staff, wish, refusal)
    return call.go(call.at("console", f"/agents/{quote(wish['contract'])}"))


def show(call: Call, staff: SignedIn) -> Response:
    """One contract."""
    return _page(call, staff)


def _find(call: Call) -> Contract:
    found = agents.list_contracts(call.database, call.program)
    wanted = path_id(call)
    for one in found:
        if one.id == wanted:
            return one
    raise Missing


def _page(call: Call, staff: SignedIn, refusal: Exception | None = None) -> Response:
    one = _find(call)
    _, state = listing.read_program(call.database, call.program)
    tier = state.policy.territory_ppm[(6 - len(one.region)) // 2]
    return call.page(
        "console/agent.html", 409 if refusal else 200, staff=staff, tab="agents", one=one,
        rate=tier if one.rate_ppm is None else one.rate_ppm, refusal=refusal,
        place=place_of(one.region, call.now),amount=call.form.get("amount", ""),
        today=call.now.date().isoformat(),
    )  # fmt: skip


def decide(call: Call, staff: SignedIn) -> Response:
    """End a contract, or note that a deposit came or went back."""
    one, do, by = _find(call), call.form.get("do", ""), actor_of(staff)
    place = call.database, call.program, one.id
    try:
        if do == "dismiss":
            agents.dismiss(*place, call.now, by)
        elif do == "deposit":
            agents.deposit(*place, _money(call.form.get("amount", "")), call.now, by)
        elif do == "return":
            agents.return_deposit(*place, call.now, by)
        else:
            raise Missing
    except REFUSED as refusal:
        return _page(call, staff, refusal)
    return call.go(call.at("console", f"/agents/{quote(one.id)}"))


def _money(text: str) -> str:
    """What is typed like 1,000 as events say it; what cannot be read is refused by them."""
    try:
        return format_money(parse_money(text.replace(",", "")))
    except ValueError:
        return text[:MOST]
