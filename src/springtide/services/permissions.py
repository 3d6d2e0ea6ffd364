"""What may be done in a program, and what each role may: one vocabulary for people and keys.

An API key has permissions one by one (its scopes); staff have them by their roles. Every
route asks for one of them. The table of roles stands in docs/staff.md too.
"""

from dataclasses import dataclass

from springtide.storage.sessions import Session

PERMISSIONS = {
    "read": "see everything of the program",
    "orders": "post orders and bind referrers",
    "refunds": "refund orders",
    "payouts": "cash out and redeem points",
    "pool": "inject money into the pool, share what the platform earned",
    "withdrawals": "request withdrawals from wallets",
    "review": "approve or reject withdrawals, and say what was paid out",
    "controls": "freeze members, throw switches, acknowledge alarms",
    "merchants": "manage merchants, agents, levels and bindings",
    "policy.draft": "draft a policy",
    "policy.approve": "approve the policy that somebody else drafted",
    "webhooks": "manage webhooks",
    "keys": "create and revoke keys",
    "staff": "manage the program's staff and their roles",
    "audit": "read the log of acts",
}
"""Every permission, each with what it allows."""

ROLES = {
    "owner": frozenset(PERMISSIONS),
    "operator": frozenset(
        {
            "read", "orders", "refunds", "payouts", "withdrawals", "controls", "merchants",
            "policy.draft",
        }
    ),
    "reviewer": frozenset({"read", "review", "policy.approve"}),
    "auditor": frozenset({"read", "audit"}),
    "developer": frozenset({"read", "orders", "refunds", "webhooks", "keys"}),
}  # fmt: skip
"""What each role may. Whoever has several roles may what any of them may."""

SECOND_EYES = frozenset({"review", "policy.approve", "staff"})
"""What looks at other people's work, or says who may. Over HTTP no key is given any of it:
whoever could make such a key would look at their own work with it."""


def permissions_of(roles: list[str]) -> frozenset[str]:
    """What somebody with these roles may do."""
    return frozenset[str]().union(*(ROLES[role] for role in roles))


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, in which program, and what they may do there."""

    actor: str
    """`key:ID` or `staff:NAME`, as the log of acts names them."""
    program: str
    permissions: frozenset[str]
    session: Session | None = None
    """Of staff; a key has none."""
