"""Nouns of billing: what a settlement is computed from and what it results in. All values, no behaviour of storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.costs.model import (
    Actual,
    Allocation,
    Asset,
    Carry,
    Hosting,
    LegalForm,
    OwnerCredit,
    Participant,
    Recurring,
    Weight,
    Weights,
)
from booking.services.model import ServiceKind
from coop.interval import Interval, month, parse_month
from coop.money import Yen

Explanation: TypeAlias = Mapping[str, Any]
"""Numbers and ids as JSON: how one amount came about. Sentences are drawn from it by `wording.render`."""


class Basis(StrEnum):
    """Which seconds a tariff bills; `LONGER` is what was booked or what was occupied, whichever is more."""

    OCCUPIED = "occupied"
    RUNNING = "running"
    BOOKED = "booked"
    LONGER = "longer"

    @property
    def bills_slots(self) -> bool:
        """Whether a slot that nobody used costs something."""
        return self in {Basis.BOOKED, Basis.LONGER}


class PoolKind(StrEnum):
    """How a pool of costs is paid: by fees (balance carried), by shares, or by fees and the rest by shares."""

    FEE = "fee"
    SHARE = "share"
    MIXED = "mixed"


class Tax(StrEnum):
    """Consumption tax treatment, a property of the rule that charges."""

    STANDARD = "standard"
    OUT_OF_SCOPE = "out_of_scope"

    @property
    def rate(self) -> Decimal | None:
        """The rate since 2019-10-01; None where the tax does not apply."""
        return Decimal("0.10") if self is Tax.STANDARD else None


class Attribution(StrEnum):
    """What a usage was attributed to (telemetry decides)."""

    IN_RESERVATION = "in_reservation"
    EARLY = "early"
    OVERRUN = "overrun"
    ASSIGNED = "assigned"
    WAIVED = "waived"
    UNASSIGNED = "unassigned"


_NOBODY_PAYS = frozenset({Attribution.WAIVED, Attribution.UNASSIGNED})


@dataclass(frozen=True, slots=True)
class PriceWindow:
    """Hours of the week with a price of their own, in local time; `ends` of 23:59:59.999999 stands for midnight."""

    iso_weekdays: tuple[int, ...]
    starts: time
    ends: time
    yen_per_hour: Yen
    name: str = ""


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a machine's usage fee, in force on local dates `[valid_from, valid_until)`.

    `machine_id` names a machine, or a person who advises without one; `service` None is every service without a tariff
    of its own. Prices that are None do not differ: idle from running time, overrun from the reservation, non-members'
    from members'; the operator's time is in the price. `docs/how-to/set-tariffs.md` shows each by an example.
    """

    id: UUID
    machine_id: str
    valid_from: date
    basis: Basis
    yen_per_hour: Yen
    increment_seconds: int = 1
    valid_until: date | None = None
    resolution: str = ""
    tax: Tax = Tax.STANDARD
    service: ServiceKind | None = None
    cap_yen_per_hour: Yen | None = None
    minimum_seconds: int = 0
    setup_yen: Yen = 0
    idle_yen_per_hour: Yen | None = None
    overrun_yen_per_hour: Yen | None = None
    nonmember_yen_per_hour: Yen | None = None
    operator_yen_per_hour: Yen | None = None
    windows: tuple[PriceWindow, ...] = ()
    no_show_percent: int = 0
    no_show_tax: Tax = Tax.OUT_OF_SCOPE
    late_cancel_percent: int = 0
    late_cancel_tax: Tax = Tax.OUT_OF_SCOPE


