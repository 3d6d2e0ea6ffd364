"""The points of an order: how many were granted, and what as many are worth now."""

from springtide.services import holding, listing
from springtide.web.pages.shared.call import Call


def grant_of(call: Call, row: listing.EntryRow) -> holding.Grant | None:
    """What an order was granted; None while it is only paid."""
    settled: listing.EntryRow | None = row
    if row.kind != "purchase":
        id_ = f"springtide:settle:{row.seq}"
        settled = listing.read_entry(call.database, call.program, ["settle"], id_)
    if settled is None:
        return None
    return holding.read_grant(call.database, call.program, settled.seq)
