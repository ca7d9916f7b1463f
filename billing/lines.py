"""Lines of a statement, each with the explanation of its amount: the numbers as they were computed, and ids.

What the ids name (a tariff, a machine, a usage) stands in the same month's rules and machines, frozen with them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from billing.costs.division import Division
from billing.model import Cost, Line, LineKind, Pool
from billing.tariffs.fee import Fee, Use


class LineWriter:
    """Writes the lines of one month in their order, which numbers them on each member's statement."""

    def __init__(self) -> None:
        self._written: dict[str, int] = defaultdict(int)

    def fee(self, use: Use, fee: Fee) -> Line:
        """The line of one use under its machine's tariff."""
        return Line(
            member_id=use.member_id,
            n=self._next(use.member_id),
            kind=LineKind.FEE,
            machine_id=use.seen.machine_id,
            pool_id=None,
            interval=use.interval,
            quantity_seconds=fee.billed_seconds,
            amount_yen=fee.yen,
            tax_rate=fee.parts[-1].tariff.tax.rate,
            explanation={
                "parts": [
                    {
                        "tariff_id": str(part.tariff.id),
                        "yen_per_hour": part.tariff.yen_per_hour,
                        "seconds": part.seconds,
                    }
                    for part in fee.parts
                ],
                "metered_seconds": fee.metered_seconds,
                "billed_seconds": fee.billed_seconds,
                "exact_yen": str(fee.exact),
                "reservation_id": use.reservation.id if use.reservation else None,
                "usages": {usage.id: usage.interval.seconds for usage in use.usages},
            },
        )

    def shares(
        self, pool: Pool, costs: Iterable[Cost], division: Division, used: Mapping[str, Mapping[str, int]]
    ) -> list[Line]:
        """One line for each member of a divided pool; `used` is each member's used seconds by machine."""
        stated = [str(cost.id) for cost in costs]
        total = sum(sum(used[member].values()) for member in division.shares)
        lines = []
        for member, share in sorted(division.shares.items()):
            seconds = sum(used[member].values())
            lines.append(
                Line(
                    member_id=member,
                    n=self._next(member),
                    kind=LineKind.SHARE,
                    machine_id=None,
                    pool_id=pool.id,
                    interval=None,
                    quantity_seconds=seconds,
                    amount_yen=share.yen,
                    tax_rate=pool.tax.rate,
                    explanation={
                        "costs": stated,
                        "cost_yen": division.result.cost_yen,
                        "income_yen": division.result.income_yen,
                        "divided_yen": division.result.charged_yen,
                        "weight_seconds": seconds,
                        "total_seconds": total,
                        "quota_yen": str(share.quota),
                        "floor_yen": share.yen - share.leftover,
                        "leftover": share.leftover,
                        "machines": dict(sorted(used[member].items())),
                    },
                )
            )
        return lines

    def _next(self, member_id: str) -> int:
        self._written[member_id] += 1
        return self._written[member_id]
