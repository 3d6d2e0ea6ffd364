"""A store's page: who it is, so that anybody can check the card on its counter."""

from starlette.responses import Response

from springtide.services.stores import find_store
from springtide.web.pages.shared.call import Call, Missing


def store(call: Call) -> Response:
    """What the operator checked about a store, and its check code."""
    merchant = call.request.path_params["merchant"]
    found = find_store(call.database, call.program, merchant, call.now)
    if found is None:
        raise Missing
    return call.page("public/store.html", store=found)
