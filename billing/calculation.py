"""The settlement of a month, as one pure function. Draft, close and verify call it; equal inputs give equal bytes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid5

from billing.allocation import divide
from billing.ledger import RECEIVABLE, entries
from billing.lines import FEE, SHARE, LineWriter
from billing.model import (
    Attribution,
    Basis,
    ControlTotals,
    Entry,
    Finding,
    Inputs,
    Line,
    Metered,
    PoolKind,
    PoolResult,
    Reservation,
    Settlement,
    Statement,
    Usage,
)
from billing.tariffs import Running, Use, Version, fee_of, versions
from billing.tax import tax_by_rate

_NAMESPACE = UUID("2f6c5b1c-9f0c-4a43-8f34-6d3f6c5f5a01")


def settle(inputs: Inputs) -> Settlement:
    """What every member owes for the month of `inputs`, with what each amount came from and what stands in the way."""
    writer = LineWriter(inputs.machines, inputs.time_zone)
    findings = _standing_in_the_way(inputs)
    fees, without_tariff = _fees(inputs, writer)
    shares, pools, undivided = _shares(inputs, writer, fees)
    statements = _statements(inputs.month, [*fees, *shares])
    posted = entries(statements)
    metered = _metered(inputs.usages, statements)
    return Settlement(
        month=inputs.month,
        statements=statements,
        pools=pools,
        entries=posted,
        findings=tuple(sorted([*findings, *without_tariff, *undivided], key=lambda each: (each.code, each.subject))),
        metered=metered,
        control=_control(statements, pools, posted, metered),
    )


def charged(usage: Usage) -> bool:
    """Whether somebody pays for this usage."""
    return usage.member_id is not None and usage.kind not in {Attribution.WAIVED, Attribution.UNASSIGNED}


def _standing_in_the_way(inputs: Inputs) -> list[Finding]:
    found = [
        Finding("billing.finding.underived", True, f"machine:{each}", {"machine": each}) for each in inputs.underived
    ]
    return found + [
        _finding("billing.finding.unassigned", usage.id, usage.machine_id, usage)
        for usage in inputs.usages
        if not charged(usage) and usage.kind is not Attribution.WAIVED
    ]


def _finding(code: str, identifier: UUID, machine_id: str, seen: Usage | Reservation) -> Finding:
    params: dict[str, str | int] = {
        "machine": machine_id,
        "start": seen.interval.start.isoformat(),
        "end": seen.interval.end.isoformat(),
        "seconds": seen.interval.seconds,
    }
    return Finding(code, True, f"{type(seen).__name__.lower()}:{identifier}", params)


def _uses(inputs: Inputs, in_force: Mapping[str, Sequence[Version]]) -> list[Use]:
    """What is charged as one, by machine and start: reservations with their usage, and usage without reservation.

    A reservation nobody used is charged only where the tariff bills what was booked.
    """
    reservations = {each.id: each for each in inputs.reservations}
    grouped: dict[tuple[str, str, UUID], list[Usage]] = defaultdict(list)
    for usage in inputs.usages:
        if charged(usage) and usage.member_id is not None:
            grouped[(usage.machine_id, usage.member_id, usage.reservation_id or usage.id)].append(usage)
    uses = [
        Use(machine, member, tuple(sorted(usages, key=_by_time)), reservations.get(key))
        for (machine, member, key), usages in grouped.items()
    ]
    used = {key for _, _, key in grouped}
    for each in inputs.reservations:
        booked = any(
            version.tariff.basis is Basis.BOOKED and version.valid.overlaps(each.interval)
            for version in in_force.get(each.machine_id, ())
        )
        if booked and each.stands and each.id not in used and each.interval.overlaps(inputs.interval):
            uses.append(Use(each.machine_id, each.member_id, (), each))
    return sorted(uses, key=lambda use: (use.machine_id, use.interval, use.member_id, not use.usages))


def _by_time(usage: Usage) -> tuple[object, ...]:
    return (usage.interval, usage.id)


def _fees(inputs: Inputs, writer: LineWriter) -> tuple[list[Line], list[Finding]]:
    in_force = versions(inputs.tariffs, inputs.zone)
    running = Running(inputs.states)
    window = inputs.interval
    lines, findings = [], []
    for use in _uses(inputs, in_force):
        fee = fee_of(use, in_force.get(use.machine_id, ()), running, window)
        if fee is not None:
            lines.append(writer.fee(use, fee))
            continue
        seen = use.usages[0] if use.usages else use.reservation
        assert seen is not None
        findings.append(_finding("billing.finding.no_tariff", seen.id, use.machine_id, seen))
    return lines, findings


def _shares(
    inputs: Inputs, writer: LineWriter, fees: Sequence[Line]
) -> tuple[list[Line], tuple[PoolResult, ...], list[Finding]]:
    used: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for usage in inputs.usages:
        if charged(usage) and usage.member_id is not None:
            used[usage.member_id][usage.machine_id] += usage.interval.seconds
    income: dict[str, int] = defaultdict(int)
    for line in fees:
        income[line.explanation["machine"]["id"]] += line.amount_yen
    lines: list[Line] = []
    results: list[PoolResult] = []
    findings: list[Finding] = []
    for pool in sorted(inputs.pools, key=lambda each: each.id):
        costs = sorted(
            (cost for cost in inputs.costs if cost.pool_id == pool.id), key=lambda cost: (cost.kind, cost.id)
        )
        counted = {
            member: {machine: seconds for machine, seconds in by_machine.items() if pool.counts(machine)}
            for member, by_machine in used.items()
        }
        division = divide(
            pool,
            sum(cost.amount_yen for cost in costs),
            sum(yen for machine, yen in income.items() if pool.counts(machine)),
            {member: sum(by_machine.values()) for member, by_machine in counted.items()},
        )
        results.append(division.result)
        lines += writer.shares(pool, costs, division, counted)
        if pool.kind is not PoolKind.FEE and division.result.carried_yen < 0:
            params: dict[str, str | int] = {"pool": pool.id, "yen": -division.result.carried_yen}
            findings.append(Finding("billing.finding.no_use", False, f"pool:{pool.id}", params))
    return lines, tuple(results), findings


def _statements(month: str, lines: Sequence[Line]) -> tuple[Statement, ...]:
    by_member: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_member[line.member_id].append(line)
    statements = []
    for member, theirs in sorted(by_member.items()):
        taxes = tax_by_rate(theirs)
        net, tax = sum(each.net_yen for each in taxes), sum(each.tax_yen for each in taxes)
        identifier = uuid5(_NAMESPACE, f"{month}:{member}")
        statements.append(Statement(identifier, member, net, tax, net + tax, taxes, tuple(theirs)))
    return tuple(statements)


def _metered(usages: Sequence[Usage], statements: Sequence[Statement]) -> Metered:
    """Where the occupied seconds went; what was billed is read from the lines, not from the usage."""

    def total(*kinds: Attribution) -> int:
        return sum(usage.interval.seconds for usage in usages if usage.kind in kinds)

    billed = sum(
        usage["seconds"]
        for statement in statements
        for line in statement.lines
        if line.kind == FEE
        for usage in line.explanation["usages"]
    )
    return Metered(total(*Attribution), billed, total(Attribution.WAIVED), total(Attribution.UNASSIGNED))


def _control(
    statements: Sequence[Statement], pools: Sequence[PoolResult], posted: Sequence[Entry], metered: Metered
) -> ControlTotals:
    lines = [line for statement in statements for line in statement.lines]
    divided = [pool for pool in pools if pool.kind is not PoolKind.FEE]
    to_divide = sum(pool.cost_yen - pool.income_yen + pool.carried_yen for pool in divided)
    receivable = sum(
        posting.amount_yen for entry in posted for posting in entry.postings if posting.account == RECEIVABLE
    )
    return ControlTotals(
        shares_minus_pools_yen=sum(line.amount_yen for line in lines if line.kind == SHARE) - to_divide,
        lines_minus_statements_yen=sum(line.amount_yen for line in lines)
        - sum(statement.total_yen - statement.tax_yen for statement in statements),
        statements_minus_ledger_yen=sum(statement.total_yen for statement in statements) - receivable,
        metered_minus_accounted_seconds=metered.metered_seconds
        - metered.billed_seconds
        - metered.waived_seconds
        - metered.unassigned_seconds,
    )
