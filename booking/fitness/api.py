"""Fitness over HTTP: certificates, daily checks, the room's temperature, and one's own uses in doubt."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from booking.fitness import evidence as fitness
from booking.fitness.evidence import Calibration, Check, Master, Recall
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["fitness"])

Measured = Annotated[Decimal, Field(ge=-1_000_000, le=1_000_000, max_digits=16, decimal_places=8)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31), examples=["2026-04-01"])]


class CalibrationWanted(Wanted):
    number: str = Field(min_length=1, max_length=100, examples=["JCSS-0123-26-0456"])
    issued_on: Day
    valid_until: Day = Field(description="The last local day on which it is valid.")
    document: str = Field(default="", max_length=500, description="Where the certificate is kept.")


class CalibrationView(BaseModel):
    id: UUID
    machine_id: str
    number: str
    issued_on: date
    valid_until: date
    document: str

    @classmethod
    def of(cls, calibration: Calibration) -> Self:
        return cls(**{name: getattr(calibration, name) for name in Calibration.__slots__})


class MasterWanted(Wanted):
    name: str = Field(min_length=1, max_length=100, examples=["リングゲージ 50 mm"])
    unit: str = Field(min_length=1, max_length=20, examples=["mm"])
    lower_limit: Measured
    upper_limit: Measured


class MasterView(BaseModel):
    """What is measured each day, with the last check; a value is in `[lower_limit, upper_limit]` or fails."""

    id: UUID
    machine_id: str
    name: str
    unit: str
    lower_limit: Decimal
    upper_limit: Decimal
    checked_at: datetime | None
    value: Decimal | None
    passed: bool | None

    @classmethod
    def of(cls, master: Master) -> Self:
        return cls(**{name: getattr(master, name) for name in Master.__slots__})


class CheckWanted(Wanted):
    value: Measured
    checked_at: Moment | None = Field(default=None, description="Now, if not given.")


class CheckResult(BaseModel):
    passed: bool = Field(description="false: the machine cannot be booked until a check passes.")


class CheckView(BaseModel):
    id: UUID
    machine_id: str
    master: str
    unit: str
    checked_at: datetime
    value: Decimal
    lower_limit: Decimal
    upper_limit: Decimal
    passed: bool

    @classmethod
    def of(cls, check: Check) -> Self:
        return cls(**{name: getattr(check, name) for name in Check.__slots__})


class TemperatureWanted(Wanted):
    celsius: Annotated[Decimal, Field(ge=-50, le=100, max_digits=6, decimal_places=3)]
    at: Moment | None = Field(default=None, description="Now, if not given.")


class FitnessView(BaseModel):
    """What is known of a machine. `calibrated_until` is the last day of its newest certificate."""

    celsius: Decimal | None
    celsius_at: datetime | None
    calibrated_until: date | None
    masters: list[MasterView]


class RecallView(BaseModel):
    """A use between the last pass of a master and a failed check: what was measured then is in doubt."""

    id: UUID
    check_id: UUID
    machine_id: str
    master: str
    checked_at: datetime
    reservation_id: UUID | None = Field(description="Null: the machine was used without a reservation.")
    starts_at: datetime
    ends_at: datetime
    member_id: str
    member_name: str
    person_id: UUID | None
    person_name: str | None
    found_at: datetime
    seen_at: datetime | None

    @classmethod
    def of(cls, recall: Recall) -> Self:
        return cls(**{name: getattr(recall, name) for name in Recall.__slots__})


@router.get("/machines/{machine_id}/fitness")
def get_fitness(machine_id: str, door: Entrance) -> FitnessView:
    """What is known of a machine: room temperature, calibration, and each master with its last check."""
    known = door.run(lambda conn: fitness.known(conn, machine_id))
    masters = [MasterView.of(each) for each in known.masters]
    return FitnessView(
        celsius=known.celsius, celsius_at=known.celsius_at, calibrated_until=known.calibrated_until, masters=masters
    )


@router.get("/machines/{machine_id}/calibrations")
def list_calibrations(machine_id: str, door: Entrance, paging: Paged) -> list[CalibrationView]:
    """The calibration certificates of a machine, the newest first."""
    part = paging.slice(date, UUID)
    found = door.run(lambda conn: fitness.calibrations(conn, machine_id, part))
    return [CalibrationView.of(each) for each in paging.page(found, lambda last: (last.valid_until, last.id))]


@router.post("/machines/{machine_id}/calibrations", status_code=201, response_model=CalibrationView)
def create_calibration(machine_id: str, body: CalibrationWanted, door: Entrance) -> Response:
    """Enter a calibration certificate."""
    certificate = Calibration(uuid4(), machine_id, body.number, body.issued_on, body.valid_until, body.document)
    return door.once(
        lambda conn: CalibrationView.of(fitness.calibrate(conn, door.viewer, certificate, door.now)),
        asked=body,
        status=201,
    )


@router.post("/machines/{machine_id}/masters", status_code=201, response_model=MasterView)
def create_master(machine_id: str, body: MasterWanted, door: Entrance) -> Response:
    """Say what is measured each day on a machine, and what must come out."""
    master = Master(uuid4(), machine_id, body.name, body.unit, body.lower_limit, body.upper_limit)
    return door.once(
        lambda conn: MasterView.of(fitness.add_master(conn, door.viewer, master, door.now)), asked=body, status=201
    )


@router.delete("/masters/{master_id}", status_code=204)
def retire_master(master_id: UUID, door: Entrance) -> Response:
    """Measure a master no more; its checks are kept, and what failed on it blocks no more."""
    door.run(lambda conn: fitness.retire_master(conn, door.viewer, master_id, door.now))
    return Response(status_code=204)


@router.post("/masters/{master_id}/checks", status_code=201, response_model=CheckResult)
def create_check(master_id: UUID, body: CheckWanted, door: Entrance) -> Response:
    """Enter what a master measured. A failure blocks bookings and recalls every use since the last pass."""

    def use_case(conn: Connection) -> CheckResult:
        at = body.checked_at or door.now
        return CheckResult(passed=fitness.check(conn, door.viewer, master_id, body.value, at, door.now))

    return door.once(use_case, asked=body, status=201)


@router.get("/machines/{machine_id}/checks")
def list_checks(
    machine_id: str,
    door: Entrance,
    paging: Paged,
    since: Annotated[Moment | None, Query(alias="from", description="30 days ago, if not given.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Now, if not given.")] = None,
) -> list[CheckView]:
    """The daily checks of a machine, the newest first."""
    end = until or door.now
    window = Interval(since or end - timedelta(days=30), end)
    part, fixed = paging.slice(datetime, UUID), {"from": window.start.isoformat(), "to": window.end.isoformat()}
    found = door.run(lambda conn: fitness.checks(conn, machine_id, window, part))
    return [CheckView.of(each) for each in paging.page(found, lambda last: (last.checked_at, last.id), **fixed)]


@router.post("/machines/{machine_id}/temperature", status_code=204)
def record_temperature(machine_id: str, body: TemperatureWanted, door: Entrance) -> Response:
    """Tell the temperature of the room around a machine; an older one than is known changes nothing."""
    at = body.at or door.now
    return door.once(
        lambda conn: fitness.record_temperature(conn, machine_id, body.celsius, at, door.now), asked=body, status=204
    )


@router.get("/recalls")
def list_recalls(door: Entrance, paging: Paged) -> list[RecallView]:
    """One's own uses in doubt since a check failed, the newest first; all of them for the office and operators."""
    part = paging.slice(datetime, datetime, UUID)
    found = door.run(lambda conn: fitness.recalls(conn, door.viewer, part))
    return [RecallView.of(each) for each in paging.page(found, lambda last: (last.found_at, last.starts_at, last.id))]


@router.post("/recalls/{recall_id}/seen", status_code=204)
def see_recall(recall_id: UUID, door: Entrance) -> Response:
    """Say that one has read a recall of one's own; a second time changes nothing."""
    return door.once(lambda conn: fitness.see_recall(conn, door.viewer, recall_id, door.now), status=204)
