"""Addresses of the office: the policy, the simulator, and running the house."""

from collections.abc import Callable

from starlette.responses import Response

from springtide.web.login import Door
from springtide.web.pages.console import papers, policy, switches, tables, tables_money
from springtide.web.pages.console.crew import Account, Crew
from springtide.web.pages.console.door import Reception
from springtide.web.pages.console.drafts import Drafts
from springtide.web.pages.console.hooks import Hooks
from springtide.web.pages.console.plugs import Keys
from springtide.web.pages.console.policy import Editor
from springtide.web.pages.console.simulating import Simulator
from springtide.web.pages.shared.call import Handler, House
from springtide.web.pages.shared.sheets import sheet

Pages = dict[str, tuple[str, Callable[..., Response]]]
"""Addresses within a program, each with the permission that it takes."""


def office(house: House, staff: Reception, door: Door) -> dict[str, Handler]:
    """All of them, with what may be done by whoever opens one."""
    account = Account(staff, door)
    pages = _policy() | _house(house, account) | _sheets()
    found: dict[str, Handler] = {
        "/login/enrol": account.begin,
        "POST /login/enrol": account.enrol,
    }
    for place, (permission, handler) in pages.items():
        method, _, rest = place.rpartition(" ")
        address = f"{method} /console/{{program}}{rest}".strip()
        found[address] = staff.needed(permission, handler)
    return found


def _policy() -> Pages:
    editor, drafts, simulator = Editor(), Drafts(), Simulator()
    return {
        "/policy": ("read", policy.show),
        "/policy/versions/{number}": ("read", policy.version),
        "/policy/edit": ("policy.draft", editor.show),
        "POST /policy/edit": ("policy.draft", editor.send),
        "/policy/drafts/{number}": ("read", drafts.show),
        "POST /policy/drafts/{number}/{act}": ("read", drafts.act),
        "/simulator": ("read", simulator.show),
        "POST /simulator": ("read", simulator.send),
        "POST /simulator/cancel": ("read", simulator.cancel),
        "/simulator/report.html": ("read", simulator.report),
    }


def _house(house: House, account: Account) -> Pages:
    crew, keys, hooks = Crew(), Keys(), Hooks(private=house.private_webhooks)
    return {
        "/switches": ("read", switches.show),
        "/switches/{name}": ("controls", switches.ask),
        "POST /switches/{name}": ("controls", switches.turn),
        "/profile": ("read", papers.show),
        "POST /profile": ("policy.approve", papers.add),
        "POST /profile/{number}/revoke": ("policy.approve", papers.revoke),
        "/keys": ("keys", keys.show),
        "POST /keys": ("keys", keys.make),
        "POST /keys/{id}/revoke": ("keys", keys.revoke),
        "/webhooks": ("webhooks", hooks.show),
        "POST /webhooks": ("webhooks", hooks.make),
        "/webhooks/{id}": ("webhooks", hooks.one),
        "POST /webhooks/{id}/{act}": ("webhooks", hooks.act),
        "/deliveries/{message}": ("webhooks", hooks.delivery),
        "POST /deliveries/{message}/resend": ("webhooks", hooks.resend),
        "/staff": ("staff", crew.show),
        "POST /staff": ("staff", crew.invite),
        "/staff/{name}": ("staff", crew.one),
        "POST /staff/{name}": ("staff", crew.change),
        "/account": ("read", account.show),
        "POST /account": ("read", account.change),
    }


def _sheets() -> Pages:
    """Every table as a sheet: the address of its page with `.xlsx`."""
    return {
        "/members.xlsx": ("read", sheet(tables.members)),
        "/orders.xlsx": ("read", sheet(tables.orders)),
        "/prices.xlsx": ("read", sheet(tables.prices)),
        "/log.xlsx": ("audit", sheet(tables.log)),
        "/lots.xlsx": ("read", sheet(tables.lots)),
        "/statement.xlsx": ("read", sheet(tables.statement)),
        "/drafts.xlsx": ("read", sheet(tables.drafts)),
        "/evidence.xlsx": ("read", sheet(tables.evidence)),
        "/keys.xlsx": ("keys", sheet(tables.keys)),
        "/staff.xlsx": ("staff", sheet(tables.staff)),
        "/deliveries.xlsx": ("webhooks", sheet(tables.deliveries)),
        "/withdrawals.xlsx": ("read", sheet(tables_money.all_withdrawals)),
        "/cash-outs.xlsx": ("read", sheet(tables_money.requests)),
        "/batches.xlsx": ("review", sheet(tables_money.batches)),
        "/payouts.xlsx": ("review", sheet(tables_money.payouts)),
        "/merchants.xlsx": ("read", sheet(tables_money.shops)),
        "/applications.xlsx": ("read", sheet(tables_money.applications)),
        "/agents.xlsx": ("read", sheet(tables_money.contracts)),
        "/commissions.xlsx": ("read", sheet(tables_money.earned)),
        "/levels.xlsx": ("read", sheet(tables_money.given_levels)),
        "/frozen.xlsx": ("read", sheet(tables_money.frozen)),
        "/alarms.xlsx": ("read", sheet(tables_money.alarms)),
    }
