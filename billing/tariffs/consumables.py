"""What is used up and counted: its price in versions, and how many pieces a member used on which day."""

from datetime import datetime
from uuid import UUID, uuid4

from psycopg import errors

import booking
from billing import store
from billing.model import ConsumablePrice, Consumption, Status, Tax
from billing.periods.settle import PeriodClosed
from coop import audit, register
from coop.database import Connection
from coop.errors import Conflict, Invalid, NotFound
from coop.identity import Role, Viewer
from coop.paging import WHOLE, Slice
from coop.queries import load

SQL = load("billing.tariffs")


class ConsumableExists(Conflict):
    """There is a consumable with this key already."""

    code = "billing.consumable_exists"


class ConsumableUnknown(NotFound):
    """There is no such consumable."""

    code = "billing.consumable_unknown"


class PriceOverlaps(Conflict):
    """The consumable has another price in this time."""

    code = "billing.price_overlaps"


class ConsumptionInvalid(Invalid):
    """A consumption names a consumable, a machine and a member that exist."""

    code = "billing.consumption_invalid"


class NotUsed(Conflict):
    """Something is used up in a reservation once somebody came."""

    code = "billing.not_used"


def add_consumable(conn: Connection, viewer: Viewer, key: str, name_ja: str, name_en: str, now: datetime) -> None:
    """Enter something that is used up; raises `ConsumableExists`."""
    viewer.require(Role.OFFICE)
    try:
        with conn.transaction():
            conn.execute(SQL["add_consumable"], {"id": key, "name_ja": name_ja, "name_en": name_en})
    except errors.UniqueViolation:
        raise ConsumableExists(consumable=key) from None
    audit.record(conn, "consumable.added", viewer=viewer, subject=f"consumable:{key}", now=now)


def add_price(conn: Connection, viewer: Viewer, price: ConsumablePrice, now: datetime) -> None:
    """Enter a version of a price; the open-ended one before it ends where this one begins.

    Raises `ConsumableUnknown`, `PriceOverlaps`, and `PeriodClosed` when it would begin within a closed month.
    """
    viewer.require(Role.OFFICE)
    conn.execute(store.SQL["lock_chain"])
    closed = store.last_closed(conn)
    if closed is not None and f"{price.valid_from:%Y-%m}" <= closed[0]:
        raise PeriodClosed(month=closed[0])
    values = {name: getattr(price, name) for name in ConsumablePrice.__slots__}
    try:
        with conn.transaction():
            conn.execute(SQL["end_price"], values)
            conn.execute(SQL["add_price"], values)
    except errors.ExclusionViolation:
        raise PriceOverlaps(consumable=price.consumable_id, valid_from=price.valid_from) from None
    except errors.ForeignKeyViolation:
        raise ConsumableUnknown(consumable=price.consumable_id) from None
    audit.record(conn, "consumable.priced", viewer=viewer, subject=f"consumable:{price.consumable_id}", now=now)


def prices(conn: Connection, part: Slice = WHOLE) -> list[ConsumablePrice]:
    """All versions by consumable and time. Prices are for everybody signed in."""
    rows = conn.execute(SQL["prices"], part.values("after_consumable", "after_from"))
    return [
        ConsumablePrice(identifier, consumable, ja, en, begins, yen_each, ends, resolution, Tax(tax))
        for identifier, consumable, ja, en, begins, yen_each, ends, resolution, tax in rows
    ]


def enter(conn: Connection, viewer: Viewer, used: Consumption, now: datetime) -> None:
    """Enter what a member used up; raises `ConsumptionInvalid`, or `PeriodClosed` for a day in a closed month."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    _enter(conn, viewer, used, now)


def use_up(
    conn: Connection, viewer: Viewer, reservation_id: UUID, consumable_id: str, count: int, now: datetime
) -> Consumption:
    """Enter what was used up in a reservation that one may know, as its people say when they leave.

    Raises `NotFound`, `NotUsed` before anybody came, `ConsumptionInvalid` or `PeriodClosed`.
    """
    held = booking.find(conn, viewer, reservation_id)
    if held.status not in {booking.Status.IN_USE, booking.Status.DONE}:
        raise NotUsed()
    today = now.astimezone(register.cooperative(conn).time_zone).date()
    used = Consumption(
        str(uuid4()), consumable_id, held.machine_id, held.holder.member_id, today, count, str(reservation_id)
    )
    _enter(conn, viewer, used, now)
    return used


def _enter(conn: Connection, viewer: Viewer, used: Consumption, now: datetime) -> None:
    month = f"{used.used_on:%Y-%m}"
    if store.lock_period(conn, month) is Status.CLOSED:
        raise PeriodClosed(month=month)
    values = {name: getattr(used, name) for name in Consumption.__slots__}
    try:
        with conn.transaction():
            conn.execute(SQL["add_consumption"], values | {"entered_by": viewer.person_id, "now": now})
    except errors.ForeignKeyViolation:
        raise ConsumptionInvalid() from None
    detail: dict[str, object] = {"consumable": used.consumable_id, "count": used.count}
    audit.record(conn, "consumption.entered", viewer=viewer, subject=f"consumption:{used.id}", now=now, detail=detail)


def remove(conn: Connection, viewer: Viewer, consumption_id: UUID, now: datetime) -> None:
    """Take back what was entered by mistake; raises `NotFound`, or `PeriodClosed` once its month is closed."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    row = conn.execute(SQL["month_of_consumption"], {"id": consumption_id}).fetchone()
    if row is None:
        raise NotFound()
    month = f"{row[0]:%Y-%m}"
    if store.lock_period(conn, month) is Status.CLOSED:
        raise PeriodClosed(month=month)
    conn.execute(SQL["remove_consumption"], {"id": consumption_id})
    audit.record(conn, "consumption.removed", viewer=viewer, subject=f"consumption:{consumption_id}", now=now)


def consumptions(conn: Connection, viewer: Viewer, month: str | None, part: Slice = WHOLE) -> list[Consumption]:
    """What was used up, by day; for the office and operators."""
    viewer.require(Role.OFFICE, Role.OPERATOR)
    values = {"month": month and store.first_day(month)} | part.values("after_day", "after_id")
    return [
        Consumption(str(identifier), consumable, machine, member, used_on, count, held and str(held))
        for identifier, consumable, machine, member, used_on, count, held in conn.execute(SQL["consumptions"], values)
    ]
