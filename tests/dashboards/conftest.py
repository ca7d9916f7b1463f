"""Two competing members, the office and the ward, three machines open round the clock, and a booking of each member."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx2
import pytest

import booking
from booking import Wish
from coop import database
from coop.accounts import passwords
from coop.accounts.cookies import SESSION_COOKIE
from coop.identity import Role
from coop.interval import Interval
from coop.machines import Machine, OpeningHours, add_machine
from tests.callers import Caller, Callers, callers
from tests.parts.databases import Template

PASSWORD = "correct horse"
MACHINES = {"cmm-1": "門型三次元測定機", "ct-1": "X線CT", "hv-1": "硬さ計"}
FORM = {"accept": "text/html", "sec-fetch-site": "same-origin"}


@dataclass(frozen=True, slots=True)
class Reader:
    """A person with a browser: cookies instead of a token, HTML instead of JSON."""

    caller: Caller
    session: str | None

    def get(self, path: str, *, lang: str = "ja", **headers: str) -> httpx2.Response:
        return self._request("GET", path, {"accept": "text/html", **headers}, lang)

    def post(self, path: str, **form: Any) -> httpx2.Response:
        return self._request("POST", path, FORM, data=form)

    def _request(
        self, method: str, path: str, headers: dict[str, str], lang: str = "ja", **more: Any
    ) -> httpx2.Response:
        cookie = f"lang={lang}" + (f"; {SESSION_COOKIE}={self.session}" if self.session else "")
        return self.caller.client.request(
            method, path, headers=headers | {"cookie": cookie}, follow_redirects=False, **more
        )


@dataclass(frozen=True, slots=True)
class House:
    """Who is there. `grid` is the quarter of an hour under way: ours has ct-1 from then, theirs has cmm-1."""

    api: Callers
    ours: Reader
    theirs: Reader
    office: Reader
    ward: Reader
    nobody: Reader
    grid: datetime


@pytest.fixture(scope="module")
def house(timescale_template: Template) -> Iterator[House]:
    """One for all tests of a module: they book other machines and times than each other."""
    with timescale_template.clone() as database, callers(database.app_url) as api:
        yield furnish(api)


def furnish(api: Callers) -> House:
    """Enter everybody and everything of `House`."""
    api.member("m01", "㈱髙橋製作所")
    api.member("m02", "山﨑精機")
    always = [time(0), time.max]
    now = datetime.now(UTC)
    grid = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    readers = [
        reader(api, role, member)
        for role, member in ((Role.ENGINEER, "m01"), (Role.ENGINEER, "m02"), (Role.OFFICE, None), (Role.WARD, None))
    ]
    ours, theirs = readers[0].caller.viewer, readers[1].caller.viewer
    with database.transaction(api.pool) as conn:
        for machine_id, name in MACHINES.items():
            hours = [OpeningHours(machine_id, weekday, *always) for weekday in range(1, 8)]
            add_machine(conn, Machine(machine_id, "cmm", name, machine_id.upper()), hours)
        slot = Interval.of(grid, timedelta(hours=1))
        booking.reserve(conn, ours, Wish("ct-1", slot, "極秘の部品"), now)
        booking.reserve(conn, theirs, Wish("cmm-1", slot, "秘密の部品"), now)
    return House(api, *readers, Reader(api.nobody, None), grid)


def reader(api: Callers, role: Role, member_id: str | None = None) -> Reader:
    """A new person, of a member if it is named, signed in."""
    caller = api.person(role, member_id, password=PASSWORD)
    with database.transaction(api.pool) as conn:
        row = conn.execute("SELECT email FROM coop.person WHERE id = %s", [caller.person_id]).fetchone()
        assert row is not None
        session = passwords.sign_in(conn, row[0], PASSWORD, datetime.now(UTC))
    return Reader(caller, session)
