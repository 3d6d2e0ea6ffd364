"""Policies: the parameters of a program, checked and immutable.

`policy_file` reads them from TOML. Source: docs/algorithms/.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from springtide.core.units import CENT, NANO, PPM


class PolicyError(ValueError):
    """A policy that cannot be used: the parameter, its value and the remedy."""


class Terms(NamedTuple):
    """What one merchant's sales pay, and who is connected with it."""

    take_ppm: int
    region: str
    recruiter: str
    platform_ppm: int
    """Of the take; the merchant's own, or the policy's."""
    distribution_ppm: int
    recruiter_until: str = ""
    """The last day the recruiter earns, as `2026-01-31`; empty for no end."""
    owner: str = ""
    """The member to whom the store's pay-QR binds new customers."""
    suspended: bool = False


class LevelRule(NamedTuple):
    """What a member must have bought, and sold through others, to be given a level."""

    own_micro: int
    team_micro: int


@dataclass(frozen=True)
class Promotion:
    """The parameters of referrals, and of how commissions are held and paid."""

    bind_days: int | None = None
    """How many days a binding earns; None for ever."""
    visible: bool = True
    """Whether somebody who is invited is shown by whom."""
    hold_days: int = 0
    """Days after the settlement until a commission may be paid out."""
    by_statement: bool = False
    """Whether earnings are due on a statement and paid elsewhere, instead of in wallets."""
    level_days: int = 30
    """The days over which sales count for levels."""
    level_rules: Mapping[str, LevelRule] = field(default_factory=dict)


class WithdrawalTerms(NamedTuple):
    """What a withdrawal costs, how large it may be, and who must approve it; in micro."""

    fee_ppm: int = 0
    fee_fixed_micro: int = 0
    minimum_micro: int = 0
    daily_limit_micro: int | None = None
    """Of one member in one day of UTC; None for no limit."""
    four_eyes_above_micro: int | None = None
    """Two people approve what is above it; None: one approves anything."""

    @property
    def least_micro(self) -> int:
        """The least that can be asked for; banks move whole cents."""
        return self.minimum_micro or CENT

    def fee_micro(self, amount_micro: int) -> int:
        """The fee of a withdrawal; its share of the amount is rounded down to whole cents."""
        return amount_micro * self.fee_ppm // PPM // CENT * CENT + self.fee_fixed_micro

    def approvals(self, amount_micro: int) -> int:
        """How many different people must approve a withdrawal."""
        above = self.four_eyes_above_micro
        return 2 if above is not None and amount_micro > above else 1


@dataclass(frozen=True)
class Controls:
    """Limits that a policy sets; None, or 0 for the hold, where it sets none."""

    min_spend_micro: int | None
    min_cash_out_micro: int | None
    daily_cash_out_micro: int | None
    hold_s: int
    daily_outflow_micro: int | None
    max_contribution_ppm: int | None
    """Of the reserve; may pass 1."""
    launch_floor_micro: int

    @cached_property
    def timed(self) -> bool:
        """Whether an answer can depend on when an event was."""
        days = self.daily_cash_out_micro, self.daily_outflow_micro
        return bool(self.hold_s) or days != (None, None)


@dataclass(frozen=True)
class Policy:
    """The checked parameters of a program; ratios in ppm, money in micro."""

    opening_reserve_micro: int
    take_ppm: int
    platform_ppm: int
    distribution_ppm: int
    rest_to_pool: bool
    start_price_micro: int
    grant_ppm: int
    max_grant_value_micro: int | None
    split_at_micro: int | None
    split_factor: int
    cash_out_fee_ppm: int
    cash_out_daily: bool
    cash_out_at_s: int
    """When the day's batch of cash-outs is due, in seconds after midnight UTC."""
    redeem_fee_ppm: int
    shortfall_on_platform: bool
    settle_after_s: int
    cap_ppm: int | None
    """Multiple of the spend at which a lot exits, in millionths; None for no cap."""
    cap_per_member: bool
    cap_pays_credit: bool
    direct_ppm: int
    indirect_ppm: int
    recruiter_ppm: int
    territory_ppm: tuple[int, int, int]
    """Rates of district, city and province."""
    level_depth: int
    peer_ppm: int
    level_rates_ppm: Mapping[str, int]
    merchants: Mapping[str, Terms]
    agents: Mapping[str, str]
    levels: Mapping[str, str]
    withdrawal: WithdrawalTerms
    controls: Controls | None = None
    cash_out_enabled: bool = True
    """Whether points are ever paid in cash; if not, the fee is that of a redemption."""
    notice_days: int | None = None
    """Between the approval of the next policy and its effect; None: as the profile says."""
    promotion: Promotion = Promotion()

    @cached_property
    def default_terms(self) -> Terms:
        """The terms of a sale whose merchant is unknown or missing."""
        return Terms(self.take_ppm, "", "", self.platform_ppm, self.distribution_ppm)

    @cached_property
    def opening_supply_nano(self) -> int:
        """The points of the opening reserve, which belong to nobody and never leave."""
        return self.opening_reserve_micro * NANO // self.start_price_micro

    @cached_property
    def pays_levels(self) -> bool:
        """Whether any purchase can pay a level or a peer award."""
        return self.level_depth > 0 and any(self.level_rates_ppm.values())

    @cached_property
    def level_steps(self) -> int:
        """How far up the referral chain levels and peers are paid; 0 if they are not."""
        return self.level_depth if self.pays_levels else 0

    def terms_of(self, merchant: str) -> Terms:
        """The terms of a merchant; an unknown or missing one has the policy's own."""
        return self.merchants.get(merchant, self.default_terms)

    def after_cash_out_fee(self, gross_micro: int) -> int:
        """What a cash-out pays of an amount; rounded down, so the rest stays in the pool."""
        return gross_micro * (PPM - self.cash_out_fee_ppm) // PPM

    def worst_commission_ppm(self) -> int:
        """The most that the commissions of one order can ask for, as a share of its amount.

        Direct, indirect, recruiter, the highest territory rate, the highest level rate, and
        the peer award once for every distinct positive level rate.
        """
        rates = {rate for rate in self.level_rates_ppm.values() if rate}
        return (
            self.direct_ppm
            + self.indirect_ppm
            + self.recruiter_ppm
            + max(self.territory_ppm)
            + max(rates, default=0)
            + self.peer_ppm * len(rates)
        )
