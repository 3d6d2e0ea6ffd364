"""The parameters that people turn, in the groups of the file, and forms that write them.

The text of the file is the only truth: a form shows what stands in it, and what somebody
changed in the form is written into the text.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from springtide.core.policy_text import NotWritten, blamed, quoted, value_of, write
from springtide.web.pages.shared.call import Call


def _(message: str) -> str:
    """Marks words for the catalogue; they are translated where they are shown."""
    return message


@dataclass(frozen=True)
class Parameter:
    """A parameter by its dotted name; `kind` is how it is written and shown."""

    name: str
    label: str
    kind: str = "ratio"
    """ratio, multiple, money, whole, number, text, flag, or choice."""
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""

    @property
    def id(self) -> str:
        """As a form names it."""
        return self.name.replace(".", "-")


Groups = Sequence[tuple[str, Sequence[Parameter]]]

_YES_NO = (("true", _("yes")), ("false", _("no")))

POLICY: Groups = (
    (_("A sale and its parts"), (
        Parameter("split.take_rate", _("Taken from a sale; the merchant keeps the rest")),
        Parameter("split.platform", _("Of what is taken: the platform's")),
        Parameter("split.distribution", _("Of what is taken: for commissions")),
        Parameter("split.unallocated", _("Commissions that nobody earns go to"), "choice", (
            ("platform", _("the platform")), ("pool", _("the pool")))),
    )),
    (_("Points"), (
        Parameter("points.grant_ratio", _("Granted in points, of what the pool gets")),
        Parameter("points.max_grant_value", _("The most one order grants"), "money",
                  hint=_("empty for no limit")),
        Parameter("points.split_at", _("Price at which points are split"), "money",
                  hint=_("empty for never")),
        Parameter("orders.settle_after", _("A paid order is settled after"), "text",
                  hint=_("like 7d, 12h or 30m")),
    )),
    (_("Cash-outs and redemptions"), (
        Parameter("cash_out.enabled", _("Points can be cashed out"), "flag", _YES_NO),
        Parameter("cash_out.fee", _("Kept from whoever cashes out; it stays in the reserve")),
        Parameter("cash_out.execution", _("Cash-outs are paid"), "choice", (
            ("instant", _("at once")), ("daily", _("once a day")))),
        Parameter("redeem.fee", _("Kept from whoever redeems for goods")),
        Parameter("refund.bearer", _("A shortfall of a refund is paid by"), "choice", (
            ("merchant", _("the merchant")), ("platform", _("the platform")))),
    )),
    (_("Cap"), (
        Parameter("cap.multiple", _("A lot exits when it is worth so many times the spend"),
                  "multiple", hint=_("empty for no cap")),
        Parameter("cap.payout", _("An exit is paid in"), "choice", (
            ("cash", _("cash")), ("credit", _("store credit")))),
    )),
    (_("Commissions"), (
        Parameter("commission.direct", _("Of an order: to the referrer")),
        Parameter("commission.indirect", _("Of an order: to the referrer's referrer")),
        Parameter("commission.recruiter", _("Of an order: to whoever brought the merchant")),
        Parameter("commission.territory.district", _("Of an order: to the district's agent")),
        Parameter("commission.territory.city", _("Of an order: to the city's agent")),
        Parameter("commission.territory.province", _("Of an order: to the province's agent")),
        Parameter("commission.hold_days", _("Days for which commissions wait"), "whole"),
    )),
    (_("Withdrawals"), (
        Parameter("withdrawal.fee", _("Kept of a withdrawal")),
        Parameter("withdrawal.fee_fixed", _("Kept of each withdrawal, as an amount"), "money"),
        Parameter("withdrawal.minimum", _("The least to withdraw"), "money"),
        Parameter("withdrawal.daily_limit", _("A member's withdrawals in a day, at most"),
                  "money", hint=_("empty for no limit")),
        Parameter("withdrawal.four_eyes_above", _("Two people approve what is above"), "money",
                  hint=_("empty for never")),
    )),
    (_("Limits"), (
        Parameter("controls.min_spend", _("To be spent before any cash-out, at least"),
                  "money", hint=_("empty for no limit")),
        Parameter("controls.min_cash_out", _("The least cash-out"), "money",
                  hint=_("empty for no limit")),
        Parameter("controls.daily_cash_out", _("A member's cash-outs in a day, at most"),
                  "money", hint=_("empty for no limit")),
        Parameter("controls.hold_days", _("Days before points can be cashed out"), "whole"),
        Parameter("controls.daily_outflow", _("Paid by the pool in a day, at most"), "money",
                  hint=_("empty for no limit")),
        Parameter("policy.notice_days", _("Days of notice for the next policy"), "whole"),
    )),
)  # fmt: skip

SCENARIO: Groups = (
    (_("Orders"), (
        Parameter("time.periods", _("Days"), "whole"),
        Parameter("orders.per_period", _("Orders a day, at first"), "number"),
        Parameter("orders.growth", _("How orders grow"), "choice", (
            ("constant", _("not at all")), ("linear", _("by the same number each day")),
            ("exponential", _("by the same share each day")),
            ("logistic", _("fast, then up to a limit")))),
        Parameter("orders.rate", _("Growth a day, as a share"), "number"),
        Parameter("orders.stop_after", _("Last day of orders; 0 for no end"), "whole"),
    )),
    (_("Who orders, and for how much"), (
        Parameter("basket.mean", _("What an order is for, on average"), "number"),
        Parameter("members.returning", _("Share of orders by known members"), "number"),
        Parameter("members.referred", _("Share of newcomers whom a member sent"), "number"),
        Parameter("seed", _("Seed: the same gives the same result"), "whole"),
    )),
)  # fmt: skip

LABELS = {one.name: one.label for _title, group in POLICY for one in group}
"""The words of the parameters that have some."""

DEFAULTS = {
    "split.unallocated": "platform", "cash_out.enabled": "true",
    "cash_out.execution": "instant", "refund.bearer": "merchant", "cap.payout": "cash",
    "orders.growth": "constant",
}  # fmt: skip
"""What a choice is where the file says nothing."""


def translated(call: Call, options: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The options of a choice in the caller's words."""
    return [(value, call.say(text)) for value, text in options]


