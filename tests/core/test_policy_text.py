"""Writing one parameter into the text of a policy: all else stays, or nothing is written."""

import tomllib

import pytest

from springtide.core.policy_file import read_policy
from springtide.core.policy_text import NotWritten, blamed, line_of, quoted, value_of, write
from springtide.services.presets import read_preset

TEXT = """# What it is for.
opening_reserve = "1.00"

[split]
take_rate = "0.20"  # of a sale
platform = "0.2"
distribution = "0.3"

[points]
grant_ratio = "0.70"

[cap]
multiple = "2"
"""


@pytest.mark.parametrize(
    ("name", "value", "old", "new"),
    [
        ("split.take_rate", '"0.30"', 'take_rate = "0.20"  #', 'take_rate = "0.30"  #'),
        ("split.platform", '"0"', 'platform = "0.2"\n', 'platform = "0"\n'),
        ("points.split_at", '"1000"', '"0.70"\n', '"0.70"\nsplit_at = "1000"\n'),
        ("opening_reserve", '"5.00"', '"1.00"', '"5.00"'),
        ("cap.multiple", None, '[cap]\nmultiple = "2"\n', ""),
        ("policy.notice_days", "3", '"2"\n', '"2"\n\n[policy]\nnotice_days = 3\n'),
        ("seed", "7", '"1.00"\n\n', '"1.00"\n\nseed = 7\n'),
    ],
)
def test_one_parameter_changes_and_nothing_else(
    name: str, value: str | None, old: str, new: str
) -> None:
    assert old in TEXT
    assert write(TEXT, name, value) == TEXT.replace(old, new, 1)


def test_what_is_written_is_what_was_meant() -> None:
    text = read_preset("local-life")
    for name in ("cash_out.fee", "commission.direct", "redeem.fee"):
        text = write(text, name, quoted("0.01"))
        assert value_of(tomllib.loads(text), name) == "0.01"
    assert read_policy(text).direct_ppm == 10_000


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('cap = { multiple = "2" }\n', "cap.multiple"),
        ('split.take_rate = "0.2"\n', "split.take_rate"),
        ('cap = "2"\n', "cap.multiple"),
        ("[cap\n", "cap.multiple"),
        ('note = """\n[cap]\n"""\n', "cap.multiple"),
    ],
)
def test_what_cannot_be_written_alone_is_refused(text: str, name: str) -> None:
    with pytest.raises(NotWritten):
        write(text, name, '"3"')


@pytest.mark.parametrize(
    ("refusal", "name", "line"),
    [
        ("split.take_rate is 1.2; a ratio must be in 0..1", "split.take_rate", 5),
        ("split.platform + split.distribution is 1.2", "split.platform", 6),
        ("points.start_price is 0; it must be above zero", "points.start_price", 9),
        ("not a TOML file: Expected ']' (at line 3, column 1)", "", 3),
        ("commissions can reach 0.2 of an order", "", None),
        ("12 is wrong", "", None),
    ],
)
def test_a_refusal_has_its_line(refusal: str, name: str, line: int | None) -> None:
    assert blamed(TEXT, refusal) == (name, line)
    assert line_of(TEXT, "cap.multiple") == 13
