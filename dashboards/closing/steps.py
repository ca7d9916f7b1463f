"""What the buttons of a month do: draft, ask, approve, refuse, close, issue, settle. By the API's use cases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from billing.documents import issue
from billing.periods import approve, asking, finish, refuse, settle
from billing.periods.settle import CloseBlocked
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError
from coop.messages import translate
from coop.problems import locale_of
from dashboards.closing.approving import link_page
from dashboards.closing.page import Done, checklist_page
from dashboards.forms import FieldInvalid, Refusal, refusal, sent

router = APIRouter(include_in_schema=False)

LINK_LASTS = timedelta(days=7)


@router.post("/closing/{month}/draft")
def draft(month: str, door: Entrance) -> Response:
    """Compute the month from what is known now."""
    return _taken(door, month, Done.DRAFTED, lambda conn: settle.draft(conn, door.viewer, month, door.now))


@router.post("/closing/{month}/approve")
def agree(month: str, door: Entrance) -> Response:
    """Agree, as a director who did not draft it."""
    return _taken(door, month, Done.APPROVED, lambda conn: approve.approve(conn, door.viewer, month, door.now))


@router.post("/closing/{month}/refuse")
def disagree(month: str, door: Entrance, words: Annotated[str, Form(max_length=2000)] = "") -> Response:
    """Do not agree, and say why."""

    def use_case(conn: Connection) -> object:
        return refuse.refuse(conn, door.viewer, month, _said(words, "closing.refuse.words", door), door.now)

    return _taken(door, month, Done.REFUSED, use_case, words=words)


@router.post("/closing/{month}/link")
def make_link(month: str, door: Entrance, person_id: Annotated[str, Form(max_length=40)] = "") -> Response:
    """A link for a director, shown once with its QR code."""
    try:
        secret, expires_at = door.run(
            lambda conn: approve.make_link(conn, door.viewer, month, _director(person_id, door), door.now, LINK_LASTS)
        )
    except MoyaiError as error:
        return _again(door, month, refusal(error, locale_of(door.request)), person_id=person_id)
    return link_page(door, month, UUID(person_id), secret, expires_at)


@router.post("/closing/{month}/ask")
def ask(month: str, door: Entrance, person_id: Annotated[str, Form(max_length=40)] = "") -> Response:
    """Have a director asked by mail, with a link that nobody else sees."""

    def use_case(conn: Connection) -> None:
        asking.ask(conn, door.viewer, month, _director(person_id, door), door.now, LINK_LASTS)

    return _taken(door, month, Done.ASKED, use_case, person_id=person_id)


@router.post("/closing/{month}/paper")
def file_paper(
    month: str,
    door: Entrance,
    person_id: Annotated[str, Form(max_length=40)] = "",
    paper: UploadFile | None = None,
) -> Response:
    """Keep the paper that a director signed."""
    content = paper.file.read(approve.MOST_PAPER_BYTES + 1) if paper else b""

    def use_case(conn: Connection) -> object:
        return approve.file_paper(conn, door.viewer, month, _director(person_id, door), content, door.now)

    return _taken(door, month, Done.APPROVED, use_case, person_id=person_id)


@router.post("/closing/{month}/close")
def close(month: str, door: Entrance) -> Response:
    """Close the month for good. What stands in the way is drafted anew, so that the page lists all of it."""
    try:
        door.run(lambda conn: settle.close(conn, door.viewer, month, door.now))
    except CloseBlocked as blocked:
        door.run(lambda conn: settle.draft(conn, door.viewer, month, door.now))
        return _again(door, month, refusal(blocked, locale_of(door.request)))
    except MoyaiError as error:
        return _again(door, month, refusal(error, locale_of(door.request)))
    return RedirectResponse(_there(month, Done.CLOSED), 303)


@router.post("/closing/{month}/issue")
def issue_documents(month: str, door: Entrance) -> Response:
    """Have the documents of a closed month issued; the page tells how far it is."""
    return _taken(door, month, Done.ISSUING, lambda conn: issue.issue(conn, door.viewer, month, door.now))


@router.post("/closing/{month}/settled")
def settled(month: str, door: Entrance) -> Response:
    """Everything of the month is paid."""
    return _taken(door, month, Done.SETTLED, lambda conn: finish.settled(conn, door.viewer, month, door.now))


def _taken(door: Door, month: str, done: Done, use_case: Callable[[Connection], Any], **typed: str) -> Response:
    return sent(door, use_case, lambda _: _there(month, done), lambda refused: _again(door, month, refused, **typed))


def _again(door: Door, month: str, refused: Refusal, **typed: str) -> HTMLResponse:
    return checklist_page(door, month, refused=refused, typed=typed)


def _there(month: str, done: Done) -> str:
    return f"/closing/{month}?done={done}"


def _director(text: str, door: Door) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise FieldInvalid(field=translate("closing.director", locale_of(door.request))) from None


def _said(text: str, label: str, door: Door) -> str:
    if not text.strip():
        raise FieldInvalid(field=translate(label, locale_of(door.request)))
    return text.strip()
