"""Reservations and claims in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import errors

from booking.model import Claim, Holder, Reservation, Status, Terms
from coop import machines
from coop.database import Connection
from coop.errors import Conflict, Invalid, PreconditionFailed
from coop.interval import Interval
from coop.machines import MachineUnknown, OpeningHours
from coop.queries import load

SQL = load("booking")


class Overlap(Conflict):
    """A claim overlaps another one of the same resource."""

    code = "booking.slot_taken"


class HolderUnknown(Invalid):
    """There is no such active person or member to book for."""

    code = "booking.holder_unknown"


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim with the reservation it belongs to."""

    claim: Claim
    reservation: Reservation


def lock(conn: Connection, machine_id: str, member_id: str | None, person_id: UUID | None) -> tuple[Holder, Terms]:
    """For whom and under which terms; the member and then the machine stay locked until the transaction ends.

    Holds of the machine that are over are given back. One trip to the database; raises `HolderUnknown` or
    `MachineUnknown`.
    """
    values = {"machine_id": machine_id, "member_id": member_id, "person_id": person_id}
    with conn.pipeline():
        holder = conn.execute(SQL["lock_holder"], values)
        machine = conn.execute(SQL["lock_machine"], values)
        conn.execute(SQL["drop_expired_holds"], values)
        hours = machines.opening_hours(conn, [machine_id])
        who, what = holder.fetchone(), machine.fetchone()
    if what is None:
        raise MachineUnknown(machine=machine_id)
    if who is None:
        raise HolderUnknown()
    return Holder(*who), _terms(machine_id, what, hours.get(machine_id, []))


def terms(conn: Connection, machine_id: str) -> Terms:
    """What a machine asks, without a lock; raises `MachineUnknown`."""
    row = conn.execute(SQL["machine_terms"], {"machine_id": machine_id}).fetchone()
    if row is None:
        raise MachineUnknown(machine=machine_id)
    return _terms(machine_id, row, machines.opening_hours(conn, [machine_id]).get(machine_id, []))


def add(
    conn: Connection, reservation: Reservation, claims: Sequence[Claim], expires_at: datetime | None = None
) -> None:
    """Enter a reservation with its claims, which end by themselves at `expires_at`.

    Raises `Overlap` and leaves the transaction usable.
    """
    values = {
        "id": reservation.id,
        "uid": reservation.uid,
        "machine_id": reservation.machine_id,
        "member_id": reservation.holder.member_id,
        "person_id": reservation.holder.person_id,
        "status": reservation.status.value,
        "purpose": reservation.purpose,
        "now": reservation.created_at,
        "expires_at": expires_at,
    }
    _write(conn, "add_reservation", values | _times(reservation.when, claims))


def move(conn: Connection, reservation: Reservation, when: Interval, claims: Sequence[Claim], now: datetime) -> None:
    """Give a reservation another time; raises `Overlap`, or `PreconditionFailed` if its version is no longer this."""
    values = {"id": reservation.id, "version": reservation.version, "now": now}
    _write(conn, "move_reservation", values | _times(when, claims))


def cancel(conn: Connection, reservation: Reservation, now: datetime) -> None:
    """End a reservation; raises `PreconditionFailed` if its version is no longer this."""
    _write(conn, "cancel_reservation", {"id": reservation.id, "version": reservation.version, "now": now})


def reservation(conn: Connection, reservation_id: UUID) -> Reservation | None:
    """One reservation, whoever asks."""
    row = conn.execute(SQL["reservation_by_id"], {"id": reservation_id}).fetchone()
    return None if row is None else _reservation(row)


def reservations(
    conn: Connection,
    *,
    since: datetime,
    until: datetime | None,
    machine_id: str | None,
    person_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Reservation]:
    """At most `limit` reservations that end after `since` and start before `until`, by start and id."""
    values = {
        "from": since,
        "until": until,
        "machine_id": machine_id,
        "person_id": person_id,
        "after_start": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit,
    }
    return [_reservation(row) for row in conn.execute(SQL["reservations"], values)]


def taken(conn: Connection, resource_ids: Sequence[str], window: Interval) -> list[Taken]:
    """The claims on resources that touch `window`, by resource and start."""
    values = {"resource_ids": list(resource_ids), "from": window.start, "until": window.end}
    return [
        Taken(Claim(row[0], Interval(row[1], row[2])), _reservation(row[3:]))
        for row in conn.execute(SQL["taken"], values)
    ]


def blocked(conn: Connection, resource_id: str, window: Interval, *, but_for: UUID | None = None) -> list[Interval]:
    """When a resource is blocked within `window`, by start, not counting the reservation `but_for`."""
    values = {"resource_id": resource_id, "from": window.start, "until": window.end, "but_for": but_for}
    return [Interval(start, end) for start, end in conn.execute(SQL["blocked"], values)]


def _write(conn: Connection, statement: str, values: dict[str, Any]) -> None:
    """Run a statement that changes one reservation, within a savepoint."""
    try:
        with conn.transaction():
            if conn.execute(SQL[statement], values).rowcount == 0:
                raise PreconditionFailed()
    except errors.ExclusionViolation as violation:
        if violation.diag.constraint_name != "claim_no_overlap":
            raise
        raise Overlap() from None


def _times(when: Interval, claims: Sequence[Claim]) -> dict[str, Any]:
    return {
        "starts_at": when.start,
        "ends_at": when.end,
        "resource_ids": [claim.resource_id for claim in claims],
        "blocked_from": [claim.blocked.start for claim in claims],
        "blocked_until": [claim.blocked.end for claim in claims],
    }


def _terms(machine_id: str, row: Sequence[Any], hours: Sequence[OpeningHours]) -> Terms:
    in_service, set_up, tear_down, granularity, shortest, longest, horizon, zone = row
    return Terms(
        machine_id,
        in_service,
        timedelta(minutes=set_up),
        timedelta(minutes=tear_down),
        granularity,
        shortest,
        longest,
        horizon,
        tuple(hours),
        ZoneInfo(zone),
    )


def _reservation(row: Sequence[Any]) -> Reservation:
    reservation_id, uid, machine_id, member_id, member, person_id, person, starts, ends, status, *rest = row
    holder = Holder(member_id, member, person_id, person)
    return Reservation(reservation_id, uid, machine_id, holder, Interval(starts, ends), Status(status), *rest)
