"""Lines of a statement, each with the explanation of its amount: the numbers as they were computed, and ids.

What the ids name (a tariff, a machine, a usage) stands in the same month's rules and machines, frozen with them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from billing.costs.division import VARIABLE, Division, Late, PoolPart
from billing.costs.model import Allocation
from billing.model import Absence, Adjustment, ConsumablePrice, Consumption, Cost, Line, LineKind, Pool, Tariff, Tax
from billing.tariffs.fee import Fee, Part
from billing.tariffs.metering import Use
from coop.interval import Interval
from coop.money import Share, Yen, round_half_up


class LineWriter:
    """Writes the lines of one month in their order, which numbers them on each member's statement."""

    def __init__(self) -> None:
        self._written: dict[str, int] = defaultdict(int)

    def fee(self, use: Use, fee: Fee, kind: LineKind = LineKind.FEE) -> Line:
        """The line of one use under its machine's tariff, or (`kind`) of who operated or instructed in it."""
        explanation: dict[str, object] = {
            "parts": [_part(part) for part in fee.parts],
            "metered_seconds": fee.metered_seconds,
            "billed_seconds": fee.billed_seconds,
            "exact_yen": str(fee.exact),
            "reservation_id": use.reservation.id if use.reservation else None,
            "usages": {usage.id: usage.interval.seconds for usage in use.usages} if kind is LineKind.FEE else {},
        }
        if fee.setup_yen:
            explanation["setup_yen"] = fee.setup_yen
        return Line(
            member_id=use.member_id,
            n=self._next(use.member_id),
            kind=kind,
            machine_id=use.seen.machine_id,
            pool_id=None,
            interval=use.interval,
            quantity_seconds=fee.billed_seconds,
            amount_yen=fee.yen,
            tax_rate=fee.parts[-1].tariff.tax.rate,
            explanation=explanation,
        )

    def absence(self, absence: Absence, rule: Tariff, percent: int, tax: Tax, booked: Fee) -> Line:
        """The line of a slot that nobody used: `percent` of what it would have cost, by the version `rule`."""
        slot = absence.reservation
        exact = booked.exact * percent / 100
        return Line(
            member_id=slot.member_id,
            n=self._next(slot.member_id),
            kind=absence.kind,
            machine_id=slot.machine_id,
            pool_id=None,
            interval=slot.interval,
            quantity_seconds=booked.billed_seconds,
            amount_yen=round_half_up(exact),
            tax_rate=tax.rate,
            explanation={
                "parts": [_part(part) for part in booked.parts],
                "metered_seconds": booked.metered_seconds,
                "billed_seconds": booked.billed_seconds,
                "booked_yen": str(booked.exact),
                "percent": percent,
                "tariff_id": str(rule.id),
                "exact_yen": str(exact),
                "at": absence.at.isoformat(),
                "reservation_id": slot.id,
                "usages": {},
            },
        )

    def consumable(self, used: Consumption, price: ConsumablePrice, day: Interval) -> Line:
        """The line of what was used up on a day: its count times the price of a piece."""
        return Line(
            member_id=used.member_id,
            n=self._next(used.member_id),
            kind=LineKind.CONSUMABLE,
            machine_id=used.machine_id,
            pool_id=None,
            interval=day,
            quantity_seconds=0,
            amount_yen=used.count * price.yen_each,
            tax_rate=price.tax.rate,
            explanation={
                "consumption_id": used.id,
                "price_id": str(price.id),
                "count": used.count,
                "yen_each": price.yen_each,
                "reservation_id": used.reservation_id,
                "usages": {},
            },
        )

    def shares(
        self, pool: Pool, costs: Iterable[Cost], division: Division, used: Mapping[str, Mapping[str, int]]
    ) -> list[Line]:
        """One line for each member and divided part of a pool; `used` is each member's used seconds by machine."""
        stated = list(costs)
        return [
            self._of_pool(
                LineKind.SHARE,
                pool.id,
                member,
                share,
                pool.tax,
                _share(pool, stated, part, member, used.get(member, {})),
            )
            for part in division.parts
            for member, share in sorted(part.shares.items())
        ]

    def adjustments(self, pool: Pool, late: Late) -> list[Line]:
        """One line for each member who bears what became known of a closed month, by that month's weights."""
        actual, total = late.actual, sum(late.weights.values(), Fraction(0))
        return [
            self._of_pool(
                LineKind.ADJUSTMENT,
                pool.id,
                member,
                share,
                Tax(actual.tax),
                {
                    "actual_id": str(actual.id),
                    "of_month": actual.of_month,
                    "before_yen": actual.before_yen,
                    "amount_yen": actual.amount_yen,
                    "divided_yen": late.difference_yen,
                    "weight": str(late.weights[member]),
                    "total_weight": str(total),
                    "machines": {},
                },
            )
            for member, share in sorted(late.shares.items())
            if share.yen
        ]

    def _of_pool(
        self, kind: LineKind, pool_id: str, member: str, share: Share, tax: Tax, explanation: dict[str, Any]
    ) -> Line:
        """A line of a divided amount, with its exact quota and whether a leftover yen went to it."""
        quota = {
            "quota_yen": str(share.quota),
            "floor_yen": share.yen - share.leftover * (1 if share.quota >= 0 else -1),
            "leftover": share.leftover,
        }
        seconds = sum(explanation["machines"].values())
        return Line(
            member_id=member,
            n=self._next(member),
            kind=kind,
            machine_id=None,
            pool_id=pool_id,
            interval=None,
            quantity_seconds=seconds,
            amount_yen=share.yen,
            tax_rate=tax.rate,
            explanation=explanation | quota,
        )

    def adjustment(self, adjustment: Adjustment) -> Line:
        """The line of what a closed month should have said otherwise."""
        return Line(
            member_id=adjustment.member_id,
            n=self._next(adjustment.member_id),
            kind=LineKind.ADJUSTMENT,
            machine_id=None if adjustment.pool_id else adjustment.machine_id,
            pool_id=adjustment.pool_id,
            interval=None,
            quantity_seconds=adjustment.quantity_seconds,
            amount_yen=adjustment.amount_yen,
            tax_rate=adjustment.tax_rate,
            explanation={
                **adjustment.numbers,
                "adjustment_id": str(adjustment.id),
                "reason": adjustment.reason.value,
                "source_month": adjustment.source_month,
                "source_n": adjustment.source_n,
                "source_kind": adjustment.source_kind.value,
            },
        )

    def _next(self, member_id: str) -> int:
        self._written[member_id] += 1
        return self._written[member_id]


