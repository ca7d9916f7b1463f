"""What a month costs whom: pure, machine by machine, so that a month of any size needs the memory of one machine's.

Draft, close and verify all take a month through `Settling`; `settle` does the same for one that fits into memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from uuid import UUID, uuid5

from billing.costs.division import divide_late, settle_pool, with_late
from billing.costs.hosting import owner_credits
from billing.costs.model import LegalForm, OwnerCredit
from billing.costs.monthly import costs_of, late
from billing.ledger.entries import RECEIVABLES, entries, income_account
from billing.lines import LineWriter
from billing.model import (
    Absence,
    Attribution,
    Consumption,
    ControlTotals,
    Entry,
    Finding,
    Line,
    LineKind,
    MachineMonth,
    Metered,
    PoolKind,
    PoolResult,
    Reservation,
    Rules,
    Settlement,
    Statement,
    Usage,
)
from billing.tariffs.fee import booked_fee, fee_of, operator_fee
from billing.tariffs.metering import Running, Use
from billing.tariffs.versions import InForce, Version
from billing.tax import tax_by_rate
from booking.services.model import ServiceKind
from coop.interval import day_of

_NAMESPACE = UUID("2f6c5b1c-9f0c-4a43-8f34-6d3f6c5f5a01")


def settle(rules: Rules, months: Iterable[MachineMonth]) -> tuple[Settlement, list[Line]]:
    """What every member owes for a month, with what each amount came from and what stands in the way."""
    settling = Settling(rules)
    lines = [line for month in sorted(months, key=_by_machine) for line in settling.machine(month)]
    shares, settlement = settling.finish()
    return settlement, lines + shares


@cache
def statement_id(month: str, member_id: str) -> UUID:
    """The id of a member's statement: the same in each draft, so that a link to it stays."""
    return uuid5(_NAMESPACE, f"{month}:{member_id}")


