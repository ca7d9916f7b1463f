"""The small form that books a machine, and the list of coming reservations."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

import booking
from booking import Seen, SlotDenied, Wish
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid, Kind, MoyaiError
from coop.identity import SEES_NAMES, Role, Viewer
from coop.interval import Interval
from coop.messages import translate
from coop.problems import STATUS, locale_of
from coop.register import Member
from dashboards.shell import page
from dashboards.today.model import USUAL, usual
from dashboards.today.store import A_GRANULE, LOOK_AHEAD

router = APIRouter(include_in_schema=False)

FREE_SHOWN = 4
LISTED = 100


class NotATime(Invalid):
    """The date or a time of the form cannot be read, or the end is not after the start."""

    code = "reserve.not_a_time"


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form, as typed: it is never lost."""

    day: str
    start: str
    end: str
    purpose: str = ""
    member_id: str = ""

    def slot(self, zone: ZoneInfo) -> Interval:
        """The slot meant, in local time; an end of 00:00 is midnight. Raises `NotATime`."""
        try:
            day, start, end = date.fromisoformat(self.day), time.fromisoformat(self.start), time.fromisoformat(self.end)
            last = day + timedelta(days=1) if end == time(0) else day
            return Interval(datetime.combine(day, start, zone), datetime.combine(last, end, zone))
        except (ValueError, Invalid):
            raise NotATime() from None


def typed(slot: Interval, zone: ZoneInfo, purpose: str = "", member_id: str = "") -> Typed:
    """The form filled in with `slot`."""
    start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
    return Typed(f"{start:%Y-%m-%d}", f"{start:%H:%M}", f"{end:%H:%M}", purpose, member_id)


def slot_of(text: str) -> Interval:
    """`2026-11-23T05:00:00+00:00/2026-11-23T06:00:00+00:00`; raises `NotATime`."""
    start, _, end = text.partition("/")
    try:
        return Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
    except (ValueError, Invalid):
        raise NotATime() from None


@router.get("/machines/{machine_id}/reserve")
def reserve_page(machine_id: str, door: Entrance, start: str = "", end: str = "") -> Response:
    """The form, filled in with the slot of the address or the next one that is free."""

    def wanted(zone: ZoneInfo, free: list[Interval]) -> Typed:
        if start and end:
            return typed(slot_of(f"{start}/{end}"), zone)
        first = free[0] if free else Interval.of(door.now.replace(minute=0, second=0, microsecond=0), USUAL)
        return typed(usual(first), zone)

    return _form(door, machine_id, wanted)


@router.post("/machines/{machine_id}/reserve")
def reserve(
    machine_id: str,
    door: Entrance,
    day: Annotated[str, Form()] = "",
    start: Annotated[str, Form()] = "",
    end: Annotated[str, Form()] = "",
    purpose: Annotated[str, Form(max_length=200)] = "",
    member_id: Annotated[str, Form()] = "",
    instead: Annotated[str, Form()] = "",
) -> Response:
    """Book; a refusal keeps the form as typed and offers the next free slots as buttons."""
    form = Typed(day, start, end, purpose, member_id)

    def use_case(conn: Connection) -> UUID:
        zone = register.cooperative(conn).time_zone
        slot = slot_of(instead) if instead else form.slot(zone)
        wish = Wish(machine_id, slot, purpose, member_id=member_id or None)
        return booking.reserve(conn, door.viewer, wish, door.now).id

    try:
        made = door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT}:
            raise
        said = refused

        def kept(zone: ZoneInfo, _: list[Interval]) -> Typed:
            return typed(slot_of(instead), zone, purpose, member_id) if instead and not day else form

        return _form(door, machine_id, kept, said)
    return RedirectResponse(f"/reservations?made={made}", status_code=303)


