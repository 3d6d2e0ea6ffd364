"""The writer: whatever the batches, the receipts are those of the replay in memory."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from springtide.core.event_fields import Json
from springtide.core.receipts import render
from springtide.services import writer as writing
from springtide.services.presets import read_preset
from springtide.services.writer import Writer
from springtide.storage import programs, working_set
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, buy, cash_out, inject, merged, refund, write_toml
from tests.services.histories import (
    HISTORIES,
    NAMES,
    assert_sound,
    cut,
    events_of,
    in_memory,
    open_program,
    policies,
    policy_of,
    post_in_batches,
    receipts_of,
    written,
)


def posted(
    database: Database, name: str, sizes: Iterator[int], events: list[Json]
) -> list[str]:
    """The rendered receipts of events, posted in batches of these sizes."""
    receipts = post_in_batches(database, name, cut(events, sizes))
    return written(render(receipt) for receipt in receipts)


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("vector", NAMES)
def test_vectors_come_out_equal_in_batches_of_any_size(
    database: Database, vector: str, size: int
) -> None:
    name = open_program(database, policy_of(vector))
    most = 300 if size == 1 else None
    events, expected = events_of(vector)[:most], receipts_of(vector)[:most]
    sizes = iter([size] * (len(events) // size))
    assert posted(database, name, sizes, list(events)) == written(expected)
    assert_sound(database, name)


SLOWLY = settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SLOWLY
@given(
    toml=policies(),
    events=HISTORIES,
    sizes=st.lists(st.integers(0, 40), max_size=10),
    slice_size=st.sampled_from([1, 3, 1_000]),
    triggers=st.sampled_from([1, 2, 64]),
)
def test_random_histories_come_out_equal_in_memory_and_in_the_database(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    toml: str,
    events: list[Json],
    sizes: list[int],
    slice_size: int,
    triggers: int,
) -> None:
    monkeypatch.setattr(writing, "SLICE", slice_size)
    monkeypatch.setattr(working_set, "FIRST_TRIGGERS", triggers)
    name = open_program(database, toml)
    assert posted(database, name, iter(sizes), events) == in_memory(toml, events)
    assert_sound(database, name)


CROWDED = write_toml(merged(ADVERT_B, cap={"multiple": "0.3"}, points={"split_at": "1.5"}))


def crowd() -> list[Json]:
    """Many small orders, and gifts that let dozens of them exit at once."""
    events: list[Json] = []
    for round_ in range(4):
        events += [
            buy(f"o{round_}-{number}", f"m{number % 9}", 10**6 * (1 + number % 5))
            for number in range(60)
        ]
        events.append(inject(f"i{round_}", 10**8 * (round_ + 1)))
    return events


@pytest.mark.parametrize("slice_size", [1, 7, 1_000])
def test_lots_that_exit_late_in_a_batch_are_fetched(
    database: Database, monkeypatch: pytest.MonkeyPatch, slice_size: int
) -> None:
    fetched: list[int] = []
    load = working_set.load_triggers

    def counted(tx: Any, program: Any, state: Any, most: int) -> None:
        fetched.append(most)
        load(tx, program, state, most)

    monkeypatch.setattr(writing, "SLICE", slice_size)
    monkeypatch.setattr(working_set, "FIRST_TRIGGERS", 1)
    monkeypatch.setattr(working_set, "load_triggers", counted)
    events, name = crowd(), open_program(database, CROWDED)
    assert posted(database, name, iter([61, 61, 61]), events) == in_memory(CROWDED, events)
    assert fetched.count(1) == 4
    assert max(fetched) >= 64, "one batch must go back to the table several times"
    assert_sound(database, name)


def test_a_lot_may_exit_in_the_event_that_splits_the_points(database: Database) -> None:
    toml = write_toml(merged(ADVERT_B, cap={"multiple": "1.2"}, points={"split_at": "1000"}))
    events = [buy("o1", "m1", 10**9), inject("i1", 10**18), buy("o2", "m2", 10**9)]
    name = open_program(database, toml)
    assert posted(database, name, iter([1, 1]), events) == in_memory(toml, events)
    assert_sound(database, name)


def test_a_split_lets_lots_exit_whose_price_was_past_all_numbers(database: Database) -> None:
    """Three nano with a headroom of 500.00 have no trigger below 2^63; split, they have."""
    toml = write_toml(
        merged(
            ADVERT_B,
            opening_reserve="0",
            cap={"multiple": "5"},
            points={"split_at": "5000", "max_grant_value": "0.000007"},
        )
    )
    events = [buy("o1", "m1", 10**8), buy("o2", "m2", 10**8), inject("i1", 4 * 10**15)]
    events += [buy("o3", "m3", 10**8), buy("o4", "m4", 10**8)]
    expected = in_memory(toml, events)
    assert '"lot":"o2"' in expected[3], "the split comes with i1, the exit after it"
    name = open_program(database, toml)
    assert posted(database, name, iter([2]), events) == expected
    assert_sound(database, name)


ONCE = [buy(f"o{number}", f"m{number % 5}", 10**7 + number) for number in range(50)]


def test_a_repeated_id_gets_its_first_receipt_across_batches_and_writers(
    database: Database,
) -> None:
    name = open_program(database, read_preset("advert-b"))
    first = posted(database, name, iter([]), ONCE)
    with Writer(database, name) as one, Writer(database, name) as other:
        for writer in (one, other, one):
            outcomes = writer.post(ONCE)
            assert not any(outcome.is_posted for outcome in outcomes)
            assert [outcome.refusal for outcome in outcomes] == [None] * len(ONCE)
            assert written(render(outcome.receipt) for outcome in outcomes) == first
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
    assert (program.seq, program.batch) == (50, 1)


def test_an_id_with_other_content_is_refused_and_changes_nothing(database: Database) -> None:
    name = open_program(database, read_preset("advert-b"))
    post_in_batches(database, name, [ONCE])
    others: list[Json] = [
        {**ONCE[0], "amount": "10.0000000"},
        {**ONCE[0], "amount": "10.00"},
        {**ONCE[0], "note": None},
        {"type": "refund", "id": "o0", "order": "o1"},
        {"id": "o0"},
    ]
    with Writer(database, name) as writer:
        outcomes = writer.post(others)
    assert [outcome.refusal.code for outcome in outcomes if outcome.refusal] == (
        ["id_reused"] * len(others)
    )
    with database.snapshot() as tx:
        assert programs.get_program(tx, name).seq == len(ONCE)


def test_a_refused_event_does_not_keep_its_id(database: Database) -> None:
    name = open_program(database, read_preset("advert-b"))
    wish = cash_out("x1", "m1")
    with Writer(database, name) as writer:
        for batch in ([wish], [wish, buy("o1", "m1", 10**8)]):
            first = writer.post(batch)[0].refusal
            assert first is not None
            assert first.code == "insufficient_points"
        assert writer.post([wish])[0].is_posted


@pytest.mark.parametrize("id_", [["o1"], [{"amount": 5}], {"amount": "x"}, 7, 1.5, True, None])
@pytest.mark.parametrize("field", ["id", "type"])
def test_whatever_was_sent_as_an_id_or_a_type_is_repeated_in_the_refusal(
    database: Database, field: str, id_: object
) -> None:
    toml, event = read_preset("advert-b"), {**ONCE[0], field: id_}
    name = open_program(database, toml)
    receipts = posted(database, name, iter([]), [event])
    assert receipts == in_memory(toml, [event])
    receipt = json.loads(receipts[0])
    assert (receipt[field], receipt["error"]) == (id_, "invalid_event")


def test_a_batch_of_nothing_but_refusals_writes_nothing(database: Database) -> None:
    name = open_program(database, read_preset("advert-b"))
    with Writer(database, name) as writer:
        assert writer.post([]) == []
        assert not writer.post([{"type": "gift", "id": "g1"}])[0].is_posted
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
    assert (program.seq, program.batch) == (0, 0)
    assert_sound(database, name)


def test_eight_threads_that_send_the_same_events_post_each_once(database: Database) -> None:
    name = open_program(database, read_preset("local-life"))
    events = [
        *(buy(f"o{number}", f"m{number % 9}", 10**8, referrer="m0") for number in range(180)),
        *(refund(f"r{number}", f"o{number}") for number in range(0, 40, 2)),
    ]
    assert len(events) == 200
    together = threading.Barrier(8)

    def send(number: int) -> tuple[list[str], int]:
        with Writer(database, name) as writer:
            together.wait()
            size = 10 + number
            outcomes = [one for batch in cut(events, [size] * 10) for one in writer.post(batch)]
        receipts = written(render(outcome.receipt) for outcome in outcomes)
        return receipts, sum(outcome.is_posted for outcome in outcomes)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert sum(new for _, new in answers) == 200
    assert all(receipts == answers[0][0] for receipts, _ in answers)
    with database.snapshot() as tx:
        assert programs.get_program(tx, name).seq == 200
    assert_sound(database, name)


def test_two_writers_may_alternate(database: Database) -> None:
    toml, events = policy_of("everything"), events_of("everything")
    name = open_program(database, toml)
    receipts = []
    with Writer(database, name) as one, Writer(database, name) as other:
        for number, batch in enumerate(cut(events, [23] * 26)):
            writer = (one, one, other)[number % 3]
            receipts += [render(outcome.receipt) for outcome in writer.post(batch)]
    assert written(receipts) == written(receipts_of("everything"))
    assert_sound(database, name)


OVERFLOWING: dict[str, list[Json]] = {
    "payments": [buy("o1", "m1", 9 * 10**18), buy("o2", "m2", 10**18), buy("o3", "m2", 10**17)],
    "injections": [inject("i1", 9 * 10**18), inject("i2", 10**18), inject("i3", 10**17)],
    "the reserve": [
        buy("o1", "m1", 9 * 10**18),
        inject("i1", 9 * 10**18),
        inject("i2", 7 * 10**18),
        cash_out("x1", "m1"),
    ],
    "a wallet": [
        buy("o1", "m1", 9 * 10**18),
        inject("i1", 7 * 10**18),
        cash_out("x1", "m1", 8 * 10**14),
        inject("i2", 2 * 10**18),
        cash_out("x2", "m1"),
        refund("r1", "o1"),
    ],
    "an amount": [buy("o1", "m1", 2**63), buy("o2", "m1", 2**63 - 1), inject("i1", 2**64)],
}


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("what", OVERFLOWING)
@pytest.mark.parametrize("price", ["2000.00", "1.00"])
def test_numbers_near_64_bits_are_refused_alike_in_both_stores(
    database: Database, price: str, what: str, size: int
) -> None:
    toml = write_toml(
        merged(
            ADVERT_B,
            opening_reserve=price,
            points={"start_price": price, "grant_ratio": "1"},
            split={"take_rate": "1"},
            cash_out={"fee": "0"},
        )
    )
    events = [*OVERFLOWING[what], buy("last", "m3", 10**6), *OVERFLOWING[what]]
    name = open_program(database, toml)
    expected = in_memory(toml, events)
    assert posted(database, name, iter([size] * len(events)), events) == expected
    assert any('"overflow"' in receipt for receipt in expected)
    assert_sound(database, name)
