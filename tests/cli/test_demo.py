"""`springtide demo`: from nothing to a chart, with a database of its own, and again."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder outside private homes, where the embedded server may keep its data."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="springtide-test-demo-"))
    yield folder
    shutil.rmtree(folder)


def springtide(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("SPRINGTIDE_")}  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "springtide.cli", *arguments],
        env={**environment, "SPRINGTIDE_DATA": str(home / "pgdata")},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_demo_runs_twice_and_draws_its_chart(home: Path) -> None:
    first = springtide(home, "demo")
    assert first.returncode == 0, first.stderr
    assert "Traceback" not in first.stderr
    words = [line.split() for line in first.stdout.splitlines()]
    assert ["rows", "3,000"] in words
    assert ["posted", "2,984"] in words
    chart = home / "springtide-demo.png"
    assert chart.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    chart.unlink()

    again = springtide(home, "demo", "--chart", "again.png")
    assert again.returncode == 0, again.stderr
    assert "program demo is there already; going on with it" in again.stderr
    assert ["posted", "0"] in [line.split() for line in again.stdout.splitlines()]
    assert (home / "again.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pool = first.stdout.index("demo: the pool")
    assert first.stdout[pool:] == again.stdout[again.stdout.index("demo: the pool") :]

    audit = springtide(home, "audit", "demo")
    assert audit.returncode == 0, audit.stdout
    assert not (home / "pgdata" / "postmaster.pid").exists(), "the last to leave stops it"
