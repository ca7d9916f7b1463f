"""Booking while somebody is on the telephone: one form, the answer beside it, nothing but the keyboard."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse

import booking
from billing.tariffs import quote
from booking import Wish
from coop import machines, register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Kind, MoyaiError
from coop.messages import translate
from coop.problems import STATUS, locale_of
from dashboards.office.call import NotYetSaid, Said, heard
from dashboards.office.entries import Form, Typed
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/office/telephone")
def telephone(door: Entrance, made: UUID | None = None) -> HTMLResponse:
    """The form; after a booking the sentence to read to the caller."""
    return _page(door, Said(), made=made)


@router.post("/office/telephone")
def answer(door: Entrance, typed: Form) -> Response:
    """What is understood so far; with `does=book` book for the caller, as `POST /api/v1/reservations` does.

    A refusal keeps everything and offers other slots. All is posted, so that who calls stands in no address.
    """
    said = _said(typed)
    if "hx-request" in door.request.headers:
        shown = door.run(lambda conn: _shown(conn, door, said))
        return page(door, "office/telephone_answer.html", refused="", **shown)
    if typed.cells.get("does") != "book":
        return _page(door, said)

    def use_case(conn: Connection) -> UUID:
        understood = heard(conn, door.viewer, said, door.now, locale_of(door.request))
        if understood.caller is None or understood.slot is None or understood.machine_id is None:
            raise NotYetSaid()
        caller = understood.caller
        wish = Wish(understood.machine_id, understood.slot, said.purpose, caller.person_id, caller.member_id)
        return booking.reserve(conn, door.viewer, wish, door.now).id

    try:
        made = door.run(use_case)
    except MoyaiError as refused:
        if refused.kind not in {Kind.INVALID, Kind.CONFLICT}:
            raise
        return _page(door, said, refused=refused)
    return RedirectResponse(f"/office/telephone?made={made}", 303)


def _said(typed: Typed) -> Said:
    """The form as it was sent; what is longer than anybody says is cut."""
    return Said(**{name: each[:200] for name, each in typed.cells.items() if name in Said.model_fields})


def _page(door: Door, said: Said, *, refused: MoyaiError | None = None, made: UUID | None = None) -> HTMLResponse:
    def ask(conn: Connection) -> dict[str, Any]:
        shown = _shown(conn, door, said)
        return shown | {"made": _made(conn, door, made) if made else None, "machines": machines.machines(conn)}

    return page(
        door,
        "office/telephone.html",
        here="telephone",
        status=STATUS[refused.kind].value if refused else 200,
        refused=_why(refused, locale_of(door.request)) if refused else "",
        **door.run(ask),
    )


def _shown(conn: Connection, door: Door, said: Said) -> dict[str, Any]:
    understood = heard(conn, door.viewer, said, door.now, locale_of(door.request))
    zone = register.cooperative(conn).time_zone
    return {"zone": zone, "said": understood.said, "heard": understood, "now": door.now}


def _made(conn: Connection, door: Door, made: UUID) -> dict[str, Any]:
    """What is read back to the caller."""
    reservation = booking.find(conn, door.viewer, made)
    names = {each.id: each.name(locale_of(door.request)) for each in machines.machines(conn)}
    return {
        "id": made,
        "number": f"{str(made)[:4]}-{str(made)[4:8]}".upper(),
        "holder": reservation.holder,
        "machine": names.get(reservation.machine_id, reservation.machine_id),
        "slot": reservation.when,
        "pending": reservation.status is booking.Status.PENDING,
        "most_yen": quote.at_most(conn, made),
    }


def _why(refused: MoyaiError, locale: str) -> str:
    reasons = refused.extra.get("reasons", [])
    if reasons:
        return " ".join(translate(each["code"], locale, **each["params"]) for each in reasons)
    return translate(refused.code, locale, **refused.params)