def _part(part: Part) -> dict[str, str | Yen]:
    """Seconds at a price; why it is not the tariff's own price is said only where it is not."""
    said: dict[str, str | Yen] = {
        "tariff_id": str(part.tariff.id),
        "yen_per_hour": part.rate.yen_per_hour,
        "seconds": part.seconds,
    }
    if part.rate.reason is not None:
        said["rate"] = part.rate.reason.value
    if part.rate.window is not None:
        said["window"] = part.rate.window
    return said


def _share(pool: Pool, costs: list[Cost], part: PoolPart, member: str, used: Mapping[str, int]) -> dict[str, Any]:
    """Of one part of a pool: its costs, what is left of them to divide, and what the member is weighed by."""
    by_use = any(each.by in (Allocation.BY_USE, Allocation.SERIAL) for each in part.components)
    return {
        "part": part.name,
        "costs": [str(cost.id) for cost in costs if (cost.kind in pool.variable_kinds) == (part.name == VARIABLE)],
        "cost_yen": part.cost_yen,
        "income_yen": part.income_yen,
        "brought_yen": part.brought_yen,
        "divided_yen": part.divided_yen,
        "weights": [
            {
                "by": each.by.value,
                "part": str(each.part),
                "value": str(each.values.get(member, 0)),
                "total": str(each.total),
                "members": len(each.values),
            }
            for each in part.components
        ],
        "machines": dict(sorted(used.items())) if by_use else {},
    }
