"""Lines of a statement, each with the explanation of its amount: codes, numbers and ids as they were computed."""

from collections.abc import Iterable, Mapping
from typing import Any

from billing.allocation import Division
from billing.model import Cost, Line, MachineName, Pool, Tariff
from billing.tariffs import Fee, Use
from coop.interval import Interval

FEE, SHARE = "fee", "share"


class LineWriter:
    """Writes the lines of one month; what many lines say alike (a machine's name, a rule) is one shared object."""

    def __init__(self, machines: Iterable[MachineName], time_zone: str) -> None:
        self._names = {each.id: {"id": each.id, "ja": each.ja, "en": each.en} for each in machines}
        self._rules: dict[Tariff, Mapping[str, Any]] = {}
        self._time_zone = time_zone

    def fee(self, use: Use, fee: Fee) -> Line:
        """The line of one use under its machine's tariff."""
        tariff = fee.parts[-1].tariff
        machine = self._machine(use.machine_id)
        explanation = {
            "code": "billing.fee",
            "machine": machine,
            "time_zone": self._time_zone,
            **_ends(use.interval),
            "reservation": {"id": str(use.reservation.id), **_ends(use.reservation.interval)}
            if use.reservation
            else None,
            "parts": [{"rule": self._rule(part.tariff), "seconds": part.seconds} for part in fee.parts],
            "metered_seconds": fee.metered_seconds,
            "increment_seconds": tariff.increment_seconds,
            "billed_seconds": fee.billed_seconds,
            "exact_yen": str(fee.exact),
            "amount_yen": fee.yen,
            "usages": [
                {
                    "id": str(usage.id),
                    "kind": usage.kind.value,
                    **_ends(usage.interval),
                    "seconds": usage.interval.seconds,
                    "running_seconds": usage.running_seconds,
                    "evidence": usage.evidence_hash,
                }
                for usage in use.usages
            ],
        }
        return Line(
            member_id=use.member_id,
            kind=FEE,
            description_code="billing.line.fee",
            description={"ja": machine["ja"], "en": machine["en"]},
            quantity_seconds=fee.billed_seconds,
            amount_yen=fee.yen,
            tax_rate=tariff.tax.rate,
            explanation=explanation,
        )

    def shares(
        self, pool: Pool, costs: Iterable[Cost], division: Division, used: Mapping[str, Mapping[str, int]]
    ) -> list[Line]:
        """One line for each member of a divided pool; `used` is each member's used seconds by machine."""
        stated = [
            {"id": str(cost.id), "kind": cost.kind, "note": cost.note, "amount_yen": cost.amount_yen} for cost in costs
        ]
        total = sum(sum(used[member].values()) for member in division.shares)
        lines = []
        for member, share in sorted(division.shares.items()):
            seconds = sum(used[member].values())
            explanation = {
                "code": "billing.share",
                "pool": {"id": pool.id, "ja": pool.name_ja, "en": pool.name_en},
                "pool_kind": pool.kind.value,
                "allocation": pool.allocation.value,
                "resolution": pool.resolution,
                "tax": pool.tax.value,
                "costs": stated,
                "cost_yen": division.result.cost_yen,
                "income_yen": division.result.income_yen,
                "divided_yen": division.result.charged_yen,
                "weight_seconds": seconds,
                "total_seconds": total,
                "quota_yen": str(share.quota),
                "floor_yen": share.yen - share.leftover,
                "leftover": share.leftover,
                "amount_yen": share.yen,
                "machines": [
                    {**self._machine(machine_id), "seconds": count}
                    for machine_id, count in sorted(used[member].items())
                ],
            }
            lines.append(
                Line(
                    member_id=member,
                    kind=SHARE,
                    description_code="billing.line.share",
                    description={"ja": pool.name_ja, "en": pool.name_en},
                    quantity_seconds=seconds,
                    amount_yen=share.yen,
                    tax_rate=pool.tax.rate,
                    explanation=explanation,
                )
            )
        return lines

    def _machine(self, machine_id: str) -> Mapping[str, str]:
        return self._names.setdefault(machine_id, {"id": machine_id, "ja": machine_id, "en": machine_id})

    def _rule(self, tariff: Tariff) -> Mapping[str, Any]:
        return self._rules.setdefault(
            tariff,
            {
                "tariff_id": str(tariff.id),
                "valid_from": tariff.valid_from.isoformat(),
                "basis": tariff.basis.value,
                "yen_per_hour": tariff.yen_per_hour,
                "increment_seconds": tariff.increment_seconds,
                "resolution": tariff.resolution,
                "tax": tariff.tax.value,
            },
        )


def _ends(interval: Interval) -> dict[str, str]:
    return {"start": interval.start.isoformat(), "end": interval.end.isoformat()}