class Settling:
    """One month under way: `machine` for each machine by its id, then `finish` once."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._window = rules.interval
        self._in_force = InForce(rules.tariffs, rules.zone)
        self._nonmembers = frozenset(rules.nonmembers)
        self._write = LineWriter()
        self._findings = [
            Finding("billing.finding.underived", True, f"machine:{each}", {"machine": each}) for each in rules.underived
        ]
        self._used: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._seconds: dict[Attribution, int] = defaultdict(int)
        self._billed_seconds = 0
        self._income: dict[str, int] = defaultdict(int)
        self._owed = _Owed(frozenset(each.id for each in rules.pools if each.legal_form is LegalForm.LEVY))

    def machine(self, month: MachineMonth) -> list[Line]:
        """The lines of one machine: of its uses by time, then what was used up, then the slots that nobody used."""
        for usage in month.usages:
            self._seconds[usage.kind] += usage.interval.seconds
            if usage.member_id is not None and usage.charged:
                self._used[usage.member_id][month.machine_id] += usage.interval.seconds
            elif usage.kind is not Attribution.WAIVED:
                self._findings.append(_finding("billing.finding.unassigned", usage))
        running = Running(month.states)
        lines: list[Line] = []
        charged: set[str] = set()
        for use in self._uses(month):
            lines += self._of_use(use, running)
            if use.reservation is not None:
                charged.add(use.reservation.id)
        for used in sorted(month.consumptions, key=lambda each: (each.used_on, each.id)):
            lines += self._of_consumption(used)
        for absence in sorted(month.absences, key=lambda each: (each.at, each.reservation.id, each.kind)):
            if absence.reservation.id not in charged:
                lines += self._of_absence(absence)
        for line in lines:
            self._income[month.machine_id] += line.amount_yen
            self._owed.add(line)
        return lines

    def finish(self) -> tuple[list[Line], Settlement]:
        """The lines of the divided costs, and the result of all."""
        owed_to_owners = owner_credits(self._rules, self._income)
        lines, pools = self._shares(owed_to_owners)
        adjusted = self._adjustments()
        statements = self._owed.statements(self._rules.month)
        posted = entries(self._owed.by_account(), statements)
        metered = Metered(
            sum(self._seconds.values()),
            self._billed_seconds,
            self._seconds[Attribution.WAIVED],
            self._seconds[Attribution.UNASSIGNED],
        )
        return [*lines, *adjusted], Settlement(
            month=self._rules.month,
            statements=statements,
            pools=pools,
            entries=posted,
            findings=self._found(),
            metered=metered,
            control=_control(self._owed.total(), lines, statements, pools, posted, metered),
            credits=owed_to_owners,
        )

    def _of_use(self, use: Use, running: Running) -> Iterator[Line]:
        """The fee of a use, and the time of who operated or instructed in it."""
        in_force = self._versions(use.seen.machine_id, use.reservation)
        fee = fee_of(use, in_force, running, self._window, is_member=use.member_id not in self._nonmembers)
        if fee is None:
            self._findings.append(_finding("billing.finding.no_tariff", use.seen))
            return
        self._billed_seconds += sum(usage.interval.seconds for usage in use.usages)
        yield self._write.fee(use, fee)
        operated = operator_fee(use, in_force, self._window)
        if operated is not None:
            yield self._write.fee(use, operated, LineKind.OPERATOR)

    def _of_consumption(self, used: Consumption) -> Iterator[Line]:
        """What was used up, at its price of that day."""
        prices = (each for each in self._rules.consumables if each.consumable_id == used.consumable_id)
        price = next((each for each in prices if each.in_force(used.used_on)), None)
        if price is not None:
            yield self._write.consumable(used, price, day_of(used.used_on, self._rules.zone))
            return
        params: dict[str, str | int] = {"consumable": used.consumable_id, "day": used.used_on.isoformat()}
        self._findings.append(Finding("billing.finding.no_price", True, f"consumption:{used.id}", params))

    def _of_absence(self, absence: Absence) -> Iterator[Line]:
        """A slot that nobody used, where the version in force at its start charges that; nothing is charged twice."""
        slot = absence.reservation
        in_force = self._versions(slot.machine_id, slot)
        rule = next((each.tariff for each in in_force if each.valid.contains(slot.interval.start)), None)
        booked = booked_fee(slot, in_force, is_member=slot.member_id not in self._nonmembers)
        if rule is None or booked is None:
            self._findings.append(_finding("billing.finding.no_tariff", slot))
            return
        percent, tax = rule.no_show_percent, rule.no_show_tax
        if absence.kind is LineKind.LATE_CANCEL:
            percent, tax = rule.late_cancel_percent, rule.late_cancel_tax
        if percent > 0:
            yield self._write.absence(absence, rule, percent, tax, booked)

    def _versions(self, machine_id: str, slot: Reservation | None) -> Sequence[Version]:
        return self._in_force.of(machine_id, ServiceKind.SELF_USE if slot is None else slot.service)

    def _uses(self, month: MachineMonth) -> list[Use]:
        """What is charged as one, by start: reservations with their usage, and usage without reservation.

        A reservation without usage is charged where a tester was lent or a person advised, and where slots are billed.
        """
        reservations = {each.id: each for each in month.reservations}
        grouped: dict[tuple[str, str], list[Usage]] = defaultdict(list)
        for usage in month.usages:
            if usage.member_id is not None and usage.charged:
                grouped[(usage.reservation_id or usage.id, usage.member_id)].append(usage)
        uses = []
        for (key, member), usages in grouped.items():
            slot = reservations.get(key)
            taken = slot.taken.intersect(self._window) if slot and slot.taken and slot.member_id == member else None
            uses.append(Use.of(member, tuple(sorted(usages, key=_by_time) if len(usages) > 1 else usages), slot, taken))
        used = {key for key, _ in grouped}
        for slot in month.reservations:
            if slot.id in used:
                continue
            taken = slot.taken.intersect(self._window) if slot.taken else None
            if taken is not None or (slot.stands and slot.interval.overlaps(self._window) and self._billed(slot)):
                uses.append(Use.of(slot.member_id, (), slot, taken))
        return sorted(uses, key=_in_order)

    def _billed(self, slot: Reservation) -> bool:
        """Whether a slot costs something although nobody used it."""
        return any(
            each.tariff.basis.bills_slots and each.valid.overlaps(slot.interval)
            for each in self._versions(slot.machine_id, slot)
        )

    def _adjustments(self) -> list[Line]:
        """What closed months should have said otherwise."""
        lines = [self._write.adjustment(each) for each in self._rules.adjustments]
        for line in lines:
            self._owed.add(line)
        return lines

    def _found(self) -> tuple[Finding, ...]:
        """All findings, each blocking or not as the rules have it."""
        told = (Finding(each.code, False, each.subject, each.params) for each in self._rules.open_points)
        found = [*self._findings, *told]
        ruled = (replace(each, blocks=self._rules.blocking.get(each.code, each.blocks)) for each in found)
        return tuple(sorted(ruled, key=lambda each: (each.code, each.subject)))

    def _shares(self, owed_to_owners: Sequence[OwnerCredit]) -> tuple[list[Line], tuple[PoolResult, ...]]:
        """The lines of what pools cost; of the fees of a hosted machine only the commission is income."""
        lines: list[Line] = []
        results: list[PoolResult] = []
        kept = dict(self._income)
        for credit in owed_to_owners:
            kept[credit.machine_id] -= credit.amount_yen
        all_costs = costs_of(self._rules)
        for pool in sorted(self._rules.pools, key=lambda each: each.id):
            costs = [cost for cost in all_costs if cost.pool_id == pool.id]
            counted = {
                member: {machine: seconds for machine, seconds in by_machine.items() if pool.counts(machine)}
                for member, by_machine in self._used.items()
            }
            income = sum(yen for machine, yen in kept.items() if pool.counts(machine))
            division = settle_pool(pool, self._rules, costs, income, counted)
            later = [divide_late(actual, yen) for actual, yen in late(self._rules, pool)]
            adjusted = sum(each.amount_yen for each in self._rules.adjustments if each.brings_to(pool))
            result = with_late(division.result, later)
            results.append(replace(result, carried_yen=result.carried_yen + adjusted, adjusted_yen=adjusted))
            lines += self._write.shares(pool, costs, division, counted)
            lines += [line for each in later for line in self._write.adjustments(pool, each)]
            for part in division.parts:
                if part.divided_yen and not part.shares:
                    params: dict[str, str | int] = {"pool": pool.id, "yen": part.divided_yen}
                    self._findings.append(Finding(part.finding, False, f"pool:{pool.id}", params))
        for line in lines:
            self._owed.add(line)
        return lines, tuple(results)


class _Owed:
    """What lines add up to, by member: at each tax rate, and in each account of income."""

    def __init__(self, levies: frozenset[str]) -> None:
        self._at_rate: dict[str, dict[Decimal | None, int]] = defaultdict(lambda: defaultdict(int))
        self._in_account: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._levies = levies

    def add(self, line: Line) -> None:
        self._at_rate[line.member_id][line.tax_rate] += line.amount_yen
        self._in_account[line.member_id][income_account(line, self._levies)] += line.amount_yen

    def by_account(self) -> Mapping[str, Mapping[str, int]]:
        return self._in_account

    def total(self) -> int:
        return sum(yen for accounts in self._in_account.values() for yen in accounts.values())

    def statements(self, month: str) -> tuple[Statement, ...]:
        made = []
        for member, sums in sorted(self._at_rate.items()):
            taxes = tax_by_rate(sums)
            net, tax = sum(each.net_yen for each in taxes), sum(each.tax_yen for each in taxes)
            made.append(Statement(statement_id(month, member), member, net, tax, net + tax, taxes))
        return tuple(made)


def _finding(code: str, seen: Usage | Reservation) -> Finding:
    params: dict[str, str | int] = {
        "machine": seen.machine_id,
        "start": seen.interval.start.isoformat(),
        "end": seen.interval.end.isoformat(),
        "seconds": seen.interval.seconds,
    }
    return Finding(code, True, f"{type(seen).__name__.lower()}:{seen.id}", params)


def _by_machine(month: MachineMonth) -> str:
    return month.machine_id


def _by_time(usage: Usage) -> tuple[object, ...]:
    return (usage.interval.start, usage.interval.end, usage.id)


def _in_order(use: Use) -> tuple[object, ...]:
    interval = use.interval
    return (interval.start, interval.end, use.member_id, not use.usages)


def _control(
    lines_yen: int,
    shares: Sequence[Line],
    statements: Sequence[Statement],
    pools: Sequence[PoolResult],
    posted: Sequence[Entry],
    metered: Metered,
) -> ControlTotals:
    divided = [pool for pool in pools if pool.kind is not PoolKind.FEE]
    to_divide = sum(pool.cost_yen - pool.income_yen - pool.adjusted_yen + pool.carried_yen for pool in divided)
    receivable = sum(
        posting.amount_yen for entry in posted for posting in entry.postings if posting.account in RECEIVABLES
    )
    return ControlTotals(
        shares_minus_pools_yen=sum(line.amount_yen for line in shares) - to_divide,
        lines_minus_statements_yen=lines_yen - sum(each.total_yen - each.tax_yen for each in statements),
        statements_minus_ledger_yen=sum(each.total_yen for each in statements) - receivable,
        metered_minus_accounted_seconds=metered.metered_seconds
        - metered.billed_seconds
        - metered.waived_seconds
        - metered.unassigned_seconds,
    )
