"""The second person's page: what a month comes to and why, and the answer yes or no, by a link that decides once."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse

from billing import store
from billing.explain import line
from billing.periods import approve, refuse
from billing.periods.comparison import comparison
from billing.periods.refuse import Offer
from billing.store import first_day
from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.messages import translate
from coop.problems import locale_of
from dashboards.closing.page import spoken
from dashboards.closing.store import names, sums
from dashboards.forms import FieldInvalid, Refusal, refusal
from dashboards.say import Say
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/approve/{secret}")
def show_offer(secret: str, door: Entrance) -> Response:
    """What the holder of a link decides about; looking uses nothing up."""
    return _offer_page(door, secret)


@router.post("/approve/{secret}")
def decide(
    secret: str,
    door: Entrance,
    answer: Annotated[str, Form(max_length=10)] = "",
    words: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Agree, or (`answer` is `no`) say why not. The link works no more afterwards, so the answer is the page."""

    def use_case(conn: Connection) -> dict[str, Any]:
        if answer == "no" and not words.strip():
            raise FieldInvalid(field=translate("approve.words", locale_of(door.request)))
        zone = register.cooperative(conn).time_zone
        if answer == "no":
            period = refuse.refuse_by_link(conn, secret, words.strip(), door.now)
        else:
            period = approve.use_link(conn, secret, door.now)
        return {"zone": zone, "first": first_day(period.month), "agreed": answer != "no"}

    try:
        said = door.run(use_case)
    except FieldInvalid as empty:
        return _offer_page(door, secret, refusal(empty, locale_of(door.request)), words)
    return page(door, "closing/answered.html", **said)


def link_page(door: Door, month: str, person_id: UUID, secret: str, expires_at: datetime) -> HTMLResponse:
    """The link that was just made, with its QR code: shown once, since nobody keeps the secret."""
    address = f"{door.request.app.state.settings.base_url}/approve/{secret}"

    def ask(conn: Connection) -> dict[str, Any]:
        return {
            "zone": register.cooperative(conn).time_zone,
            "director": names(conn, [person_id]).get(person_id, ""),
        }

    return page(
        door,
        "closing/link.html",
        here="closing",
        month=month,
        first=first_day(month),
        address=address,
        code=segno.make(address, error="m").svg_data_uri(scale=5, border=2, light="white"),
        expires_at=expires_at,
        **door.run(ask),
    )


def _offer_page(door: Door, secret: str, refused: Refusal | None = None, words: str = "") -> HTMLResponse:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        found: Offer = refuse.offer(conn, secret, door.now)
        month, director = found.period.month, found.director
        rules = line.rules(conn, month)
        say = Say(locale, rules.zone)
        before, changes = comparison(conn, director, month)
        statements = store.statements(conn, director, month=month)
        return {
            "zone": rules.zone,
            "cooperative": register.cooperative(conn).name,
            "offer": found,
            "director": names(conn, [found.person_id])[found.person_id],
            "first": first_day(month),
            "before": first_day(before),
            "statements": statements,
            "total_yen": sum(each.statement.total_yen for each in statements),
            "totals": sums(changes),
            "members": {each.id: each.name for each in register.members(conn, director)},
            "findings": [(each, spoken(each, rules, say)) for each in found.period.findings],
        }

    said = door.run(ask)
    return page(
        door,
        "closing/approve.html",
        status=refused.status if refused else 200,
        secret=secret,
        refused=refused.sentence if refused else None,
        words=words,
        **said,
    )
