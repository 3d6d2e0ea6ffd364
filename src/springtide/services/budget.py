"""Whether the commissions of a program, of any merchant in it, can ever pass its budget."""

from dataclasses import dataclass

from springtide.core.budget import Proof, Term, prove, worst_case, worst_chain
from springtide.core.policy_file import read_policy
from springtide.storage import distribution, programs
from springtide.storage.database import Database

__all__ = ["Budget", "Proof", "Term", "budget_under", "read_budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """The worst case of a program's commissions, and every merchant's budget beside it."""

    terms: list[Term]
    worst_chain: list[str]
    """Levels from the referrer up that reach it."""
    proofs: list[Proof]


def read_budget(database: Database, name: str) -> Budget:
    """The worst case of a program under its policy and its merchants' terms.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        toml = programs.get_program(tx, name).policy_toml
    return budget_under(database, name, toml)


def budget_under(database: Database, name: str, toml: str) -> Budget:
    """The worst case of a program as it would be under another policy.

    Raises:
        UnknownProgram: there is none of this name.
        PolicyError: the policy cannot be used.
    """
    policy = read_policy(toml)
    with database.snapshot() as tx:
        registry = distribution.read_all_terms(tx, programs.get_program(tx, name))
    return Budget(worst_case(policy), worst_chain(policy), list(prove(policy, registry)))
