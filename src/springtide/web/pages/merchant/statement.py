"""The store's account: a month's movements, the same as a sheet, and customers as counts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.responses import Response

from springtide.services import stores
from springtide.services.merchant_statements import (
    MerchantStatement,
    read_merchant_statement,
    write_xlsx,
)
from springtide.web.pages.merchant.gate import Visit
from springtide.web.pages.shared.call import HEADERS, Missing

MONTHS = 12
ROWS = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def statement(visit: Visit) -> Response:
    """What moved in a month, newest first; what one entry moved keeps its order."""
    month, found = _read(visit)
    return visit.page(
        "statement", "account", found=found, month=month,
        months=[(one, one) for one in _months(visit.now)],
        lines=sorted(found.lines, key=lambda line: -line.seq)[:ROWS],
    )  # fmt: skip


def sheet(visit: Visit) -> Response:
    """All of a month as a sheet."""
    month, found = _read(visit)
    with TemporaryDirectory(prefix="springtide-") as folder:
        path = Path(folder) / "statement.xlsx"
        write_xlsx(found, path)
        body = path.read_bytes()
    name = f'attachment; filename="statement-{month}.xlsx"'
    return Response(body, headers={**HEADERS, "Content-Disposition": name}, media_type=XLSX)


def _read(visit: Visit) -> tuple[str, MerchantStatement]:
    """The month that is asked for and its statement."""
    months = _months(visit.now)
    month = visit.call.asked("month", 7) or months[0]
    if month not in months:
        raise Missing
    since = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
    until = (since + timedelta(days=31)).replace(day=1)
    call = visit.call
    return month, read_merchant_statement(
        call.database, call.program, visit.store.merchant, since, until
    )


def _months(now: datetime) -> list[str]:
    """The last months, this one first."""
    year, month = now.year, now.month
    numbers = [year * 12 + month - 1 - ago for ago in range(MONTHS)]
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in numbers]


def customers(visit: Visit) -> Response:
    """How many bought; who, and what else they bought, is not the store's to see."""
    call = visit.call
    today, lately = stores.count_customers(
        call.database, call.program, visit.store.merchant, call.now
    )
    return visit.page(
        "customers", "more", today=today, lately=lately, days=stores.CUSTOMERS_OF.days
    )
