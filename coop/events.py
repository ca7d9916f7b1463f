"""Word to the other processes that something changed: ids only, on PostgreSQL's NOTIFY."""

import json

from coop.database import Connection

CHANNEL = "moyai_events"


def notify(conn: Connection, kind: str, identifier: str) -> None:
    """Tell listeners, once this transaction commits, that `kind` (`machine`) `identifier` changed."""
    conn.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"kind": kind, "id": identifier})])
