"""After the close: all of a month is paid. And which findings a close waits for."""

from collections.abc import Mapping
from datetime import datetime

from billing import store
from billing.model import Period, Status
from billing.periods.settle import period
from billing.periods.verify import PeriodNotClosed
from billing.store import first_day
from coop import audit
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.queries import load

SQL = load("billing.periods")


def settled(conn: Connection, viewer: Viewer, month: str, now: datetime) -> Period:
    """The office says that everything of a closed month is paid; again changes nothing. Raises `PeriodNotClosed`."""
    viewer.require(Role.OFFICE)
    if store.lock_period(conn, month) is not Status.CLOSED:
        raise PeriodNotClosed(month=month)
    values = {"month": first_day(month), "now": now, "person_id": viewer.person_id}
    if conn.execute(SQL["mark_settled"], values).rowcount:
        audit.record(conn, "period.settled", viewer=viewer, subject=f"period:{month}", now=now)
    return period(conn, month)


def rule_finding(conn: Connection, viewer: Viewer, code: str, blocks: bool, now: datetime) -> None:
    """From the next draft on findings of `code` block a close, or only warn."""
    viewer.require(Role.OFFICE)
    conn.execute(SQL["rule_finding"], {"code": code, "blocks": blocks})
    detail: dict[str, object] = {"blocks": blocks}
    audit.record(conn, "closing.ruled", viewer=viewer, subject=f"finding:{code}", now=now, detail=detail)


def ruled(conn: Connection) -> Mapping[str, bool]:
    """Which findings block or warn otherwise than the program would have it."""
    return dict(conn.execute(SQL["finding_rules"]).fetchall())
