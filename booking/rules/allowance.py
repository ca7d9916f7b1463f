"""What a member and a person may still book: their limits, with what of each is used."""

from dataclasses import dataclass
from datetime import datetime

from booking.rules.quota import Counted, Quota, Span, spans
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer
from coop.queries import load
from coop.register import cooperative

SQL = load("booking.rules")


@dataclass(frozen=True, slots=True)
class Allowance:
    """A quota with what is used of it; `machine_id` None: on all machines together."""

    machine_id: str | None
    quota: Quota

    @property
    def left(self) -> int:
        """Reservations for `AT_ONCE`, else minutes; a limit that was lowered can be passed already."""
        return max(0, self.quota.most - self.quota.used)


def allowances(conn: Connection, viewer: Viewer, now: datetime) -> list[Allowance]:
    """The viewer's own limits and those of their member, counted for a slot that began now.

    Raises `NotFound` for who has no member.
    """
    if viewer.member_id is None:
        raise NotFound()
    zone = cooperative(conn).time_zone
    counted = spans(now, zone)
    values = {
        "machine_id": None,
        "member_id": viewer.member_id,
        "person_id": viewer.person_id,
        "reservation_id": None,
        "now": now,
        "day": now.astimezone(zone).date(),
        "week_from": counted[Span.WEEK].start,
        "week_until": counted[Span.WEEK].end,
        "month_from": counted[Span.MONTH].start,
        "month_until": counted[Span.MONTH].end,
    }
    return [
        Allowance(machine_id, Quota(Counted(of), Span(span), most, int(had)))
        for machine_id, of, span, most, had in conn.execute(SQL["quotas_used"], values)
    ]
