"""Whose an occupied stretch is: what the reservations say, and what a person decided."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from telemetry.usage.model import Booked, Decision, Resolution, Usage, UsageKind
from telemetry.usage.sessions import Piece, Session, pieces

EARLY_GRACE = timedelta(minutes=15)
"""Who starts this much before a reservation, or less, and runs on into it, has it already."""

_USAGE = UUID("5a9d2f0e-53c1-5c7b-9a51-3f6d0f1c7e24")


@dataclass(frozen=True, slots=True)
class Findings:
    """Decisions whose evidence changed, and those about which nothing is open."""

    outdated: frozenset[int]
    settled: frozenset[int]


def attribute(machine_id: str, session: Session, reservations: Sequence[Booked], zone: ZoneInfo) -> list[Usage]:
    """The usages of one session by what the confirmed `reservations` of the machine say.

    Inside a reservation it is that one's. Running on past its end is its overrun, until the next one starts. A session
    that starts within `EARLY_GRACE` before a reservation is that one's early start. All else is unassigned.
    """
    touched = [each for each in reservations if each.starts_at < session.end and session.start < each.ends_at]
    touched.sort(key=lambda each: (each.starts_at, each.id))
    edges = [edge for each in touched for edge in (each.starts_at, each.ends_at)]
    return [_usage(machine_id, session, piece, touched) for piece in pieces(session, edges, zone)]


def _usage(machine_id: str, session: Session, piece: Piece, touched: Sequence[Booked]) -> Usage:
    start, end = piece.interval.start, piece.interval.end
    inside = next((each for each in touched if each.starts_at <= start < each.ends_at), None)
    past = max((each for each in touched if each.ends_at <= start), key=lambda each: each.ends_at, default=None)
    ahead = next((each for each in touched if each.starts_at >= end), None)
    kind, booked = UsageKind.UNASSIGNED, None
    if inside:
        kind, booked = UsageKind.IN_RESERVATION, inside
    elif past:
        kind, booked = UsageKind.OVERRUN, past
    elif ahead and ahead.starts_at - session.start <= EARLY_GRACE:
        kind, booked = UsageKind.EARLY, ahead
    return Usage(
        id=uuid5(_USAGE, f"{machine_id}|{start.isoformat()}"),
        machine_id=machine_id,
        started_at=start,
        ended_at=end,
        running_seconds=piece.running_seconds,
        kind=kind,
        reservation_id=booked.id if booked else None,
        member_id=booked.member_id if booked else None,
        person_id=booked.person_id if booked else None,
        evidence_hash=_evidence(machine_id, piece, touched),
    )


def _evidence(machine_id: str, piece: Piece, touched: Sequence[Booked]) -> bytes:
    """SHA-256 over what a person sees who decides: the stretch, when the machine ran in it, the reservations it met."""
    words = [
        machine_id,
        *(f"{each.start.isoformat()}/{each.end.isoformat()}" for each in (piece.interval, *piece.bouts)),
    ]
    words += [str(each.id) for each in touched]
    return hashlib.sha256("\n".join(words).encode()).digest()


def decide(usages: Iterable[Usage], decisions: Sequence[Decision]) -> tuple[list[Usage], Findings]:
    """The usages with what people decided applied, and what became of the decisions.

    A decision counts where it was taken on exactly this evidence; of several the latest. One whose evidence changed is
    outdated until somebody decides about an overlapping stretch again.
    """
    by_evidence = {(each.started_at, each.ended_at, each.evidence_hash): each for each in sorted(decisions, key=_order)}
    decided: list[Usage] = []
    applied: set[int] = set()
    for usage in usages:
        decision = by_evidence.get((usage.started_at, usage.ended_at, usage.evidence_hash))
        if decision is not None:
            applied.add(decision.id)
            usage = _apply(usage, decision)
        decided.append(usage)
    superseded = {
        earlier.id
        for earlier in decisions
        for later in decisions
        if earlier.id < later.id and _overlap(earlier.started_at, earlier.ended_at, later)
    }
    outdated = frozenset(each.id for each in decisions) - applied - superseded
    return decided, Findings(outdated, frozenset(each.id for each in decisions) - outdated)


def _apply(usage: Usage, decision: Decision) -> Usage:
    if decision.resolution is Resolution.WAIVE:
        given = replace(usage, kind=UsageKind.WAIVED, reservation_id=None, member_id=None, person_id=None)
    else:
        given = replace(
            usage,
            kind=UsageKind.ASSIGNED,
            reservation_id=decision.reservation_id,
            member_id=decision.member_id,
            person_id=decision.person_id,
        )
    return replace(given, decision_id=decision.id)


def _order(decision: Decision) -> int:
    return decision.id


def _overlap(start: datetime, end: datetime, other: Decision) -> bool:
    return start < other.ended_at and other.started_at < end
