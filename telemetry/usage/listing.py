"""What a viewer may see of usage."""

from coop.database import Connection
from coop.identity import SEES_NAMES, Viewer
from coop.interval import Interval
from coop.paging import WHOLE, Slice
from coop.queries import load
from telemetry.usage.model import Usage, UsageKind
from telemetry.usage.store import usage_of

SQL = load("telemetry.usage")


def usages(
    conn: Connection,
    viewer: Viewer,
    window: Interval,
    *,
    machine_id: str | None = None,
    kind: UsageKind | None = None,
    part: Slice = WHOLE,
) -> list[Usage]:
    """The usages that begin in `window`, by time: everybody's for those who may know them, else one's own member's."""
    values = {
        "since": window.start,
        "until": window.end,
        "machine_id": machine_id,
        "kind": kind,
        "everybody": viewer.has(*SEES_NAMES),
        "member_id": viewer.member_id,
        **part.values("after_started", "after_id"),
    }
    return [usage_of(row) for row in conn.execute(SQL["usages"], values)]
