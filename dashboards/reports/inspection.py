"""An inspection as a page: what the ward sees of an asset's uses, and what lets it begin and end."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from billing.inspections import grant
from billing.inspections.look import look
from billing.inspections.model import Standing
from coop import register
from coop.database import Connection
from coop.door import Door, Entrance
from coop.errors import MoyaiError
from coop.identity import Role
from coop.interval import month, parse_month
from coop.messages import translate
from coop.problems import STATUS, locale_of
from dashboards.shell import page

router = APIRouter(include_in_schema=False)


@router.get("/reports/inspection/{inspection_id}")
def show_inspection(inspection_id: UUID, door: Entrance) -> Response:
    """What the inspection shows. Each look is on the audit trail."""
    return _page(door, inspection_id)


@router.post("/reports/inspection/{inspection_id}")
def decide(inspection_id: UUID, door: Entrance, do: Annotated[Literal["approve", "revoke"], Form()]) -> Response:
    """Let it begin, or end."""
    use_case = grant.approve if do == "approve" else grant.revoke
    try:
        door.run(lambda conn: use_case(conn, door.viewer, inspection_id, door.now))
    except MoyaiError as refused:
        return _page(door, inspection_id, refused)
    return RedirectResponse(f"/reports/inspection/{inspection_id}", 303)


def _page(door: Door, inspection_id: UUID, refused: MoyaiError | None = None) -> Response:
    locale = locale_of(door.request)

    def ask(conn: Connection) -> dict[str, Any]:
        found, zone = look(conn, door.viewer, inspection_id, door.now), register.cooperative(conn).time_zone
        return {
            "zone": zone,
            "found": found,
            "months": [(each, month(*parse_month(each.month), zone).start) for each in found.months],
        }

    told = door.run(ask)
    found = told["found"]
    ends = found.inspection.standing in {Standing.PROPOSED, Standing.OPEN}
    return page(
        door,
        "reports/inspection.html",
        here="subsidy",
        status=STATUS[refused.kind].value if refused else 200,
        of=found.inspection,
        machine=found.machine_ja if locale == "ja" else found.machine_en,
        approves=door.viewer.has(Role.DIRECTOR) and found.inspection.standing is Standing.PROPOSED,
        revokes=door.viewer.has(Role.OFFICE, Role.DIRECTOR) and ends,
        refused=translate(refused.code, locale, **refused.params) if refused else "",
        **told,
    )
