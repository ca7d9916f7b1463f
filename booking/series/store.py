"""Series in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import errors

from booking.model import Reservation
from booking.store import Overlap
from coop.database import Connection
from coop.interval import Interval
from coop.queries import load

SQL = load("booking.series")


@dataclass(frozen=True, slots=True)
class Series:
    """Reservations that one rule named, from the slot `first` on in the local time of `zone`."""

    id: UUID
    first: Interval
    zone: ZoneInfo
    rule: str


def add(conn: Connection, series: Series, reservations: Sequence[tuple[datetime, Reservation]], now: datetime) -> None:
    """Enter a series with its reservations, each beside the start that the rule gave it."""
    values = {
        "id": series.id,
        "starts_at": series.first.start,
        "ends_at": series.first.end,
        "time_zone": series.zone.key,
        "rule": series.rule,
        "created_at": now,
    }
    conn.execute(SQL["add_series"], values)
    places = {
        "series_id": series.id,
        "recurrence_ids": [recurrence_id for recurrence_id, _ in reservations],
        "reservation_ids": [reservation.id for _, reservation in reservations],
    }
    conn.execute(SQL["add_occurrences"], places)


def series(conn: Connection, identifier: UUID) -> Series | None:
    """A series by its own id or by that of one of its reservations."""
    row = conn.execute(SQL["series"], {"id": identifier}).fetchone()
    return None if row is None else Series(row[0], Interval(row[1], row[2]), ZoneInfo(row[3]), row[4])


def occurrences(conn: Connection, series_id: UUID) -> dict[UUID, datetime]:
    """The reservations of a series with the start that the rule gave each, in its order."""
    rows = conn.execute(SQL["occurrences"], {"series_id": series_id})
    return dict(rows.fetchall())


def series_of(conn: Connection, reservation_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The series that each of these reservations belongs to, where it does."""
    rows = conn.execute(SQL["series_of"], {"reservation_ids": list(reservation_ids)})
    return dict(rows.fetchall())


def defer_overlaps(conn: Connection) -> None:
    """Let reservations pass over each other; `check_overlaps` ends it."""
    conn.execute(SQL["defer_overlaps"])


def overlapping(conn: Connection, reservation_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these reservations overlap what is not theirs, while overlaps are deferred."""
    rows = conn.execute(SQL["overlapping"], {"reservation_ids": list(reservation_ids)})
    return {row[0] for row in rows}


def check_overlaps(conn: Connection) -> None:
    """Refuse overlaps from now on; raises `Overlap` if there is one."""
    try:
        with conn.transaction():
            conn.execute(SQL["check_overlaps"])
    except errors.ExclusionViolation:
        raise Overlap() from None
