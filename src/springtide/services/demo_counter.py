"""The demonstration's second person, and what waits for both: payouts, a merchant, an agent.

Everything has fixed ids and looks first, so that it happens once however often it is told.
"""

from contextlib import suppress
from datetime import datetime

from springtide.core.event_fields import Json
from springtide.services import agents, merchants, withdrawals
from springtide.services.merchants import Application
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.storage.errors import NotPossible

REVIEWER = "demo-reviewer"

TERMS = """
[commission.level]
max_depth = 2
rates = { silver = "0.001", gold = "0.002" }

[commission.level.rules]
silver = { own_spend = "350.00" }
gold = { own_spend = "400.00", team_sales = "100.00" }

[withdrawal]
fee = "0.01"
minimum = "1.00"
four_eyes_above = "30.00"
"""
"""What the demonstration's policy has besides its preset: levels, and four eyes."""

TEAHOUSE = Application(
    merchant="teahouse", name="West Lake Tea House", licence="91330106MA2ABCDE1G",
    region="330106", settlement="•••• 0106", owner="c00457", recruiter="c00001",
)  # fmt: skip
BAKERY = Application(
    merchant="bakery", name="Upper City Bakery", licence="91330102MA2ABCDE2R",
    region="330102", settlement="•••• 0102", recruiter="c00004",
)  # fmt: skip
CONTRACT, REGION, AGENT = "hangzhou", "3301", "c00004"

WISHES = {
    "c00457": "60.00", "c00314": "20.00", "c00485": "15.00", "c00819": "12.00",
    "c00214": "10.14", "c00362": "8.00",
}  # fmt: skip
"""Who asks for how much. The first takes two people; of the fifth the sandbox knows nothing."""


def wait_for_staff(database: Database, program: str, now: datetime) -> None:
    """A merchant that sells, one that applied, an agent with a deposit, and withdrawals."""
    for applicant in (TEAHOUSE, BAKERY):
        with suppress(NotPossible):  # it applied before
            merchants.apply(database, program, applicant, now, "system")
    with suppress(NotPossible):  # it was reviewed before
        terms = {"take_rate": "0.20"}
        merchants.activate(database, program, TEAHOUSE.merchant, terms, now, "system")
    if not agents.list_contracts(database, program):
        agents.appoint(database, program, CONTRACT, REGION, AGENT, {}, now, "system")
        agents.deposit(database, program, CONTRACT, "500.00", now, "system")
    with Writer(database, program, lambda: now) as writer:
        writer.post(list(_sales()))
        for number, (member, amount) in enumerate(WISHES.items(), 1):
            wish = {"id": f"demo-withdrawal-{number}", "member": member, "amount": amount}
            withdrawals.ask(
                database, program, writer.post, wish, by=f"member:{member}", now=now
            )


def _sales() -> list[Json]:
    buyers = ("c00457", "c00145", "c00547")
    return [
        {
            "type": "purchase", "id": f"tea-{number}", "member": member,
            "merchant": TEAHOUSE.merchant, "region": TEAHOUSE.region,
            "amount": f"{40 * number}.00",
        }
        for number, member in enumerate(buyers, 1)
    ]  # fmt: skip
