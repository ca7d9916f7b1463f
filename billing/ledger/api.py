"""The ledger over HTTP: members' accounts, what is owed, and money that moved."""

from datetime import date
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from billing.ledger import account, payments
from billing.ledger.model import Booking, OpenItem, Source
from coop import register
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.paging import Paged

router = APIRouter(tags=["billing"])

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31), examples=["2026-11-30"])]
AmountYen = Annotated[int, Field(ge=1, le=10_000_000_000)]
MemberKey = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,30}$", examples=["m01"])]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class PaymentWanted(Wanted):
    member_id: MemberKey
    amount_yen: AmountYen = Field(description="What came to the bank")
    fee_yen: int = Field(default=0, ge=0, le=10_000, description="What banks deducted, borne by the cooperative")
    on_day: Day = Field(description="The bank's value date")
    note: Text = ""


class MoveWanted(Wanted):
    member_id: MemberKey
    amount_yen: AmountYen
    on_day: Day
    note: Text = ""


class NettingWanted(Wanted):
    member_id: MemberKey
    amount_yen: AmountYen
    on_day: Day
    agreement: Text = Field(min_length=1, description="By which agreement", examples=["相殺合意書 2026-04-01"])


class ReversalWanted(Wanted):
    reason: Text = Field(min_length=1, examples=["別の組合員の入金でした"])
    on_day: Day | None = Field(default=None, description="Today, if not given")


class PostingView(BaseModel):
    account: str
    member_id: str | None
    amount_yen: int = Field(description="Debit positive, credit negative")


class BookingView(BaseModel):
    id: UUID
    source: Source
    on_day: date
    note: str
    reverses: UUID | None
    postings: list[PostingView]

    @classmethod
    def of(cls, booking: Booking) -> "BookingView":
        return cls(
            id=booking.id,
            source=booking.source,
            on_day=booking.on_day,
            note=booking.note,
            reverses=booking.reverses,
            postings=[
                PostingView(account=each.account, member_id=each.member_id, amount_yen=each.amount_yen)
                for each in booking.postings
            ],
        )


class OpenItemView(BaseModel):
    entry_id: UUID
    source: Source
    month: str | None
    statement_id: UUID | None
    member_id: str
    account: str
    on_day: date
    due_on: date
    overdue_days: int = Field(description="0: not due yet")
    amount_yen: int
    open_yen: int

    @classmethod
    def of(cls, item: OpenItem, today: date) -> "OpenItemView":
        fields = {name: getattr(item, name) for name in OpenItem.__slots__}
        return cls(overdue_days=max(0, (today - item.due_on).days), **fields)


class MovementView(BaseModel):
    id: UUID
    source: Source
    month: str | None
    statement_id: UUID | None
    on_day: date
    due_on: date | None
    note: str
    reverses: UUID | None
    reversed_by: UUID | None
    amounts_yen: dict[str, int] = Field(description="By account; debit positive: the member owes more")


class AccountView(BaseModel):
    member_id: str
    owed_yen: int = Field(description="What the member owes; negative: its credit")
    owed_to_member_yen: int = Field(description="What the cooperative owes it, as the owner of a hosted machine")
    open_items: list[OpenItemView]
    entries: list[MovementView] = Field(description="Newest first, page by page")


@router.get("/members/{member_id}/account")
def get_account(member_id: Annotated[str, Path(examples=["m01"])], door: Entrance, paging: Paged) -> AccountView:
    """A member's account: what is owed and open, and every entry. A member reads its own."""
    part = paging.slice(date, UUID)
    found, today = door.run(lambda conn: (account.standing(conn, door.viewer, member_id, part), _today(conn, door)))
    page = paging.page(found.movements, lambda last: (last.on_day, last.id))
    return AccountView(
        member_id=member_id,
        owed_yen=found.owed_yen,
        owed_to_member_yen=found.owed_to_member_yen,
        open_items=[OpenItemView.of(each, today) for each in found.open_items],
        entries=[MovementView(**{name: getattr(each, name) for name in each.__slots__}) for each in page],
    )


@router.get("/receivables")
def list_receivables(door: Entrance, paging: Paged) -> list[OpenItemView]:
    """What members owe, what is due longest first."""
    part = paging.slice(date, str, UUID, str)
    found, today = door.run(lambda conn: (account.receivables(conn, door.viewer, part), _today(conn, door)))
    page = paging.page(found, lambda last: (last.due_on, last.member_id, last.entry_id, last.account))
    return [OpenItemView.of(each, today) for each in page]


@router.post("/payments", status_code=201, response_model=BookingView)
def add_payment(body: PaymentWanted, door: Entrance) -> Response:
    """Record that a member paid. What is due first is covered first; what is too much is the member's credit."""
    wanted = body.model_dump()

    def recorded(conn: Connection) -> BookingView:
        return BookingView.of(payments.pay(conn, door.viewer, uuid4(), now=door.now, **wanted))

    return door.once(recorded, asked=body, status=201)


@router.post("/refunds", status_code=201, response_model=BookingView)
def add_refund(body: MoveWanted, door: Entrance) -> Response:
    """Record that a member's credit was paid back."""
    wanted = body.model_dump()
    return door.once(
        lambda conn: BookingView.of(payments.refund(conn, door.viewer, uuid4(), now=door.now, **wanted)),
        asked=body,
        status=201,
    )


@router.post("/payouts", status_code=201, response_model=BookingView)
def add_payout(body: MoveWanted, door: Entrance) -> Response:
    """Record that a member was paid what the cooperative owes it."""
    wanted = body.model_dump()
    return door.once(
        lambda conn: BookingView.of(payments.pay_out(conn, door.viewer, uuid4(), now=door.now, **wanted)),
        asked=body,
        status=201,
    )


@router.post("/nettings", status_code=201, response_model=BookingView)
def add_netting(body: NettingWanted, door: Entrance) -> Response:
    """Set off what a member and the cooperative owe each other, by their agreement; a levy (賦課金) never."""
    wanted = body.model_dump()
    return door.once(
        lambda conn: BookingView.of(payments.net(conn, door.viewer, uuid4(), now=door.now, **wanted)),
        asked=body,
        status=201,
    )


@router.post("/payments/{entry_id}/reversal", status_code=201, response_model=BookingView)
def reverse_payment(entry_id: UUID, body: ReversalWanted, door: Entrance) -> Response:
    """Take back a payment, refund, payout, netting or opening balance by an entry the other way round."""

    def reversed_entry(conn: Connection) -> BookingView:
        on_day = body.on_day or _today(conn, door)
        return BookingView.of(payments.reverse(conn, door.viewer, uuid4(), entry_id, body.reason, on_day, door.now))

    return door.once(reversed_entry, asked=body, status=201)


def _today(conn: Connection, door: Entrance) -> date:
    return door.now.astimezone(register.cooperative(conn).time_zone).date()
