"""The policy file: defaults, the bounds of every parameter, and what a refusal says."""

from typing import Any

import pytest

from springtide.core.policy import PolicyError, Terms
from springtide.core.policy_file import check_budget, read_policy
from springtide.core.units import LIMIT
from tests.core.history import COMMISSIONS, merged, policy_of, write_toml

REQUIRED = {
    "split": {"take_rate": "0.20", "platform": "0.10", "distribution": "0.10"},
    "points": {"grant_ratio": "0.70"},
    "cash_out": {"fee": "0.20"},
}


CAPPED = merged(REQUIRED, cap={"multiple": "1.2"})


def refusal(base: dict[str, Any] = REQUIRED, /, **changes: object) -> str:
    with pytest.raises(PolicyError) as error:
        policy_of(base, **changes)
    return str(error.value)


def nested(path: str, value: object) -> dict[str, Any]:
    """The change that sets one parameter: `a.b.c` to `{"a": {"b": {"c": value}}}`."""
    key, _, rest = path.partition(".")
    return {key: nested(rest, value) if rest else value}


def test_the_defaults_are_those_of_the_specification() -> None:
    policy = policy_of(REQUIRED)
    assert policy.opening_reserve_micro == policy.start_price_micro == 1_000_000
    assert policy.opening_supply_nano == 10**9
    assert (policy.take_ppm, policy.platform_ppm) == (200_000, 100_000)
    assert (policy.distribution_ppm, policy.grant_ppm) == (100_000, 700_000)
    assert (policy.cash_out_fee_ppm, policy.redeem_fee_ppm) == (200_000, 0)
    assert (policy.max_grant_value_micro, policy.split_at_micro, policy.cap_ppm) == (None,) * 3
    assert policy.split_factor == 10
    assert policy.settle_after_s == 0
    assert (policy.cash_out_daily, policy.cash_out_at_s) == (False, 2 * 3600)
    choices = (policy.rest_to_pool, policy.shortfall_on_platform)
    assert choices == (policy.cap_per_member, policy.cap_pays_credit) == (False, False)
    assert policy.worst_commission_ppm() == policy.level_depth == 0
    assert not policy.pays_levels
    assert (policy.merchants, policy.agents, policy.levels) == ({}, {}, {})
    assert policy.terms_of("anybody") == policy.terms_of("")
    assert policy.terms_of("") == Terms(200_000, "", "", 100_000, 100_000)


def test_every_parameter_is_read() -> None:
    policy = policy_of(
        REQUIRED,
        opening_reserve="2.00",
        split={"unallocated": "pool"},
        points={
            "start_price": "1.50",
            "max_grant_value": "5000.00",
            "split_at": "1000",
            "split_factor": 3,
        },
        redeem={"fee": "0.01"},
        refund={"bearer": "platform"},
        orders={"settle_after": "36h"},
        cap={"multiple": "1.2", "scope": "member", "payout": "credit"},
        commission=COMMISSIONS,
        merchants={
            "shop-1": {"take_rate": "0.50", "region": "330106", "recruiter": "m7"},
            "s2": {},
        },
        agents={"330106": "a1", "3301": "a2", "33": "a3"},
        levels={"m9": "2"},
    )
    assert policy.opening_supply_nano == 1_333_333_333
    assert (policy.max_grant_value_micro, policy.split_at_micro) == (5 * 10**9, 10**9)
    assert (policy.split_factor, policy.redeem_fee_ppm, policy.cap_ppm) == (
        3,
        10_000,
        1_200_000,
    )
    assert policy.rest_to_pool is policy.shortfall_on_platform is True
    assert policy.cap_per_member is policy.cap_pays_credit is True
    assert policy.settle_after_s == 36 * 3600
    assert policy.terms_of("shop-1")[:3] == (500_000, "330106", "m7")
    assert policy.terms_of("s2") == Terms(200_000, "", "", 100_000, 100_000)
    assert policy.territory_ppm == (1000, 2000, 3000)
    assert (policy.direct_ppm, policy.indirect_ppm, policy.recruiter_ppm) == (3000, 2000, 5000)
    assert (policy.level_depth, policy.peer_ppm) == (4, 500)
    assert policy.level_rates_ppm == {"1": 1000, "2": 3000}
    assert policy.agents["33"] == "a3"
    assert policy.levels == {"m9": "2"}
    # direct, indirect, recruiter, province, level 2, and the peer award of two rates
    assert policy.worst_commission_ppm() == 3000 + 2000 + 5000 + 3000 + 3000 + 2 * 500


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0d", 0), ("7d", 604_800), ("36h", 129_600), ("15m", 900), ("99999d", 8_639_913_600)],
)
def test_durations(text: str, seconds: int) -> None:
    assert policy_of(REQUIRED, orders={"settle_after": text}).settle_after_s == seconds


