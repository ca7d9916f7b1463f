"""What takes all machines in a window and when they are open: what a calendar of every machine draws."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from booking.search import store as store_search
from booking.search.opened import Opened
from booking.services.model import ServiceKind
from coop import machines
from coop.database import Connection
from coop.errors import Invalid
from coop.identity import Viewer
from coop.interval import Interval
from coop.queries import load

SQL = load("booking.search")


class WindowTooLong(Invalid):
    """So long a time is asked about in parts."""

    code = "booking.window_too_long"


@dataclass(frozen=True, slots=True)
class Taken:
    """A reservation or an outage as one viewer sees it; of another member's reservation only when it is."""

    when: Interval
    id: UUID | None = None
    status: str | None = None
    member_name: str | None = None
    person_name: str | None = None
    mine: bool = False
    outage: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One machine: when it is open, and what takes it, by start; slots begin and end on its grid."""

    machine_id: str
    opened: Sequence[Interval]
    taken: Sequence[Taken]
    grid_minutes: int


def timeline(conn: Connection, viewer: Viewer, machine_ids: Sequence[str] | None, window: Interval) -> list[Line]:
    """A line for each of these machines (None: all), by id; those that are not there are left out.

    Of all machines at once only one's own reservations come with their id: ids do not compress.
    """
    wanted = [each.id for each in machines.machines(conn) if machine_ids is None or each.id in machine_ids]
    terms = store_search.terms_of_all(conn, wanted, ServiceKind.SELF_USE)
    opened = Opened(window)
    taken: dict[str, list[Taken]] = defaultdict(list)
    values = {"machine_ids": wanted, "from": window.start, "until": window.end}
    for machine_id, start, end, *what in conn.execute(SQL["timeline"], values).fetchall():
        if start < window.end and window.start < end:
            taken[machine_id].append(_taken(viewer, Interval(start, end), *what, with_ids=machine_ids is not None))
    return [Line(each, opened.of(terms[each]), taken[each], terms[each].granularity_minutes) for each in wanted]


def _taken(
    viewer: Viewer,
    when: Interval,
    outage: str | None,
    reservation_id: UUID | None,
    status: str | None,
    member_id: str | None,
    member_name: str | None,
    person_id: UUID | None,
    person_name: str | None,
    version: int | None,
    *,
    with_ids: bool,
) -> Taken:
    if outage is not None:
        return Taken(when, outage=outage)
    mine = person_id is not None and person_id == viewer.person_id
    if not viewer.sees_names_of(member_id):
        return Taken(when, mine=mine)
    named = mine or with_ids
    return Taken(
        when,
        reservation_id if named else None,
        status,
        member_name,
        person_name,
        mine,
        version=version if named else None,
    )
