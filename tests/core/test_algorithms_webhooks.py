"""The tables of docs/algorithms/webhooks.md, run as written."""

import pytest

from springtide.core.policy_file import read_policy
from springtide.core.reducer import fold
from springtide.core.state import open_state
from springtide.core.webhooks import (
    TYPES,
    message_id,
    messages_of,
    read_message_id,
    read_url,
    retry_after_s,
    why_not,
)
from tests.sentences import read_sentence
from tests.spec import Row, plain, policy_text, read_page, worked_examples


def test_w1_the_messages_of_an_entry() -> None:
    state, seen = open_state(read_policy(policy_text("webhooks", "W1"))), set()
    for row in worked_examples("webhooks", "W1"):
        for sentence in row["event"].split("; "):
            event = read_sentence(sentence)
            outcome = fold(state, event)
            assert outcome.entry is not None, outcome.refusal
        messages = messages_of(str(event["type"]), event, outcome.receipt)
        assert [message.type for message in messages] == row["messages"].split(", "), row["why"]
        seen |= {message.type for message in messages}
        for message in messages:
            assert message.data["id"] == event["id"]
            assert message.data["kind"] == event["type"]
    assert seen == TYPES.keys(), "every type is in the table"


def test_every_type_is_explained_to_developers() -> None:
    page = read_page("../webhooks")
    for type_, what in TYPES.items():
        assert f"| `{type_}` | {what} |" in page


def test_a_message_names_who_it_is_about_in_decimal_strings() -> None:
    state = open_state(read_policy(policy_text("webhooks", "W1")))
    sale = read_sentence("o1: m1 buys for 1000.00 at shop-1, sent by m2")
    event = {**sale, "note": "for her birthday", "at": "2026-01-31"}
    [message] = messages_of("purchase", event, fold(state, event).receipt)
    receipt = message.data.pop("receipt")
    assert message.data == {
        "id": "o1", "kind": "purchase", "member": "m1", "merchant": "shop-1", "referrer": "m2",
    }  # fmt: skip
    assert isinstance(receipt, dict)
    assert receipt["merchant"] == "800.000000"


def test_a_step_names_its_withdrawal_and_not_who_decided() -> None:
    step = read_sentence("v1: w1 becomes rejected by staff:ana")
    event = {**step, "why": "looks odd"}
    receipt = {"id": "v1", "withdrawal": "w1", "state": "rejected", "exits": [], "split": 1}
    [message] = messages_of(str(event["type"]), event, dict(receipt))
    about = {"id": "v1", "kind": "withdraw_return", "withdrawal": "w1"}
    assert message == ("withdrawal.rejected", {**about, "receipt": receipt})


def test_a_kind_that_nobody_knows_is_told_too() -> None:
    receipt = {"id": "n1", "type": "new", "exits": [], "split": 1, "price": 1_000_000}
    [message] = messages_of("new", {"id": "n1", "type": "new", "member": "m1"}, dict(receipt))
    assert message.type == "entry.posted"
    assert message.data["member"] == "m1"
    assert message.data["receipt"] == {**receipt, "price": "1.000000"}


@pytest.mark.parametrize("row", worked_examples("webhooks", "W2"))
def test_w2_when_it_is_tried_again(row: Row) -> None:
    for chance, column in ((0.0, "least"), (1.0, "most")):
        seconds = retry_after_s(int(row["attempts"]), chance)
        assert ("none" if seconds is None else str(seconds)) == row[column], row["why"]


def test_an_endpoint_is_disabled_before_anything_is_given_up() -> None:
    waits = [retry_after_s(attempts, 0.0) or 0 for attempts in range(1, 20)]
    assert sum(waits[:-1]) >= 5 * 24 * 60 * 60, "the last but one attempt is late enough"


@pytest.mark.parametrize("row", worked_examples("webhooks", "W3"))
def test_w3_addresses_that_may_be_told(row: Row) -> None:
    reason = why_not(plain(row["address"]), row["scheme"], private=row["private"] == "yes")
    assert (reason is None) == (row["let in"] == "yes"), f"{row['why']}: {reason}"


def test_an_id_leads_back_to_its_message() -> None:
    assert message_id("we_0af1", 12, 3) == "msg_we_0af1_12_3"
    assert read_message_id("msg_we_0af1_12_3") == ("we_0af1", 12, 3)
    for text in ("", "msg_we_0af1_12", "msg_we_x_1_0", "msg_we_1_1_0\n", "msg_we_1_１_0"):
        assert read_message_id(text) is None


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://shop.example/hook?x=1", ("https", "shop.example", 443)),
        ("https://shop.example:8443", ("https", "shop.example", 8443)),
        ("https://[2606:2800:21f::1]/", ("https", "2606:2800:21f::1", 443)),
        ("https://2130706433/", ("https", "2130706433", 443)),
    ],
)
def test_urls_that_can_be_sent_to(url: str, meant: tuple[str, str, int]) -> None:
    assert read_url(url, private=False) == meant


@pytest.mark.parametrize(
    "url",
    [
        "", "shop.example", "http://shop.example/", "ftp://shop.example/", "https:///hook",
        "https://user:word@shop.example/", "https://shop.example/#part", "https://[::1/",
        "https://shop.example:70000/", "https://shop.example:0/", "https://sh op.example/",
        "https://shop.example\\@127.0.0.1/", "https://shöp.example/",
        "https://shop.example/\r\nX-Header: 1", "https://shop.example/" + "x" * 2_000,
    ],
)  # fmt: skip
def test_urls_that_cannot_be_sent_to(url: str) -> None:
    with pytest.raises(ValueError, match=r".+; .+"):
        read_url(url, private=False)


def test_http_is_read_where_private_addresses_are_let_in() -> None:
    assert read_url("http://127.0.0.1:9/hook", private=True) == ("http", "127.0.0.1", 9)
