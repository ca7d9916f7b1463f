"""Every page: who looks at it here, and what stands in its address. A new page needs a row in `SCREENS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from coop.accounts.cookies import SESSION_COOKIE
from moyai.demo.founding import PASSWORD
from tests.journeys.town import ENGINEER, Town

OFFICE, DIRECTOR, AUDITOR, OPERATOR, WARD = (
    "jimu@kumiai.example",
    "riji@kumiai.example",
    "kanji@kumiai.example",
    "sokutei@kumiai.example",
    "sangyo@ward.example",
)
MANAGER = "seiichi@takahashi-seimitsu.example"


class Visitor:
    """A person of the town with a session of their own; `None` is nobody."""

    def __init__(self, town: Town, who: str | None) -> None:
        self.town = town
        self._client = httpx2.Client(
            base_url=town.url, headers={"Sec-Fetch-Site": "same-origin"}, trust_env=False, timeout=60
        )
        if who is not None:
            answer = self._client.post("/api/v1/session", json={"email": who, "password": PASSWORD})
            assert answer.status_code == 204, f"{who}: {answer.text}"

    @property
    def session(self) -> str | None:
        return self._client.cookies.get(SESSION_COOKIE)

    def ask(self, path: str, **query: Any) -> Any:
        """What the API says."""
        answer = self._client.get(f"/api/v1{path}", params=query)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def close(self) -> None:
        self._client.close()


Values = Mapping[str, str]
SHARED = {"machine_id": "cmm-1", "member_id": "m01", "n": "1", "code": "booking.slot_taken"}


@dataclass(frozen=True, slots=True)
class Screen:
    """A page as `who` sees it: `values` finds what its address names beyond what most share, `query` follows it."""

    who: str | None
    values: Callable[[Visitor], Values] = lambda _: {}
    query: str = ""

    def address(self, path: str, visitor: Visitor) -> str:
        values = {**SHARED, "month": visitor.town.month, **self.values(visitor)}
        return path.format(**values) + self.query


def statement(visitor: Visitor) -> Values:
    return {"statement_id": visitor.ask("/statements", month=visitor.town.month)[0]["id"]}


def reservation(visitor: Visitor) -> Values:
    return {"reservation_id": next(each["id"] for each in visitor.ask("/reservations") if each["id"])}


def oneself(visitor: Visitor) -> Values:
    return {"person_id": visitor.ask("/me")["person_id"]}


SCREENS = {
    "/": Screen(ENGINEER),
    "/machines/{machine_id}/reserve": Screen(ENGINEER),
    "/today/offer": Screen(ENGINEER, query="?ask=CMM 明日2時間"),
    "/reservations": Screen(ENGINEER),
    "/reservations/{reservation_id}": Screen(ENGINEER, reservation),
    "/reservations/{reservation_id}/change": Screen(ENGINEER, reservation),
    "/me": Screen(ENGINEER),
    "/machines": Screen(ENGINEER),
    "/machines/{machine_id}": Screen(ENGINEER),
    "/machines/{machine_id}/qr": Screen(OFFICE),
    "/machines/{machine_id}/threshold": Screen(OPERATOR),
    "/m/{machine_id}": Screen(ENGINEER),
    "/problems": Screen(OFFICE),
    "/devices": Screen(OFFICE),
    "/utilisation": Screen(WARD),
    "/reports/subsidy": Screen(OFFICE),
    "/statements": Screen(MANAGER),
    "/statements/{statement_id}": Screen(MANAGER, statement),
    "/statements/{statement_id}/lines/{n}": Screen(MANAGER, statement),
    "/office/members": Screen(OFFICE),
    "/office/members/{member_id}": Screen(OFFICE),
    "/office/people": Screen(OFFICE),
    "/office/people/{person_id}": Screen(OFFICE, oneself),
    "/office/machines": Screen(OFFICE),
    "/office/machines/{machine_id}": Screen(OFFICE),
    "/office/{register}/new": Screen(OFFICE, lambda _: {"register": "machines"}),
    "/sign-in": Screen(None),
    "/design": Screen(None),
    "/problem-types/{code}": Screen(None),
    "/offline": Screen(None),
    "/places": Screen(OFFICE),
}

NOT_SCREENS = {
    "/healthz": "for programs",
    "/readyz": "for programs",
    "/metrics": "for programs",
    "/feeds/{secret}.ics": "a calendar",
    "/events": "a stream",
    "/manifest.webmanifest": "for browsers",
    "/service-worker.js": "for browsers",
    "/favicon.ico": "for browsers",
    "/icons/{name}": "for browsers",
    "/today/cards": "a part of /",
    "/today/cards/{machine_id}": "a part of /",
    "/machines/{machine_id}/threshold/live": "a part of /machines/{machine_id}/threshold",
    "/machines/{machine_id}/threshold/found": "a part of /machines/{machine_id}/threshold",
    "/utilisation.{form}": "a file",
    "/office/{register}.{form}": "a file",
    "/language/{locale}": "leads back",
}
