"""Holds, the waitlist and its offers over HTTP."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, model_validator

from booking import hold
from booking.api import ReservationView, ReservationWanted, Slug
from booking.projection import seen
from booking.services.model import ServiceKind
from booking.waitlist import ask as waitlist
from booking.waitlist import offer
from booking.waitlist.waiting import Needs, Offer, Request
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["waitlist"])

Size = Annotated[Decimal | None, Field(default=None, gt=0, lt=1_000_000, max_digits=12)]


class HoldView(BaseModel):
    """A slot that is kept for five minutes."""

    id: UUID
    machine_id: str
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime


class ConfirmWanted(Wanted):
    purpose: str = Field(default="", max_length=500, description="Seen by its person and the operator only.")


class RequestWanted(Wanted):
    """One machine, or any of a kind with at least this measuring range and table load, and who or what is needed beside
    it: an offer holds all of it."""

    machine_id: str | None = Field(default=None, max_length=31, examples=["cmm-1"])
    kind: str | None = Field(default=None, max_length=31)
    range_x_mm: Size = None
    range_y_mm: Size = None
    range_z_mm: Size = None
    table_load_kg: Size = None
    minutes: int = Field(ge=1, le=527_040, description="How long.", examples=[120])
    earliest_start: Moment
    latest_end: Moment
    purpose: str = Field(default="", max_length=500, description="Seen by its person and the operator only.")
    person_id: UUID | None = Field(default=None, description="For whom the office or an operator asks.")
    service: ServiceKind = Field(default=ServiceKind.SELF_USE, description="Any that a machine takes part in.")
    options: list[Slug] = Field(default=[], max_length=20, description="Optional needs of the service.")
    instructor_id: UUID | None = Field(default=None, description="Who instructs somebody that may not be alone.")

    @model_validator(mode="after")
    def names_machine_or_kind(self) -> Self:
        """Either one machine would do, or any of a kind."""
        if (self.machine_id is None) == (self.kind is None):
            raise ValueError("name either a machine or a kind")
        if self.service is ServiceKind.ADVICE:
            raise ValueError("nobody waits for a machine to be advised without one")
        return self


class RequestView(BaseModel):
    id: UUID
    machine_id: str | None
    kind: str | None
    range_x_mm: Decimal | None
    range_y_mm: Decimal | None
    range_z_mm: Decimal | None
    table_load_kg: Decimal | None
    service: ServiceKind
    options: list[str]
    instructor_id: UUID | None
    minutes: int
    earliest_start: datetime
    latest_end: datetime
    person_id: UUID
    purpose: str | None
    created_at: datetime

    @classmethod
    def of(cls, request: Request, viewer: Viewer) -> Self:
        needs = {name: getattr(request.needs, name) for name in Needs.__slots__}
        needs["options"] = list(request.needs.options)
        knows_why = viewer.person_id == request.person_id or viewer.has(Role.OPERATOR)
        return cls(
            id=request.id,
            minutes=request.length // timedelta(minutes=1),
            earliest_start=request.window.start,
            latest_end=request.window.end,
            person_id=request.person_id,
            purpose=request.purpose if knows_why else None,
            created_at=request.created_at,
            **needs,
        )


class OfferView(BaseModel):
    """A slot that is held for a person until they answer, or until `expires_at`."""

    id: UUID
    request_id: UUID
    machine_id: str
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime
    person_id: UUID

    @classmethod
    def of(cls, offer: Offer) -> Self:
        return cls(
            id=offer.id,
            request_id=offer.request_id,
            machine_id=offer.machine_id,
            starts_at=offer.when.start,
            ends_at=offer.when.end,
            expires_at=offer.expires_at,
            person_id=offer.person_id,
        )


@router.post("/holds", status_code=201, response_model=HoldView)
def create_hold(body: ReservationWanted, door: Entrance) -> Response:
    """Keep a slot for five minutes while a person fills in the form. Refused as a reservation would be."""
    wish = body.wish()

    def held(conn: Connection) -> HoldView:
        kept, expires_at = hold.hold(conn, door.viewer, wish, door.now)
        return HoldView(
            id=kept.id,
            machine_id=kept.machine_id,
            starts_at=kept.when.start,
            ends_at=kept.when.end,
            expires_at=expires_at,
        )

    return door.once(held, asked=body, status=201)


@router.post("/holds/{hold_id}/confirm", response_model=ReservationView)
def confirm_hold(hold_id: UUID, body: ConfirmWanted, door: Entrance) -> Response:
    """Make one's hold a reservation: the same one, so nobody can come between. 404 when it is over."""
    return door.once(
        lambda conn: ReservationView.of(
            seen(hold.confirm(conn, door.viewer, hold_id, body.purpose, door.now), door.viewer)
        ),
        asked=body,
    )


@router.delete("/holds/{hold_id}", status_code=204)
def let_go(hold_id: UUID, door: Entrance) -> Response:
    """End a hold before its time."""
    door.run(lambda conn: hold.let_go(conn, door.viewer, hold_id, door.now))
    return Response(status_code=204)


@router.post("/waitlist", status_code=201, response_model=RequestView)
def ask(body: RequestWanted, door: Entrance) -> Response:
    """Wait for time that nobody has free yet; an offer comes as soon as there is."""
    needs = Needs(**{name: getattr(body, name) for name in Needs.__slots__} | {"options": tuple(body.options)})
    window = Interval(body.earliest_start, body.latest_end)

    def asked(conn: Connection) -> RequestView:
        length = timedelta(minutes=body.minutes)
        request = waitlist.ask(
            conn, door.viewer, needs, length, window, door.now, purpose=body.purpose, person_id=body.person_id
        )
        return RequestView.of(request, door.viewer)

    return door.once(asked, asked=body, status=201)


@router.get("/waitlist")
def list_waitlist(door: Entrance, paging: Paged) -> list[RequestView]:
    """What one waits for, oldest first; for a manager what their people wait for, for the office everything."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: waitlist.waiting(conn, door.viewer, part))
    page = paging.page(found, lambda last: (last.created_at, last.id))
    return [RequestView.of(each, door.viewer) for each in page]


@router.delete("/waitlist/{request_id}", status_code=204)
def withdraw(request_id: UUID, door: Entrance) -> Response:
    """Wait no longer; what is on offer goes to the next at once."""
    door.run(lambda conn: waitlist.withdraw(conn, door.viewer, request_id, door.now))
    return Response(status_code=204)


@router.get("/offers")
def list_offers(door: Entrance) -> list[OfferView]:
    """The offers that wait for an answer, the first to end first."""
    return [OfferView.of(each) for each in door.run(lambda conn: offer.offers_of(conn, door.viewer))]


@router.post("/offers/{offer_id}/accept", response_model=ReservationView)
def accept(offer_id: UUID, door: Entrance) -> Response:
    """Take what is offered: it is a reservation now. 409 when it was answered or its time is over."""
    return door.once(
        lambda conn: ReservationView.of(seen(offer.accept(conn, door.viewer, offer_id, door.now), door.viewer))
    )


@router.post("/offers/{offer_id}/decline", status_code=204)
def decline(offer_id: UUID, door: Entrance) -> Response:
    """Let the next have it; one goes on waiting for other times."""
    return door.once(lambda conn: offer.decline(conn, door.viewer, offer_id, door.now), status=204)
