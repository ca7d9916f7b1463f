"""Tell what happened to a reservation: the audit trail, the live board, and the people and programs it concerns."""

from datetime import datetime

from booking.messages.announcing import announce
from booking.model import Reservation
from coop import audit, events
from coop.database import Connection
from coop.identity import Viewer


def tell(
    conn: Connection,
    action: str,
    viewer: Viewer,
    reservation: Reservation,
    now: datetime,
    **more: object,
) -> None:
    """Write what happened to `reservation`, as it is now, on the audit trail, with whom it was done for; wake the live
    board; and have it told to whom it concerns. `more` is ids, codes and times."""
    actor = viewer.acting_for(reservation.holder.person_id)
    detail = {
        "machine_id": reservation.machine_id,
        "member_id": reservation.holder.member_id,
        "starts_at": reservation.when.start.isoformat(),
        "ends_at": reservation.when.end.isoformat(),
        **more,
    }
    with conn.pipeline():
        audit.record(conn, action, viewer=actor, subject=f"reservation:{reservation.id}", now=now, detail=detail)
        events.notify(conn, "machine", reservation.machine_id)
        announce(conn, action, reservation, now, more)
