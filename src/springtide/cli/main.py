"""The command line: `springtide NOUN VERB`, figures on stdout, everything else on stderr.

Exit codes: 0 done; 1 an audit found a broken law; 2 the input or the database was not usable;
130 interrupted.
"""

import gc
import os
import sys

import click
import typer

from springtide.cli import orders, policies, programs, reports
from springtide.cli.output import err
from springtide.cli.settings import BadInput
from springtide.core.policy import PolicyError
from springtide.services.gateway import (
    DatabaseDown,
    ProgramExists,
    UnknownMember,
    UnknownProgram,
)
from springtide.services.importing import ImportRefused

REFUSALS = (
    BadInput,
    DatabaseDown,
    ImportRefused,
    PolicyError,
    ProgramExists,
    UnknownMember,
    UnknownProgram,
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
orders.add_to(app)
reports.add_to(app)


def main() -> None:
    """Run a command; every refusal is one line and an exit code."""
    assert __debug__, "the product checks itself while it runs: start Python without -O"
    # Batches make many short-lived records and no cycles, and the thread that writes them
    # should not wait long for the one that folds.
    gc.set_threshold(100_000, 50, 50)
    sys.setswitchinterval(0.0005)
    try:
        code = app(standalone_mode=False)
    except click.ClickException as error:
        code = _fail(error.format_message())
    except REFUSALS as error:
        code = _fail(str(error))
    except (click.exceptions.Abort, KeyboardInterrupt):
        err.print("springtide: interrupted; run the same command again to go on")
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _fail(message: str) -> int:
    err.print(f"springtide: {' '.join(message.split())}", markup=False)
    return 2
