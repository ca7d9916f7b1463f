"""Billing over HTTP: periods, statements and their explanation, tariffs and costs."""

from datetime import date
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Response

from billing import quote, settle, setup, store, verify
from billing.explain import explain, issued
from billing.explain import rules as rules_of
from billing.model import Cost, Tariff
from billing.views import (
    CostView,
    CostWanted,
    ExplanationView,
    PeriodView,
    QuoteView,
    StatementView,
    StatementWithLines,
    TariffView,
    TariffWanted,
    VerifiedView,
    explanation_view,
    line_view,
    period_view,
    statement_fields,
    tariff_view,
    verified_view,
)
from coop.api import Moment
from coop.database import Connection
from coop.door import Entrance
from coop.errors import NotFound
from coop.interval import Interval
from coop.paging import Paged

router = APIRouter(tags=["billing"])

Month = Annotated[str, Path(description="A calendar month, YYYY-MM", examples=["2026-10"])]


@router.get("/periods")
def list_periods(door: Entrance, paging: Paged) -> list[PeriodView]:
    """All months that have begun to be settled, newest first."""
    part = paging.slice(date)
    found = door.run(lambda conn: store.periods(conn, part=part))
    page = paging.page(found, lambda last: (store.first_day(last.month),))
    return [period_view(each, (), door.viewer.locale) for each in page]


@router.get("/periods/{month}")
def get_period(month: Month, door: Entrance) -> PeriodView:
    """One month: how far it is, what was found, its control totals and its pools."""
    found, pools = door.run(lambda conn: (settle.period(conn, month), store.pool_results(conn, month)))
    return period_view(found, pools, door.viewer.locale)


@router.post("/periods/{month}/draft", response_model=PeriodView)
def draft_period(month: Month, door: Entrance) -> Response:
    """Compute a month anew from what is known now."""

    def drafted(conn: Connection) -> PeriodView:
        found = settle.draft(conn, door.viewer, month, door.now)
        return period_view(found, store.pool_results(conn, month), door.viewer.locale)

    return door.once(drafted)


@router.post("/periods/{month}/close", response_model=PeriodView)
def close_period(month: Month, door: Entrance) -> Response:
    """Close a month for good. Closing it again answers the same and changes nothing."""

    def closed(conn: Connection) -> PeriodView:
        found = settle.close(conn, door.viewer, month, door.now)
        return period_view(found, store.pool_results(conn, month), door.viewer.locale)

    return door.once(closed)


@router.get("/periods/{month}/verify")
def verify_period(month: Month, door: Entrance) -> VerifiedView:
    """Recompute a closed month from its frozen evidence and compare it with what is stored."""
    found = door.run(lambda conn: verify.verify(conn, door.viewer, month))
    return verified_view(found)


@router.get("/statements")
def list_statements(door: Entrance, paging: Paged, month: Annotated[str | None, Query()] = None) -> list[StatementView]:
    """Statements, newest month first: all for the office, one's own of closed months for a member."""
    part = paging.slice(date, str)
    found = door.run(lambda conn: store.statements(conn, door.viewer, month=month, part=part))
    page = paging.page(found, lambda last: (store.first_day(last.month), last.statement.member_id))
    return [StatementView(**statement_fields(each)) for each in page]


@router.get("/statements/{statement_id}")
def get_statement(statement_id: UUID, door: Entrance) -> StatementWithLines:
    """One statement with its lines."""
    found, lines, rules = door.run(
        lambda conn: (
            of := issued(conn, door.viewer, statement_id),
            store.lines(conn, of.statement),
            rules_of(conn, of.month),
        )
    )
    return StatementWithLines(
        **statement_fields(found), lines=[line_view(line, rules, door.viewer.locale) for line in lines]
    )


@router.get("/statements/{statement_id}/lines/{n}/explain")
def explain_line(statement_id: UUID, n: int, door: Entrance) -> ExplanationView:
    """One line down to its usage, the state intervals of the machine, and the readings they were derived from."""
    if not 1 <= n < 2**31:
        raise NotFound()
    return explanation_view(door.run(lambda conn: explain(conn, door.viewer, statement_id, n)), door.viewer.locale)


@router.get("/tariffs")
def list_tariffs(door: Entrance, paging: Paged, machine_id: Annotated[str | None, Query()] = None) -> list[TariffView]:
    """All versions of the usage fees, by machine and time."""
    part = paging.slice(str, date)
    found = door.run(lambda conn: setup.tariffs(conn, machine_id, part))
    return [tariff_view(each) for each in paging.page(found, lambda last: (last.machine_id, last.valid_from))]


@router.get("/machines/{machine_id}/quote")
def get_quote(
    machine_id: str,
    door: Entrance,
    since: Annotated[Moment, Query(alias="from")],
    until: Annotated[Moment, Query(alias="to")],
) -> QuoteView:
    """The most that a slot of a machine can cost, whether it is booked or not."""
    when = Interval(since, until)
    price = door.run(lambda conn: quote.price(conn, machine_id, when))
    return QuoteView(
        machine_id=machine_id,
        starts_at=when.start,
        ends_at=when.end,
        fixed=price.fixed if price else None,
        net_yen=price.net_yen if price else None,
        tax_yen=price.tax_yen if price else None,
        total_yen=price.total_yen if price else None,
    )


@router.post("/tariffs", status_code=201, response_model=TariffView)
def add_tariff(body: TariffWanted, door: Entrance) -> Response:
    """Enter a version of a usage fee; the open-ended one before it ends where it begins."""
    tariff = Tariff(id=uuid4(), **body.model_dump())

    def enter(conn: Connection) -> TariffView:
        setup.add_tariff(conn, door.viewer, tariff, door.now)
        return tariff_view(tariff)

    return door.once(enter, asked=body, status=201)


@router.post("/costs", status_code=201, response_model=CostView)
def add_cost(body: CostWanted, door: Entrance) -> Response:
    """Enter what a pool cost in a month that is not closed."""
    cost = Cost(id=uuid4(), **body.model_dump(exclude={"month"}))

    def enter(conn: Connection) -> CostView:
        setup.add_cost(conn, door.viewer, body.month, cost, door.now)
        return CostView(id=cost.id, **body.model_dump())

    return door.once(enter, asked=body, status=201)
