"""The explanation of a line in words: sentences of the catalogue, filled with the numbers that the calculation left."""

from collections.abc import Iterator

from billing.explain import fees
from billing.explain.phrases import decimal, duration
from billing.model import Line, LineKind, MachineMonth, PoolKind, Rules
from coop.messages import translate


def describe(line: Line, rules: Rules, locale: str) -> str:
    """What a line is for, as statements say it."""
    said = {"name": rules.name(line, locale)}
    if line.kind is LineKind.CONSUMABLE:
        price = fees.consumable(line, rules)
        said |= {"what": price.name_ja if locale == "ja" else price.name_en, "count": line.explanation["count"]}
    return translate(f"billing.line.{line.kind}", locale, **said)


def render(line: Line, rules: Rules, month: MachineMonth | None, locale: str) -> list[str]:
    """The explanation of a line as sentences in `locale`, drawn from its numbers and what they were computed from.

    `month` is what happened on the machine of a fee.
    """
    if month is not None:
        return list(fees.sentences(line, rules, month, locale))
    return list(_share(line, rules, locale))


def _share(line: Line, rules: Rules, locale: str) -> Iterator[str]:
    said = line.explanation
    pool = next(each for each in rules.pools if each.id == line.pool_id)
    for cost in rules.costs:
        if str(cost.id) in said["costs"]:
            what = cost.note or cost.kind
            yield translate("billing.explain.cost", locale, what=what, yen=f"{cost.amount_yen:,}")
    if pool.kind is PoolKind.MIXED:
        yield translate(
            "billing.explain.income",
            locale,
            cost=f"{said['cost_yen']:,}",
            income=f"{said['income_yen']:,}",
            rest=f"{said['divided_yen']:,}",
        )
    for machine_id, seconds in said["machines"].items():
        name = rules.machine_name(machine_id, locale)
        yield translate("billing.explain.weight", locale, machine=name, used=duration(seconds, locale))
    yield translate(
        "billing.explain.share_leftover" if said["leftover"] else "billing.explain.share",
        locale,
        pool=rules.name(line, locale),
        divided=f"{said['divided_yen']:,}",
        used=duration(said["weight_seconds"], locale),
        total=duration(said["total_seconds"], locale),
        quota=decimal(said["quota_yen"]),
        yen=f"{line.amount_yen:,}",
    )