REQUIRED_PATHS = [
    "split.take_rate", "split.platform", "split.distribution", "points.grant_ratio",
    "cash_out.fee",
]  # fmt: skip


@pytest.mark.parametrize("path", REQUIRED_PATHS)
def test_what_is_required_is_named_if_it_is_missing(path: str) -> None:
    assert refusal(**nested(path, None)).startswith(
        f'{path} is missing; give it as a string like "0.20"'
    )


def test_a_cap_without_a_multiple_is_refused() -> None:
    assert refusal(cap={"scope": "member"}) == (
        'cap.multiple is missing; give it as a string like "1.2"'
    )
    message = refusal(cap={"multiple": "1.0000001"})
    assert message.startswith("cap.multiple: '1.0000001' has 7 decimals")
    assert message.endswith('give it like "1.2"')


RATIOS = [
    *REQUIRED_PATHS, "redeem.fee", "commission.direct", "commission.indirect",
    "commission.recruiter", "commission.territory.district", "commission.territory.city",
    "commission.territory.province", "commission.level.peer", "commission.level.rates.gold",
    "merchants.shop.take_rate",
]  # fmt: skip


@pytest.mark.parametrize("path", RATIOS)
def test_ratios_are_decimal_strings_within_bounds(path: str) -> None:
    bound = "below 1" if path.endswith("fee") else "in 0..1"
    highest = "1" if bound == "below 1" else "1.000001"
    for value in (highest, "1.5", "70"):
        assert refusal(**nested(path, value)) == (f"{path} is {value}; a ratio must be {bound}")
    for wrong in (0.2, 1, True, "-0.1", "20%", "", ["0.2"]):
        assert refusal(**nested(path, wrong)) == (
            f"{path}: {wrong!r} is not a decimal string like '12.50'; give it like \"0.20\""
        )
    assert refusal(**nested(path, "0.1000000")) == (
        f"{path}: '0.1000000' has 7 decimals; at most 6 are kept; give it like \"0.20\""
    )


@pytest.mark.parametrize("path", RATIOS)
def test_ratios_at_their_bounds_are_read(path: str) -> None:
    """All of the take is distributed and all is taken, so that any commission fits."""
    ample = merged(REQUIRED, split={"take_rate": "1", "platform": "0", "distribution": "1"})
    highest = "0.999999" if path.endswith("fee") else "1"
    changes = nested(path, highest)
    if path == "split.platform":
        changes["split"]["distribution"] = "0"
    read_policy(write_toml(merged(ample, **changes)))
    read_policy(write_toml(merged(ample, **nested(path, "0"))))


MONEY = ["opening_reserve", "points.start_price", "points.max_grant_value", "points.split_at"]


@pytest.mark.parametrize("path", MONEY)
def test_money_is_a_decimal_string_of_64_bits(path: str) -> None:
    assert refusal(**nested(path, 5)) == (
        f"{path}: 5 is not a decimal string like '12.50'; give it like \"5000.00\""
    )
    assert refusal(**nested(path, "9223372036854.775808")) == (
        f"{path} passes 2^63 - 1 micro; lower it"
    )
    assert "at most 6 are kept" in refusal(**nested(path, "1.0000000"))


@pytest.mark.parametrize(
    ("path", "default", "least", "most"),
    [("points.split_factor", 10, 2, 1_000_000), ("commission.level.max_depth", 0, 0, 1000)],
)
def test_whole_numbers(path: str, default: int, least: int, most: int) -> None:
    for value in (least - 1, most + 1, "5", 5.0, True):
        assert refusal(**nested(path, value)) == (
            f"{path} is {value!r}; give a whole number from {least} to {most}"
        )
    for value in (least, most):
        assert policy_of(REQUIRED, **nested(path, value)) != policy_of(REQUIRED) or (
            value == default
        )
    assert policy_of(REQUIRED, **nested(path, default)) == policy_of(REQUIRED)


