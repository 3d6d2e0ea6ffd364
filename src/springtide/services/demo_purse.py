"""The demonstration's member beyond buying: an invitation, and money on its way out."""

from collections.abc import Callable
from datetime import datetime

from springtide.services import invitations, withdrawals
from springtide.services.withdrawals import Post
from springtide.services.writer import Writer
from springtide.storage.database import Database

CASH_OUT = "demo-purse"
PAID, ASKED = "demo-purse-paid", "demo-purse-asked"
SENT_WITH = "demo"


def fill_purse(
    database: Database,
    name: str,
    member: str,
    owner: str,
    now: datetime,
    random: Callable[[int], bytes],
) -> None:
    """Let a member cash out, withdraw twice and invite; once, however often it is asked for."""
    invitations.make(database, name, member, "", now, f"member:{member}", random)
    known = withdrawals.list_withdrawals(database, name, member=member, after=0, most=1)
    if known:
        return
    with Writer(database, name, lambda: now) as writer:
        writer.post(
            [
                {"type": "cash_out", "id": CASH_OUT, "member": member, "points": "0.4",
                 "at": now.isoformat(timespec="seconds")}
            ]
        )  # fmt: skip
        for id_, amount in ((PAID, "2.50"), (ASKED, "1.50")):
            _ask(database, name, writer.post, id_, member, amount, now)
        for state in ("approved", "sent", "settled"):
            row, _ = withdrawals.read_withdrawal(database, name, PAID)
            batch = SENT_WITH if state == "sent" else ""
            steps = withdrawals.step_events(row, state, by=owner, now=now, batch=batch)
            writer.post(steps)


def _ask(
    database: Database, name: str, post: Post, id_: str, member: str, amount: str, now: datetime
) -> None:
    wish = {"id": id_, "member": member, "amount": amount}
    withdrawals.ask(database, name, post, wish, by=f"member:{member}", now=now)
