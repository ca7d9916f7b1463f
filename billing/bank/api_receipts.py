"""What came in at the bank, over HTTP."""

import hashlib
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response, UploadFile
from pydantic import BaseModel, Field

from billing.bank import receiving
from billing.ledger.api import BookingView, MemberKey, Text
from booking.tables.api import Sent
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged
from coop.tables import MOST_BYTES

router = APIRouter(tags=["billing"])


class TakenView(BaseModel):
    added: int
    unchanged: int = Field(description="Entered by an earlier file")


class ProposalView(BaseModel):
    member_id: str
    certain: bool = Field(description="Both the name and the amount say so")
    named: bool = Field(description="It came under one of the member's names")
    statements: int = Field(description="Of how many open statements it is the sum; 0: of none")
    fee_yen: int = Field(description="How much it falls short: a fee that banks deducted")


class ReceiptView(BaseModel):
    id: UUID
    on_day: date
    amount_yen: int
    payer_kana: str
    proposals: list[ProposalView] = Field(description="Likeliest first, at most three")


class BookingWanted(Wanted):
    member_id: MemberKey
    fee_yen: int = Field(default=0, ge=0, le=10_000, description="What banks deducted, borne by the cooperative")


class AsideWanted(Wanted):
    reason: Text = Field(min_length=1, examples=["補助金の入金"])


@router.post("/bank/receipts", response_model=TakenView)
def take_receipts(file: UploadFile, door: Entrance) -> Response:
    """Enter what came in from the bank's file: a 振込入金通知 or its CSV. The same file again adds nothing."""
    content = file.file.read(MOST_BYTES + 1)

    def taken(conn: Connection) -> TakenView:
        added, unchanged = receiving.take(conn, door.viewer, content, door.now)
        return TakenView(added=added, unchanged=unchanged)

    return door.once(taken, asked=Sent(sha256=hashlib.sha256(content).hexdigest(), asked=""))


@router.get("/bank/receipts")
def list_receipts(door: Entrance, paging: Paged) -> list[ReceiptView]:
    """What nobody has said yet whose it is, oldest first, with proposals."""
    part = paging.slice(date, UUID)
    found = door.run(lambda conn: receiving.waiting(conn, door.viewer, part))
    return [
        ReceiptView(
            id=each.id,
            on_day=each.on_day,
            amount_yen=each.amount_yen,
            payer_kana=each.payer_kana,
            proposals=[
                ProposalView(
                    member_id=proposal.member_id,
                    certain=proposal.certain,
                    named=proposal.named,
                    statements=proposal.statements,
                    fee_yen=proposal.fee_yen,
                )
                for proposal in each.proposals
            ],
        )
        for each in paging.page(found, lambda last: (last.on_day, last.id))
    ]


@router.post("/bank/receipts/{receipt_id}/booking", status_code=201, response_model=BookingView)
def book_receipt(receipt_id: UUID, body: BookingWanted, door: Entrance) -> Response:
    """Say whose it is: a payment is posted, and the name it came under is known from now on."""

    def booked(conn: Connection) -> BookingView:
        return BookingView.of(receiving.book(conn, door.viewer, receipt_id, body.member_id, body.fee_yen, door.now))

    return door.once(booked, asked=body, status=201)


@router.post("/bank/receipts/{receipt_id}/set-aside", status_code=204)
def set_receipt_aside(receipt_id: UUID, body: AsideWanted, door: Entrance) -> Response:
    """Say why it is no member's payment; it is not proposed any more."""
    return door.once(
        lambda conn: receiving.set_aside(conn, door.viewer, receipt_id, body.reason, door.now),
        asked=body,
        status=204,
    )
