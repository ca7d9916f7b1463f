"""Inspections over HTTP: proposed by the office, approved by a director, looked into by the ward, revocable."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from billing.inspections import grant
from billing.inspections.look import look
from billing.inspections.model import Evidence, Inspection, Standing
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance

router = APIRouter(tags=["billing"])

InspectionId = Annotated[UUID, Path(description="An inspection")]


class InspectionWanted(Wanted):
    fiscal_year: int = Field(ge=2000, le=2999, examples=[2026])
    person_id: UUID = Field(description="Who of the ward is let in")
    reason: str = Field(min_length=1, max_length=300, examples=["補助事業の実績確認"])
    days: int = Field(default=7, ge=1, le=31, description="How long it is open once approved")


class InspectionView(BaseModel):
    id: UUID
    asset_id: UUID
    fiscal_year: int
    person_id: UUID
    reason: str
    days: int
    standing: Standing
    proposed_at: datetime
    proposed_by: UUID
    approved_at: datetime | None
    approved_by: UUID | None
    expires_at: datetime | None
    revoked_at: datetime | None


class UseView(BaseModel):
    starts_at: datetime
    ends_at: datetime
    running_seconds: int
    is_member: bool
    mask: str = Field(description="The same letter for the same member throughout the inspection", examples=["A"])


class MonthSumView(BaseModel):
    month: str
    statements: int
    income_yen: int = Field(description="All members together, tax-exclusive")


class EvidenceView(BaseModel):
    inspection: InspectionView
    machine_ja: str
    machine_en: str
    uses: list[UseView]
    months: list[MonthSumView] = Field(description="Closed months")


@router.get("/inspections")
def list_inspections(door: Entrance) -> list[InspectionView]:
    """Inspections, the one proposed last first: all for the house, one's own for the ward."""
    return [inspection_view(each) for each in door.run(lambda conn: grant.inspections(conn, door.viewer))]


@router.post("/assets/{asset_id}/inspections", status_code=201, response_model=InspectionView)
def propose_inspection(asset_id: UUID, body: InspectionWanted, door: Entrance) -> Response:
    """Propose that somebody of the ward looks into the asset's uses in a year. A director approves it."""

    def proposed(conn: Connection) -> InspectionView:
        wish = grant.Wish(asset_id=asset_id, **body.model_dump())
        return inspection_view(grant.propose(conn, door.viewer, wish, door.now))

    return door.once(proposed, asked=body, status=201)


@router.post("/inspections/{inspection_id}/approval", response_model=InspectionView)
def approve_inspection(inspection_id: InspectionId, door: Entrance) -> Response:
    """Let it begin now. Again changes nothing."""
    return door.once(lambda conn: inspection_view(grant.approve(conn, door.viewer, inspection_id, door.now)))


@router.post("/inspections/{inspection_id}/revocation", response_model=InspectionView)
def revoke_inspection(inspection_id: InspectionId, door: Entrance) -> Response:
    """Let it end now. Again changes nothing."""
    return door.once(lambda conn: inspection_view(grant.revoke(conn, door.viewer, inspection_id, door.now)))


@router.get("/inspections/{inspection_id}")
def get_inspection(inspection_id: InspectionId, door: Entrance) -> EvidenceView:
    """What it shows: uses with masks for names, sums of statements. Each call is on the audit trail."""
    return evidence_view(door.run(lambda conn: look(conn, door.viewer, inspection_id, door.now)))


def inspection_view(of: Inspection) -> InspectionView:
    """An inspection."""
    return InspectionView(**{name: getattr(of, name) for name in InspectionView.model_fields})


def evidence_view(of: Evidence) -> EvidenceView:
    """What an inspection shows."""
    return EvidenceView(
        inspection=inspection_view(of.inspection),
        machine_ja=of.machine_ja,
        machine_en=of.machine_en,
        uses=[
            UseView(
                starts_at=each.interval.start,
                ends_at=each.interval.end,
                running_seconds=each.running_seconds,
                is_member=each.is_member,
                mask=each.mask,
            )
            for each in of.uses
        ],
        months=[
            MonthSumView(month=each.month, statements=each.statements, income_yen=each.income_yen) for each in of.months
        ],
    )
