"""Trainings with seats: who signs up first sits; who passes is qualified."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import errors

from booking.training.granting import PersonUnknown, grant
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from coop.interval import Interval
from coop.queries import load

SQL = load("booking.training")


class TrainingFull(Conflict):
    """Every seat of the training is taken."""

    code = "booking.training_full"


class TrainingBegun(Conflict):
    """A training that has begun is neither joined nor left."""

    code = "booking.training_begun"


@dataclass(frozen=True, slots=True)
class Training:
    """A training that grants `level` for a kind of machine to who passes."""

    id: UUID
    machine_kind: str
    level: int
    when: Interval
    seats: int
    instructor_id: UUID
    instructor_name: str
    place: str
    taken: int
    mine: bool


@dataclass(frozen=True, slots=True)
class Seat:
    """A participant; `passed` is None until somebody judged."""

    seat: int
    person_id: UUID
    person_name: str
    member_id: str | None
    passed: bool | None


@dataclass(frozen=True, slots=True)
class TrainingWish:
    """A training that the office or an operator offers."""

    id: UUID
    machine_kind: str
    level: int
    when: Interval
    seats: int
    instructor_id: UUID
    place: str = ""


def offer(conn: Connection, viewer: Viewer, wish: TrainingWish, now: datetime) -> Training:
    """Offer a training; raises `PersonUnknown` for its instructor."""
    values = {name: getattr(wish, name) for name in TrainingWish.__slots__ if name != "when"}
    try:
        conn.execute(SQL["add_training"], values | {"starts_at": wish.when.start, "ends_at": wish.when.end})
    except errors.ForeignKeyViolation:
        raise PersonUnknown() from None
    _tell(conn, "training.offered", viewer, wish.id, now)
    return find(conn, viewer, wish.id, now)


def trainings(conn: Connection, viewer: Viewer, now: datetime) -> list[Training]:
    """The trainings that are not over, by start."""
    return _trainings(conn, viewer, now, None)


def find(conn: Connection, viewer: Viewer, training_id: UUID, now: datetime) -> Training:
    """One training that is not over; raises `NotFound`."""
    found = _trainings(conn, viewer, now, training_id)
    if not found:
        raise NotFound()
    return found[0]


def sign_up(conn: Connection, viewer: Viewer, training_id: UUID, now: datetime) -> int:
    """Take a seat for oneself and return its number; who has one keeps it.

    Raises `NotFound`, `TrainingBegun` or `TrainingFull`.
    """
    _lock(conn, training_id, now)
    values = {"id": training_id, "person_id": viewer.person_id, "now": now}
    had = conn.execute(SQL["seat_of"], values).fetchone()
    if had is not None:
        return int(had[0])
    row = conn.execute(SQL["take_seat"], values).fetchone()
    if row is None:
        raise TrainingFull()
    _tell(conn, "training.joined", viewer, training_id, now)
    return int(row[0])


def leave(conn: Connection, viewer: Viewer, training_id: UUID, now: datetime) -> None:
    """Give one's seat back; a second time changes nothing. Raises `NotFound` or `TrainingBegun`."""
    _lock(conn, training_id, now)
    if conn.execute(SQL["leave_seat"], {"id": training_id, "person_id": viewer.person_id}).fetchone():
        _tell(conn, "training.left", viewer, training_id, now)


def seats(conn: Connection, viewer: Viewer, training_id: UUID) -> list[Seat]:
    """Who takes part; for the office, operators and the instructor. Raises `NotFound`."""
    _instructs(conn, viewer, training_id)
    return [Seat(*row) for row in conn.execute(SQL["seats"], {"id": training_id})]


def judge_participant(
    conn: Connection,
    viewer: Viewer,
    training_id: UUID,
    person_id: UUID,
    now: datetime,
    *,
    passed: bool,
    valid_until: datetime | None = None,
) -> None:
    """Say whether a participant passed; who did is granted the training's level. Raises `NotFound`."""
    kind, level = _instructs(conn, viewer, training_id)
    values = {"id": training_id, "person_id": person_id, "passed": passed}
    if conn.execute(SQL["judge_seat"], values).fetchone() is None:
        raise NotFound()
    if passed:
        grant(conn, viewer, person_id, kind, level, now, valid_until=valid_until)
    _tell(conn, "training.judged", viewer, training_id, now, person_id=str(person_id), passed=passed)


def _trainings(conn: Connection, viewer: Viewer, now: datetime, training_id: UUID | None) -> list[Training]:
    rows = conn.execute(SQL["trainings"], {"from": now, "id": training_id, "person_id": viewer.person_id})
    return [
        Training(key, kind, level, Interval(start, end), seats, instructor_id, instructor, place, taken, mine)
        for key, kind, level, start, end, seats, instructor_id, instructor, place, taken, mine in rows
    ]


def _lock(conn: Connection, training_id: UUID, now: datetime) -> None:
    row = conn.execute(SQL["lock_training"], {"id": training_id}).fetchone()
    if row is None:
        raise NotFound()
    if row[2] <= now:
        raise TrainingBegun()


def _instructs(conn: Connection, viewer: Viewer, training_id: UUID) -> tuple[str, int]:
    """Kind and level of a training, for whom it concerns; the training is locked."""
    row = conn.execute(SQL["lock_training"], {"id": training_id}).fetchone()
    if row is None or not (viewer.has(Role.OFFICE, Role.OPERATOR) or viewer.person_id == row[5]):
        raise NotFound()
    return row[0], row[1]


def _tell(conn: Connection, action: str, viewer: Viewer, training_id: UUID, now: datetime, **detail: object) -> None:
    audit.record(conn, action, viewer=viewer, subject=f"training:{training_id}", now=now, detail=detail)
