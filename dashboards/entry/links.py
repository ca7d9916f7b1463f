"""What an invitation's or a reset's link opens: choose a password or a passkey, and be signed in."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from coop import password_hash, register
from coop.accounts import cookies, links, passwords
from coop.accounts.api import came_from
from coop.accounts.links import Holder, Kind
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import Invalid
from coop.problems import STATUS
from coop.register import Cooperative
from dashboards.entry.way import refusal
from dashboards.shell import page

router = APIRouter(include_in_schema=False)

Password = Annotated[str, Form(max_length=1024)]


@router.get("/invitations/{secret}")
def invitation(secret: str, door: Entrance) -> Response:
    """Who is invited chooses how to sign in."""
    return _choose(door, Kind.INVITATION, secret)


@router.post("/invitations/{secret}")
def accept_invitation(secret: str, door: Entrance, password: Password = "") -> Response:
    """The first password: signed in, and on to the machines."""
    return _accept(door, Kind.INVITATION, secret, password)


@router.get("/reset")
def ask_page(door: Entrance, sent: bool = False) -> Response:
    """Where who forgot their password asks for a letter."""
    zone = door.run(register.cooperative).time_zone
    return page(door, "entry/reset.html", zone=zone, sent=sent)


@router.post("/reset")
def ask(door: Entrance, email: Annotated[str, Form(max_length=254)] = "") -> Response:
    """Have the letter sent; what is answered tells nothing of the address."""
    door.run(lambda conn: passwords.ask_reset(conn, email, door.now))
    return RedirectResponse("/reset?sent=true", status_code=303)


@router.get("/reset/{secret}")
def reset(secret: str, door: Entrance) -> Response:
    """Who forgot their password chooses a new one."""
    return _choose(door, Kind.RESET, secret)


@router.post("/reset/{secret}")
def accept_reset(secret: str, door: Entrance, password: Password = "") -> Response:
    """The new password: signed in here, and nowhere else any more."""
    return _accept(door, Kind.RESET, secret, password)


def _choose(door: Door, kind: Kind, secret: str, refused: Invalid | None = None) -> Response:
    def look(conn: Connection) -> tuple[Cooperative, Holder]:
        return register.cooperative(conn), links.holder(conn, kind, secret, door.now)

    cooperative, holder = door.run(look)
    return page(
        door,
        "entry/choose.html",
        zone=cooperative.time_zone,
        status=STATUS[refused.kind].value if refused else 200,
        cooperative=cooperative.name,
        kind=kind.value,
        secret=secret,
        holder=holder,
        shortest=password_hash.MIN_LENGTH,
        refused=refusal(door, refused),
    )


def _accept(door: Door, kind: Kind, secret: str, password: str) -> Response:
    at = came_from(door.request)
    try:
        _, session = door.run(lambda conn: passwords.accept(conn, kind, secret, password, door.now, at))
    except (password_hash.PasswordTooShort, password_hash.PasswordTooCommon) as refused:
        return _choose(door, kind, secret, refused)
    answer = RedirectResponse("/", status_code=303)
    cookies.keep_session(answer, door.request, session)
    return answer
