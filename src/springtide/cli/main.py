"""The command line: `springtide NOUN VERB`, figures on stdout, everything else on stderr.

Exit codes: 0 done; 1 an audit found a broken law, or a check of a text a promise; 2 the input
or the database was not usable; 130 interrupted.
"""

import gc
import os
import sys

import typer

from springtide.cli import (
    controls,
    distribution,
    evidence,
    merchants,
    orders,
    phones,
    policies,
    programs,
    reports,
    service,
    simulate,
    staff,
    webhooks,
    withdrawals,
)
from springtide.cli.output import err
from springtide.cli.settings import BadInput
from springtide.core.policy import PolicyError
from springtide.core.profile import ProfileError
from springtide.core.refusals import Refusal
from springtide.services.gateway import (
    BadName,
    DatabaseDown,
    DraftState,
    FourEyes,
    NotPossible,
    ProgramExists,
    UnknownDraft,
    UnknownEvidence,
    UnknownMember,
    UnknownProgram,
    UnusableEvidence,
)
from springtide.services.importing import ImportRefused
from springtide.services.payouts import PayoutRefused

INTERRUPTED = 130

REFUSALS = (
    BadInput,
    BadName,
    DatabaseDown,
    DraftState,
    FourEyes,
    ImportRefused,
    PayoutRefused,
    NotPossible,
    PolicyError,
    ProfileError,
    ProgramExists,
    UnknownDraft,
    UnknownEvidence,
    Refusal,
    UnknownMember,
    UnknownProgram,
    *staff.REFUSALS,
    UnusableEvidence,
)

app = typer.Typer(
    name="springtide",
    help="Loyalty programs whose points are backed by a pool: exact, fast, honest.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(programs.app, name="program")
app.add_typer(policies.app, name="policy")
app.add_typer(webhooks.app, name="webhook")
evidence.add_to(app)
app.add_typer(phones.app, name="phone")
app.add_typer(merchants.app, name="merchant")
distribution.add_to(app)
orders.add_to(app)
reports.add_to(app)
service.add_to(app)
controls.add_to(app)
simulate.add_to(app)
staff.add_to(app)
withdrawals.add_to(app)


def main() -> None:
    """Run a command; every refusal is one line and an exit code."""
    if not __debug__:
        sys.exit(_fail("the product checks itself while it runs; start Python without -O"))
    # Batches make many short-lived records and no cycles, and the thread that writes them
    # should not wait long for the one that folds.
    gc.set_threshold(1_000_000, 50, 50)
    sys.setswitchinterval(0.00002)
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    code = _run()
    if code == INTERRUPTED:
        err.print("springtide: interrupted; run the same command again to go on")
    sys.exit(code)


def _run() -> int:
    try:
        return int(app(standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _fail(_message(error))
    except REFUSALS as error:
        return _fail(str(error))
    except UnicodeEncodeError as error:
        return _fail(f"{error.object!r} is not text in UTF-8; correct it")
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _message(error: typer.TyperException) -> str:
    """What the command line itself refused; a noun without a verb gets a hint."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return f"a verb is missing; see springtide {' '.join(sys.argv[1:])} --help"
    say = getattr(error, "format_message", None)
    said = say() if say else str(error)
    return f"{said.rstrip('.')}; see --help"


def _fail(message: str) -> int:
    err.print(f"springtide: {' '.join(message.split())}")
    return 2
