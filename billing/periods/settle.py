"""Draft and close a month."""

from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from billing import store
from billing.calculation import Settling
from billing.ledger import store as ledger
from billing.model import Finding, Line, Period, Rules, Settlement, Status
from billing.periods import late
from billing.periods.evidence import Signature, manifest, plain, read_machine, read_rules
from billing.periods.gather import gather, readings
from billing.year.gauge import tell as tell_nonmember_use
from coop import audit
from coop.database import Connection
from coop.errors import Conflict, NotFound
from coop.identity import Role, Viewer
from telemetry.usage.closed import tell_closed

UNAPPROVED = "billing.finding.unapproved"
APPROVAL_NEEDED = True
"""Whether a close waits for a second person, unless the cooperative's rules say otherwise."""


class PeriodUnknown(NotFound):
    """Nobody has drafted this month or entered a cost for it."""

    code = "billing.period_unknown"


class PeriodClosed(Conflict):
    """A closed month does not change any more."""

    code = "billing.period_closed"


class MonthNotOver(Conflict):
    """A month can be closed once it has ended."""

    code = "billing.month_not_over"


class LaterMonthClosed(Conflict):
    """Months close in their order, since each close is chained to the one before."""

    code = "billing.later_month_closed"


class CloseBlocked(Conflict):
    """Something must be settled by a person first; `extra` lists all of it."""

    code = "billing.close_blocked"


def draft(conn: Connection, viewer: Viewer, month: str, now: datetime) -> Period:
    """Compute the month from what is known now and write it down; as often as one likes until it is closed.

    Raises `PeriodClosed`, `MonthInvalid`.
    """
    viewer.require(Role.OFFICE)
    if store.lock_period(conn, month) is Status.CLOSED:
        raise PeriodClosed(month=month)
    _write(conn, viewer, month, now)
    audit.record(conn, "period.drafted", viewer=viewer, subject=f"period:{month}", now=now)
    return period(conn, month)


def close(conn: Connection, viewer: Viewer, month: str, now: datetime) -> Period:
    """Settle the month for good: statements, ledger, and the evidence they were computed from, chained by hash.

    A month that is closed already is returned as it is. Raises `MonthNotOver`, `LaterMonthClosed`, `CloseBlocked`
    (with every finding at once), `MonthInvalid`.
    """
    viewer.require(Role.OFFICE)
    conn.execute(store.SQL["lock_chain"])
    if store.lock_period(conn, month) is Status.CLOSED:
        return period(conn, month)
    previous = store.last_closed(conn)
    if previous is not None and previous[0] > month:
        raise LaterMonthClosed(month=month, later=previous[0])
    rules, settlement, hashes, signature = _write(conn, viewer, month, now)
    if now < rules.interval.end:
        raise MonthNotOver(month=month)
    findings = settlement.findings
    if rules.blocking.get(UNAPPROVED, APPROVAL_NEEDED) and period(conn, month).status is not Status.APPROVED:
        findings = (*findings, Finding(UNAPPROVED, True, f"period:{month}", {"month": month}))
    if any(finding.blocks for finding in findings) or not settlement.control.zero:
        raise CloseBlocked(
            month=month,
            count=sum(finding.blocks for finding in findings),
            extra={"findings": [plain(finding) for finding in findings], "control": plain(settlement.control)},
        )
    for part in readings(conn, rules.interval):
        hashes[part.name] = store.add_evidence(conn, month, part)
    code = code_version()
    signed = manifest(month, hashes, signature, code, previous)
    store.add_evidence(conn, month, signed)
    ledger.post(conn, month, settlement.entries, now)
    ledger.post_credits(conn, viewer, month, settlement.credits, now)
    store.mark_closed(
        conn,
        month,
        viewer=viewer,
        now=now,
        code_version=code,
        previous=previous[0] if previous else None,
        hashed=signed.sha256,
    )
    tell_closed(conn, rules.interval.end)
    tell_nonmember_use(conn, now)
    detail: dict[str, object] = {
        "evidence_hash": signed.sha256.hex(),
        "statements": len(settlement.statements),
        "total_yen": sum(statement.total_yen for statement in settlement.statements),
    }
    audit.record(conn, "period.closed", viewer=viewer, subject=f"period:{month}", now=now, detail=detail)
    return period(conn, month)


def period(conn: Connection, month: str) -> Period:
    """One period; raises `PeriodUnknown`."""
    found = store.periods(conn, month)
    if not found:
        raise PeriodUnknown(month=month)
    return found[0]


def code_version() -> str:
    """The version of the program that computes, recorded at a close and never compared."""
    try:
        return version("moyai")
    except PackageNotFoundError:
        return "unreleased"


def _write(
    conn: Connection, viewer: Viewer, month: str, now: datetime
) -> tuple[Rules, Settlement, dict[str, bytes], bytes]:
    """Compute the month and put it in the place of its last draft, with the inputs it came from.

    Returns the rules, the result, the hashes of the inputs by part, and the signature of all lines and the result.
    """
    store.clear(conn, month)
    late.collect(conn, viewer, month, now)
    first, *machines = gather(conn, month)
    hashes = {part.name: store.add_evidence(conn, month, part) for part in (first, *machines)}
    rules = read_rules(first.content)
    settling, signature = Settling(rules), Signature()

    def of_machines() -> Iterator[Line]:
        for part in machines:
            lines = settling.machine(read_machine(part.content))
            signature.add(lines)
            yield from lines

    store.write_lines(conn, month, of_machines())  # one stream: the database writes while the next are computed
    shares, settlement = settling.finish()
    signature.add(shares)
    store.write_lines(conn, month, shares)
    store.write_settlement(conn, settlement, now)
    signed = signature.of(settlement)
    store.sign_draft(conn, month, viewer, signed)
    return rules, settlement, hashes, signed
