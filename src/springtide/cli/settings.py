"""What several commands are given, and how they are read."""

import getpass
import os
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from springtide.cli.output import err
from springtide.core.event_fields import is_name
from springtide.core.policy import PolicyError
from springtide.services import presets
from springtide.services.gateway import Database, open_database

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead.")]
AllowPrivate = Annotated[
    bool,
    typer.Option(
        "--allow-private-webhooks",
        help="Send webhooks to this machine and its networks too: for tests, never in public.",
    ),
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="P.toml", help="A policy file.")
]
Preset = Annotated[
    str | None, typer.Option("--preset", help="A preset; see `springtide policy presets`.")
]


By = Annotated[
    str, typer.Option("--by", metavar="WHO", help="Who does it; the user of this machine.")
]


class BadInput(Exception):
    """A command cannot use what it was given; the message says what and the remedy."""


def clock() -> datetime:
    """The time, which the floors below are told."""
    return datetime.now(UTC)


def database(*, supervised: bool = False) -> AbstractContextManager[Database]:
    """The database that the environment names; a supervised one is kept running."""
    return open_database(os.environ, supervised=supervised, say=err.print)


def read_text(path: Path) -> str:
    """A text file.

    Raises:
        BadInput: it is not there, or not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text; save it as UTF-8") from None


def policy_text(policy: Path | None, preset: str | None) -> str:
    """The policy that was asked for, as TOML.

    Raises:
        BadInput: neither or both were given.
        PolicyError: no preset has this name.
    """
    if (policy is None) == (preset is None):
        raise BadInput("give either --policy P.toml or --preset NAME")
    return presets.read_preset(preset or "") if policy is None else read_text(policy)


def actor(by: str) -> str:
    """Who acts on the command line: `cli:NAME`."""
    try:
        name = by or getpass.getuser()
    except (OSError, KeyError):
        name = ""
    if not is_name(name):
        raise BadInput(f"{name!r} cannot name who does it; give --by NAME")
    return f"cli:{name}"


def explain(policy: Path | None, error: PolicyError) -> BadInput:
    """A refused policy, with the file it came from."""
    return BadInput(f"{policy}: {error}" if policy else str(error))
