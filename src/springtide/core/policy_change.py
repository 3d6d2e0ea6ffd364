"""Changing the policy of a running program: what may change, and how it comes into effect.

An order keeps the policy it was made under: its settlement and its refunds follow that one,
and its lot keeps the headroom it was given. All else follows the policy in effect.

Source: docs/algorithms/policy_changes.md.
"""

from springtide.core.entry import Entry
from springtide.core.events import PolicyChange
from springtide.core.policy import Policy, PolicyError
from springtide.core.policy_file import read_policy
from springtide.core.refusals import UnusablePolicy

FIXED = {
    "opening_reserve_micro": ("opening_reserve", "it was posted when the program opened"),
    "start_price_micro": ("points.start_price", "the points of the opening were priced at it"),
    "split_at_micro": ("points.split_at", "a new one would re-denominate points in hand"),
    "split_factor": ("points.split_factor", "it is the unit of all splits to come and gone"),
    "cap_per_member": ("cap.scope", "the lots in hand were opened under it"),
}
"""Parameters that are for ever: the field, its name in the file, and why."""


def check_change(old: Policy, new: Policy) -> None:
    """Refuse a policy that cannot follow another one.

    Raises:
        PolicyError: the parameter that may not change, and why.
    """
    for field, (name, why) in FIXED.items():
        if getattr(old, field) != getattr(new, field):
            raise PolicyError(
                f"{name} cannot change while the program runs: {why}; leave it as it was"
            )


def change_policy(entry: Entry, wish: PolicyChange) -> None:
    """Let the next version of the policy be the one in effect.

    Raises:
        UnusablePolicy: it is not the next version, cannot be read, or changes what is fixed.
    """
    state = entry.state
    if wish.version != state.policy_version + 1:
        raise UnusablePolicy(
            f"version {wish.version} cannot follow version {state.policy_version}"
        )
    try:
        policy = read_policy(wish.toml)
        check_change(state.policy, policy)
    except PolicyError as error:
        raise UnusablePolicy(str(error)) from None
    entry.policy = policy
    entry.policy_version = wish.version
    entry.receipt["version"] = wish.version
