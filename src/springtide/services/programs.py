"""Creating programs."""

from unicodedata import category

from springtide.core.event_fields import LONGEST_ID, is_name
from springtide.core.policy import PolicyError
from springtide.core.policy_file import read_policy
from springtide.core.profile import check_profile, notice_of
from springtide.core.reducer import opening_transfers
from springtide.core.state import Receipt, open_state
from springtide.core.units import MICRO, format_money
from springtide.services.profiles import get_profile
from springtide.storage import ledger, programs
from springtide.storage.acts import append_act
from springtide.storage.chain import NO_HASH, Chain, encode_receipt
from springtide.storage.database import Database
from springtide.storage.errors import BadName
from springtide.storage.ledger import Slice
from springtide.storage.programs import Program


def is_program_name(name: str) -> bool:
    """Whether this can name a program: pages have the name in their addresses as it is.

    Letters are of any script, with the marks that belong to them.
    """
    return (
        is_name(name)
        and name not in (".", "..")
        and all(sign in "-_." or category(sign)[0] in "LMN" for sign in name)
    )


def create_program(
    database: Database,
    name: str,
    policy_toml: str,
    *,
    without_reserve: bool = False,
    actor: str = "cli",
    profile: str = "demo",
) -> Program:
    """Create a program and post its opening reserve as entry 0.

    `without_reserve` admits a policy whose opening reserve is 0, which only a replay may use:
    without one, whoever leaves one unit behind takes what the next buyers pay in.
    The profile stays the program's for good; `demo` is for what is never paid out for real.

    Raises:
        PolicyError: the policy cannot be used, its opening reserve is below 1.00, or the
            profile does not allow it without evidence, which no new program has on file.
        ProfileError: there is no such profile.
        BadName: the name is empty, too long, or has what cannot stand in an address.
        ProgramExists: the name is taken.
    """
    if not is_program_name(name):
        raise BadName(
            f"{name!r} cannot name a program; give 1 to {LONGEST_ID} letters, digits, "
            "hyphens, underscores and dots"
        )
    policy = read_policy(policy_toml)
    if policy.opening_reserve_micro < MICRO and not without_reserve:
        raise PolicyError(
            f"opening_reserve is {format_money(policy.opening_reserve_micro)}; "
            'a program that takes orders needs at least "1.00"'
        )
    limits = get_profile(profile)
    check_profile(limits, policy)
    state = open_state(policy)
    event = {"type": "opening", "policy": policy_toml}
    receipt: Receipt = {
        "type": "opening",
        "reserve": state.reserve_micro,
        "supply": state.supply_nano,
        "price": policy.start_price_micro,
    }
    with database.transaction() as tx:
        program = programs.insert_program(
            tx, name, profile, policy_toml, policy, notice_of(limits, policy)
        )
        part, chain = Slice(program), Chain(NO_HASH)
        part.add_rows(
            0, "", "opening", event, encode_receipt(receipt), opening_transfers(state)
        )
        part.close(state)
        ledger.append(tx, program, part, chain)
        programs.move_program(tx, program, state, 0, chain.digest())
        append_act(tx, program.id, None, actor, "program.create", name)
        return programs.lock_program(tx, program.id)


def list_programs(database: Database) -> list[Program]:
    """All programs, oldest first."""
    with database.snapshot() as tx:
        return programs.list_programs(tx)
