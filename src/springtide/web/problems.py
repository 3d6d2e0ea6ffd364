"""How the API says no: problem documents of RFC 9457, with the refusal's code."""

import msgspec
from starlette.responses import Response

from springtide.core.refusals import Refusal
from springtide.services.desk import DeskFull
from springtide.services.gateway import DatabaseDown

STATUS = {
    "invalid_event": 422,
    "invalid_amount": 422,
    "overflow": 422,
    "cash_out_daily": 409,
    "duplicate_member": 422,
    "insufficient_points": 409,
    "below_min_net": 409,
    "id_reused": 409,
    "already_refunded": 409,
    "already_settled": 409,
    "refund_too_large": 409,
    "no_points_in_circulation": 409,
    "last_owner": 409,
    "insufficient_funds": 409,
    "withdrawal_too_small": 422,
    "daily_limit": 409,
    "wrong_state": 409,
    "own_withdrawal": 409,
    "approved_before": 409,
    "unknown_withdrawal": 404,
    "control_min_spend": 409,
    "control_min_cash_out": 409,
    "control_daily_cash_out": 409,
    "control_hold": 409,
    "control_daily_outflow": 409,
    "control_contribution": 409,
    "control_member_frozen": 409,
    "control_purchases_off": 409,
    "control_settlement_off": 409,
    "control_cash_outs_off": 409,
    "evidence_expired": 409,
    "cash_out_disabled": 409,
    "unusable_policy": 422,
    "policy_refused": 422,
    "draft_state": 409,
    "backtest_too_long": 409,
    "four_eyes": 409,
    "merchant_suspended": 409,
    "over_budget": 422,
    "unknown_level": 422,
    "unusable_referrer": 409,
    "region_taken": 409,
    "unknown_contract": 404,
    "contract_running": 409,
    "more_than_held": 409,
    "not_possible": 409,
    "payout_refused": 409,
    "unknown_order": 404,
    "not_waiting": 409,
    "unknown_code": 404,
    "code_expired": 409,
    "code_exceeded": 409,
    "code_used": 409,
    "not_found": 404,
    "method_not_allowed": 405,
    "unauthorized": 401,
    "forbidden": 403,
    "cross_site": 403,
    "malformed_body": 400,
    "body_too_large": 413,
    "invalid_parameter": 422,
    "rate_limited": 429,
    "busy": 503,
    "database_down": 503,
    "internal": 500,
}
"""The HTTP status of each code; those of `springtide.core.refusals` come first."""

_UNREADABLE = "The request cannot be read"

DOWN = "the database does not answer; send the same again in a moment"

_TITLES = {
    401: "The key or the session is missing or not valid",
    403: "This may not be done",
    404: "There is nothing here",
    405: "This address does not take this method",
    409: "The program's state does not allow it",
    422: "The request was understood and refused",
    429: "Too many requests",
    500: "The server failed",
    503: "Try again soon",
}


class Problem(Exception):
    """A refusal on its way to the caller; `detail` says the value and the remedy."""

    def __init__(self, code: str, detail: str, retry_at: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_at = retry_at


def problems_page() -> str:
    """A page that says what every code means; the `type` of a problem leads to its line."""
    said = {kind.code: str(kind.__doc__) for kind in Refusal.__subclasses__()}
    rows = "".join(
        f"<dt id={code}><code>{code}</code> ({status})</dt>"
        f"<dd>{said.get(code) or _TITLES.get(status, _UNREADABLE)}</dd>"
        for code, status in STATUS.items()
    )
    return f"<!doctype html><html lang=en><title>Problems</title><dl>{rows}</dl></html>"


REFUSALS = (Problem, DatabaseDown, DeskFull)
"""What is answered by a problem, wherever it comes from."""


def code_of(error: Exception) -> str:
    """The code of one of the refusals."""
    if isinstance(error, Problem):
        return error.code
    return "busy" if isinstance(error, DeskFull) else "database_down"


def refused(error: Exception) -> Response:
    """One of the refusals as a response."""
    retry_at = error.retry_at if isinstance(error, Problem) else None
    more = {} if retry_at is None else {"retry_at": retry_at}
    return problem_response(code_of(error), str(error), **more)


def refusal_body(refusal: Refusal, receipt: object) -> dict[str, object]:
    """The document of an event that was refused; when to try again, if that is known."""
    more = {} if refusal.retry_at is None else {"retry_at": refusal.retry_at}
    return problem_body(refusal.code, str(refusal), **more, receipt=receipt)


def problem_body(code: str, detail: str, **more: object) -> dict[str, object]:
    """The document of a problem.

    What an operator is told of the database, where it is and how to start it, is for logs
    and the command line alone.
    """
    if code == "database_down":
        detail = DOWN
    status = STATUS[code]
    return {
        "type": f"/docs/problems#{code}",
        "title": _TITLES.get(status, _UNREADABLE),
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }


def problem_response(code: str, detail: str, allow: str = "", **more: object) -> Response:
    """A problem as a response; 405 says what is allowed, 429 and 503 when to try again."""
    return _response(problem_body(code, detail, **more), STATUS[code], allow)


def refusal_response(refusal: Refusal, receipt: object) -> Response:
    """An event that was refused as a response."""
    return _response(refusal_body(refusal, receipt), STATUS[refusal.code])


def _response(body: dict[str, object], status: int, allow: str = "") -> Response:
    headers = {"Allow": allow} if allow else {}
    if status in (429, 503):
        headers["Retry-After"] = "1"
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="springtide"'
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )
