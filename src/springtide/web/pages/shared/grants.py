"""The settlement of an order: the points it granted, and what as many are worth now."""

from springtide.services import holding, listing
from springtide.services.settling import settlement_id
from springtide.web.pages.shared.call import Call


def settlement_of(call: Call, row: listing.EntryRow) -> listing.EntryRow | None:
    """The entry that settled an order: its own at the counter; None while it is only paid."""
    if row.kind == "purchase":
        return row
    return listing.read_entry(call.database, call.program, ["settle"], settlement_id(row.seq))


def grant_of(call: Call, row: listing.EntryRow) -> holding.Grant | None:
    """What an order was granted; None while it is only paid."""
    settled = settlement_of(call, row)
    if settled is None:
        return None
    return holding.read_grant(call.database, call.program, settled.seq)
