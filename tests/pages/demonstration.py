"""The demonstration as `make demo` makes it, over a database of the tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.web.serving import Service, serving


@contextmanager
def demonstration(dsn: str, folder: Path) -> Iterator[Service]:
    """A running server with the example orders."""
    settings = {"SPRINGTIDE_DATABASE": dsn}
    subprocess.run(
        [sys.executable, "-m", "springtide.cli", "demo", "--chart", str(folder / "x.png")],
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
    )
    with serving(folder, settings, "--demo") as service:
        yield service
