"""The policy that is in effect, its versions, and drafting the next one."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from springtide.core.policy import PolicyError
from springtide.core.policy_file import read_policy
from springtide.core.units import parse_decimal, parse_money
from springtide.services import listing, policies
from springtide.services.budget import Budget, budget_of
from springtide.services.gateway import UnknownDraft
from springtide.services.login import SignedIn
from springtide.services.policies import Change
from springtide.web.pages.console.parameters import (
    LABELS,
    POLICY,
    Edited,
    Groups,
    Parameter,
    edit,
    translated,
    values,
)
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.once import Once
from springtide.web.pages.shared.people import random_hex

RATIO_DECIMALS = 6


@dataclass(frozen=True)
class Checked:
    """What a text would change, and the worst case of its commissions."""

    changes: list[Change]
    budget: Budget


def spoken(text: str, groups: Groups) -> list[tuple[str, list[tuple[Parameter, Any]]]]:
    """Groups of parameters that a text gives, ratios and amounts as integers."""
    found = values(text, groups)
    rows = [
        (title, [(one, _value(one, found[one.name])) for one in group if found[one.name]])
        for title, group in groups
    ]
    return [(title, group) for title, group in rows if group]


def _value(parameter: Parameter, text: str) -> Any:
    if parameter.kind in ("ratio", "multiple"):
        return parse_decimal(text, RATIO_DECIMALS)
    if parameter.kind == "money":
        return parse_money(text)
    return dict(parameter.options).get(text, text)


def show(call: Call, staff: SignedIn) -> Response:
    """What is in effect in words, what is drafted, and what was in effect before."""
    number, text = policies.get_version(call.database, call.program)
    return call.page(
        "console/policy.html", staff=staff, tab="policy", number=number, text=text,
        groups=spoken(text, POLICY), rules=read_policy(text),
        versions=listing.list_policies(call.database, call.program)[::-1],
        drafts=policies.list_drafts(call.database, call.program)[::-1][:20],
    )  # fmt: skip


def version(call: Call, staff: SignedIn) -> Response:
    """One version, in words and as its file."""
    number = number_of(call)
    rows = {row.version: row for row in listing.list_policies(call.database, call.program)}
    if number not in rows:
        raise Missing
    running, _ = policies.get_version(call.database, call.program)
    return call.page(
        "console/version.html", staff=staff, tab="policy", row=rows[number], running=running,
        groups=spoken(rows[number].toml, POLICY), rules=read_policy(rows[number].toml),
    )  # fmt: skip


def number_of(call: Call) -> int:
    """The number that an address ends with."""
    text = str(call.request.path_params["number"])
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 32767):
        raise Missing
    return int(text[:6])


class Editor:
    """Drafting: a form and a text, of which the text counts."""

    def __init__(self) -> None:
        self._once = Once()

    def show(self, call: Call, staff: SignedIn) -> Response:
        """The policy in effect, or a draft, to be changed."""
        text = self._start(call)
        return self._page(call, staff, Edited(text, values(text, POLICY)), None)

    def _start(self, call: Call) -> str:
        draft = call.asked("draft", 6)
        if not (draft.isascii() and draft.isdigit()):
            return policies.get_version(call.database, call.program)[1]
        try:
            return policies.get_draft(call.database, call.program, int(draft)).toml
        except UnknownDraft:
            raise Missing from None

    def send(self, call: Call, staff: SignedIn) -> Response:
        """Write the form into the text; check it, or keep it as a draft."""
        edited = edit(call.form, POLICY)
        if edited.errors:
            return self._page(call, staff, edited, None, 422)
        try:
            if call.form.get("do") == "keep":
                return self._keep(call, staff, edited)
            changes = policies.preview(call.database, call.program, edited.text, call.now)
            budget = budget_of(call.database, call.program, edited.text)
        except PolicyError as error:
            line = edited.blame(str(error))
            return self._page(call, staff, edited, None, 422, line=line)
        return self._page(call, staff, edited, Checked(changes, budget))

    def _keep(self, call: Call, staff: SignedIn, edited: Edited) -> Response:
        # What cannot be drafted is refused before the form counts as sent.
        policies.preview(call.database, call.program, edited.text, call.now)
        if not self._once.is_first(call):
            return call.go(call.at("console", "/policy"))
        actor = f"staff:{staff.name}"
        made = policies.create_draft(call.database, call.program, edited.text, actor, call.now)
        return call.go(call.at("console", f"/policy/drafts/{made.number}"))

    def _page(
        self, call: Call, staff: SignedIn, edited: Edited, checked: Checked | None,
        status: int = 200, line: int | None = None,
    ) -> Response:  # fmt: skip
        return call.page(
            "console/policy_edit.html", status, staff=staff, tab="policy", edited=edited,
            groups=POLICY, shown=values(edited.text, POLICY), checked=checked, line=line,
            id=random_hex(16), labels=LABELS, said=partial(translated, call),
        )  # fmt: skip
