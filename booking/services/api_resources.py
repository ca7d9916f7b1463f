"""What can be claimed beside machines, over HTTP: resources, pools, services, outages."""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, model_validator

from booking import outages
from booking.api import ReservationView, Slug
from booking.model import Reservation
from booking.outages import Outage, OutageKind
from booking.projection import seen
from booking.services import define
from booking.services.define import NeedRow, Offered, Pool, Resource
from booking.services.model import Edge, Mark, ServiceKind
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Door, Entrance
from coop.interval import Interval
from coop.machines import OpeningHours

router = APIRouter(tags=["booking"])
Minutes = Annotated[int, Field(ge=-20_160, le=20_160)]


class HoursWanted(Wanted):
    iso_weekday: int = Field(ge=1, le=7)
    opens: time = Field(examples=["09:00"])
    closes: time = Field(examples=["17:00"], description="23:59:59.999999 stands for midnight.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.opens.tzinfo or self.closes.tzinfo or self.closes <= self.opens:
            raise ValueError("local times, closes after opens")
        return self


class ResourceWanted(Wanted):
    id: Slug = Field(examples=["soak-1"])
    kind: Literal["person", "accessory", "place"]
    name_ja: str = Field(min_length=1, max_length=100)
    name_en: str = Field(min_length=1, max_length=100)
    person_id: UUID | None = Field(default=None, description="Who it is, of a person.")
    hours: list[HoursWanted] = Field(default=[], max_length=50, description="When it is there; none: always.")

    @model_validator(mode="after")
    def _person_is_somebody(self) -> Self:
        if (self.kind == "person") != (self.person_id is not None):
            raise ValueError("a person, and nothing else, has a person_id")
        if len({(each.iso_weekday, each.opens) for each in self.hours}) < len(self.hours):
            raise ValueError("hours given twice")
        return self


class ResourceView(BaseModel):
    id: str
    kind: str
    name_ja: str
    name_en: str
    in_service: bool


class PoolWanted(Wanted):
    name_ja: str = Field(min_length=1, max_length=100)
    name_en: str = Field(min_length=1, max_length=100)
    unit_ids: list[Slug] = Field(min_length=1, max_length=100)


class NeedForm(Wanted):
    """A unit or a pool, from one moment to another: minutes from the start or end of the slot, or from the local
    midnight that begins its day (`{"edge": "day", "minutes": -420}` is five in the evening before)."""

    name: Slug = Field(examples=["operator"])
    unit_id: Slug | None = None
    pool_id: Slug | None = None
    from_edge: Edge = Edge.START
    from_minutes: Minutes = 0
    until_edge: Edge = Edge.END
    until_minutes: Minutes = 0
    optional: bool = Field(default=False, description="Claimed only when a reservation asks for it by name.")

    @model_validator(mode="after")
    def _unit_or_pool(self) -> Self:
        if (self.unit_id is None) == (self.pool_id is None) or self.name == "machine":
            raise ValueError("a unit_id or a pool_id, and a name that is not machine")
        return self


class ServiceForm(Wanted):
    approval_minutes: int | None = Field(
        default=None, ge=1, le=43_200, description="How long a request holds its time; null: nobody is asked."
    )
    needs: list[NeedForm] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        if len({need.name for need in self.needs}) < len(self.needs):
            raise ValueError("needs have names of their own")
        return self


class ServiceView(BaseModel):
    kind: ServiceKind
    approval_minutes: int | None
    needs: list[NeedForm]


class OutageWanted(Wanted):
    resource_id: Slug = Field(examples=["cmm-1"])
    kind: OutageKind
    starts_at: Moment | None = Field(default=None, description="Now, if not given.")
    ends_at: Moment
    reason: str = Field(default="", max_length=200)


class OutageView(BaseModel):
    id: UUID
    resource_id: str
    kind: OutageKind
    starts_at: datetime
    ends_at: datetime
    reason: str
    affected: list[ReservationView] = Field(description="Reservations at that time, as the reader may see them.")


@router.get("/resources")
def list_resources(door: Entrance) -> list[ResourceView]:
    """Persons, accessories and places that can be claimed."""
    found = door.run(define.resources)
    return [
        ResourceView(id=r.id, kind=r.kind, name_ja=r.name_ja, name_en=r.name_en, in_service=r.in_service) for r in found
    ]


@router.post("/resources", status_code=201, response_model=ResourceView)
def enter_resource(body: ResourceWanted, door: Entrance) -> Response:
    """Enter a person, an accessory or a place."""
    resource = Resource(body.id, body.kind, body.name_ja, body.name_en, body.person_id)
    hours = [OpeningHours(body.id, each.iso_weekday, each.opens, each.closes) for each in body.hours]

    def enter(conn: Connection) -> ResourceView:
        define.add_resource(conn, door.viewer, resource, hours, door.now)
        return ResourceView(**body.model_dump(include={"id", "kind", "name_ja", "name_en"}), in_service=True)

    return door.once(enter, asked=body, status=201)


@router.put("/pools/{pool_id}", status_code=204)
def put_pool(pool_id: Slug, body: PoolWanted, door: Entrance) -> Response:
    """Say which units a pool has."""
    pool = Pool(pool_id, body.name_ja, body.name_en, tuple(body.unit_ids))
    door.run(lambda conn: define.put_pool(conn, door.viewer, pool, door.now))
    return Response(status_code=204)


@router.get("/machines/{machine_id}/services")
def list_services(machine_id: str, door: Entrance) -> list[ServiceView]:
    """What is offered on a machine beside plain self-use, and what each service needs."""
    return [
        ServiceView(kind=each.kind, approval_minutes=each.approval_minutes, needs=[_need(need) for need in each.needs])
        for each in door.run(lambda conn: define.services(conn, machine_id))
    ]


@router.put("/machines/{machine_id}/services/{kind}", status_code=204)
def put_service(machine_id: str, kind: ServiceKind, body: ServiceForm, door: Entrance) -> Response:
    """Say what a service on a machine needs; reservations keep what they have until they are moved."""
    needs = tuple(
        NeedRow(
            each.name,
            each.unit_id,
            each.pool_id,
            Mark(each.from_edge, each.from_minutes),
            Mark(each.until_edge, each.until_minutes),
            each.optional,
        )
        for each in body.needs
    )
    offered = Offered(kind, body.approval_minutes, needs)
    door.run(lambda conn: define.put_service(conn, door.viewer, machine_id, offered, door.now))
    return Response(status_code=204)


@router.get("/outages")
def list_outages(
    door: Entrance,
    since: Annotated[Moment | None, Query(alias="from", description="Now, if not given.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="30 days after `from`, if not given.")] = None,
    resource: Annotated[str | None, Query(max_length=31)] = None,
) -> list[OutageView]:
    """Outages, maintenance, calibration and absences, with the reservations that they affect."""
    start = since or door.now
    window = Interval(start, until or start + timedelta(days=30))

    found = door.run(
        lambda conn: [(each, outages.affected(conn, each)) for each in outages.outages(conn, window, resource)]
    )
    return [_outage(door, each, affected) for each, affected in found]


@router.post("/outages", status_code=201, response_model=OutageView)
def enter_outage(body: OutageWanted, door: Entrance) -> Response:
    """Enter an outage. 409 lists the reservations at that time; only a breakdown is entered over them."""
    during = Interval(body.starts_at or door.now, body.ends_at)

    def enter(conn: Connection) -> OutageView:
        made = outages.close(conn, door.viewer, body.resource_id, body.kind, during, body.reason, door.now)
        return _outage(door, made, outages.affected(conn, made))

    return door.once(enter, asked=body, status=201)


@router.delete("/outages/{outage_id}", status_code=204)
def end_outage(outage_id: UUID, door: Entrance) -> Response:
    """End an outage now; one that has not begun is taken back."""
    door.run(lambda conn: outages.reopen(conn, door.viewer, outage_id, door.now))
    return Response(status_code=204)


def _outage(door: Door, outage: Outage, affected: list[Reservation]) -> OutageView:
    return OutageView(
        id=outage.id,
        resource_id=outage.resource_id,
        kind=outage.kind,
        starts_at=outage.during.start,
        ends_at=outage.during.end,
        reason=outage.reason,
        affected=[ReservationView.of(seen(each, door.viewer)) for each in affected],
    )


def _need(need: NeedRow) -> NeedForm:
    return NeedForm(
        name=need.name,
        unit_id=need.unit_id,
        pool_id=need.pool_id,
        from_edge=need.starts.edge,
        from_minutes=need.starts.minutes,
        until_edge=need.ends.edge,
        until_minutes=need.ends.minutes,
        optional=need.optional,
    )
