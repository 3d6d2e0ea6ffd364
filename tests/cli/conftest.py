"""The command line as its users have it: arguments in, two streams and an exit code out."""

import gc
import io
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from springtide.cli.main import main


class Result(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def springtide(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Run a command in this process, with the tests' database; `stdin` is what it may read."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    monkeypatch.setenv("SPRINGTIDE_DATABASE", dsn)

    def run(*arguments: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "argv", ["springtide", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        code = ended.value.code or 0
        assert isinstance(code, int)
        return Result(code, out, err)

    yield run
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)
