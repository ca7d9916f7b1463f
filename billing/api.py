"""Billing over HTTP: periods and statements."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from billing import store
from billing.explain.line import issued
from billing.explain.line import rules as rules_of
from billing.periods import settle, verify
from billing.views import (
    PeriodView,
    StatementView,
    StatementWithLines,
    VerifiedView,
    line_view,
    period_view,
    statement_fields,
    verified_view,
)
from coop.database import Connection
from coop.door import Entrance
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
