"""What can be claimed beside machines, over HTTP: resources, pools, services."""

from datetime import time
from typing import Annotated, Literal, Self, TypeVar
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, model_validator

from booking.api import Slug
from booking.etags import IfMatch, etag_of, must_match
from booking.services import define
from booking.services.define import NeedRow, Offered, Pool, Resource
from booking.services.model import Edge, Mark, ServiceKind
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.errors import NotFound
from coop.machines import OpeningHours

router = APIRouter(tags=["booking"])
Minutes = Annotated[int, Field(ge=-20_160, le=20_160)]
View = TypeVar("View", bound=BaseModel)


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


class PoolView(BaseModel):
    id: str
    name_ja: str
    name_en: str
    unit_ids: list[str]


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


@router.get("/pools")
def list_pools(door: Entrance) -> list[PoolView]:
    """All pools with their units."""
    return [_pool(each) for each in door.run(define.pools)]


@router.get("/pools/{pool_id}")
def get_pool(pool_id: Slug, door: Entrance, response: Response) -> PoolView:
    """A pool with its units; the `ETag` is what a change must send as `If-Match`."""
    return _shown(door.run(lambda conn: _pool_shown(conn, pool_id)), response)


@router.put("/pools/{pool_id}", status_code=204)
def put_pool(pool_id: Slug, body: PoolWanted, door: Entrance, if_match: IfMatch = None) -> Response:
    """Say which units a pool has. One that is there already is changed with its `ETag` as `If-Match`."""
    pool = Pool(pool_id, body.name_ja, body.name_en, tuple(body.unit_ids))

    def put(conn: Connection) -> BaseModel | None:
        define.take_turns(conn, f"pool:{pool_id}")
        must_match(if_match, _pool_shown(conn, pool_id))
        define.put_pool(conn, door.viewer, pool, door.now)
        return _pool_shown(conn, pool_id)

    return _changed(door.run(put))


@router.get("/machines/{machine_id}/services")
def list_services(machine_id: str, door: Entrance) -> list[ServiceView]:
    """What is offered on a machine beside plain self-use, and what each service needs."""
    return [_service(each) for each in door.run(lambda conn: define.services(conn, machine_id))]


@router.get("/machines/{machine_id}/services/{kind}")
def get_service(machine_id: str, kind: ServiceKind, door: Entrance, response: Response) -> ServiceView:
    """What a service on a machine needs; the `ETag` is what a change must send as `If-Match`."""
    return _shown(door.run(lambda conn: _service_shown(conn, machine_id, kind)), response)


@router.put("/machines/{machine_id}/services/{kind}", status_code=204)
def put_service(
    machine_id: str, kind: ServiceKind, body: ServiceForm, door: Entrance, if_match: IfMatch = None
) -> Response:
    """Say what a service on a machine needs; reservations keep what they have until they are moved.

    One that is offered already is changed with its `ETag` as `If-Match`.
    """
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

    def put(conn: Connection) -> BaseModel | None:
        define.take_turns(conn, f"service:{machine_id}/{kind}")
        must_match(if_match, _service_shown(conn, machine_id, kind))
        define.put_service(conn, door.viewer, machine_id, offered, door.now)
        return _service_shown(conn, machine_id, kind)

    return _changed(door.run(put))


def _pool(pool: Pool) -> PoolView:
    return PoolView(id=pool.id, name_ja=pool.name_ja, name_en=pool.name_en, unit_ids=list(pool.unit_ids))


def _pool_shown(conn: Connection, pool_id: str) -> PoolView | None:
    return next((_pool(each) for each in define.pools(conn, pool_id)), None)


def _service(offered: Offered) -> ServiceView:
    needs = [_need(need) for need in offered.needs]
    return ServiceView(kind=offered.kind, approval_minutes=offered.approval_minutes, needs=needs)


def _service_shown(conn: Connection, machine_id: str, kind: ServiceKind) -> ServiceView | None:
    return next((_service(each) for each in define.services(conn, machine_id) if each.kind is kind), None)


def _shown(found: View | None, response: Response) -> View:
    if found is None:
        raise NotFound()
    response.headers["ETag"] = etag_of(found)
    return found


def _changed(now: BaseModel | None) -> Response:
    assert now is not None, "it was put just now"
    return Response(status_code=204, headers={"ETag": etag_of(now)})


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
