"""What many people want at once: each race is prepared with the use cases, and says what must be so afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

from booking import Wish, cancel, reserve
from booking.rules.edit import LimitWanted, set_quota
from booking.rules.quota import Counted, Span
from booking.services.define import Offered, Pool, put_pool, put_service
from booking.services.model import ServiceKind
from booking.waitlist.ask import ask
from booking.waitlist.waiting import Needs
from coop import people, register
from coop.database import Connection
from coop.identity import SYSTEM, Role, Viewer
from coop.interval import Interval
from coop.machines import Machine, OpeningHours, add_machine
from coop.register import Member
from tests.callers import COOPERATIVE

PEOPLE, OF_A_MEMBER = 16, 4
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
UNITS, MOST = 5, 3
"""Machines in a pool, and how many reservations a member may have at once where there is a quota."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. It is sent with its key however often it is sent."""

    person: int
    method: str
    path: str
    body: object = None
    if_match: str | None = None
    key: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True)
class Race:
    """`winners` of the requests are granted, each other one is answered by one of `refusals`. `held` is how many
    reservations then hold time on `machine_ids`, given the paths that were granted."""

    asked: list[Asked]
    refusals: frozenset[int]
    winners: int
    machine_ids: list[str]
    held: Callable[[Sequence[str]], int]
    per_member: int | None = None


@dataclass(slots=True)
class Crowd:
    """Sixteen engineers, four of each member, and sixteen of the office, with their tokens."""

    engineers: list[Viewer]
    staff: list[Viewer]
    tokens: dict[UUID | None, str]
    start: datetime
    rounds: int = 0

    @classmethod
    def gather(cls, conn: Connection, now: datetime) -> "Crowd":
        register.found(conn, COOPERATIVE, now)
        engineers, staff = [], []
        for number in range(PEOPLE):
            member_id = f"m{number // OF_A_MEMBER}"
            if number % OF_A_MEMBER == 0:
                register.add_member(conn, Member(member_id, member_id, joined_on=date(2020, 4, 1)))
            engineers.append(_person(conn, f"e{number}", Role.ENGINEER, member_id))
            staff.append(_person(conn, f"s{number}", Role.OFFICE, None))
        tokens = {
            each.person_id: people.add_token(conn, each, name="race", now=now)[1] for each in [*engineers, *staff]
        }
        tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return cls(engineers, staff, tokens, tomorrow)

    def machines(self, conn: Connection, count: int = 1) -> list[str]:
        """Machines of a race of their own, always open."""
        self.rounds += 1
        ids = [f"r{self.rounds}-{number}" for number in range(count)]
        for each in ids:
            hours = [OpeningHours(each, day, time(0), time.max) for day in range(1, 8)]
            add_machine(conn, Machine(each, "cmm", "測定機", "CMM"), hours)
        return ids


Prepare = Callable[[Connection, Crowd, int], Race]


def create(conn: Connection, crowd: Crowd, requests: int) -> Race:
    """Everybody reserves the same hour."""
    [machine_id] = crowd.machines(conn)
    body = _slot(crowd.start) | {"machine_id": machine_id}
    asked = [Asked(n % PEOPLE, "POST", "/reservations", body) for n in range(requests)]
    return Race(asked, frozenset({409}), 1, [machine_id], lambda _: 1)


def move(conn: Connection, crowd: Crowd, requests: int) -> Race:
    """Everybody moves what they have to the same hour."""
    [machine_id] = crowd.machines(conn)
    had = [
        reserve(conn, each, Wish(machine_id, Interval.of(crowd.start + number * HOUR, HOUR)), datetime.now(UTC))
        for number, each in enumerate(crowd.engineers)
    ]
    wanted = _slot(crowd.start + PEOPLE * HOUR)
    asked = [Asked(n % PEOPLE, "PATCH", f"/reservations/{had[n % PEOPLE].id}", wanted, '"1"') for n in range(requests)]
    return Race(asked, frozenset({409, 412}), 1, [machine_id], lambda _: PEOPLE)


