"""What invoices say of the cooperative: name, registration number, where to pay and when it is due."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel

from billing.documents import parties
from billing.documents.model import Issuer, Shift
from billing.documents.numbers import registration_is_plausible
from billing.documents.views import IssuerWanted
from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.problems import locale_of
from dashboards.forms import Refusal, read, sent
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


class Typed(BaseModel):
    """The form as typed."""

    name: str = ""
    address: str = ""
    contact: str = ""
    invoice_number: str = ""
    pay_to: str = ""
    due_months: str = "1"
    due_day: str = "31"
    due_shift: str = Shift.LATER.value
    fiscal_year_starts: str = "4"


@router.get("/documents/issuer")
def show_issuer(door: Entrance, done: str = "") -> Response:
    """The form with what invoices say now."""
    known = asdict(door.run(lambda conn: parties.issuer(conn, door.viewer)))
    return _form(door, known, done=bool(done))


@router.post("/documents/issuer")
def put_issuer(door: Entrance, form: Annotated[Typed, Form()]) -> Response:
    """Let invoices say this from now on."""
    typed = {name: value.strip() for name, value in form.model_dump().items()}

    def use_case(conn: Connection) -> None:
        filled = typed | {"invoice_number": typed["invoice_number"].upper() or None}
        wanted = read(IssuerWanted, filled, "issuer", locale_of(door.request))
        parties.set_issuer(conn, door.viewer, Issuer(**wanted.model_dump()), door.now)

    return sent(
        door, use_case, lambda _: "/documents/issuer?done=1", lambda refused: _form(door, typed, refused=refused)
    )


def _form(door: Door, typed: dict[str, Any], *, refused: Refusal | None = None, done: bool = False) -> Response:
    number = typed["invoice_number"]
    return page(
        door,
        "money/issuer.html",
        zone=door.run(register.cooperative).time_zone,
        here="documents",
        status=refused.status if refused else 200,
        typed=typed,
        refused=refused.sentence if refused else "",
        done=done,
        doubtful=bool(done and number and not registration_is_plausible(number)),
        shifts=[each.value for each in Shift],
    )
