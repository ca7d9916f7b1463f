"""Documents of the small cooperative, read back by a reader that had no part in making them."""

from collections.abc import Callable
from io import BytesIO

from pypdf import PdfReader

from billing.documents import store
from billing.documents.frozen import FrozenMonth
from billing.documents.issue import issue, issue_some
from billing.documents.model import Document, Issuer
from billing.documents.store import Search
from billing.periods.settle import close
from coop.database import Connection
from tests.billing import ground
from tests.billing.ground import NOVEMBER, OFFICE

ISSUER = Issuer(
    "墨田機械工業協同組合",
    "東京都墨田区錦糸1-2-3",
    "電話 03-0000-0000",
    "T7123456789012",
    "みずほ銀行 錦糸町支店 普通 1234567 スミダキカイコウギョウ(キヨウ)",
)


def october(conn: Connection, before_close: Callable[[], None] = lambda: None) -> None:
    """October, closed: m01 two hours and a half of cmm-1, m02 one hour, m03 a scan; rent of 100 shared."""
    ground.found(conn)
    slot = ground.reservation(conn, "cmm-1", "10-03 09:00 11:00", "m01")
    ground.usage(conn, "cmm-1", "10-03 09:02 11:00", "m01", kind="in_reservation", reservation=slot, running_seconds=60)
    ground.usage(conn, "cmm-1", "10-03 11:00 11:32", "m01", kind="overrun", reservation=slot)
    ground.usage(conn, "cmm-1", "10-05 13:00 14:00", "m02", kind="assigned")
    ground.usage(conn, "ct-1", "10-07 10:00 11:30", "m03", kind="overrun")
    ground.readings(conn, "cmm-1", [(f"10-03 {hour}:{minute:02}", 300.0 + minute) for hour in range(8, 13)
                                    for minute in range(0, 60, 5)])  # fmt: skip
    conn.execute("UPDATE booking.reservation SET purpose = '秘密のフランジ'")
    ground.cost(conn, "rent", 100)
    store.add_issuer(conn, ISSUER, NOVEMBER)
    before_close()
    close(conn, OFFICE, "2026-10", NOVEMBER)


def issue_month(conn: Connection, month: str = "2026-10") -> list[Document]:
    """Issue a closed month whole; its documents in the order of their numbers."""
    issue(conn, OFFICE, month, NOVEMBER)
    frozen = FrozenMonth(month)
    while issue_some(conn, frozen, NOVEMBER, most=2):
        pass
    return register(conn)


def register(conn: Connection, **search: object) -> list[Document]:
    """What of the register answers a search, in the order of numbers."""
    return store.documents(conn, OFFICE, Search(**search))[::-1]  # type: ignore[arg-type]  # names of the fields


def words(pdf: bytes) -> str:
    """The text of a PDF without its spaces and line ends."""
    return "".join("".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())
