"""Qualifications and trainings over HTTP: who may use which kind of machine, and how one learns it."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from booking.training import granting
from booking.training import sessions as training
from booking.training.granting import Granted
from booking.training.sessions import Seat, Training, TrainingWish
from coop.api import Moment, Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["qualification"])

Kind = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,30}$", examples=["cmm"])]


class GrantWanted(Wanted):
    person_id: UUID
    machine_kind: Kind
    level: Annotated[int, Field(ge=0, le=9)] = Field(
        description="1 with an instructor, 2 alone, 3 and above may instruct; 0 ends what was granted."
    )
    valid_until: Moment | None = Field(default=None, description="null: without end.")


class GrantedView(BaseModel):
    """A level that a person was granted; it ends at `ends_at`, by date or without use."""

    id: UUID
    person_id: UUID
    person_name: str
    member_id: str | None
    machine_kind: str
    level: int
    valid_from: datetime
    valid_until: datetime | None
    granted_by: UUID | None
    ends_at: datetime | None

    @classmethod
    def of(cls, granted: Granted) -> Self:
        return cls(**{name: getattr(granted, name) for name in Granted.__slots__})


class LapseWanted(Wanted):
    days: Annotated[int, Field(ge=1, le=3660)] | None = Field(description="Without use; null: it never lapses.")


class InstructorView(BaseModel):
    person_id: UUID
    name: str


class TrainingWanted(Wanted):
    machine_kind: Kind
    level: Annotated[int, Field(ge=1, le=9)]
    starts_at: Moment
    ends_at: Moment
    seats: Annotated[int, Field(ge=1, le=200)]
    instructor_id: UUID
    place: str = Field(default="", max_length=200)


class TrainingView(BaseModel):
    id: UUID
    machine_kind: str
    level: int = Field(description="What who passes is granted.")
    starts_at: datetime
    ends_at: datetime
    seats: int
    taken: int
    mine: bool = Field(description="One has a seat.")
    instructor_name: str
    place: str

    @classmethod
    def of(cls, training: Training) -> Self:
        values = {name: getattr(training, name) for name in cls.model_fields if name not in {"starts_at", "ends_at"}}
        return cls(starts_at=training.when.start, ends_at=training.when.end, **values)


class SeatTaken(BaseModel):
    seat: int


class SeatView(BaseModel):
    seat: int
    person_id: UUID
    person_name: str
    member_id: str | None
    passed: bool | None

    @classmethod
    def of(cls, seat: Seat) -> Self:
        return cls(**{name: getattr(seat, name) for name in Seat.__slots__})


class ResultWanted(Wanted):
    person_id: UUID
    passed: bool
    valid_until: Moment | None = Field(default=None, description="Until when the level is granted; null: without end.")


@router.get("/qualifications")
def list_qualifications(door: Entrance, paging: Paged) -> list[GrantedView]:
    """One's own qualifications; a manager's people's; everybody's for the office, operators and auditors."""
    part = paging.slice(str, str, datetime, UUID)
    found = door.run(lambda conn: granting.qualifications(conn, door.viewer, door.now, part))
    page = paging.page(found, lambda last: (last.machine_kind, last.person_name, last.valid_from, last.id))
    return [GrantedView.of(each) for each in page]


@router.post("/qualifications", status_code=204)
def grant_qualification(body: GrantWanted, door: Entrance) -> Response:
    """Grant a person a level from now on, in place of what they had for this kind of machine."""
    return door.once(
        lambda conn: granting.grant(
            conn, door.viewer, body.person_id, body.machine_kind, body.level, door.now, valid_until=body.valid_until
        ),
        asked=body,
        status=204,
    )


@router.put("/qualifications/lapse/{machine_kind}", status_code=204)
def set_lapse(machine_kind: Kind, body: LapseWanted, door: Entrance) -> Response:
    """Say after how many days without use qualifications for a kind of machine lapse."""
    door.run(lambda conn: granting.set_lapse(conn, door.viewer, machine_kind, body.days, door.now))
    return Response(status_code=204)


@router.get("/instructors")
def list_instructors(door: Entrance, machine_kind: Annotated[Kind, Query()]) -> list[InstructorView]:
    """Who may instruct on machines of a kind."""
    found = door.run(lambda conn: granting.instructors(conn, machine_kind, door.now))
    return [InstructorView(person_id=person_id, name=name) for person_id, name in found]


@router.get("/trainings")
def list_trainings(door: Entrance) -> list[TrainingView]:
    """The trainings that are not over, by start."""
    return [TrainingView.of(each) for each in door.run(lambda conn: training.trainings(conn, door.viewer, door.now))]


@router.post("/trainings", status_code=201, response_model=TrainingView)
def create_training(body: TrainingWanted, door: Entrance) -> Response:
    """Offer a training with seats."""
    when = Interval(body.starts_at, body.ends_at)
    wish = TrainingWish(uuid4(), body.machine_kind, body.level, when, body.seats, body.instructor_id, body.place)
    return door.once(
        lambda conn: TrainingView.of(training.offer(conn, door.viewer, wish, door.now)), asked=body, status=201
    )


@router.post("/trainings/{training_id}/seat", status_code=201, response_model=SeatTaken)
def sign_up(training_id: UUID, door: Entrance) -> Response:
    """Take a seat in a training; who has one keeps it."""

    def use_case(conn: Connection) -> SeatTaken:
        return SeatTaken(seat=training.sign_up(conn, door.viewer, training_id, door.now))

    return door.once(use_case, status=201)


@router.delete("/trainings/{training_id}/seat", status_code=204)
def leave(training_id: UUID, door: Entrance) -> Response:
    """Give one's seat back; a second time changes nothing."""
    door.run(lambda conn: training.leave(conn, door.viewer, training_id, door.now))
    return Response(status_code=204)


@router.get("/trainings/{training_id}/seats")
def list_seats(training_id: UUID, door: Entrance) -> list[SeatView]:
    """Who takes part in a training; for the office, operators and its instructor."""
    return [SeatView.of(each) for each in door.run(lambda conn: training.seats(conn, door.viewer, training_id))]


@router.post("/trainings/{training_id}/results", status_code=204)
def judge_participant(training_id: UUID, body: ResultWanted, door: Entrance) -> Response:
    """Say whether a participant passed; who did is granted the training's level at once."""
    return door.once(
        lambda conn: training.judge_participant(
            conn,
            door.viewer,
            training_id,
            body.person_id,
            door.now,
            passed=body.passed,
            valid_until=body.valid_until,
        ),
        asked=body,
        status=204,
    )