@router.get("/reservations")
def reservations_page(
    door: Entrance, made: UUID | None = None, cancelled: UUID | None = None, cursor: str | None = None
) -> Response:
    """Coming reservations: one's own, or all for those who may know them."""
    viewer, locale = door.viewer, locale_of(door.request)
    everybody = viewer.has(*SEES_NAMES)

    def ask(conn: Connection) -> tuple[ZoneInfo, dict[str, Any]]:
        names = {each.id: each.name(locale) for each in machines.machines(conn)}
        names |= {each.id: each.name(locale) for each in booking.resources(conn)}
        found = booking.reservations_of(conn, viewer, since=door.now, mine=not everybody, cursor=cursor, limit=LISTED)
        shown: dict[str, Any] = {
            "upcoming": [_row(each, names, viewer, door.now, name_holder=everybody) for each in found.reservations],
            "more": found.next_cursor,
        }
        for key, identifier in (("made", made), ("cancelled", cancelled)):
            about = booking.seen(booking.find(conn, viewer, identifier), viewer) if identifier else None
            shown[key] = _row(about, names, viewer, door.now, name_holder=everybody) if about else None
        return register.cooperative(conn).time_zone, shown

    zone, shown = door.run(ask)
    scope = translate("reservations.scope_all" if everybody else "reservations.scope_mine", locale)
    return page(door, "mine/reservations.html", zone=zone, here="reservations", now=door.now, scope=scope, **shown)


@router.post("/reservations/{reservation_id}/cancel")
def cancel(reservation_id: UUID, door: Entrance) -> Response:
    """Cancel; the next page offers to undo it."""
    door.run(lambda conn: booking.cancel(conn, door.viewer, reservation_id, door.now))
    return RedirectResponse(f"/reservations?cancelled={reservation_id}", status_code=303)


def _row(seen: Seen, names: dict[str, str], viewer: Viewer, now: datetime, *, name_holder: bool) -> dict[str, Any]:
    changes = seen.mine or viewer.has(Role.OFFICE, Role.OPERATOR)
    return {
        "id": seen.id,
        "slot": seen.when,
        "machine_id": seen.machine_id,
        "machine": names[seen.machine_id],
        "member_id": seen.member_id if name_holder else "",
        "holder": " · ".join(filter(None, (seen.member_name, seen.person_name))) if name_holder else "",
        "may_cancel": changes and (seen.when.start > now or viewer.has(Role.OFFICE)),
    }


def _form(door: Door, machine_id: str, fill: Any, refused: MoyaiError | None = None) -> Response:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> tuple[ZoneInfo, str, list[Interval], list[Member]]:
        terms = booking.for_member(conn, booking.terms(conn, machine_id), door.viewer.member_id)
        free = booking.free_slots(conn, terms, Interval(door.now - A_GRANULE, door.now + LOOK_AHEAD), door.now)
        members = register.members(conn, door.viewer) if door.viewer.has(Role.OFFICE, Role.OPERATOR) else []
        return terms.zone, machines.machine(conn, machine_id).name(locale), free[:FREE_SHOWN], members

    zone, name, free, members = door.run(ask)
    return page(
        door,
        "mine/reserve.html",
        zone=zone,
        status=STATUS[refused.kind].value if refused else 200,
        machine=name,
        machine_id=machine_id,
        members=members,
        wanted=fill(zone, free),
        refused=_sentence(refused, locale) if refused else "",
        free=_instead(refused) or free if refused else free,
        usual=usual,
        exact=bool(_instead(refused)) if refused else False,
    )


def _sentence(refused: MoyaiError, locale: str) -> str:
    if isinstance(refused, SlotDenied):
        reasons = refused.extra["reasons"]
        return " ".join(translate(each["code"], locale, **each["params"]) for each in reasons)
    return translate(refused.code, locale, **refused.params)


def _instead(refused: MoyaiError) -> list[Interval]:
    slots = refused.extra.get("next_free", [])
    return [Interval(_moment(each["starts_at"]), _moment(each["ends_at"])) for each in slots]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
