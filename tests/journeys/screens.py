"""Every page: who looks at it here, and what stands in its address. A new page needs a row in `SCREENS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2

from coop.accounts.cookies import SESSION_COOKIE
from moyai.demo.founding import PASSWORD
from tests.journeys.town import ENGINEER, ZONE, Town

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
        return self._answer("GET", path, params=query)

    def do(self, method: str, path: str, body: object = None) -> Any:
        """Have something done through the API; what it answers."""
        return self._answer(method, path, json=body)

    def _answer(self, method: str, path: str, **more: Any) -> Any:
        answer = self._client.request(method, f"/api/v1{path}", **more)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._client.close()


Values = Mapping[str, str]
SHARED = {"machine_id": "cmm-1", "member_id": "m01", "n": "1", "code": "booking.slot_taken"}


SERVICE = {
    "client_code": "1234567890", "client_kana": "タマガワグチセイミツ", "bank_code": "0128", "bank_kana": "グンマ",
    "branch_code": "001", "branch_kana": "ホンテン", "type": 1, "number": "7654321", "line_end": "none",
}  # fmt: skip
ACCOUNT = {
    "bank_code": "0001", "bank_kana": "ミズホ", "branch_code": "110", "branch_kana": "キョウバシ", "type": 1,
    "number": "1234567", "holder_kana": "カ）クミアイイン",
}  # fmt: skip


ASSET = {
    "pool_id": "cmm-1", "name_ja": "三次元測定機（大型）", "name_en": "Large CMM", "machine_id": "cmm-1",
    "acquired_on": "2024-04-01", "cost_yen": 36_000_000, "method": "straight_line", "useful_life_years": 8,
}  # fmt: skip
GRANT = {
    "grant_number": "6産振第41号", "funder": "区", "granted_yen": 12_000_000, "restricted_until": "2032-03-31",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Screen:
    """A page as `who` sees it. Its address names what most share, and what `values` finds; `query` follows it.

    `asks` is who finds it, where `who` may not.
    """

    who: str | None
    values: Callable[[Visitor], Values] = lambda _: {}
    query: str = ""
    asks: str | None = None

    def address(self, path: str, visitor: Visitor) -> str:
        values = {**SHARED, "month": visitor.town.month, **self.values(visitor)}
        return path.format(**values) + self.query


def statement(visitor: Visitor) -> Values:
    return {"statement_id": visitor.ask("/statements", month=visitor.town.month)[0]["id"]}


def reservation(visitor: Visitor) -> Values:
    return {"reservation_id": next(each["id"] for each in visitor.ask("/reservations") if each["id"])}


def oneself(visitor: Visitor) -> Values:
    return {"person_id": visitor.ask("/me")["person_id"]}


def document(visitor: Visitor) -> Values:
    return {"document_id": visitor.ask("/documents")[0]["id"]}


def dispute(visitor: Visitor) -> Values:
    """A question about a line, asked if nobody has yet."""
    if not visitor.ask("/disputes"):
        line = f"{statement(visitor)['statement_id']}/lines/1"
        visitor.do("POST", f"/statements/{line}/disputes", {"words": "この日は半分しか使っていません。"})
    return {"dispute_id": visitor.ask("/disputes")[0]["id"]}


def open_month(visitor: Visitor) -> Values:
    """The month under way, drafted."""
    month = f"{datetime.now(ZONE):%Y-%m}"
    visitor.do("POST", f"/periods/{month}/draft")
    return {"month": month}


def approval(visitor: Visitor) -> Values:
    """The secret of a link by which the director approves the open month."""
    month = open_month(visitor)["month"]
    director = Visitor(visitor.town, DIRECTOR)
    link = visitor.do("POST", f"/periods/{month}/approval-links", oneself(director))
    director.close()
    return {"secret": link["secret"]}


def subsidised(visitor: Visitor) -> Values:
    """An asset that a grant paid a third of, entered if there is none."""
    if not visitor.ask("/subsidised-assets"):
        asset = visitor.do("POST", "/assets", ASSET | open_month(visitor))
        visitor.do("PUT", f"/assets/{asset['id']}/subsidy", GRANT)
    return {"asset_id": visitor.ask("/subsidised-assets")[0]["asset_id"]}


def inspection(visitor: Visitor) -> Values:
    """Somebody of the ward who may look into that asset's uses, asked for if nobody has yet."""
    if not visitor.ask("/inspections"):
        ward = Visitor(visitor.town, WARD)
        wanted = oneself(ward) | {"fiscal_year": 2026, "reason": "補助事業の実績確認"}
        ward.close()
        visitor.do("POST", f"/assets/{subsidised(visitor)['asset_id']}/inspections", wanted)
    return {"inspection_id": visitor.ask("/inspections")[0]["id"]}


def invitation(visitor: Visitor) -> Values:
    """Somebody without an address, who gets a sheet of paper; the last part of their link."""
    wanted = {"name": "新井 大輔", "roles": ["engineer"], "member_id": "m01"}
    made = visitor.do("POST", "/invitations", wanted | {"sign_in_name": f"arai{uuid4().hex[:8]}"})
    return {"invitation_id": made["id"], "secret": made["url"].rpartition("/")[2]}


def bank_service(visitor: Visitor) -> Values:
    visitor.do("PUT", "/bank/services/debit", SERVICE)
    return {"kind": "debit"}


