"""Reservations and claims in the database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import errors

from booking.model import Claim, Holder, Reservation, Status, Terms
from booking.rules.facts import described, describing
from booking.services.model import Service, ServiceKind
from booking.services.store import person_terms
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
    """A claim with the reservation it belongs to, or with the kind of outage."""

    claim: Claim
    reservation: Reservation | None
    outage: str | None = None


def lock(
    conn: Connection,
    machine_id: str,
    member_id: str | None,
    person_id: UUID | None,
    service: Service | None = None,
    also: Collection[str] = (),
) -> tuple[Holder, Terms]:
    """For whom and under which terms; the member, then the machine and all that `service` may claim and `also`, in the
    order of their ids, stay locked until the transaction ends.

    Holds of these that are over are given back. One trip to the database; raises `HolderUnknown` or `MachineUnknown`.
    """
    service = service or Service()
    resource_ids = sorted({machine_id, *service.unit_ids, *also})
    values = {"machine_id": machine_id, "member_id": member_id, "person_id": person_id, "resource_ids": resource_ids}
    with conn.pipeline():
        holder = conn.execute(SQL["lock_holder"], values)
        if service.kind is ServiceKind.ADVICE or len(resource_ids) > 1:
            conn.execute(SQL["lock_resources"], values)
        machine = conn.execute(SQL["lock_machine"], values)
        conn.execute(SQL["drop_expired_holds"], values)
        more = describing(conn, machine_id)
        hours = machines.opening_hours(conn, [machine_id])
        who, what = holder.fetchone(), machine.fetchone()
    terms = described(_terms_for(conn, machine_id, what, hours, service), *more)
    if who is None:
        raise HolderUnknown()
    return Holder(*who), terms


def terms(conn: Connection, machine_id: str, service: Service | None = None) -> Terms:
    """What a machine asks, or the person who is booked for advice, without a lock; raises `MachineUnknown`."""
    with conn.pipeline():
        machine = conn.execute(SQL["machine_terms"], {"machine_id": machine_id})
        more = describing(conn, machine_id)
        hours = machines.opening_hours(conn, [machine_id])
        row = machine.fetchone()
    return described(_terms_for(conn, machine_id, row, hours, service or Service()), *more)


def _terms_for(
    conn: Connection,
    machine_id: str,
    row: Sequence[Any] | None,
    hours: Mapping[str, Sequence[OpeningHours]],
    service: Service,
) -> Terms:
    if service.kind is ServiceKind.ADVICE:
        found = person_terms(conn, machine_id)
    else:
        found = None if row is None else terms_of_row(machine_id, row, hours.get(machine_id, []))
    if found is None:
        raise MachineUnknown(machine=machine_id)
    return replace(found, service=service)


def add(
    conn: Connection, reservation: Reservation, claims: Sequence[Claim], expires_at: datetime | None = None
) -> None:
    """Enter a reservation with its claims, which end by themselves at `expires_at`.

    Raises `Overlap` and leaves the transaction usable.
    """
    values = {
        "id": reservation.id,
        "uid": reservation.uid,
        **_what(reservation),
        "member_id": reservation.holder.member_id,
        "person_id": reservation.holder.person_id,
        "status": reservation.status.value,
        "purpose": reservation.purpose,
        "service": reservation.service.value,
        "options": list(reservation.options),
        "now": reservation.created_at,
        "expires_at": expires_at,
    }
    _write(conn, "add_reservation", values | _times(reservation.when, claims))


def move(
    conn: Connection,
    moved: Reservation,
    claims: Sequence[Claim],
    now: datetime,
    *,
    expires_at: datetime | None = None,
) -> None:
    """Give a reservation the slot, machine and status that `moved` has, and `claims` in place of those it had.

    The version of `moved` is the one before; raises `Overlap`, or `PreconditionFailed` if it is no longer this. Claims
    keep their end, unless `expires_at` sets one.
    """
    values = {
        "id": moved.id,
        "version": moved.version,
        "status": moved.status.value,
        "now": now,
        "expires_at": expires_at,
        **_what(moved),
    }
    _write(conn, "move_reservation", values | _times(moved.when, claims))


def cancel(conn: Connection, reservation: Reservation, now: datetime) -> None:
    """End a reservation; raises `PreconditionFailed` if its version is no longer this."""
    _write(conn, "cancel_reservation", {"id": reservation.id, "version": reservation.version, "now": now})


def answer(conn: Connection, reservation: Reservation, status: Status, now: datetime) -> bool:
    """Confirm or decline a request; False if its time is over by the database's clock or it was changed."""
    values = {"id": reservation.id, "version": reservation.version, "status": status.value, "now": now}
    return conn.execute(SQL["answer_request"], values).rowcount > 0


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
    member_id: str | None,
    after: tuple[Any, ...] | None,
    limit: int,
) -> list[Reservation]:
    """At most `limit` reservations that end after `since` and start before `until`, by start and id."""
    values = {
        "from": since,
        "until": until,
        "machine_id": machine_id,
        "person_id": person_id,
        "member_id": member_id,
        "after_start": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit,
    }
    return [_reservation(row) for row in conn.execute(SQL["reservations"], values)]


def taken(conn: Connection, resource_ids: Sequence[str], window: Interval) -> list[Taken]:
    """The claims on resources that touch `window`, by resource and start."""
    values = {"resource_ids": list(resource_ids), "from": window.start, "until": window.end}
    return [
        Taken(Claim(resource_id, Interval(start, end)), None if outage else _reservation(reserved), outage)
        for resource_id, start, end, outage, *reserved in conn.execute(SQL["taken"], values)
    ]


def claims_of(conn: Connection, reservation_id: UUID) -> list[Claim]:
    """What a reservation takes now, the machine first."""
    rows = conn.execute(SQL["claims_of"], {"reservation_id": reservation_id})
    return [Claim(resource_id, Interval(start, end), need) for resource_id, start, end, need in rows]


def helpers_of(conn: Connection, reservation_id: UUID) -> list[UUID]:
    """Who operates, instructs or advises in a reservation."""
    return [person_id for (person_id,) in conn.execute(SQL["helpers_of"], {"reservation_id": reservation_id})]


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
        "needs": [claim.need for claim in claims],
    }


def _what(reservation: Reservation) -> dict[str, str | None]:
    """What is booked: a machine, or a person without one."""
    alone = reservation.service is ServiceKind.ADVICE
    machine_id, resource_id = (None, reservation.machine_id) if alone else (reservation.machine_id, None)
    return {"machine_id": machine_id, "resource_id": resource_id}


def terms_of_row(machine_id: str, row: Sequence[Any], hours: Sequence[OpeningHours]) -> Terms:
    """What a machine asks by the columns of `machine_terms`."""
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
    purpose, version, created_at, service, options, expected_at = rest
    holder = Holder(member_id, member, person_id, person)
    return Reservation(
        reservation_id,
        uid,
        machine_id,
        holder,
        Interval(starts, ends),
        Status(status),
        purpose,
        version,
        created_at,
        ServiceKind(service),
        tuple(options),
        expected_at,
    )