@pytest.mark.parametrize(
    ("path", "default", "other"),
    [
        ("split.unallocated", "platform", "pool"),
        ("refund.bearer", "merchant", "platform"),
        ("cash_out.execution", "instant", "daily"),
        ("cap.scope", "order", "member"),
        ("cap.payout", "cash", "credit"),
    ],
)
def test_choices(path: str, default: str, other: str) -> None:
    for value in ("both", "", 1, False):
        message = refusal(CAPPED, **nested(path, value))
        assert message == f'{path} is {value!r}; give "{default}" or "{other}"'
    assert policy_of(CAPPED, **nested(path, default)) == policy_of(CAPPED)
    assert policy_of(CAPPED, **nested(path, other)) != policy_of(CAPPED)


@pytest.mark.parametrize(
    "value", ["7", "7 d", "d", "-1d", "1w", "100000d", "７d", "1d\n", 7, ""]
)
def test_a_duration_is_days_hours_or_minutes(value: object) -> None:
    assert refusal(orders={"settle_after": value}) == (
        f'orders.settle_after is {value!r}; give days, hours or minutes like "7d"'
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"split": {"platform": "0.95", "distribution": "0.050001"}},
            "split.platform + split.distribution is 1.000001; it may be 1 at most",
        ),
        ({"points": {"start_price": "0"}}, "points.start_price is 0; it must be above zero"),
        (
            {"points": {"split_at": "1.00"}},
            "points.split_at must exceed start_price; raise or remove it",
        ),
        (
            {"points": {"split_at": "0"}},
            "points.split_at must exceed start_price; raise or remove it",
        ),
        (
            {"cap": {"multiple": "0"}},
            "cap.multiple is 0; it must be above zero, or remove [cap]",
        ),
        (
            {"opening_reserve": "9300.00", "points": {"start_price": "0.000001"}},
            "opening_reserve at points.start_price passes 2^63 - 1; lower it",
        ),
    ],
)
def test_the_pool_can_work(changes: dict[str, Any], message: str) -> None:
    assert refusal(**changes) == message


def test_the_pool_at_its_bounds() -> None:
    policy_of(REQUIRED, split={"platform": "0.95", "distribution": "0.05"})
    policy_of(REQUIRED, cap={"multiple": "0.000001"})
    assert policy_of(REQUIRED, points={"split_at": "1.000001"}).split_at_micro == 1_000_001
    cheap = {"start_price": "0.000001"}
    policy = policy_of(REQUIRED, opening_reserve="9223.372036", points=cheap)
    assert policy.opening_supply_nano == 9_223_372_036 * 10**9 <= LIMIT


def test_an_opening_reserve_buys_a_point_or_is_nothing() -> None:
    for opening in ("1.999999", "1.00", "0.000001"):
        message = refusal(opening_reserve=opening, points={"start_price": "2.00"})
        assert message.startswith(f"opening_reserve is {float(opening):.6f}; give at least 2.0")
        assert "one point at points.start_price" in message
    at_two = policy_of(REQUIRED, opening_reserve="2.00", points={"start_price": "2.00"})
    assert at_two.opening_supply_nano == 10**9
    for price in ("0.01", "1.00", "700.00"):
        policy = policy_of(REQUIRED, opening_reserve="0", points={"start_price": price})
        assert policy.opening_supply_nano == 0


@pytest.mark.parametrize(("opening", "price"), [("0.999999", "0.50"), ("0.000001", "0.000001")])
def test_an_opening_reserve_below_one_is_refused_even_if_it_buys_a_point(
    opening: str, price: str
) -> None:
    message = refusal(opening_reserve=opening, points={"start_price": price})
    assert message.startswith("opening_reserve")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"fee": "0.1"}, "fee"),
        ({"cashout": {"fee": "0.1"}}, "cashout"),
        ({"split": {"pool": "0.8"}}, "split.pool"),
        ({"points": {"Split_at": "5"}}, "points.Split_at"),
        ({"cash_out": {"rate": "0"}}, "cash_out.rate"),
        ({"redeem": {"x": "0"}}, "redeem.x"),
        ({"refund": {"x": "0"}}, "refund.x"),
        ({"orders": {"x": "0"}}, "orders.x"),
        ({"cap": {"multiple": "1", "x": "0"}}, "cap.x"),
        ({"commission": {"x": "0"}}, "commission.x"),
        ({"commission": {"territory": {"county": "0"}}}, "commission.territory.county"),
        ({"commission": {"level": {"depth": 1}}}, "commission.level.depth"),
        ({"merchants": {"shop": {"x": "0"}}}, "merchants.shop.x"),
    ],
)
def test_unknown_keys_are_refused(changes: dict[str, Any], name: str) -> None:
    assert refusal(**changes) == f"{name} is not known here; remove or correct it"


