"""What the office enters: resources beside the machines, pools of units, and the services of a machine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import errors

from booking.outages import ResourceUnknown
from booking.services.model import Mark, ServiceKind
from coop import audit
from coop.database import Connection
from coop.errors import Conflict
from coop.identity import Role, Viewer
from coop.machines import OpeningHours
from coop.queries import load

SQL = load("booking.services")


class ResourceExists(Conflict):
    """The key is taken, or the person is a resource already."""

    code = "booking.resource_exists"


@dataclass(frozen=True, slots=True)
class Resource:
    """A person who operates or advises (`person_id`), an accessory, or a place to soak a part."""

    id: str
    kind: str
    name_ja: str
    name_en: str
    person_id: UUID | None = None
    in_service: bool = True

    def name(self, locale: str) -> str:
        """The resource's name for a reader of `locale`."""
        return self.name_en if locale == "en" else self.name_ja


@dataclass(frozen=True, slots=True)
class Pool:
    """Units of which any will do."""

    id: str
    name_ja: str
    name_en: str
    unit_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeedRow:
    """A need of a service as it is entered: of one unit or of a pool."""

    name: str
    unit_id: str | None
    pool_id: str | None
    starts: Mark
    ends: Mark
    optional: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """A service as it is entered; see `booking.services.Service`."""

    kind: ServiceKind
    approval_minutes: int | None
    needs: tuple[NeedRow, ...]


def add_resource(
    conn: Connection, viewer: Viewer, resource: Resource, hours: Iterable[OpeningHours], now: datetime
) -> None:
    """Enter a resource other than a machine, with its hours (none: always there); raises `Forbidden`, `ResourceExists`
    or `ResourceUnknown` for a person that is none."""
    viewer.require(Role.OFFICE)
    values = {name: getattr(resource, name) for name in Resource.__slots__}
    try:
        with conn.transaction():
            conn.execute(SQL["add_resource"], values)
            for each in hours:
                row = {"resource_id": resource.id, "iso_weekday": each.iso_weekday}
                conn.execute(SQL["add_resource_hours"], row | {"opens": each.opens, "closes": each.closes})
    except errors.UniqueViolation:
        raise ResourceExists() from None
    except errors.ForeignKeyViolation:
        raise ResourceUnknown() from None
    audit.record(conn, "resource.entered", viewer=viewer, subject=f"resource:{resource.id}", now=now)


def put_pool(conn: Connection, viewer: Viewer, pool: Pool, now: datetime) -> None:
    """Say which units a pool has; raises `Forbidden` or `ResourceUnknown`."""
    viewer.require(Role.OFFICE)
    values = {"id": pool.id, "name_ja": pool.name_ja, "name_en": pool.name_en, "unit_ids": list(pool.unit_ids)}
    try:
        with conn.transaction():
            conn.execute(SQL["put_pool"], values)
            conn.execute(SQL["clear_pool"], values)
            conn.execute(SQL["fill_pool"], values)
    except errors.ForeignKeyViolation:
        raise ResourceUnknown() from None
    detail: dict[str, object] = {"units": sorted(pool.unit_ids)}
    audit.record(conn, "pool.changed", viewer=viewer, subject=f"pool:{pool.id}", now=now, detail=detail)


def take_turns(conn: Connection, subject: str) -> None:
    """Who else defines `subject` waits until the transaction ends: what is read now is what is changed."""
    conn.execute(SQL["take_turns"], {"subject": subject})


def put_service(conn: Connection, viewer: Viewer, resource_id: str, offered: Offered, now: datetime) -> None:
    """Say what a service on a machine needs, in place of what was said before; raises `Forbidden` or `ResourceUnknown`.

    Reservations keep the claims that they have until they are moved.
    """
    viewer.require(Role.OFFICE)
    key = {"resource_id": resource_id, "kind": offered.kind.value}
    try:
        with conn.transaction():
            conn.execute(SQL["put_service"], key | {"approval_minutes": offered.approval_minutes})
            conn.execute(SQL["clear_needs"], key)
            for need in offered.needs:
                conn.execute(SQL["add_need"], key | _row(need))
    except (errors.ForeignKeyViolation, errors.CheckViolation):  # a machine is no need of itself
        raise ResourceUnknown() from None
    audit.record(conn, "service.changed", viewer=viewer, subject=f"service:{resource_id}/{offered.kind}", now=now)


def resources(conn: Connection) -> list[Resource]:
    """All resources other than machines, by id."""
    return [Resource(*row) for row in conn.execute(SQL["resources"])]


def pools(conn: Connection, pool_id: str | None = None) -> list[Pool]:
    """All pools, or the one of that id, by id."""
    rows = conn.execute(SQL["pools"], {"id": pool_id})
    return [Pool(identifier, name_ja, name_en, tuple(units)) for identifier, name_ja, name_en, units in rows]


def services(conn: Connection, resource_id: str) -> list[Offered]:
    """What is offered on a machine beside plain self-use, by kind."""
    found: dict[str, tuple[int | None, list[NeedRow]]] = {}
    for kind, approval, name, unit_id, pool_id, *marks, optional in conn.execute(
        SQL["services"], {"resource_id": resource_id}
    ):
        _, needs = found.setdefault(kind, (approval, []))
        if name is not None:
            needs.append(NeedRow(name, unit_id, pool_id, *Mark.pair(*marks), optional))
    return [Offered(ServiceKind(kind), approval, tuple(needs)) for kind, (approval, needs) in found.items()]


def _row(need: NeedRow) -> dict[str, object]:
    return {
        "name": need.name,
        "unit_id": need.unit_id,
        "pool_id": need.pool_id,
        "from_edge": need.starts.edge.value,
        "from_minutes": need.starts.minutes,
        "until_edge": need.ends.edge.value,
        "until_minutes": need.ends.minutes,
        "optional": need.optional,
    }


def pool_units(conn: Connection, pool_id: str) -> Sequence[str]:
    """The units of a pool that are in service, by id; raises `ResourceUnknown` for a pool that has none."""
    units = [unit for (unit,) in conn.execute(SQL["pool_units"], {"pool_id": pool_id})]
    if not units:
        raise ResourceUnknown()
    return units
