"""Profiles: which features a program may have, and what must be on file for them.

The limits are here, in code. A profile's data file says what it is for and may narrow them:
allow less, ask for more evidence, a longer notice. One that allows more is refused.

Source: docs/algorithms/profiles.md.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from springtide.core.policy import Policy, PolicyError

FEATURES = {
    "cash_out": ("points are paid in cash on request", "set cash_out.enabled = false"),
    "cash_exit": ("lots are paid in cash at the cap", 'set cap.payout = "credit"'),
    "indirect": ("referrers of referrers earn: depth 2", "take commission.indirect out"),
    "territory": ("agents earn on their region", "take commission.territory out"),
    "levels": ("level and peer awards", "take commission.level out"),
    "no_reserve": ("no opening reserve", 'set opening_reserve to at least "1.00"'),
}
"""What a profile may allow, in words, each with how a policy does without it."""

KINDS = {"licence": "a licence of an authority", "opinion": "counsel's opinion"}
"""The kinds of evidence."""


REAL, PRETEND = True, False
"""Whether money that is paid out is real."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the programs under it may do."""

    name: str
    about: str
    real_money: bool
    """Whether anything may be paid out for real; if not, payout adapters refuse."""
    notice_days: int
    """The least notice of a change of the policy."""
    allows: frozenset[str]
    evidence: Mapping[str, frozenset[str]]
    """The kinds that each feature needs on file, all of them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document on file that was not revoked."""

    feature: str
    kind: str
    depth: int | None
    """The levels of awards that it permits, if it says."""
    valid_from: date
    expires_on: date
    """The last day on which it holds."""
    number: str = ""


_BOTH = frozenset(KINDS)
_CASH = ("cash_out", "cash_exit", "indirect", "territory")

_NONE: frozenset[str] = frozenset()
_LEAST_NOTICE = 7

LIMITS = {
    "demo": Profile("demo", "", PRETEND, 0, frozenset(FEATURES), {}),
    "closed-loop": Profile("closed-loop", "", REAL, _LEAST_NOTICE, _NONE, {}),
    "cash": Profile(
        "cash", "", REAL, _LEAST_NOTICE, frozenset(_CASH), dict.fromkeys(_CASH, _BOTH)
    ),
    "direct-selling": Profile(
        "direct-selling", "", REAL, _LEAST_NOTICE, frozenset({"levels"}), {"levels": _BOTH}
    ),
    "eu-loyalty": Profile("eu-loyalty", "", REAL, _LEAST_NOTICE, _NONE, {}),
}
"""The most that each profile can allow and the least that it asks for, whatever a file says."""


class ProfileError(ValueError):
    """A profile that cannot be used: what is wrong with it and the remedy."""


