"""Batches: a line each way, in order; a bad one spoils nothing, and none is posted twice."""

import json
import socket
from collections.abc import Iterable, Iterator
from typing import Any, Self
from urllib.parse import urlsplit

from springtide.services.replay import replay_in_memory
from tests.services.histories import assert_sound, events_of, policy_of, written
from tests.web.serving import PATIENCE_S, Shop, check_problem, opened, order

MANY = 5_000


def lines(events: Iterable[object]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def upload(shop: Shop, body: bytes | Iterator[bytes]) -> list[dict[str, Any]]:
    """The answers to a batch."""
    answer = shop.client.post("/v1/orders/batch", content=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_thousands_of_lines_are_answered_in_order(shop: Shop) -> None:
    events = [order(f"o{number}", f"m{number % 99}") for number in range(MANY)]
    answers = upload(shop, lines(events))
    assert [answer["id"] for answer in answers] == [event["id"] for event in events]
    assert shop.get(f"/v1/programs/{shop.name}")["entries"] == MANY
    again = upload(shop, iter([lines(events[:2_500]), lines(events[2_500:])]))
    assert again == answers
    assert shop.get(f"/v1/programs/{shop.name}")["entries"] == MANY
    assert_sound(shop.database, shop.name)


def test_what_was_cut_off_is_uploaded_again_as_a_whole(shop: Shop) -> None:
    events = [order(f"o{number}") for number in range(1_500)]
    part = upload(shop, lines(events[:700])[:-20])
    assert part[-1]["code"] == "malformed_body"
    answers = upload(shop, lines(events))
    assert answers[:699] == part[:699]
    assert shop.get(f"/v1/programs/{shop.name}")["entries"] == 1_500


BAD = {
    b"what?": "malformed_body",
    b"[]": "malformed_body",
    b'{"id": "\xff"}': "malformed_body",
    b'{"note": ' + b"[" * 20_000 + b"]" * 20_000 + b"}": "malformed_body",
    b'{"id": "b1", "amount": "1.00"}': "invalid_event",
    b'{"member": "m1", "amount": "1.00"}': "invalid_event",
    b'{"id": "b2", "member": "m1", "amount": "0"}': "invalid_amount",
    b'{"id": "b3", "type": "inject", "amount": "1"}': "invalid_event",
    b'{"id": "o0", "member": "m1", "amount": "2.00"}': "id_reused",
}


def test_a_bad_line_spoils_nothing(shop: Shop) -> None:
    body, expected = [], []
    for number, (bad, code) in enumerate(BAD.items()):
        body += [lines([order(f"o{number}")]), bad + b"\n"]
        expected += [f"o{number}", code]
    answers = upload(shop, b"".join(body))
    assert [answer.get("code", answer.get("id")) for answer in answers] == expected
    assert [answer.get("status", 0) >= 400 for answer in answers] == [False, True] * len(BAD)
    assert shop.get(f"/v1/programs/{shop.name}")["entries"] == len(BAD)
    assert_sound(shop.database, shop.name)


def test_empty_lines_and_other_line_ends_are_no_orders(shop: Shop) -> None:
    one, two = (json.dumps(order(id_)).encode() for id_ in ("o1", "o2"))
    answers = upload(shop, b"\n\r\n" + one + b"\r\n \n" + two)
    assert [answer["id"] for answer in answers] == ["o1", "o2"]
    assert upload(shop, b"") == []


def test_a_line_that_is_too_long_is_said_so(shop: Shop) -> None:
    long = b'{"note": "' + b"x" * 200_000 + b'"}'
    answers = upload(shop, lines([order("o1")]) + long + b"\n" + lines([order("o2")]))
    assert answers[0]["id"] == "o1"
    assert answers[1]["code"] == "body_too_large"
    assert [answer.get("id") for answer in answers[2:]] in ([], ["o2"])
    entries = shop.get(f"/v1/programs/{shop.name}")["entries"]
    assert entries == len([answer for answer in answers if "code" not in answer])


def test_a_batch_takes_a_key_that_may_post_orders(shop: Shop) -> None:
    body = lines([order("o1")])
    _, reader = shop.key("read")
    headers = {"Authorization": f"Bearer {reader}"}
    refused = shop.client.post("/v1/orders/batch", content=body, headers=headers)
    check_problem(refused, 403, "forbidden")
    headers = {"Authorization": "nothing"}
    refused = shop.client.post("/v1/orders/batch", content=body, headers=headers)
    check_problem(refused, 401, "unauthorized")
    assert shop.get(f"/v1/programs/{shop.name}")["entries"] == 0


def test_receipts_of_a_batch_are_those_of_the_replay_in_memory(shop: Shop) -> None:
    toml = policy_of("everything")
    events = [event for event in events_of("everything") if event["type"] == "purchase"]
    with opened(shop.database, shop.url, f"{shop.name}-replayed", toml) as other:
        answers = upload(other, lines(events))
    receipts = [answer.get("receipt", answer) for answer in answers]
    assert written(receipts) == written(replay_in_memory(toml, events))


class Dialogue:
    """A batch over a bare connection: more is sent after answers were read."""

    def __init__(self, shop: Shop) -> None:
        address = urlsplit(shop.url)
        assert address.hostname
        self._socket = socket.create_connection((address.hostname, address.port), PATIENCE_S)
        self._answers = self._socket.makefile("rb")
        self._socket.sendall(
            b"POST /v1/orders/batch HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n"
            b"Authorization: Bearer " + shop.secret.encode() + b"\r\n\r\n"
        )

    def send(self, part: bytes) -> None:
        """Send a part; an empty one is the last."""
        self._socket.sendall(b"%x\r\n%s\r\n" % (len(part), part))

    def read_head(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._answers.readline()
        return head

    def read_chunk(self) -> bytes:
        size = int(self._answers.readline(), 16)
        return self._answers.read(size + 2)[:size]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()


def test_answers_come_while_the_batch_is_still_sent(shop: Shop) -> None:
    with Dialogue(shop) as dialogue:
        dialogue.send(lines([order(f"o{number}") for number in range(1_000)]))
        assert b"200 OK" in dialogue.read_head()
        first = dialogue.read_chunk()
        while first.count(b"\n") < 1_000:
            first += dialogue.read_chunk()
        assert [json.loads(line)["id"] for line in first.splitlines()] == [
            f"o{number}" for number in range(1_000)
        ]
        assert shop.get(f"/v1/programs/{shop.name}")["entries"] == 1_000
        dialogue.send(lines([order("last")]))
        dialogue.send(b"")
        assert json.loads(dialogue.read_chunk())["id"] == "last"
        assert dialogue.read_chunk() == b""


def test_a_caller_who_hangs_up_leaves_whole_orders_only(shop: Shop) -> None:
    whole = lines([order(f"o{number}") for number in range(1_000)])
    with Dialogue(shop) as dialogue:
        dialogue.send(whole + b'{"id": "half')
        dialogue.read_head()
        dialogue.read_chunk()
    shop.orders([order("afterwards")])
    assert shop.get(f"/v1/programs/{shop.name}")["entries"] == 1_001
    assert_sound(shop.database, shop.name)
