"""Whether the commissions of a program, of any merchant in it, can ever pass its budget."""

from dataclasses import dataclass

from springtide.core.budget import Proof, Term, prove, worst_case, worst_chain
from springtide.core.policy_file import read_policy
from springtide.storage import distribution, programs
from springtide.storage.database import Database

__all__ = ["Budget", "Proof", "Term", "read_budget"]


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
        program = programs.get_program(tx, name)
        registry = distribution.read_all_terms(tx, program)
    policy = read_policy(program.policy_toml)
    return Budget(worst_case(policy), worst_chain(policy), list(prove(policy, registry)))