def bank_file(visitor: Visitor) -> Values:
    """What the members owe for the month, to be debited; their accounts are entered if they are not."""
    bank_service(visitor)
    if not visitor.ask("/bank/files"):
        for member in visitor.ask("/members"):
            visitor.do(
                "PUT", f"/members/{member['id']}/bank-account", ACCOUNT | {"customer_code": f"1{member['id'][1:]}"}
            )
        visitor.do("POST", "/bank/files", {"kind": "debit", "on_day": f"{datetime.now(ZONE) + timedelta(90):%Y-%m-%d}"})
    return {"file_id": visitor.ask("/bank/files")[0]["id"]}


SCREENS = {
    "/": Screen(ENGINEER),
    "/machines/{machine_id}/reserve": Screen(ENGINEER),
    "/today/offer": Screen(ENGINEER, query="?ask=CMM 明日2時間"),
    "/timeline": Screen(ENGINEER),
    "/find": Screen(ENGINEER),
    "/reservations": Screen(ENGINEER),
    "/reservations/{reservation_id}": Screen(ENGINEER, reservation),
    "/reservations/{reservation_id}/change": Screen(ENGINEER, reservation),
    "/me": Screen(ENGINEER),
    "/machines": Screen(ENGINEER),
    "/machines/{machine_id}": Screen(ENGINEER),
    "/machines/{machine_id}/qr": Screen(OFFICE),
    "/me/month": Screen(ENGINEER),
    "/me/calendars": Screen(ENGINEER),
    "/me/messages": Screen(ENGINEER),
    "/member": Screen(MANAGER),
    "/members/{member_id}/account": Screen(MANAGER),
    "/machines/{machine_id}/threshold": Screen(OPERATOR),
    "/m/{machine_id}": Screen(ENGINEER),
    "/problems": Screen(OFFICE),
    "/devices": Screen(OFFICE),
    "/utilisation": Screen(WARD),
    "/reports/subsidy": Screen(OFFICE),
    "/reports/subsidy/{asset_id}": Screen(OFFICE, subsidised),
    "/reports/inspection/{inspection_id}": Screen(OFFICE, inspection),
    "/statements": Screen(MANAGER),
    "/statements/{statement_id}": Screen(MANAGER, statement),
    "/statements/{statement_id}/lines/{n}": Screen(MANAGER, statement),
    "/documents": Screen(OFFICE),
    "/documents/{document_id}": Screen(OFFICE, document),
    "/disputes": Screen(OFFICE),
    "/disputes/{dispute_id}": Screen(OFFICE, dispute),
    "/closing": Screen(OFFICE),
    "/closing/{month}": Screen(OFFICE, open_month),
    "/closing/{month}/audit": Screen(AUDITOR),
    "/approve/{secret}": Screen(None, approval, asks=OFFICE),
    "/what-if": Screen(DIRECTOR),
    "/bank": Screen(OFFICE),
    "/bank/files/{file_id}": Screen(OFFICE, bank_file),
    "/bank/services/{kind}": Screen(OFFICE, bank_service),
    "/bank/receipts": Screen(OFFICE),
    "/bank/receivables": Screen(DIRECTOR),
    "/audit": Screen(AUDITOR),
    "/office/members": Screen(OFFICE),
    "/office/members/{member_id}": Screen(OFFICE),
    "/office/people": Screen(OFFICE),
    "/office/people/{person_id}": Screen(OFFICE, oneself),
    "/office/machines": Screen(OFFICE),
    "/office/machines/{machine_id}": Screen(OFFICE),
    "/office/tariffs": Screen(OFFICE),
    "/office/tariffs/{machine_id}": Screen(OFFICE),
    "/office/costs": Screen(OFFICE),
    "/documents/issuer": Screen(OFFICE),
    "/office/telephone": Screen(OFFICE),
    "/office/{register}/new": Screen(OFFICE, lambda _: {"register": "machines"}),
    "/invitations": Screen(OFFICE),
    "/invitations/{invitation_id}/sheet": Screen(OFFICE, invitation),
    "/invitations/{secret}": Screen(None, invitation, asks=OFFICE),
    "/me/security": Screen(ENGINEER),
    "/sign-in": Screen(None),
    "/reset": Screen(None),
    "/design": Screen(None),
    "/problem-types/{code}": Screen(None),
    "/offline": Screen(None),
    "/places": Screen(OFFICE),
}

NOT_SCREENS = {
    "/reset/{secret}": "as /invitations/{secret}",
    "/sign-in/code": "between two steps of signing in",
    "/sign-in/second-factor": "between two steps of signing in",
    "/sign-in/provider": "leads on",
    "/sign-in/provider/back": "leads on",
    "/closing/{month}/issue": "a part of /closing/{month}",
    "/healthz": "for programs",
    "/readyz": "for programs",
    "/metrics": "for programs",
    "/feeds/{secret}.ics": "a calendar",
    "/events": "a stream",
    "/manifest.webmanifest": "for browsers",
    "/service-worker.js": "for browsers",
    "/favicon.ico": "for browsers",
    "/icons/{name}": "for browsers",
    "/timeline/lines": "a part of /timeline",
    "/timeline/price/{machine_id}": "a part of /timeline",
    "/today/cards": "a part of /",
    "/today/cards/{machine_id}": "a part of /",
    "/machines/{machine_id}/threshold/live": "a part of /machines/{machine_id}/threshold",
    "/machines/{machine_id}/threshold/found": "a part of /machines/{machine_id}/threshold",
    "/utilisation.{form}": "a file",
    "/office/{register}.{form}": "a file",
    "/office/tariffs.{form}": "a file",
    "/office/costs.{form}": "a file",
    "/language/{locale}": "leads back",
}