def read_profile(name: str, text: str) -> Profile:
    """Read a profile's data file; it may only narrow what the code allows.

    Raises:
        ProfileError: there is no such profile, or the file is wrong or allows too much.
    """
    most = LIMITS.get(name)
    if most is None:
        raise ProfileError(f"no profile is named {name!r}; known are {', '.join(LIMITS)}")
    try:
        tables = tomllib.loads(text)
        about, allows = str(tables["about"]), frozenset(tables["allows"])
        real_money, notice = bool(tables["real_money"]), int(tables["notice_days"])
        asked = {feature: frozenset(kinds) for feature, kinds in tables["evidence"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProfileError(f"profile {name} is not complete: {error!r}; restore it") from None
    too_much = sorted(allows - most.allows) + ["real_money"] * (real_money > most.real_money)
    if too_much:
        raise ProfileError(
            f"profile {name} cannot allow {', '.join(too_much)}, whatever its file says; "
            "take it out of the file"
        )
    evidence = {
        feature: most.evidence.get(feature, frozenset()) | asked.get(feature, frozenset())
        for feature in allows
    }
    return Profile(name, about, real_money, max(notice, most.notice_days), allows, evidence)


def used_features(policy: Policy) -> list[str]:
    """The features that a policy has switched on."""
    used = {
        "cash_out": policy.cash_out_enabled,
        "cash_exit": policy.cap_ppm is not None and not policy.cap_pays_credit,
        "indirect": policy.indirect_ppm > 0,
        "territory": any(policy.territory_ppm),
        "levels": policy.pays_levels,
        "no_reserve": policy.opening_reserve_micro == 0,
    }
    return [feature for feature, on in used.items() if on]


def check_profile(
    profile: Profile,
    policy: Policy,
    evidence: Iterable[Evidence] = (),
    today: date | None = None,
) -> None:
    """Refuse a policy that its profile does not allow, or that lacks evidence today.

    A program that is only to be opened has no evidence, and no day.

    Raises:
        PolicyError: the feature, the profile, and what is missing.

    Source: docs/algorithms/profiles.md.
    """
    if policy.notice_days is not None and policy.notice_days < profile.notice_days:
        raise PolicyError(
            f"policy.notice_days is {policy.notice_days}; the profile {profile.name} wants "
            f"at least {profile.notice_days}"
        )
    held = [one for one in evidence if today and one.valid_from <= today <= one.expires_on]
    remedy = "record one with `springtide evidence add`"
    if today is None:
        remedy = "open the program without, record it, and draft the change"
    for feature in used_features(policy):
        words, without = FEATURES[feature]
        if feature not in profile.allows:
            raise PolicyError(
                f"the profile {profile.name} does not allow {feature} ({words}); {without}"
                + (", or open the program under another profile" if today is None else "")
            )
        for kind in sorted(profile.evidence[feature]):
            fitting = [one for one in held if (one.feature, one.kind) == (feature, kind)]
            if not fitting:
                raise PolicyError(
                    f"under the profile {profile.name} {feature} ({words}) needs {KINDS[kind]} "
                    f"on file{f' that holds on {today}' * bool(today)}; {remedy}, or {without}"
                )
            if feature == "levels" and kind == "licence":
                _check_depth(policy, max(one.depth or 0 for one in fitting))


def _check_depth(policy: Policy, licensed: int) -> None:
    if policy.level_depth > licensed:
        raise PolicyError(
            f"commission.level.max_depth is {policy.level_depth}; the licence on file "
            f"permits {licensed}; lower it"
        )


def lapsed_features(
    profile: Profile, policy: Policy, evidence: Sequence[Evidence], today: date
) -> dict[str, str]:
    """Features of a policy in effect that lack evidence today, each with what is missing.

    Source: docs/algorithms/profiles.md, rule L3.
    """
    lapsed = {}
    for feature in used_features(policy):
        for kind in sorted(profile.evidence.get(feature, ())):
            fitting = _fitting(policy, evidence, feature, kind)
            if not any(one.valid_from <= today <= one.expires_on for one in fitting):
                past = [one for one in fitting if one.expires_on < today]
                last = max(past, key=lambda one: one.expires_on, default=None)
                what = f"{last.number} held until {last.expires_on}" if last else "none does"
                lapsed[feature] = (
                    f"{feature} ({FEATURES[feature][0]}) has stopped: {KINDS[kind]} has to be "
                    f"on file, and {what}; record one with `springtide evidence add`"
                )
                break
    return lapsed


def _fitting(
    policy: Policy, evidence: Iterable[Evidence], feature: str, kind: str
) -> list[Evidence]:
    """What is on file of a kind for a feature as the policy uses it, whenever it holds."""
    depth = policy.level_depth if (feature, kind) == ("levels", "licence") else 0
    return [
        one
        for one in evidence
        if (one.feature, one.kind) == (feature, kind) and (one.depth or 0) >= depth
    ]


WARNED_DAYS = (7, 30)
"""How many days before a feature stops its operators are told."""


def warning_of(
    profile: Profile, policy: Policy, evidence: Sequence[Evidence], feature: str, today: date
) -> tuple[str, date] | None:
    """What operators are to be told of a feature's evidence: `7`, `30` or `expired`.

    With it comes the last day on which all of it holds without a gap. None if there is
    nothing to tell.

    Source: docs/algorithms/profiles.md, rule L4.
    """
    kinds = [
        _fitting(policy, evidence, feature, kind) for kind in profile.evidence.get(feature, ())
    ]
    if not kinds:
        return None
    last, day = None, today
    while all(ends := [_end_on(day, documents) for documents in kinds]):
        last = min(end for end in ends if end)
        if last - today > timedelta(max(WARNED_DAYS)):
            return None
        day = last + timedelta(1)
    if last is not None:
        return str(min(days for days in WARNED_DAYS if last - today <= timedelta(days))), last
    ended = [
        max((one.expires_on for one in documents if one.expires_on < today), default=date.min)
        for documents, end in zip(kinds, ends, strict=True)
        if end is None
    ]
    return "expired", min(ended)


def _end_on(day: date, documents: Iterable[Evidence]) -> date | None:
    """The last day of the documents that hold on a day."""
    return max(
        (one.expires_on for one in documents if one.valid_from <= day <= one.expires_on),
        default=None,
    )


def notice_of(profile: Profile, policy: Policy) -> int:
    """Days between the approval of the policy after this one and its effect."""
    return profile.notice_days if policy.notice_days is None else policy.notice_days