def approve(conn: Connection, crowd: Crowd, requests: int) -> Race:
    """One half of the office approves a request while the other half declines it."""
    [machine_id] = crowd.machines(conn)
    put_service(conn, SYSTEM, machine_id, Offered(ServiceKind.SELF_USE, 600, ()), crowd.start)
    request = reserve(conn, crowd.engineers[0], Wish(machine_id, Interval.of(crowd.start, HOUR)), datetime.now(UTC))
    said = [f"/reservations/{request.id}/{'approve' if n % 3 else 'decline'}" for n in range(requests)]
    asked = [Asked(PEOPLE + n % PEOPLE, "POST", each, if_match='"1"') for n, each in enumerate(said)]
    return Race(
        asked,
        frozenset({409, 412}),
        1,
        [machine_id],
        lambda granted: sum(each.endswith("/approve") for each in granted),
    )


def accept(conn: Connection, crowd: Crowd, requests: int) -> Race:
    """The office accepts and declines an offer and reserves its hour. Declined, it is held for the next in line."""
    [machine_id] = crowd.machines(conn)
    slot, now = Interval.of(crowd.start, HOUR), datetime.now(UTC)
    taken = reserve(conn, crowd.engineers[0], Wish(machine_id, slot), now)
    for waiting in crowd.engineers[4:6]:
        ask(conn, waiting, Needs(machine_id), HOUR, slot, now)
    cancel(conn, crowd.engineers[0], taken.id, now)
    row = conn.execute("SELECT id FROM booking.offer WHERE machine_id = %s", [machine_id]).fetchone()
    assert row is not None
    body = _slot(slot.start) | {"machine_id": machine_id, "person_id": str(crowd.engineers[8].person_id)}
    asked = []
    for n in range(requests):
        path = ("/reservations", f"/offers/{row[0]}/accept", f"/offers/{row[0]}/decline")[n % 7 % 3]
        asked.append(Asked(PEOPLE + n % PEOPLE, "POST", path, body if path == "/reservations" else None))
    return Race(asked, frozenset({409}), 1, [machine_id], lambda _: 1)


def series(conn: Connection, crowd: Crowd, requests: int) -> Race:
    """Everybody reserves three weeks, one half a week later: who wins has all three."""
    [machine_id] = crowd.machines(conn)
    bodies = [
        _slot(crowd.start + later * WEEK) | {"machine_id": machine_id, "rule": "FREQ=WEEKLY;COUNT=3"}
        for later in range(2)
    ]
    asked = [Asked(n % PEOPLE, "POST", "/series", bodies[n % 2]) for n in range(requests)]
    return Race(asked, frozenset({409}), 1, [machine_id], lambda _: 3)


def pool(conn: Connection, crowd: Crowd, requests: int) -> Race:
    """Everybody reserves the same hour on any machine of a pool."""
    ids = crowd.machines(conn, UNITS)
    put_pool(conn, SYSTEM, Pool(ids[0], ids[0], ids[0], tuple(ids)), crowd.start)
    asked = [Asked(n % PEOPLE, "POST", f"/pools/{ids[0]}/reservations", _slot(crowd.start)) for n in range(requests)]
    return Race(asked, frozenset({409}), UNITS, ids, lambda _: UNITS)


def quota(conn: Connection, crowd: Crowd, requests: int) -> Race:
    """Everybody reserves hours that nobody else wants, on a machine on which a member may have three."""
    [machine_id] = crowd.machines(conn)
    now = datetime.now(UTC)
    today = now.astimezone(COOPERATIVE.time_zone).date()
    set_quota(conn, SYSTEM, LimitWanted(machine_id, Counted.MEMBER, Span.AT_ONCE, MOST, today), now)
    asked = [
        Asked(n % PEOPLE, "POST", "/reservations", _slot(crowd.start + n * HOUR) | {"machine_id": machine_id})
        for n in range(requests)
    ]
    members = PEOPLE // OF_A_MEMBER
    return Race(asked, frozenset({422}), members * MOST, [machine_id], lambda _: members * MOST, per_member=MOST)


RACES: tuple[Prepare, ...] = (create, move, approve, accept, series, pool, quota)


def _person(conn: Connection, name: str, role: Role, member_id: str | None) -> Viewer:
    person_id = people.add_person(conn, name=name, email=f"{name}@race.example", roles=[role], member_id=member_id)
    return Viewer(person_id, member_id, frozenset({role}))


def _slot(start: datetime) -> dict[str, str]:
    return {"starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat()}
