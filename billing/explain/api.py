"""Explanations over HTTP: a line down to its readings, the readings as a file, the closing workbook, a random audit."""

import secrets
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from billing.explain.draw import Audit, draw
from billing.explain.line import ExplainedLine, explain
from billing.explain.workbook import workbook
from billing.views import ExplanationView, explanation_view
from coop import sheet
from coop.door import Entrance
from coop.errors import NotFound
from coop.messages import translate
from coop.problems import locale_of

router = APIRouter(tags=["billing"])

Month = Annotated[str, Path(description="A calendar month, YYYY-MM", examples=["2026-10"])]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _of(kind: str) -> dict[int | str, dict[str, Any]]:
    """The file that a route answers with, as the OpenAPI document names it."""
    return {200: {"description": "The file.", "content": {kind: {"schema": {"type": "string", "format": "binary"}}}}}


Seed = Annotated[
    str | None,
    Query(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$", description="Drawn at random when not said"),
]


class DrawnView(BaseModel):
    lot: str = Field(description="SHA-256 of evidence hash:seed:member:line number")
    statement_id: UUID
    member_id: str
    reservation_id: str | None
    explained: ExplanationView


class AuditView(BaseModel):
    month: str
    evidence_hash: str
    seed: str
    uses: int = Field(description="Of how many lines of use the ten lowest lots are drawn")
    drawn: list[DrawnView]


def audit_view(found: Audit, locale: str) -> AuditView:
    """A draw in the reader's language."""
    return AuditView(
        month=found.month,
        evidence_hash=found.evidence_hash.hex(),
        seed=found.seed,
        uses=found.uses,
        drawn=[
            DrawnView(
                lot=each.lot,
                statement_id=each.explained.issued.statement.id,
                member_id=each.explained.line.member_id,
                reservation_id=each.explained.line.explanation["reservation_id"],
                explained=explanation_view(each.explained, locale),
            )
            for each in found.drawn
        ],
    )


def readings_csv(found: ExplainedLine, locale: str) -> bytes:
    """The readings behind a line: usage, channel, local time, value."""
    zone = found.rules.zone
    header = [translate(f"billing.readings.{name}", locale) for name in ("machine", "usage", "channel", "at", "value")]
    rows: list[list[sheet.Cell]] = [
        [
            each.usage.machine_id,
            each.usage.id,
            reading.channel,
            reading.at.astimezone(zone).isoformat(timespec="milliseconds"),
            reading.value,
        ]
        for each in found.usages
        for reading in each.readings
    ]
    return sheet.to_csv(header, rows)


@router.get("/statements/{statement_id}/lines/{n}/explain")
def explain_line(statement_id: UUID, n: int, door: Entrance) -> ExplanationView:
    """One line down to its usage, the state intervals of the machine, and the readings they were derived from."""
    return explanation_view(_explained(door, statement_id, n), door.viewer.locale)


@router.get("/statements/{statement_id}/lines/{n}/readings.csv", response_class=Response, responses=_of("text/csv"))
def readings_of_line(statement_id: UUID, n: int, door: Entrance) -> Response:
    """The readings behind a line as a table for Excel (UTF-8 with BOM), at their true times in the local zone."""
    content = readings_csv(_explained(door, statement_id, n), locale_of(door.request))
    return _file(content, "text/csv; charset=utf-8", f"readings-{statement_id}-{n}.csv")


@router.get("/periods/{month}/workbook", response_class=Response, responses=_of(XLSX))
def closing_workbook(month: Month, door: Entrance) -> Response:
    """A drafted or closed month as an XLSX whose formulas compute every fee, share and tax from the inputs."""
    locale = locale_of(door.request)
    content = door.run(lambda conn: workbook(conn, door.viewer, month, locale))
    return _file(content, XLSX, f"workbook-{month}.xlsx")


@router.get("/periods/{month}/audit")
def audit_month(month: Month, door: Entrance, seed: Seed = None) -> AuditView:
    """Ten uses of a closed month, drawn by a seed and the month's evidence hash: the same seed draws the same ten."""
    said = seed or secrets.token_hex(4)
    return audit_view(door.run(lambda conn: draw(conn, door.viewer, month, said)), locale_of(door.request))


def _explained(door: Entrance, statement_id: UUID, n: int) -> ExplainedLine:
    if not 1 <= n < 2**31:
        raise NotFound()
    return door.run(lambda conn: explain(conn, door.viewer, statement_id, n))


def _file(content: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=kind, headers=headers)
