"""Every route x every role x one's own and another member's object."""

import string
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest

import booking
from booking import hold
from booking.messages import feeds
from booking.series.reserve import Conflicts, reserve_series
from booking.waitlist import ask as waitlist
from booking.waitlist.waiting import Needs
from coop import database, machines, people
from coop.identity import SEES_NAMES, Role, Viewer
from coop.interval import Interval
from coop.machines import Machine, OpeningHours
from coop.rights import routes
from moyai.application import ROUTERS
from moyai.rights import RIGHTS
from tests.callers import Caller, Callers, callers

EVERY_ROUTE = [key for router, prefix in ROUTERS for key in routes(router, prefix)]
KEY = "k" * 32  # of the application that the callers call
ENDLESS = {("GET", "/events")}
SECRETS = {
    "name": "他社の名前㈱",
    "person": "他社 花子",
    "email": "hanako@other.example",
    "purpose": "他社の秘密の部品",
}
OFFICES = SEES_NAMES | {Role.WARD}
MADE = {"reservation_id", "series_id", "token_id", "feed_id", "secret", "hold_id", "request_id", "member_id"}
NOBODYS = "00000000-0000-4000-8000-000000000000"
SHARED = defaultdict(
    lambda: NOBODYS,
    machine_id="cmm-1",
    machine_kind="cmm",
    month="2026-09",
    year="2026",
    n="1",
    form="csv",
    table="reservations",
    locale="ja",
    pool_id="gauges",
    kind="attended",
    step="received",
    register="members",
)


class World:
    """Two members that compete, one machine, and for each request fresh objects of both."""

    def __init__(self, api: Callers) -> None:
        self.api = api
        self._slots = count(1)
        api.member("own", "自社㈱")
        api.member("other", SECRETS["name"])
        self.people = {"own": self._person("own", "自社 太郎", "taro@own.example")}
        self.people["other"] = self._person("other", SECRETS["person"], SECRETS["email"])
        with database.transaction(api.pool) as conn:
            for machine_id in ("cmm-1", "cmm-2"):
                hours = [OpeningHours(machine_id, day, time(0), time.max) for day in range(1, 8)]
                machines.add_machine(conn, Machine(machine_id, "cmm", "測定機", "CMM"), hours)
            conn.execute("UPDATE booking.policy SET horizon_days = 3000")  # each request has a slot of its own
        self.start = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)

    def _person(self, member_id: str, name: str, email: str) -> Viewer:
        with database.transaction(self.api.pool) as conn:
            person_id = people.add_person(conn, name=name, email=email, roles=[Role.ENGINEER], member_id=member_id)
        return Viewer(person_id, member_id, frozenset({Role.ENGINEER}))

    def objects(self, path: str, whose: str, caller: Viewer) -> dict[str, str]:
        """What the places in `path` stand for: an object of `whose`, made just now, or one that everybody shares.

        Own objects are the caller's very own, if the caller has a member.
        """
        person = caller if whose == caller.member_id else self.people[whose]
        names = [name for _, name, _, _ in string.Formatter().parse(path) if name]
        return {name: self._made(name, person, whose) if name in MADE else SHARED[name] for name in names}

    def _made(self, name: str, person: Viewer, whose: str) -> str:
        """The key of a fresh object of `person`."""
        now = datetime.now(UTC)
        slot = Interval.of(self.start + timedelta(hours=next(self._slots)), timedelta(minutes=15))
        wish = booking.Wish("cmm-1", slot, SECRETS["purpose"] if whose == "other" else "自社の部品")
        with database.transaction(self.api.pool) as conn:
            match name:
                case "reservation_id" | "series_id":
                    series, [outcome] = reserve_series(conn, person, wish, "FREQ=DAILY;COUNT=1", Conflicts.REFUSE, now)
                    assert outcome.reservation is not None
                    return str(series.id if name == "series_id" else outcome.reservation.id)
                case "token_id":
                    return str(people.add_token(conn, person, name="t", now=now)[0])
                case "feed_id":
                    return str(feeds.add_feed(conn, person, KEY, now).id)
                case "secret":
                    return feeds.secret_of(
                        feeds.add_feed(conn, self.people["own"], KEY, now, machine_id="cmm-1").id, KEY
                    )
                case "hold_id":
                    return str(hold.hold(conn, person, replace(wish, machine_id="cmm-2"), now)[0].id)
                case "request_id":
                    needs, minutes = Needs("cmm-1"), timedelta(minutes=15)
                    return str(waitlist.ask(conn, person, needs, minutes, slot, now, purpose=wish.purpose).id)
                case _:
                    return whose

    def ask(self, caller: Caller, method: str, path: str, objects: dict[str, str]) -> Any:
        """The request a curious person would send."""
        start = self.start + timedelta(hours=next(self._slots))
        body = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(minutes=15)).isoformat()}
        if path.endswith("/reservations") and method == "POST":
            body["machine_id"] = "cmm-1"
        body = self._bodies(start).get(path.rpartition("/")[2], body)
        options: dict[str, Any] = {"json": body, "headers": {"If-Match": "*", "Accept": "text/html, application/json"}}
        if not path.startswith("/api/"):
            options = {"data": body, "headers": options["headers"]}
        if method == "GET":
            del options["data" if "data" in options else "json"]
        return caller.request(method, path.format(**objects), **options)

    def _bodies(self, start: datetime) -> dict[str, dict[str, Any]]:
        """What requests say that do not name a slot, by the end of their path."""
        return {
            "extend": {},
            "shorten": {"ends_at": start.isoformat()},
            "swap": {"machine_id": "cmm-1"},
            "late": {"expected_at": start.isoformat()},
            "hand-over": {"person_id": str(self.people["own"].person_id)},
            "{step}": {},
        }


