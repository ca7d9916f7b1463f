"""What billing told of its closed periods: a usage that changes in one becomes an adjustment of the next."""

from datetime import datetime

from coop.database import Connection
from coop.queries import load

SQL = load("telemetry.usage")


def tell_closed(conn: Connection, until: datetime) -> None:
    """Billing tells that everything before `until` is closed; what had changed in closed periods it has now seen."""
    conn.execute(SQL["tell_closed"], {"until": until})


def closed_until(conn: Connection) -> datetime | None:
    """Until when everything is closed; None before the first close."""
    row = conn.execute(SQL["closed_until"]).fetchone()
    return row[0] if row else None
