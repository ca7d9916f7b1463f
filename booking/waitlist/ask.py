"""The waitlist: ask for time that nobody has free yet."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from booking.services import store as store_services
from booking.services.store import OptionUnknown, ServiceUnknown
from booking.waitlist import offer
from booking.waitlist import store as store_waitlist
from booking.waitlist.waiting import EVERYBODY, SEES_ALL, Needs, Request, answers_for, whose
from coop import audit
from coop.database import Connection
from coop.errors import Forbidden, Invalid, NotFound
from coop.identity import Viewer
from coop.interval import Interval
from coop.paging import WHOLE, Slice


class NothingFits(Invalid):
    """There is no machine in service that could serve this request."""

    code = "booking.nothing_fits"


class WindowInvalid(Invalid):
    """The window must lie ahead and be at least as long as the time that is wanted."""

    code = "booking.window_invalid"


def ask(
    conn: Connection,
    viewer: Viewer,
    needs: Needs,
    length: timedelta,
    window: Interval,
    now: datetime,
    *,
    purpose: str = "",
    person_id: UUID | None = None,
) -> Request:
    """Wait for time; what is free already is offered by the next sweep. The office and operators name for whom.

    Raises `Forbidden`, `HolderUnknown`, `WindowInvalid`, `NothingFits`, or `ServiceUnknown` or `OptionUnknown` where
    no machine that fits offers the service.
    """
    whom = person_id or viewer.person_id
    if whom is None or (whom != viewer.person_id and not viewer.has(*SEES_ALL)):
        raise Forbidden()
    member_id = store_waitlist.viewer_of(conn, whom).member_id or ""
    if window.end - length <= now or window.end - window.start < length:
        raise WindowInvalid()
    _offered_somewhere(conn, needs)
    request = Request(uuid4(), needs, member_id, whom, purpose, length, window, "waiting", now)
    store_waitlist.add_request(conn, request)
    audit.record(conn, "waitlist.asked", viewer=viewer.acting_for(whom), subject=f"waitlist:{request.id}", now=now)
    return request


def _offered_somewhere(conn: Connection, needs: Needs) -> None:
    fitting = store_waitlist.machines_for(conn, needs)
    if not fitting:
        raise NothingFits()
    for number, machine_id in enumerate(fitting, 1):
        try:
            store_services.service(conn, machine_id, needs.service, needs.options)
        except (ServiceUnknown, OptionUnknown):
            if number == len(fitting):
                raise
        else:
            return


def waiting(conn: Connection, viewer: Viewer, part: Slice = WHOLE) -> list[Request]:
    """Who waits, as far as the viewer may know, oldest first."""
    return store_waitlist.requests_of(conn, whose(viewer), part)


def withdraw(conn: Connection, viewer: Viewer, request_id: UUID, now: datetime) -> None:
    """Wait no longer; what is on offer for it goes to the next at once. Raises `NotFound`."""
    request = store_waitlist.request(conn, request_id)
    if request is None or not answers_for(viewer, request.member_id, request.person_id):
        raise NotFound()
    if not store_waitlist.withdraw(conn, request_id):
        return
    audit.record(conn, "waitlist.withdrawn", viewer=viewer, subject=f"waitlist:{request_id}", now=now)
    for each in store_waitlist.open_offers(conn, EVERYBODY, request_id=request_id):
        offer.decline(conn, viewer, each.id, now)
