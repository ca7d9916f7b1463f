"""A cooperative behind the API with one CMM that is open day and night: what the rules allow is up to each test."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coop import database
from coop.identity import Role
from coop.machines import Machine, OpeningHours, add_machine
from tests.callers import Caller, Callers

TOKYO = ZoneInfo("Asia/Tokyo")


def today() -> date:
    """The local day."""
    return datetime.now(TOKYO).date()


def at(clock: str, days: int = 7) -> str:
    """A local time of the day `days` ahead, as a client writes it."""
    return datetime.combine(today() + timedelta(days=days), time.fromisoformat(clock), tzinfo=TOKYO).isoformat()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Shop:
    """Two members with an engineer each, a non-member with one, the office and an operator."""

    callers: Callers
    sato: Caller
    suzuki: Caller
    guest: Caller
    office: Caller
    operator: Caller

    @classmethod
    def open(cls, api: Callers) -> "Shop":
        api.member("m01", "佐藤精機")
        api.member("m02", "鈴木製作所")
        api.member("g01", "員外工業", is_member=False)
        with database.transaction(api.pool) as conn:
            hours = [OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8)]
            add_machine(conn, Machine("cmm-1", "cmm", "三次元測定機", "CMM", site="本館"), hours)
        return cls(
            api,
            api.person(Role.ENGINEER, "m01", name="佐藤"),
            api.person(Role.ENGINEER, "m02", name="鈴木"),
            api.person(Role.ENGINEER, "g01", name="員外"),
            api.person(Role.OFFICE),
            api.person(Role.OPERATOR, name="高橋"),
        )

    def book(self, who: Caller, start: str = "10:00", end: str = "12:00", days: int = 7, **more: Any) -> Any:
        body = {"machine_id": "cmm-1", "starts_at": at(start, days), "ends_at": at(end, days), **more}
        return who.post("/api/v1/reservations", json=body)

    def rule(self, **changes: Any) -> Any:
        body = {"valid_from": str(today()), **changes}
        answer = self.office.post("/api/v1/machines/cmm-1/policies", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


def reasons(answer: Any) -> list[str]:
    """Why a slot was refused; empty if it was not."""
    if answer.status_code in {200, 201}:
        return []
    assert answer.status_code == 422, answer.text
    return [each["code"].removeprefix("booking.") for each in answer.json()["reasons"]]


def warnings(answer: Any) -> list[str]:
    assert answer.status_code in {200, 201}, answer.text
    return [each["code"].removeprefix("booking.") for each in answer.json()["warnings"]]
