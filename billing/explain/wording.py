"""The explanation of a line in words: sentences of the catalogue, filled with the numbers that the calculation left."""

from billing.explain import adjustments, fees, shares
from billing.model import Line, LineKind, MachineMonth, Rules
from coop.messages import translate


def describe(line: Line, rules: Rules, locale: str) -> str:
    """What a line is for, as statements say it."""
    said = {"name": rules.name(line, locale)}
    if "adjustment_id" in line.explanation:
        return adjustments.describe(line, rules, locale)
    if line.kind is LineKind.CONSUMABLE:
        price = fees.consumable(line, rules)
        said |= {"what": price.name_ja if locale == "ja" else price.name_en, "count": line.explanation["count"]}
    if line.kind is LineKind.ADJUSTMENT and line.pool_id is not None:
        return translate("billing.line.cost_adjustment", locale, month=line.explanation["of_month"], **said)
    return translate(f"billing.line.{line.kind}", locale, **said)


def render(line: Line, rules: Rules, month: MachineMonth | None, locale: str) -> list[str]:
    """The explanation of a line as sentences in `locale`, drawn from its numbers and what they were computed from.

    `month` is what happened on the machine of a fee.
    """
    if "adjustment_id" in line.explanation:
        return list(adjustments.sentences(line, rules, locale))
    if month is not None:
        return list(fees.sentences(line, rules, month, locale))
    return list(shares.sentences(line, rules, locale))
