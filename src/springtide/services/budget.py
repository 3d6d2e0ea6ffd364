"""Whether the commissions of a program, of any merchant in it, can ever pass its budget."""

from dataclasses import dataclass

from springtide.core.budget import Proof, Term, prove, worst_case
from springtide.core.budget import worst_chain as longest_chain
from springtide.core.policy import Policy, PolicyError
from springtide.core.policy_file import read_policy, read_unproved
from springtide.services import policies
from springtide.storage import distribution, programs
from springtide.storage.database import Database, Transaction
from springtide.storage.programs import Program

__all__ = ["Budget", "Proof", "Term", "budget_of", "budget_of_draft", "read_budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """The worst case of a program's commissions, and every merchant's budget beside it."""

    terms: list[Term]
    worst_chain: list[str]
    """Levels from the referrer up that reach it."""
    proofs: list[Proof]
    refusal: str = ""
    """Why the policy would not be accepted; empty if no order can pass its budget."""


def read_budget(database: Database, name: str) -> Budget:
    """The worst case of a program under its policy and its merchants' terms.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return _budget(tx, program, read_policy(program.policy_toml), "")


def budget_of_draft(database: Database, name: str, number: int) -> Budget:
    """The worst case of a draft, for the merchants and the agents that there are now.

    Raises:
        UnknownDraft: there is none of this number.
    """
    return budget_of(database, name, policies.get_draft(database, name, number).toml)


def budget_of(database: Database, name: str, toml: str) -> Budget:
    """The worst case of a policy that is not saved yet, even if that refuses it.

    Raises:
        PolicyError: it is no policy, for another reason than its budgets.
    """
    policy, refusal = read_unproved(toml), ""
    try:
        read_policy(toml)
    except PolicyError as error:
        refusal = str(error)
    with database.snapshot() as tx:
        return _budget(tx, programs.get_program(tx, name), policy, refusal)


def _budget(tx: Transaction, program: Program, policy: Policy, refusal: str) -> Budget:
    try:
        policies.check_agreed(tx, program, policy)
    except PolicyError as error:
        refusal = refusal or str(error)
    proofs = list(prove(policy, distribution.read_all_terms(tx, program)))
    return Budget(worst_case(policy), longest_chain(policy), proofs, refusal)