def shown(document: Mapping[str, Any], parameter: Parameter) -> str:
    """What a field shows of a file; empty if nothing is given."""
    value = value_of(dict(document), parameter.name)
    if value is None:
        return DEFAULTS.get(parameter.name, "")
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def values(text: str, groups: Groups) -> dict[str, str]:
    """What the fields show of a text, by name; nothing of what is no TOML."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        document = {}
    return {one.name: shown(document, one) for _, group in groups for one in group}


@dataclass
class Edited:
    """A text with what a form changed in it, and what of the form could not be written."""

    text: str
    fields: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def blame(self, refusal: str) -> int | None:
        """Put a refusal where it belongs: at its field or at the text; gives its line."""
        name, line = blamed(self.text, refusal)
        self.errors.setdefault(name if name in self.fields else "", refusal)
        return line


def edit(form: Mapping[str, str], groups: Groups) -> Edited:
    """The text of a form, in which every field that was changed is written."""
    text = form.get("toml", "").replace("\r\n", "\n").strip() + "\n"
    edited, typed = Edited(text, {}), {}
    for _, group in groups:
        for one in group:
            now, was = form.get(one.id), form.get(f"was-{one.id}", "")
            if now is None or now == was:
                continue
            typed[one.name] = now
            try:
                edited.text = write(edited.text, one.name, _literal(one, now))
            except NotWritten as error:
                edited.errors[one.name] = str(error)
    edited.fields = values(edited.text, groups) | {
        name: typed[name] for name in edited.errors if name in typed
    }
    return edited


def _literal(parameter: Parameter, typed: str) -> str | None:
    """What somebody typed as the file writes it; what is no number stays for its refusal."""
    if typed == "":
        return None
    if parameter.kind == "flag":
        return "true" if typed == "true" else "false"
    if parameter.kind in ("whole", "number") and _is_number(typed, parameter.kind):
        return typed
    return quoted(typed)


def _is_number(typed: str, kind: str) -> bool:
    whole, point, rest = typed.partition(".")
    digits = typed.isascii() and whole.isdigit() and (whole == "0" or whole[0] != "0")
    return digits and (not point or (kind == "number" and rest.isdigit()))