TABLES = [
    "split", "points", "cash_out", "redeem", "refund", "orders", "cap", "commission",
    "commission.territory", "commission.level", "commission.level.rates", "merchants",
    "merchants.shop", "agents", "levels",
]  # fmt: skip


@pytest.mark.parametrize("path", TABLES)
def test_a_table_must_be_a_table(path: str) -> None:
    assert refusal(**nested(path, "5")) == f"{path} is '5'; it must be a table"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"merchants": {"": {}}}, "merchants. cannot name a merchant"),
        (
            {"merchants": {"shop": {"region": "33010"}}},
            "merchants.shop.region is '33010'; give 2, 4 or 6 digits",
        ),
        (
            {"merchants": {"shop": {"recruiter": ""}}},
            "merchants.shop.recruiter is ''; give the id of a member",
        ),
        (
            {"agents": {"330": "a1"}},
            "agents.330: the key must be a region of 2, 4 or 6 digits of GB/T 2260",
        ),
        (
            {"agents": {"３３": "a1"}},
            "agents.３３: the key must be a region of 2, 4 or 6 digits of GB/T 2260",
        ),
        ({"agents": {"33": 5}}, "agents.33 is 5; give the id of a member"),
        ({"levels": {"m\t": "1"}}, "levels.m\t: the key must be the id of a member"),
        ({"levels": {"m1": 1}}, "levels.m1 is 1; give the id of a member"),
    ],
)
def test_registries(changes: dict[str, Any], message: str) -> None:
    assert refusal(**changes) == message


@pytest.mark.parametrize(
    "text", ["[split", "split = ", "a = 1\na = 2", "[split]\n[split]", "\x00"]
)
def test_malformed_toml_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match=r"^not a TOML file: "):
        read_policy(text)


def test_an_empty_file_says_what_is_missing() -> None:
    with pytest.raises(PolicyError, match=r"^split\.take_rate is missing"):
        read_policy("")


def test_commissions_over_the_budget_are_refused_with_the_sum() -> None:
    """0.20 x 0.10 distributes 0.02 of an order; the commissions here can reach 0.017."""
    exactly = merged(COMMISSIONS, direct="0.006")
    assert policy_of(REQUIRED, commission=exactly).worst_commission_ppm() == 20_000
    assert refusal(commission=merged(COMMISSIONS, direct="0.006001")) == (
        "commissions can reach 0.020001 of an order, but the policy distributes only "
        "take_rate 0.2 x distribution 0.1 = 0.02; lower a rate"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"indirect": "0.005001"},
        {"recruiter": "0.008001"},
        {"territory": {"district": "0.006001"}},
        {"territory": {"city": "0.006001"}},
        {"territory": {"province": "0.006001"}},
        {"level": {"rates": {"1": "0.006001"}}},
        {"level": {"rates": {"2": "0.006001"}}},
        {"level": {"peer": "0.002001"}},
    ],
)
def test_every_commission_counts_in_the_worst_case(change: dict[str, Any]) -> None:
    commission = merged(COMMISSIONS, **change)
    assert refusal(commission=commission).startswith("commissions can reach 0.02000")


def test_the_peer_award_counts_once_for_every_distinct_positive_rate() -> None:
    rates = {"1": "0.001", "also 1": "0.001", "2": "0.003", "none": "0"}
    level = {"max_depth": 3, "peer": "0.002", "rates": rates}
    policy = policy_of(REQUIRED, commission={"level": level})
    assert policy.worst_commission_ppm() == 3000 + 2 * 2000


def test_one_merchant_below_the_budget_is_refused_with_its_name() -> None:
    shops = {"rich": {"take_rate": "0.50"}, "poor": {"take_rate": "0.16"}}
    assert refusal(commission=COMMISSIONS, merchants=shops) == (
        "commissions can reach 0.017 of an order, but merchant poor distributes only "
        "take_rate 0.16 x distribution 0.1 = 0.016; lower a rate"
    )
    shops["poor"] = {"take_rate": "0.17"}
    policy = policy_of(REQUIRED, commission=COMMISSIONS, merchants=shops)
    for merchant in ("", "rich", "poor", "unknown"):
        check_budget(policy, merchant)