@pytest.fixture(scope="module")
def world(timescale_template: Any) -> Iterator[World]:
    with timescale_template.clone() as database, callers(database.app_url) as api:
        yield World(api)


def test_the_table_names_every_route_and_nothing_else() -> None:
    assert sorted(RIGHTS) == sorted(EVERY_ROUTE)


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_every_route_opens_to_whom_the_table_says(world: World, role: Role) -> None:
    caller = world.api.person(role, None if role in OFFICES else "own")
    for method, path in EVERY_ROUTE:
        allowed = role in RIGHTS[method, path]
        if allowed and (method, path) in ENDLESS:
            continue
        for whose in ("own", "other"):
            answer = world.ask(caller, method, path, world.objects(path, whose, caller.viewer))
            told = f"{role} {method} {path} ({whose}): {answer.status_code} {answer.text[:200]}"
            assert answer.status_code < 500, told
            if not allowed and role is Role.ANONYMOUS:
                assert answer.status_code == 401 or answer.headers.get("location", "").startswith("/sign-in"), told
            elif not allowed:
                assert answer.status_code == 403, told
            elif whose == "own":
                assert answer.status_code not in {401, 403} or role in {Role.MACHINE}, told


@pytest.mark.parametrize("role", [role for role in Role if role not in SEES_NAMES], ids=str)
def test_nobody_learns_of_another_member(world: World, role: Role) -> None:
    caller = world.api.person(role, None if role in OFFICES else "own")
    for method, path in EVERY_ROUTE:
        if (method, path) in ENDLESS:
            continue
        objects = world.objects(path, "other", caller.viewer)
        answer = world.ask(caller, method, path, objects)
        for what, secret in SECRETS.items():
            assert secret not in answer.text, f"{role} {method} {path}: {what}"
        theirs = objects.keys() & (MADE - {"secret"})
        if theirs:
            nobodys = world.ask(caller, method, path, objects | dict.fromkeys(theirs, NOBODYS))
            told = f"{role} {method} {path}: {answer.status_code}, and {nobodys.status_code} if there is none"
            assert answer.status_code == nobodys.status_code >= 300, told


@pytest.mark.parametrize("role", sorted(SEES_NAMES), ids=str)
def test_a_purpose_is_for_its_person_and_the_operator(world: World, role: Role) -> None:
    caller = world.api.person(role)
    seen = ""
    for method, path in EVERY_ROUTE:
        if method == "GET" and (method, path) not in ENDLESS:
            seen += world.ask(caller, method, path, world.objects(path, "other", caller.viewer)).text
    assert (SECRETS["purpose"] in seen) == (role is Role.OPERATOR)
