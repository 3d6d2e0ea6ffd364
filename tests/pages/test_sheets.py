"""Tables as sheets: every row is there, amounts are exact, dates are dates."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

from springtide.core.units import MICRO, NANO
from springtide.services import acts, commissions, demo, listing, withdrawals
from springtide.storage.database import Database
from springtide.web.pages.shared import sheets
from tests.pages.visiting import Visits

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rows_of(content: bytes) -> list[list[str | float]]:
    """The cells of a sheet: text as text, numbers as numbers."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows: list[list[str | float]] = []
    for row in root.iter(f"{SPACE}row"):
        cells: list[str | float] = []
        for cell in row:
            text = "".join(cell.itertext())
            cells.append(text if cell.get("t") else float(text))
        rows.append(cells)
    return rows


def written(kind: str, values: Sequence[object], most: int = 10) -> list[list[str | float]]:
    file = io.BytesIO()
    sheets.write(file, str, [("head", kind)], [[value] for value in values], most)
    return rows_of(file.getvalue())[1:]


def test_amounts_are_numbers_while_numbers_are_exact() -> None:
    most = 10**15 - 1
    assert written("money", [1, most, -most]) == [[1 / MICRO], [most / MICRO], [-most / MICRO]]
    assert [f"{one[0]:.6f}" for one in written("money", [most, -most])] == [
        "999999999.999999", "-999999999.999999",
    ]  # fmt: skip
    assert written("money", [10**15, -(10**18)]) == [
        ["1000000000.000000"], ["-1000000000000.000000"],
    ]  # fmt: skip
    assert written("points", [NANO // 2, 10**15]) == [[0.5], ["1000000.000000000"]]
    assert written("count", [7, 10**15]) == [[7.0], [str(10**15)]]


def test_dates_are_dates_and_text_is_text() -> None:
    assert written("day", [date(2026, 11, 22)]) == [[46348.0]]
    noon = datetime(2026, 11, 22, 20, tzinfo=UTC) - timedelta(hours=8)
    assert written("moment", [noon]) == [[46348.5]]
    assert written("text", ["=1+1", "http://a.example/", "0012"]) == [
        ["=1+1"], ["http://a.example/"], ["0012"],
    ]  # fmt: skip


def test_a_sheet_that_is_too_long_says_so() -> None:
    assert written("count", range(3), 3) == [[0.0], [1.0], [2.0]]
    *rows, last = written("count", range(4), 3)
    assert rows == [[0.0], [1.0], [2.0]]
    assert str(last[0]).startswith("There are more rows. A sheet ends after 3;")


def test_every_table_can_be_downloaded(visits: Visits, books: Database) -> None:
    with visits.window("staff", size="desk") as page:
        page.goto("/console/demo/staff?lang=en")

        def get(rest: str) -> list[list[str | float]]:
            answer = page.request.get(f"/console/demo/{rest}")
            assert answer.status == 200, rest
            assert "attachment" in answer.headers["content-disposition"]
            return rows_of(answer.body())

        members = get("members.xlsx")
        known = listing.list_members(books, "demo", "", 10**6)
        assert [row[0] for row in members[1:]] == [row.id for row in known]
        assert members[0][1:3] == ["Worth", "Cash now"]
        [found] = [row for row in members if row[0] == demo.MEMBER]
        exact = listing.read_member(books, "demo", demo.MEMBER)
        assert exact is not None
        assert found[3] == exact.points / NANO
        assert len(get(f"members.xlsx?q={demo.MEMBER}")) == 2
        orders = listing.list_newest(books, "demo", ["purchase", "pay"], None, 10**6)
        assert [row[0] for row in get("orders.xlsx")[1:]] == [row.id for row in orders]
        assert len(get("log.xlsx")) == 1 + len(acts.list_acts(books, "demo", limit=10**6))
        assert len(get(f"lots.xlsx?member={demo.MEMBER}")) > 1
        assert len(get(f"statement.xlsx?member={demo.MEMBER}")) > 1
        for rest in ("prices", "staff", "keys", "evidence", "drafts"):
            assert get(f"{rest}.xlsx"), rest
        agents = get("agents.xlsx")
        [agent] = [row for row in agents if row[2] == "hangzhou"]
        assert agent[1] == "3301"
        assert agent[5] == 0.002
        asked = get("withdrawals.xlsx")
        rows = withdrawals.list_withdrawals(books, "demo", after=0, most=10**6)
        assert [(row[0], row[3]) for row in asked[1:]] == [
            (row.id, row.amount_micro / MICRO) for row in rows
        ]
        earned = get(f"commissions.xlsx?member={demo.MEMBER}")
        known_earned = commissions.list_earned(
            books, "demo", demo.MEMBER, datetime.now(UTC), most=10**6
        )
        assert [row[3] for row in earned[1:]] == [row.order for row in known_earned]
        shops = get("merchants.xlsx")
        known_shops = listing.list_merchants(books, "demo", "", 10**6)
        assert [row[0] for row in shops[1:]] == list(known_shops)
        for rest in ("batches", "cash-outs", "applications", "levels", "frozen", "alarms"):
            assert get(f"{rest}.xlsx"), rest
        assert len(get("payouts.xlsx?batch=demo")) == 2
        for rest in (
            "payouts.xlsx?batch=none",
            "lots.xlsx?member=zz",
            "statement.xlsx",
            "deliveries.xlsx?webhook=x",
        ):
            assert page.request.get(f"/console/demo/{rest}").status == 404
