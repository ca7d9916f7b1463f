"""What the rules must know: of the machine in the trip that locks it, of the holder in one more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg import Cursor, errors

from booking.model import Conditions, Fitness, Holder, Terms
from booking.rules.calendar import CalendarException, HolidayClosing
from booking.rules.policy import Facts, horizon_days
from booking.rules.quota import Counted, Quota, Span, spans
from booking.training.qualification import INSTRUCTS_FROM, Qualification
from coop.database import Connection
from coop.errors import Invalid
from coop.interval import Interval
from coop.queries import load

SQL = load("booking.rules")


class InstructorUnknown(Invalid):
    """There is no such person to instruct."""

    code = "booking.instructor_unknown"


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a reservation needs beside the machine: who instructs its person, since when its part soaks."""

    instructor_id: UUID | None = None
    soaks_from: datetime | None = None


Answer = Cursor[tuple[Any, ...]]


def describing(conn: Connection, machine_id: str) -> tuple[Answer, Answer]:
    """Ask for what describes a machine beyond its terms, within the pipeline that reads these."""
    conditions = conn.execute(SQL["conditions"], {"machine_id": machine_id})
    return conditions, conn.execute(SQL["calendar_exceptions"], {"machine_ids": [machine_id]})


def described(terms: Terms, conditions: Answer, exceptions: Answer) -> Terms:
    """`terms` with what `describing` asked for; a person who is booked alone has no such conditions."""
    row = conditions.fetchone()
    return terms if row is None else with_conditions(terms, row, exceptions.fetchall())


def with_conditions(terms: Terms, row: Sequence[Any], special: Sequence[tuple[Any, ...]]) -> Terms:
    """`terms` with the columns of `conditions` and the rows of `calendar_exceptions`."""
    kind, closings, *rest = row
    asked, known = rest[: len(Conditions.__slots__)], rest[len(Conditions.__slots__) :]
    return replace(
        terms,
        kind=kind,
        conditions=Conditions(*asked),
        fitness=Fitness(*known),
        closings=tuple(_closing(*each) for each in closings),
        exceptions=tuple(CalendarException(Interval(start, end), opens) for _, start, end, opens in special),
    )


def for_member(conn: Connection, terms: Terms, member_id: str | None) -> Terms:
    """`terms` as they are to a member, so that what is offered to them can be booked by them.

    The horizon is theirs, and a machine for members only is out of service to others.
    """
    conditions = terms.conditions
    same_horizon = conditions.priority_horizon_days is conditions.nonmember_horizon_days is None
    if member_id is None or (same_horizon and conditions.nonmembers_allowed):
        return terms
    values = {"machine_id": terms.machine_id, "member_id": member_id}
    row = conn.execute(SQL["member_standing"], values).fetchone()
    if row is None:
        return terms
    is_member, has_priority = row
    if not is_member and not conditions.nonmembers_allowed:
        return replace(terms, in_service=False)
    return replace(terms, horizon_days=horizon_days(terms, Facts(is_member, has_priority)))


def facts(
    conn: Connection,
    terms: Terms,
    holder: Holder,
    when: Interval,
    now: datetime,
    *,
    but_for: UUID | None = None,
    preparation: Preparation | None = None,
) -> Facts:
    """What is known of `holder` for a slot; the reservation `but_for` is moved there and not counted.

    Its preparation is the stored one unless another is given. One trip; the member's lock is held, so that quotas are
    counted by one at a time.
    """
    prepared = preparation or Preparation()
    counted = spans(when.start, terms.zone)
    values = {
        "machine_id": terms.machine_id,
        "kind": terms.kind,
        "member_id": holder.member_id,
        "person_id": holder.person_id,
        "reservation_id": but_for,
        "stored": preparation is None,
        "instructor_id": prepared.instructor_id,
        "soaks_from": prepared.soaks_from,
        "start": when.start,
        "end": when.end,
        "now": now,
        "day": now.astimezone(terms.zone).date(),
        "week_from": counted[Span.WEEK].start,
        "week_until": counted[Span.WEEK].end,
        "month_from": counted[Span.MONTH].start,
        "month_until": counted[Span.MONTH].end,
        "instructs_from": INSTRUCTS_FROM,
        "supervises": terms.conditions.supervised_level is not None,
    }
    with conn.pipeline():
        standing = conn.execute(SQL["standing"], values)
        quotas = conn.execute(SQL["quotas_used"], values)
        row = standing.fetchone()
        used = quotas.fetchall()
    assert row is not None, "the member is locked, so it is there"
    is_member, priority, percent, warn, deny, soaks_from, is_free, instructors = row[:8]
    return Facts(
        is_member=is_member,
        has_priority=priority,
        nonmember_use=None if percent is None else (percent, warn, deny),
        quotas=tuple(Quota(Counted(of), Span(span), most, int(had)) for _, of, span, most, had in used),
        qualification=_qualification(row[8:12]),
        instructor=_qualification(row[12:16]),
        instructor_is_free=is_free,
        instructors=tuple(instructors or ()),
        soaks_from=min((each for each in (soaks_from, _soaks_in_place(conn, terms, when)) if each), default=None),
    )


def _soaks_in_place(conn: Connection, terms: Terms, when: Interval) -> datetime | None:
    """From when on the service takes a place to soak the part, for the slot `when`."""
    if not terms.conditions.soak_minutes or not terms.service.needs:
        return None
    rows = conn.execute(SQL["places"], {"resource_ids": list(terms.service.unit_ids)})
    places = {resource_id for (resource_id,) in rows}
    needed = [each.during(when, terms.zone) for each in terms.service.needs if places.intersection(each.units)]
    return min((each.start for each in needed if each is not None), default=None)


def prepare(conn: Connection, reservation_id: UUID, preparation: Preparation) -> None:
    """Keep what a new reservation needs beside the machine; raises `InstructorUnknown`."""
    if preparation == Preparation():
        return
    values = {"reservation_id": reservation_id, "instructor_id": preparation.instructor_id}
    try:
        with conn.transaction():
            conn.execute(SQL["prepare_reservation"], values | {"soaks_from": preparation.soaks_from})
    except errors.ForeignKeyViolation:
        raise InstructorUnknown() from None


def _closing(country: str, since: str, until: str | None) -> HolidayClosing:
    return HolidayClosing(country, date.fromisoformat(since), None if until is None else date.fromisoformat(until))


def _qualification(row: Sequence[Any]) -> Qualification | None:
    level, valid_until, last_used_at, lapse_after_days = row
    return None if level is None else Qualification(level, valid_until, last_used_at, lapse_after_days)