@dataclass(frozen=True, slots=True)
class ConsumablePrice:
    """One version of what a piece of something used up costs, in force on local dates `[valid_from, valid_until)`."""

    id: UUID
    consumable_id: str
    name_ja: str
    name_en: str
    valid_from: date
    yen_each: Yen
    valid_until: date | None = None
    resolution: str = ""
    tax: Tax = Tax.STANDARD

    def in_force(self, day: date) -> bool:
        """Whether it is the price on a local day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True)
class Pool:
    """Costs that belong together, as ruled in a month. No machines named means: of all machines.

    `alpha` of the fixed costs is divided by `allocation` and the rest by `rest_by`; costs of `variable_kinds` always by
    use. `tier_costs_yen` are what a machine that reaches each tier would cost, rising. `brought_yen` is the balance of
    the closed months before, `serial_degree` of interest to comparisons only.
    """

    id: str
    kind: PoolKind
    name_ja: str
    name_en: str
    machine_ids: tuple[str, ...] = ()
    allocation: Allocation = Allocation.BY_USE
    tax: Tax = Tax.STANDARD
    resolution: str = ""
    alpha: Decimal = Decimal(1)
    rest_by: Allocation = Allocation.BY_USE
    variable_kinds: tuple[str, ...] = ()
    tier_costs_yen: tuple[Yen, ...] = ()
    carry: Carry = Carry.KEPT
    legal_form: LegalForm = LegalForm.USAGE_FEE
    notice_ja: str = ""
    notice_en: str = ""
    brought_yen: Yen = 0
    serial_degree: int = 1

    def counts(self, machine_id: str) -> bool:
        """Whether use and fees of `machine_id` belong to this pool."""
        return not self.machine_ids or machine_id in self.machine_ids


@dataclass(frozen=True, slots=True)
class Cost:
    """What a pool cost in one month, tax-exclusive; `machine_id` where it is of one machine."""

    id: UUID
    pool_id: str
    kind: str
    amount_yen: Yen
    note: str = ""
    machine_id: str | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class MachineName:
    """How statements name a machine."""

    id: str
    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Usage:
    """An occupied stretch of a machine within one month, with the running seconds inside it."""

    id: str
    machine_id: str
    interval: Interval
    running_seconds: int
    kind: Attribution
    member_id: str | None = None
    reservation_id: str | None = None
    evidence_hash: str = ""

    @property
    def charged(self) -> bool:
        """Whether somebody pays for it."""
        return self.member_id is not None and self.kind not in _NOBODY_PAYS


@dataclass(frozen=True, slots=True)
class Reservation:
    """The slot that a usage fell in. Released, cancelled and unconfirmed ones are never charged by themselves.

    `operators` are the times of who operated or instructed. `taken` is use that needs no sensor: a tester was out of
    the house, a person advised.
    """

    id: str
    machine_id: str
    member_id: str
    interval: Interval
    stands: bool = True
    service: ServiceKind = ServiceKind.SELF_USE
    operators: tuple[Interval, ...] = ()
    taken: Interval | None = None


@dataclass(frozen=True, slots=True)
class StateInterval:
    """What a machine was seen doing: running, idle or unknown."""

    machine_id: str
    interval: Interval
    state: str


@dataclass(frozen=True, slots=True)
class Absence:
    """A slot that was not used and not given back in time; `kind` says which of the two lines it is charged by."""

    kind: "LineKind"
    reservation: Reservation
    at: datetime


@dataclass(frozen=True, slots=True)
class Consumption:
    """How many pieces of something a member used up on a machine on a local day."""

    id: str
    consumable_id: str
    machine_id: str
    member_id: str
    used_on: date
    count: int
    reservation_id: str | None = None


class LineKind(StrEnum):
    """What a line charges: the fee of a use and what came with it, or a share of a cost."""

    FEE = "fee"
    SHARE = "share"
    OPERATOR = "operator"
    CONSUMABLE = "consumable"
    NO_SHOW = "no_show"
    LATE_CANCEL = "late_cancel"
    ADJUSTMENT = "adjustment"


class AdjustmentReason(StrEnum):
    """Why a closed month should have said something else: use or its share that came late, or what was disputed."""

    LATE_USE = "late_use"
    LATE_SHARE = "late_share"
    CORRECTION = "correction"
    WAIVER = "waiver"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is charged (or, negative, given back) for closed `source_month` at its own rate and tax.

    `source_kind` is the kind of the line that it adjusts, `source_n` that line's number if there was one.
    """

    id: UUID
    source_month: str
    source_n: int | None
    member_id: str
    reason: AdjustmentReason
    source_kind: LineKind
    machine_id: str | None
    pool_id: str | None
    quantity_seconds: int
    amount_yen: Yen
    tax_rate: Decimal | None
    numbers: Explanation
    note: str = ""

    def brings_to(self, pool: Pool) -> bool:
        """Whether what it moves belongs to the carry-over of `pool`: a share's own, or that of the machine's fees."""
        if self.pool_id is not None:
            return self.pool_id == pool.id
        return pool.kind is not PoolKind.SHARE and self.machine_id is not None and pool.counts(self.machine_id)


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Something known outside the calculation that a person should look at before a close."""

    code: str
    subject: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a month is settled by. `underived` names machines whose reports are not all digested yet.

    `blocking` says of codes of findings whether they block, where it is not as the calculation would have it.
    """

    month: str
    time_zone: str
    machines: tuple[MachineName, ...] = ()
    tariffs: tuple[Tariff, ...] = ()
    pools: tuple[Pool, ...] = ()
    costs: tuple[Cost, ...] = ()
    underived: tuple[str, ...] = ()
    nonmembers: tuple[str, ...] = ()
    consumables: tuple[ConsumablePrice, ...] = ()
    members: tuple[Participant, ...] = ()
    weights: tuple[Weight, ...] = ()
    recurring: tuple[Recurring, ...] = ()
    assets: tuple[Asset, ...] = ()
    actuals: tuple[Actual, ...] = ()
    hostings: tuple[Hosting, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    open_points: tuple[OpenPoint, ...] = ()
    blocking: Mapping[str, bool] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def interval(self) -> Interval:
        """The month, cut at local midnights."""
        return month(*parse_month(self.month), self.zone)

    def name(self, line: "Line", locale: str) -> str:
        """What a line is about: its machine or its pool, as it was called then."""
        if line.machine_id is not None:
            return self.machine_name(line.machine_id, locale)
        pool = next(each for each in self.pools if each.id == line.pool_id)
        return pool.name_ja if locale == "ja" else pool.name_en

    def machine_name(self, machine_id: str, locale: str) -> str:
        """What a machine was called then."""
        found = next(
            (each for each in self.machines if each.id == machine_id), MachineName(machine_id, *[machine_id] * 2)
        )
        return found.ja if locale == "ja" else found.en


@dataclass(frozen=True, slots=True)
class MachineMonth:
    """What happened on one machine in one month."""

    machine_id: str
    usages: tuple[Usage, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    states: tuple[StateInterval, ...] = ()
    absences: tuple[Absence, ...] = ()
    consumptions: tuple[Consumption, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """The `n`th amount on a member's statement, tax-exclusive; `tax_rate` None where the tax does not apply.

    A fee is of one machine and its use in `interval`, a share is of a pool.
    """

    member_id: str
    n: int
    kind: LineKind
    machine_id: str | None
    pool_id: str | None
    interval: Interval | None
    quantity_seconds: int
    amount_yen: Yen
    tax_rate: Decimal | None
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """What one statement owes at one rate."""

    rate: Decimal | None
    net_yen: Yen
    tax_yen: Yen


@dataclass(frozen=True, slots=True)
class Statement:
    """What one member owes for one month."""

    id: UUID
    member_id: str
    net_yen: Yen
    tax_yen: Yen
    total_yen: Yen
    taxes: tuple[TaxTotal, ...]


@dataclass(frozen=True, slots=True)
class PoolResult:
    """How a pool came out: `carried_yen` is the surplus (or, negative, the deficit) that nobody is charged for now.

    `brought_yen` is the balance it began with: with `carried_yen` it makes the balance it ends with. `weights` are what
    its parts were divided by, for what becomes known later. `adjusted_yen` of `carried_yen` comes from adjustments of
    earlier months.
    """

    pool_id: str
    kind: PoolKind
    cost_yen: Yen
    income_yen: Yen
    charged_yen: Yen
    carried_yen: Yen
    brought_yen: Yen = 0
    weights: Weights = field(default_factory=dict)
    adjusted_yen: Yen = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person must know, or (`blocks`) settle, before the month can close."""

    code: str
    blocks: bool
    subject: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Posting:
    """A debit (positive) or credit (negative) of an account; receivables name their member."""

    account: str
    amount_yen: Yen
    member_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A balanced entry of the ledger: what one statement posts."""

    id: UUID
    statement_id: UUID
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """Differences that must all be zero, each computed from both of its ends."""

    shares_minus_pools_yen: Yen
    lines_minus_statements_yen: Yen
    statements_minus_ledger_yen: Yen
    metered_minus_accounted_seconds: int

    @property
    def zero(self) -> bool:
        """Whether everything agrees."""
        return self == ControlTotals(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Metered:
    """Where a month's occupied seconds went."""

    metered_seconds: int
    billed_seconds: int
    waived_seconds: int
    unassigned_seconds: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of a month without its lines: all in a fixed order, so that equal inputs give equal bytes."""

    month: str
    statements: tuple[Statement, ...]
    pools: tuple[PoolResult, ...]
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    metered: Metered
    control: ControlTotals
    credits: tuple[OwnerCredit, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether a person must act before this month can close."""
        return any(finding.blocks for finding in self.findings) or not self.control.zero


class Status(StrEnum):
    """Where a month is in its life."""

    OPEN = "open"
    DRAFT = "draft"
    APPROVED = "approved"
    CLOSED = "closed"
    ISSUED = "issued"
    SETTLED = "settled"

    @property
    def final(self) -> bool:
        """Whether what the month says can change no more."""
        return self in {Status.CLOSED, Status.ISSUED, Status.SETTLED}


@dataclass(frozen=True, slots=True)
class Period:
    """A month as it was last computed. `closed_by` None in a closed one: on the machine's own command line.

    `draft_hash` is of all lines and the result; `approved_by` and `approved_at` are of who agreed to just that.
    """

    month: str
    status: Status
    drafted_at: datetime | None
    closed_at: datetime | None
    closed_by: UUID | None
    code_version: str | None
    previous_month: str | None
    evidence_hash: bytes | None
    findings: tuple[Finding, ...]
    metered: Metered | None
    control: ControlTotals | None
    drafted_by: UUID | None = None
    draft_hash: bytes | None = None
    approved_by: UUID | None = None
    approved_at: datetime | None = None
