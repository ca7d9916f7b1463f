"""Subsidised assets over HTTP: who paid for them, and their fiscal years side by side."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from billing.costs.model import Asset
from billing.documents.store import issuer
from billing.subsidies import edit, files
from billing.subsidies.model import Month, Report, Subsidy, Year
from billing.subsidies.report import report
from billing.subsidies.table import FIGURES, value
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance
from coop.problems import locale_of
from coop.register import cooperative

router = APIRouter(tags=["billing"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = {"xlsx": XLSX, "pdf": "application/pdf"}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS.values()}}
}
Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]


class SubsidyWanted(Wanted):
    grant_number: Text = Field(examples=["5墨産第123号"])
    funder: Text = Field(examples=["墨田区"])
    granted_yen: int = Field(ge=1, le=10_000_000_000, examples=[8_000_000])
    restricted_until: date = Field(
        ge=date(2000, 1, 1), le=date(2199, 12, 31), description="The last day of the restriction on disposal (処分制限)"
    )


class SubsidyView(SubsidyWanted):
    share_percent: Decimal = Field(description="Of the asset's cost")


class SubsidisedView(BaseModel):
    asset_id: UUID
    name_ja: str
    name_en: str
    machine_id: str
    acquired_on: date
    cost_yen: int
    subsidies: list[SubsidyView]


class MonthView(BaseModel):
    month: str
    closed: bool
    uses: int
    used_seconds: int
    open_seconds: int
    costs_yen: dict[str, int] = Field(description="By kind, as `GET /costs?month=` lists them")
    income_yen: int = Field(description="Of the machine's lines on the statements of the month")


class YearView(BaseModel):
    """What is null cannot be divided, or is not told: too few members stand behind it."""

    fiscal_year: int
    over: bool
    users: int | None
    uses: int | None
    used_seconds: int | None = Field(description="Within opening hours")
    open_seconds: int
    used_of_open_percent: Decimal | None = Field(description="稼働率: used ÷ open hours")
    of_year_before_percent: Decimal | None = Field(description="Hours used ÷ those of the year before")
    maintenance_yen: int
    depreciation_yen: int
    other_yen: int
    cost_yen: int
    income_yen: int | None
    cost_per_use_yen: int | None
    income_of_cost_percent: Decimal | None
    closed_months: int = Field(description="Money is of closed months only")
    months: list[MonthView] = Field(description="What the figures are added up from; not for the ward")


class ReportView(SubsidisedView):
    fiscal_first_month: int
    own_yen: int = Field(description="What the cooperative paid itself")
    years: list[YearView] = Field(description="Oldest first")


@router.get("/subsidised-assets")
def list_subsidised(door: Entrance) -> list[SubsidisedView]:
    """Assets that somebody granted money for, the one acquired last first."""

    def found(conn: Connection) -> list[SubsidisedView]:
        paid = edit.subsidies(conn)
        return [
            SubsidisedView(**_asset(asset, [each for each in paid if each.asset_id == asset.id]))
            for asset, *_ in edit.subsidised(conn, door.viewer)
        ]

    return door.run(found)


@router.put("/assets/{asset_id}/subsidy", response_model=SubsidyWanted)
def put_subsidy(asset_id: UUID, body: SubsidyWanted, door: Entrance) -> Response:
    """Enter who paid for an asset; under the same grant number again, correct it."""

    def entered(conn: Connection) -> SubsidyWanted:
        edit.put_subsidy(conn, door.viewer, Subsidy(asset_id=asset_id, **body.model_dump()), door.now)
        return body

    return door.once(entered, asked=body)


@router.get("/assets/{asset_id}/report")
def get_report(asset_id: UUID, door: Entrance) -> ReportView:
    """A subsidised asset: four fiscal years side by side, as municipalities publish them. Names nobody."""
    return report_view(door.run(lambda conn: report(conn, door.viewer, asset_id, door.now)))


@router.get("/assets/{asset_id}/report.{form}", response_class=Response, responses=FILE)
def get_report_file(asset_id: UUID, form: Literal["xlsx", "pdf"], door: Entrance) -> Response:
    """The same as a workbook with its months, or as an A4 page."""
    locale = locale_of(door.request)

    def made(conn: Connection) -> bytes:
        found = report(conn, door.viewer, asset_id, door.now)
        if form == "xlsx":
            return files.workbook(found, locale)
        today = door.now.astimezone(cooperative(conn).time_zone).date()
        return files.pdf(found, issuer(conn), locale, today, door.now)

    disposition = "inline" if form == "pdf" else "attachment"
    headers = {"Content-Disposition": f'{disposition}; filename="report-{asset_id}.{form}"'}
    headers["X-Content-Type-Options"] = "nosniff"
    return Response(door.run(made), media_type=KINDS[form], headers=headers)


def report_view(found: Report) -> ReportView:
    """A report, for programs."""
    return ReportView(
        **_asset(found.asset, found.subsidies),
        fiscal_first_month=found.fiscal_first_month,
        own_yen=found.own_yen,
        years=[_year(each) for each in found.years],
    )


def _asset(asset: Asset, paid: Iterable[Subsidy]) -> dict[str, Any]:
    views = [
        SubsidyView(
            **{name: getattr(each, name) for name in SubsidyWanted.model_fields},
            share_percent=each.share_percent(asset.cost_yen),
        )
        for each in paid
    ]
    names = ("name_ja", "name_en", "machine_id", "acquired_on", "cost_yen")
    return {"asset_id": asset.id, "subsidies": views, **{name: getattr(asset, name) for name in names}}


def _year(of: Year) -> YearView:
    said: dict[str, Any] = {name: getattr(of, name) for name in ("fiscal_year", "over", "closed_months")}
    months = [MonthView(**{name: getattr(each, name) for name in Month.__slots__}) for each in of.months]
    return YearView(**said | {key: value(of, key) for key in FIGURES}, months=months)
