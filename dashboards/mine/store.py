"""What a member's manager reads of their own member."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer
from coop.interval import Interval
from coop.money import Yen
from coop.queries import load

SQL = load("dashboards.mine")


@dataclass(frozen=True, slots=True)
class Hours:
    """What one person of the member had on one machine; `person_id` None: nobody knows who."""

    person_id: UUID | None
    machine_id: str
    booked_seconds: int
    occupied_seconds: int
    running_seconds: int


@dataclass(frozen=True, slots=True)
class MonthCost:
    """What one closed month cost the member, without tax, and what the statement came to with it."""

    month: str
    statement_id: UUID
    fees_yen: Yen
    shares_yen: Yen
    adjusted_yen: Yen
    total_yen: Yen

    @property
    def net_yen(self) -> Yen:
        return self.fees_yen + self.shares_yen + self.adjusted_yen


def own_member(viewer: Viewer) -> str:
    """The member whose money the viewer sees as its own; raises `NotFound`."""
    if viewer.member_id is None or not viewer.sees_money_of(viewer.member_id):
        raise NotFound()
    return viewer.member_id


def hours_of_people(conn: Connection, viewer: Viewer, within: Interval) -> list[Hours]:
    """Who of the viewer's member had what, by person and machine."""
    values = {"member_id": own_member(viewer), "from": within.start, "until": within.end}
    return [Hours(*row) for row in conn.execute(SQL["hours_of_people"], values)]


def months_of_member(conn: Connection, viewer: Viewer, since: date) -> list[MonthCost]:
    """What the closed months from `since` on cost the viewer's member, newest first, twelve at most."""
    values = {"member_id": own_member(viewer), "from": since}
    return [MonthCost(*row) for row in conn.execute(SQL["months_of_member"], values)]
