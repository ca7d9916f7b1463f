"""What is charged by tariff, in words: a use, the operator's time, pieces used up, slots that nobody used."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from billing.explain.phrases import day, decimal, duration, when
from billing.model import ConsumablePrice, Line, LineKind, MachineMonth, Rules, Tariff
from coop.messages import translate


def sentences(line: Line, rules: Rules, month: MachineMonth, locale: str) -> Iterator[str]:
    """How a line of a machine came about; `month` is what happened on it."""
    if line.kind is LineKind.CONSUMABLE:
        yield from _consumable(line, rules, locale)
        return
    yield from _rules(line, rules, locale)
    yield from _happened(line, rules, month, locale)
    if line.kind is LineKind.OPERATOR:
        yield _sum(line, rules, locale, "billing.explain.operator")
    elif line.kind is LineKind.FEE:
        yield _sum(line, rules, locale, "billing.explain.fee")
    else:
        booked = f"{_times(line, rules, locale)} = {decimal(line.explanation['booked_yen'])}"
        percent = line.explanation["percent"]
        yield translate(
            f"billing.explain.{line.kind}", locale, booked=booked, percent=percent, yen=f"{line.amount_yen:,}"
        )


def consumable(line: Line, rules: Rules) -> ConsumablePrice:
    """The price by which pieces were charged."""
    return next(each for each in rules.consumables if str(each.id) == line.explanation["price_id"])


def _rules(line: Line, rules: Rules, locale: str) -> Iterator[str]:
    """Each version of the tariff that has a part in the line, once."""
    if line.kind is LineKind.OPERATOR:
        return
    for rule in {part["tariff_id"]: _rule(part, rules) for part in line.explanation["parts"]}.values():
        yield translate(
            "billing.explain.rule",
            locale,
            machine=rules.name(line, locale),
            valid_from=rule.valid_from,
            yen_per_hour=f"{rule.yen_per_hour:,}",
            basis=translate(f"billing.basis.{rule.basis}", locale),
            increment=duration(rule.increment_seconds, locale),
            resolution=rule.resolution or "—",
        )


def _happened(line: Line, rules: Rules, month: MachineMonth, locale: str) -> Iterator[str]:
    """The slot, what was used of it, and what rounding added."""
    said = line.explanation
    slots = (*month.reservations, *(each.reservation for each in month.absences))
    for slot in {each.id: each for each in slots if each.id == said["reservation_id"]}.values():
        within = when(slot.interval, rules.zone, locale)
        yield translate("billing.explain.reservation", locale, when=within, id=slot.id[:8])
    for usage in month.usages:
        if usage.id in said["usages"]:
            yield translate(
                "billing.explain.usage",
                locale,
                when=when(usage.interval, rules.zone, locale),
                kind=translate(f"billing.usage.{usage.kind}", locale),
                occupied=duration(usage.interval.seconds, locale),
                running=duration(usage.running_seconds, locale),
            )
    if said["billed_seconds"] != said["metered_seconds"]:
        rule = _rule(said["parts"][-1], rules)
        raised = rule.minimum_seconds > said["metered_seconds"]
        yield translate(
            "billing.explain.minimum" if raised else "billing.explain.rounded_up",
            locale,
            metered=duration(said["metered_seconds"], locale),
            billed=duration(said["billed_seconds"], locale),
            minimum=duration(rule.minimum_seconds, locale),
            increment=duration(rule.increment_seconds, locale),
        )


def _sum(line: Line, rules: Rules, locale: str, code: str) -> str:
    exact = line.explanation["exact_yen"]
    assert line.interval is not None
    return translate(
        code if Fraction(exact).denominator == 1 else f"{code}_rounded",
        locale,
        machine=rules.name(line, locale),
        times=_times(line, rules, locale),
        exact=decimal(exact),
        yen=f"{line.amount_yen:,}",
        when=when(line.interval, rules.zone, locale),
    )


def _times(line: Line, rules: Rules, locale: str) -> str:
    """`2時間 × 3,000円/時 + 30分 × 1,500円/時(停止中)`, and what is paid for setting up."""
    said = [_part(part, rules, locale) for part in line.explanation["parts"]]
    setup = line.explanation.get("setup_yen")
    if setup:
        said.append(translate("billing.explain.setup", locale, yen=f"{setup:,}"))
    return " + ".join(said)


def _part(part: Mapping[str, Any], rules: Rules, locale: str) -> str:
    price = translate("billing.yen_per_hour", locale, yen=f"{part['yen_per_hour']:,}")
    said = f"{duration(part['seconds'], locale)} × {price}"
    if "rate" not in part:
        return said
    named = _rule(part, rules).windows[part["window"]].name if "window" in part else ""
    reason = named or translate(f"billing.rate.{part['rate']}", locale)
    return translate("billing.explain.because", locale, times=said, reason=reason)


def _rule(part: Mapping[str, Any], rules: Rules) -> Tariff:
    return next(each for each in rules.tariffs if str(each.id) == part["tariff_id"])


def _consumable(line: Line, rules: Rules, locale: str) -> Iterator[str]:
    price = consumable(line, rules)
    assert line.interval is not None
    yield translate(
        "billing.explain.consumable",
        locale,
        name=price.name_ja if locale == "ja" else price.name_en,
        day=day(line.interval.start.astimezone(rules.zone), locale),
        count=line.explanation["count"],
        each=f"{price.yen_each:,}",
        yen=f"{line.amount_yen:,}",
        valid_from=price.valid_from,
        resolution=price.resolution or "—",
    )
