"""Receipts of orders are written in one piece, as any other would be."""

import json

from hypothesis import given
from hypothesis import strategies as st

from springtide.core.event_fields import is_name
from springtide.core.policy_file import read_policy
from springtide.core.receipts import render, write_order
from springtide.core.reducer import fold
from springtide.core.state import open_state
from tests.core.history import ADVERT_B, buy, write_toml

NAMES = st.text(min_size=1, max_size=20).filter(is_name)


@given(
    st.lists(
        st.tuples(NAMES, NAMES, NAMES, st.integers(1, 10**12)),
        min_size=1,
        max_size=20,
        unique_by=lambda order: order[0],
    )
)
def test_an_order_is_written_as_render_has_it(
    orders: list[tuple[str, str, str, int]],
) -> None:
    state = open_state(read_policy(write_toml(ADVERT_B)))
    for id_, member, referrer, amount in orders:
        receipt = fold(state, {**buy(id_, member, amount), "referrer": referrer}).receipt
        text = write_order(receipt)
        if receipt.get("exits") or "error" in receipt:
            assert text is None
        else:
            assert text is not None
            whole = json.dumps(render(receipt), ensure_ascii=False, separators=(",", ":"))
            assert text == whole
