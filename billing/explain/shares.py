"""The explanation of a share in words: its costs, what is left to divide, by what, and what the rule says of it."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from billing.costs.model import Allocation, LegalForm
from billing.costs.monthly import costs_of
from billing.explain.phrases import decimal, duration
from billing.model import Line, LineKind, Pool, PoolKind, Rules
from coop.messages import translate


def sentences(line: Line, rules: Rules, locale: str) -> Iterator[str]:
    """A share, or what became known of a closed month's costs, from the numbers that the calculation left."""
    said = line.explanation
    pool = next(each for each in rules.pools if each.id == line.pool_id)
    if line.kind is LineKind.ADJUSTMENT:
        yield from _later(line, rules, locale)
        factor = f"{decimal(said['weight'])} ÷ {decimal(said['total_weight'])}"
    else:
        yield from _to_divide(pool, said, rules, locale)
        for machine_id, seconds in said["machines"].items():
            name = rules.machine_name(machine_id, locale)
            yield translate("billing.explain.weight", locale, machine=name, used=duration(seconds, locale))
        factor = _factor(said["weights"], locale)
    yield translate(
        "billing.explain.share_leftover" if said["leftover"] else "billing.explain.share",
        locale,
        pool=rules.name(line, locale),
        divided=f"{said['divided_yen']:,}",
        factor=factor,
        quota=decimal(said["quota_yen"]),
        yen=f"{line.amount_yen:,}",
    )
    if pool.legal_form is not LegalForm.USAGE_FEE or pool.resolution:
        form = translate(f"billing.legal_form.{pool.legal_form}", locale)
        yield translate("billing.explain.legal_form", locale, form=form, resolution=pool.resolution or "—")
    if notice := (pool.notice_ja if locale == "ja" else pool.notice_en):
        yield notice


def _to_divide(pool: Pool, said: Mapping[str, Any], rules: Rules, locale: str) -> Iterator[str]:
    """The costs of the part, and what fees and the balance brought forward leave of them."""
    for cost in costs_of(rules):
        if str(cost.id) in said["costs"]:
            key = "billing.explain.cost_estimated" if cost.estimated else "billing.explain.cost"
            yield translate(key, locale, what=cost.note or cost.kind, yen=f"{cost.amount_yen:,}")
    after_fees = said["cost_yen"] - said["income_yen"]
    if pool.kind is PoolKind.MIXED:
        yield translate(
            "billing.explain.income",
            locale,
            cost=f"{said['cost_yen']:,}",
            income=f"{said['income_yen']:,}",
            rest=f"{after_fees:,}",
        )
    if brought := said["brought_yen"]:
        yield translate(
            "billing.explain.surplus_brought" if brought > 0 else "billing.explain.deficit_brought",
            locale,
            before=f"{after_fees:,}",
            brought=f"{abs(brought):,}",
            rest=f"{said['divided_yen']:,}",
        )


def _later(line: Line, rules: Rules, locale: str) -> Iterator[str]:
    """What was charged then, and what it turned out to be."""
    said = line.explanation
    actual = next(each for each in rules.actuals if str(each.id) == said["actual_id"])
    yield translate(
        "billing.explain.turned_out",
        locale,
        month=said["of_month"],
        what=actual.note or actual.kind,
        before=f"{said['before_yen']:,}",
        amount=f"{said['amount_yen']:,}",
        difference=f"{said['divided_yen']:+,}",
    )


def _factor(weights: list[Mapping[str, Any]], locale: str) -> str:
    """`2時間 ÷ 全員の使用 8時間`; of two measures each with its part of the whole."""
    factors = [_measure(each, locale) for each in weights]
    if len(factors) == 1:
        return factors[0]
    parts = [f"{decimal(str(Fraction(each['part']) * 100))}%" for each in weights]
    return "(" + " + ".join(f"{part} × {factor}" for part, factor in zip(parts, factors, strict=True)) + ")"


def _measure(weight: Mapping[str, Any], locale: str) -> str:
    values = {key: weight[key] for key in ("value", "total")}
    if weight["by"] == Allocation.BY_USE:
        shown = {key: duration(int(value), locale) for key, value in values.items()}
    else:
        shown = {key: decimal(value) for key, value in values.items()}
    return translate(f"billing.weighed.{weight['by']}", locale, **shown)
