"""Documents over HTTP: issue a month, the register, the kept bytes, and what is printed of whom."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from billing.api import Month
from billing.documents import correct, issue, parties, store
from billing.documents.model import Document, Issuer, Kind, Recipient
from billing.documents.store import Search
from billing.documents.views import (
    DocumentView,
    IssuerView,
    IssuerWanted,
    MailingView,
    ProgressView,
    Reason,
    RecipientView,
    RecipientWanted,
    ReturnWanted,
    document_view,
    issuer_view,
    progress_view,
    recipient_view,
)
from billing.explain.line import issued
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged

router = APIRouter(tags=["billing"])

Language = Annotated[Literal["ja", "en"], Query(description="en is there when the member asked for it")]
MemberKey = Annotated[str, Query(max_length=200, description="A member's key, or part of the name as printed")]
Amount = Annotated[int, Query(ge=-(10**15), le=10**15, description="Yen with tax")]
A_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post("/periods/{month}/issue", response_model=ProgressView)
def issue_month(month: Month, door: Entrance) -> Response:
    """Have all documents of a closed month issued. Asking again tells how far it is and changes nothing."""
    return door.once(lambda conn: progress_view(issue.issue(conn, door.viewer, month, door.now)))


@router.get("/periods/{month}/issue")
def get_issue(month: Month, door: Entrance) -> ProgressView:
    """How far the issue of a month is."""
    return progress_view(door.run(lambda conn: issue.progress(conn, month)))


@router.get("/statements/{statement_id}/document", response_class=Response, responses=A_PDF)
def get_statement_document(statement_id: UUID, door: Entrance, lang: Language = "ja") -> Response:
    """The invoice of a statement that is in force, as it was sent."""

    def found(conn: Connection) -> tuple[Document, bytes, bytes]:
        of = issued(conn, door.viewer, statement_id)
        document = store.of_statement(conn, door.viewer, of.statement.id)
        return document, *store.kept(conn, document, lang)

    return _file(*door.run(found), lang)


@router.get("/documents")
def list_documents(
    door: Entrance,
    paging: Paged,
    from_date: Annotated[date | None, Query(description="Issued on this day or later")] = None,
    until_date: Annotated[date | None, Query(description="Issued on this day or earlier")] = None,
    from_yen: Amount | None = None,
    until_yen: Amount | None = None,
    counterparty: MemberKey | None = None,
    kind: Kind | None = None,
    month: Annotated[str | None, Query(examples=["2026-10"])] = None,
) -> list[DocumentView]:
    """The register, last number first. All that is given must hold; superseded documents stay in it."""
    search = Search(from_date, until_date, from_yen, until_yen, counterparty, kind, month)
    part = paging.slice(int, int)
    found = door.run(lambda conn: store.documents(conn, door.viewer, search, part))
    return [document_view(each) for each in paging.page(found, lambda last: (last.fiscal_year, last.serial))]


@router.get("/documents/{document_id}")
def get_document(document_id: UUID, door: Entrance) -> DocumentView:
    """One document of the register."""
    return document_view(door.run(lambda conn: store.document(conn, door.viewer, document_id)))


@router.get("/documents/{document_id}/file", response_class=Response, responses=A_PDF)
def get_document_file(document_id: UUID, door: Entrance, lang: Language = "ja") -> Response:
    """A document as it was sent: the bytes that were kept, never made again."""

    def found(conn: Connection) -> tuple[Document, bytes, bytes]:
        document = store.document(conn, door.viewer, document_id)
        return document, *store.kept(conn, document, lang)

    return _file(*door.run(found), lang)


@router.get("/documents/{document_id}/mailings")
def list_mailings(document_id: UUID, door: Entrance) -> list[MailingView]:
    """Who of the member got a document by mail, and when."""
    found = door.run(lambda conn: store.mailings(conn, door.viewer, document_id))
    return [MailingView(person_id=each.person_id, name=each.name, mailed_at=each.mailed_at) for each in found]


@router.post("/documents/{document_id}/corrections", status_code=201, response_model=DocumentView)
def correct_document(document_id: UUID, body: Reason, door: Entrance) -> Response:
    """Issue a document anew, with names and numbers as they are entered now, in the place of this one."""

    def corrected(conn: Connection) -> DocumentView:
        found = correct.correct(conn, door.viewer, document_id, body.reason, door.now)
        return document_view(found)

    return door.once(corrected, asked=body, status=201)


@router.post("/documents/{document_id}/returns", status_code=201, response_model=DocumentView)
def return_of_document(document_id: UUID, body: ReturnWanted, door: Entrance) -> Response:
    """Issue a return (適格返還請求書) of part of an invoice, at the rates at which it charged."""

    def returned(conn: Connection) -> DocumentView:
        found = correct.give_back(conn, door.viewer, document_id, body.by_rate(), body.reason, door.now)
        return document_view(found)

    return door.once(returned, asked=body, status=201)


@router.get("/issuer")
def get_issuer(door: Entrance) -> IssuerView:
    """What documents say of the cooperative, and by which rule they are due."""
    return issuer_view(door.run(lambda conn: parties.issuer(conn, door.viewer)), door.viewer.locale)


@router.put("/issuer", response_model=IssuerView)
def put_issuer(body: IssuerWanted, door: Entrance) -> Response:
    """Let documents say this from now on. A check digit that is not as expected is only warned of."""

    def said(conn: Connection) -> IssuerView:
        wanted = Issuer(**body.model_dump())
        return issuer_view(parties.set_issuer(conn, door.viewer, wanted, door.now), door.viewer.locale)

    return door.once(said, asked=body)


@router.get("/members/{member_id}/recipient")
def get_recipient(member_id: str, door: Entrance) -> RecipientView:
    """What documents say of a member."""
    found = door.run(lambda conn: parties.recipient(conn, door.viewer, member_id))
    return recipient_view(found, door.viewer.locale)


@router.put("/members/{member_id}/recipient", response_model=RecipientView)
def put_recipient(member_id: str, body: RecipientWanted, door: Entrance) -> Response:
    """Let documents say this of a member from now on: by the office, or by the member's own manager."""

    def said(conn: Connection) -> RecipientView:
        wanted = Recipient(member_id, **body.model_dump())
        return recipient_view(parties.set_recipient(conn, door.viewer, wanted, door.now), door.viewer.locale)

    return door.once(said, asked=body)


def _file(document: Document, pdf: bytes, sha256: bytes, lang: str) -> Response:
    headers = {
        "Content-Disposition": f'inline; filename="{document.number}-{lang}.pdf"',
        "ETag": f'"{sha256.hex()}"',
        "Cache-Control": "private, no-cache",
    }
    return Response(pdf, media_type="application/pdf", headers=headers)
