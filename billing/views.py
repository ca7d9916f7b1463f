"""What billing says and takes over HTTP."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from billing.explain.line import ExplainedLine
from billing.explain.wording import describe, render
from billing.model import ControlTotals, Line, LineKind, Metered, Period, PoolResult, Rules, Status
from billing.periods.verify import Verified
from billing.store import Issued
from coop.messages import translate


class FindingView(BaseModel):
    code: str
    blocks: bool = Field(description="Whether the month cannot close before a person settles this")
    subject: str
    params: dict[str, Any]
    sentence: str


class PoolView(BaseModel):
    pool_id: str
    kind: str
    cost_yen: int
    income_yen: int
    charged_yen: int
    carried_yen: int = Field(description="Surplus, or (negative) deficit, that nobody is charged for now")
    brought_yen: int = Field(description="The balance of the closed months before; with the above it is the one now")
    adjusted_yen: int = Field(description="What adjustments of earlier months brought into it")


class PeriodView(BaseModel):
    month: str
    status: Status = Field(description="open → draft → approved → closed → issued → settled")
    drafted_at: datetime | None
    drafted_by: UUID | None
    approved_at: datetime | None = Field(description="When a second person agreed to just this draft")
    approved_by: UUID | None
    closed_at: datetime | None
    closed_by: UUID | None
    previous_month: str | None
    evidence_hash: str | None = Field(description="SHA-256 of the close, chained to the one before")
    findings: list[FindingView]
    metered: Metered | None
    control: ControlTotals | None = Field(description="Differences that must all be zero")
    pools: list[PoolView] = Field(description="Empty in a list of periods")


class DifferenceView(BaseModel):
    field: str
    stored: str | None
    recomputed: str | None


class VerifiedView(BaseModel):
    month: str
    evidence_hash: str
    same: bool
    difference: DifferenceView | None = Field(description="The first field that differs")


class TaxView(BaseModel):
    rate: Decimal | None = Field(description="None: outside the tax")
    net_yen: int
    tax_yen: int


class LineView(BaseModel):
    n: int
    kind: LineKind
    description: str
    start: datetime | None = Field(description="When the use of a fee began")
    end: datetime | None
    quantity_seconds: int
    amount_yen: int = Field(description="Without tax")
    tax_rate: Decimal | None


class StatementView(BaseModel):
    id: UUID
    month: str
    status: str
    member_id: str
    net_yen: int
    tax_yen: int
    total_yen: int
    taxes: list[TaxView]


class StatementWithLines(StatementView):
    lines: list[LineView]


class Stretch(BaseModel):
    start: datetime
    end: datetime


class StateView(Stretch):
    state: str


class ReadingView(BaseModel):
    channel: str
    at: datetime
    value: float | str


class UsageView(Stretch):
    id: str
    machine_id: str
    kind: str
    running_seconds: int
    states: list[StateView]
    readings: list[ReadingView]


class ExplanationView(BaseModel):
    line: LineView
    sentences: list[str]
    explanation: dict[str, Any] = Field(description="As the calculation emitted it")
    frozen: bool = Field(description="Whether all of it is evidence of a closed month")
    usages: list[UsageView]


def verified_view(found: Verified) -> VerifiedView:
    """The outcome of a verification."""
    other = found.difference
    return VerifiedView(
        month=found.month,
        evidence_hash=found.evidence_hash.hex(),
        same=other is None,
        difference=DifferenceView(field=other.field, stored=other.stored, recomputed=other.recomputed)
        if other
        else None,
    )


def period_view(period: Period, pools: tuple[PoolResult, ...], locale: str) -> PeriodView:
    """A period in the reader's language."""
    return PeriodView(
        month=period.month,
        status=period.status,
        drafted_at=period.drafted_at,
        drafted_by=period.drafted_by,
        approved_at=period.approved_at,
        approved_by=period.approved_by,
        closed_at=period.closed_at,
        closed_by=period.closed_by,
        previous_month=period.previous_month,
        evidence_hash=period.evidence_hash.hex() if period.evidence_hash else None,
        findings=[
            FindingView(
                code=each.code,
                blocks=each.blocks,
                subject=each.subject,
                params=dict(each.params),
                sentence=translate(each.code, locale, **each.params),
            )
            for each in period.findings
        ],
        metered=period.metered,
        control=period.control,
        pools=[PoolView(**{name: getattr(each, name) for name in PoolView.model_fields}) for each in pools],
    )


def statement_fields(of: Issued) -> dict[str, Any]:
    """The fields of a statement without its lines."""
    statement = of.statement
    return {
        "id": statement.id,
        "month": of.month,
        "status": of.status,
        "member_id": statement.member_id,
        "net_yen": statement.net_yen,
        "tax_yen": statement.tax_yen,
        "total_yen": statement.total_yen,
        "taxes": [TaxView(rate=each.rate, net_yen=each.net_yen, tax_yen=each.tax_yen) for each in statement.taxes],
    }


def line_view(line: Line, rules: Rules, locale: str) -> LineView:
    """One line of a statement in the reader's language."""
    return LineView(
        n=line.n,
        kind=line.kind,
        description=describe(line, rules, locale),
        start=line.interval.start if line.interval else None,
        end=line.interval.end if line.interval else None,
        quantity_seconds=line.quantity_seconds,
        amount_yen=line.amount_yen,
        tax_rate=line.tax_rate,
    )


def explanation_view(found: ExplainedLine, locale: str) -> ExplanationView:
    """A line down to its readings."""
    return ExplanationView(
        line=line_view(found.line, found.rules, locale),
        sentences=render(found.line, found.rules, found.month, locale),
        explanation=dict(found.line.explanation),
        frozen=found.frozen,
        usages=[
            UsageView(
                id=each.usage.id,
                machine_id=each.usage.machine_id,
                kind=each.usage.kind,
                start=each.usage.interval.start,
                end=each.usage.interval.end,
                running_seconds=each.usage.running_seconds,
                states=[
                    StateView(start=state.interval.start, end=state.interval.end, state=state.state)
                    for state in each.states
                ],
                readings=[
                    ReadingView(channel=reading.channel, at=reading.at, value=reading.value)
                    for reading in each.readings
                ],
            )
            for each in found.usages
        ],
    )
