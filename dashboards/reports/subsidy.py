"""Subsidised assets as pages: which there are, and each over fiscal years as the ward prints it."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from billing.costs import listing
from billing.costs.model import Asset
from billing.inspections import grant
from billing.inspections.api import InspectionWanted
from billing.inspections.model import Inspection
from billing.subsidies import edit
from billing.subsidies.api import SubsidyWanted
from billing.subsidies.files import notes
from billing.subsidies.model import Subsidy
from billing.subsidies.report import report
from billing.subsidies.table import figures, year_name
from billing.year.model import fiscal_year_of
from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError
from coop.identity import Role
from coop.interval import month, parse_month
from coop.problems import STATUS, locale_of
from dashboards.office import entries
from dashboards.office.bodies import Kept, body, kept
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/reports/subsidy")
def subsidised_assets(door: Entrance, *, done: bool = False) -> Response:
    """Every asset that somebody granted money for; the office enters grants here."""
    return _assets(door, done=done)


@router.post("/reports/subsidy")
def enter_grant(door: Entrance, typed: entries.Form) -> Response:
    """Enter who paid for an asset. A refusal keeps what was typed."""

    def use_case(conn: Connection) -> None:
        wanted = body(GrantWanted, typed.cells)
        edit.put_subsidy(conn, door.viewer, Subsidy(**wanted.model_dump()), door.now)

    try:
        door.run(use_case)
    except MoyaiError as refused:
        form = kept("grant", typed.cells, refused, locale_of(door.request))
        return _assets(door, form, status=STATUS[refused.kind].value)
    return RedirectResponse("/reports/subsidy?done=true", 303)


@router.get("/reports/subsidy/{asset_id}")
def subsidised_asset(asset_id: UUID, door: Entrance) -> Response:
    """One asset: four fiscal years side by side, where its figures come from, and who may look deeper."""
    return _asset(door, asset_id)


@router.post("/reports/subsidy/{asset_id}")
def propose_inspection(asset_id: UUID, door: Entrance, typed: entries.Form) -> Response:
    """Propose that somebody of the ward looks into the asset's uses. A refusal keeps what was typed."""

    def use_case(conn: Connection) -> Inspection:
        wanted = body(InspectionWanted, typed.cells)
        return grant.propose(conn, door.viewer, grant.Wish(asset_id=asset_id, **wanted.model_dump()), door.now)

    try:
        proposed = door.run(use_case)
    except MoyaiError as refused:
        form = kept("inspection", typed.cells, refused, locale_of(door.request))
        return _asset(door, asset_id, form, status=STATUS[refused.kind].value)
    return RedirectResponse(f"/reports/inspection/{proposed.id}", 303)


class GrantWanted(SubsidyWanted):
    """A grant with the asset that it paid for."""

    asset_id: UUID


def _assets(door: Door, form: Kept | None = None, *, status: int = 200, done: bool = False) -> Response:
    office = door.viewer.has(Role.OFFICE)
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        paid = edit.subsidies(conn)
        assets = [
            (asset, ja if locale == "ja" else en, [each for each in paid if each.asset_id == asset.id])
            for asset, ja, en in edit.subsidised(conn, door.viewer)
        ]
        entered = [each.entry for each in listing.assets(conn)] if office else []
        of_machines = [each for each in entered if isinstance(each, Asset) and each.machine_id]
        return {
            "zone": register.cooperative(conn).time_zone,
            "assets": assets,
            "choices": [(str(each.id), each.name_ja if locale == "ja" else each.name_en) for each in of_machines],
            "inspections": grant.inspections(conn, door.viewer),
        }

    values: dict[str, Any] = {"kept": form or Kept(), "office": office, "done": done}
    return page(door, "reports/subsidies.html", here="subsidy", status=status, **values, **door.run(ask))


def _asset(door: Door, asset_id: UUID, form: Kept | None = None, *, status: int = 200) -> Response:
    locale = locale_of(door.request)
    office = door.viewer.has(Role.OFFICE)

    def ask(conn: Connection) -> dict[str, Any]:
        found = report(conn, door.viewer, asset_id, door.now)
        zone = register.cooperative(conn).time_zone
        return {
            "zone": zone,
            "found": found,
            "today": door.now.astimezone(zone).date(),
            "this_year": fiscal_year_of(door.now.astimezone(zone).date(), found.fiscal_first_month),
            "months": {
                each.month: month(*parse_month(each.month), zone).start for year in found.years for each in year.months
            },
            "inspections": grant.inspections(conn, door.viewer, asset_id),
            "inspectors": [(str(key), name) for key, name in grant.inspectors(conn, door.viewer)] if office else [],
        }

    told = door.run(ask)
    found = told["found"]
    known = [year for year in reversed(found.years) if year.uses is not None]
    values = {
        "kept": form or Kept(),
        "office": office,
        "name": found.asset.name_ja if locale == "ja" else found.asset.name_en,
        "rows": figures(found.years),
        "years": [(year, year_name(year.fiscal_year, locale)) for year in found.years],
        "latest": next((year for year in known if year.over and year.uses), known[0] if known else None),
        "notes": notes(found, locale),
    }
    return page(door, "reports/subsidy.html", here="subsidy", status=status, **values, **told)
