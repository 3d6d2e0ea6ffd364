"""`springtide replay`: both stores print the same bytes, those of the vectors."""

import json
import os
import subprocess
import sys

import pytest

from springtide.services.replay import replay_in_memory
from tests.cli.conftest import Command
from tests.services.histories import NAMES, VECTORS, events_of, policy_of, receipts_of


def compact(vector: str) -> str:
    receipts = receipts_of(vector)
    return "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in receipts)


def kept(err: str) -> str:
    """The program that a replay said it keeps."""
    start = "kept as program "
    assert err.startswith(start)
    assert err.count("\n") == 1
    return err.removeprefix(start).strip()


@pytest.mark.parametrize("vector", NAMES)
def test_both_stores_print_the_receipts_of_the_vectors(
    springtide: Command, vector: str
) -> None:
    arguments = [
        "replay", VECTORS / f"{vector}.events.jsonl",
        "--policy", VECTORS / f"{vector}.policy.toml",
    ]  # fmt: skip
    memory = springtide(*arguments)
    assert (memory.code, memory.err) == (0, "")
    assert memory.out == compact(vector)
    postgres = springtide(*arguments, "--store", "postgres")
    assert (postgres.code, postgres.out) == (0, memory.out)

    audit = springtide("audit", kept(postgres.err))
    assert audit.code == 0
    assert "BROKEN" not in audit.out


@pytest.mark.parametrize("store", ["memory", "postgres"])
def test_a_dash_reads_stdin(springtide: Command, store: str) -> None:
    events = (VECTORS / "edges-order.events.jsonl").read_bytes()
    policy = VECTORS / "edges-order.policy.toml"
    result = springtide("replay", "-", "--policy", policy, "--store", store, stdin=events)
    assert (result.code, result.out) == (0, compact("edges-order"))


def test_a_bad_line_of_stdin_is_named(springtide: Command) -> None:
    result = springtide("replay", "-", "--preset", "advert-b", stdin=b"\n\nhello\n")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("springtide: - line 3: 'hello' is not a JSON object")


def test_the_real_command_prints_the_same_bytes_from_a_pipe(server: str) -> None:
    events = (VECTORS / "everything.events.jsonl").read_bytes()
    policy = str(VECTORS / "everything.policy.toml")
    printed = [
        subprocess.run(
            [sys.executable, "-m", "springtide.cli", "replay", "-", "--policy", policy,
             "--store", store],
            env={**os.environ, "SPRINGTIDE_DATABASE": server},
            input=events, capture_output=True, check=True,
        ).stdout
        for store in ("memory", "postgres")
    ]  # fmt: skip
    assert printed == [compact("everything").encode()] * 2


def test_a_preset_is_a_policy_too(springtide: Command) -> None:
    policy = springtide("policy", "show", "advert-b").out
    events = events_of("edges-order")
    result = springtide("replay", VECTORS / "edges-order.events.jsonl", "--preset", "advert-b")
    receipts = [json.loads(line) for line in result.out.splitlines()]
    assert receipts == list(replay_in_memory(policy, events))
    assert receipts != list(replay_in_memory(policy_of("edges-order"), events))


ODD = [
    r'{"type":"purchase","id":"\\N","member":"m\\.1","amount":"10.00","merchant":"\\"}',
    r'{"type":"purchase","id":"é\u00a0\u2028","member":"名 1","amount":"10.00","note":"\t\n"}',
    r'{"type":"purchase","id":"q\"o","member":"{m}","amount":"10.00","referrer":"名 1"}',
    r'{"type":"purchase","id":"n1","member":"m1","amount":"10.00","note":1.50}',
    r'{"type":"purchase","id":"n1","member":"m1","amount":"10.00","note":1.5}',
    r'{"type":"purchase","id":"n2","member":"m1","amount":"10.00","note":[{"x":null},true]}',
    r'{"type":"purchase","id":"n2","member":"m1","amount":"10.00","note":[{"x":null},true]}',
    r'{"type":"purchase","id":"n3","member":"m1","amount":"10.00","at":7}',
    r'{"type":"purchase","id":"n4","member":"m1","amount":"10.00","note":123456789012345678901}',
    r'{"type":"purchase","id":"n4","member":"m1","amount":"10.00","note":123456789012345678901}',
    r'{"type":"purchase","id":"n5","member":"m1","amount":"10.00","note":1e300}',
    r'{"type":"purchase","id":["o1"],"member":"m1","amount":"10.00"}',
    r'{"type":{"gift":1},"id":"n6"}',
    r'{"type":"refund","id":"r1","order":"\\N"}',
    r'{"type":"cash_out","id":"x1","member":"名 1","points":"all"}',
    r"{}",
]
"""Content that a store could lose, mix up or trip over."""


@pytest.mark.parametrize("odd", [*([line] for line in ODD), ODD], ids=[*range(len(ODD)), "all"])
def test_odd_content_survives_both_stores(springtide: Command, odd: list[str]) -> None:
    stdin = "\n".join(odd).encode()
    memory = springtide("replay", "-", "--preset", "local-life", stdin=stdin)
    postgres = springtide(
        "replay", "-", "--preset", "local-life", "--store", "postgres", stdin=stdin
    )
    assert memory.code == postgres.code == 0
    assert memory.out == postgres.out
    assert memory.out.count("\n") == len(odd)
    assert_readable(springtide, kept(postgres.err))


def assert_readable(springtide: Command, program: str) -> None:
    for command in ("audit", "status", "prices"):
        assert springtide(command, program).code == 0, command


def test_a_zero_character_in_a_note_harms_nobody(springtide: Command) -> None:
    line = rb'{"type":"purchase","id":"o1","member":"m1","amount":"10.00","note":"\u0000"}'
    result = springtide(
        "replay", "-", "--preset", "advert-b", "--store", "postgres", stdin=line
    )
    assert result.code == 0
    program = kept(result.err)
    assert_readable(springtide, program)
    assert springtide("statement", program, "--member", "m1").code == 0
