"""The explanation of a line in words: sentences of the catalogue, filled with the numbers that the calculation left."""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from billing.model import Line, MachineMonth, PoolKind, Rules
from coop.interval import Interval
from coop.messages import translate


def describe(line: Line, rules: Rules, locale: str) -> str:
    """What a line is for, as statements say it."""
    return translate(f"billing.line.{line.kind}", locale, name=rules.name(line, locale))


def render(line: Line, rules: Rules, month: MachineMonth | None, locale: str) -> list[str]:
    """The explanation of a line as sentences in `locale`, drawn from its numbers and what they were computed from.

    `month` is what happened on the machine of a fee.
    """
    if month is not None:
        return list(_fee(line, rules, month, locale))
    return list(_share(line, rules, locale))


def _fee(line: Line, rules: Rules, month: MachineMonth, locale: str) -> Iterator[str]:
    said = line.explanation
    machine = rules.name(line, locale)
    tariffs = {str(each.id): each for each in rules.tariffs}
    for part in said["parts"]:
        rule = tariffs[part["tariff_id"]]
        yield translate(
            "billing.explain.rule",
            locale,
            machine=machine,
            valid_from=rule.valid_from,
            yen_per_hour=f"{rule.yen_per_hour:,}",
            basis=translate(f"billing.basis.{rule.basis}", locale),
            increment=duration(rule.increment_seconds, locale),
            resolution=rule.resolution or "—",
        )
    for slot in month.reservations:
        if slot.id == said["reservation_id"]:
            when = _when(slot.interval, rules.zone, locale)
            yield translate("billing.explain.reservation", locale, when=when, id=slot.id[:8])
    for usage in month.usages:
        if usage.id in said["usages"]:
            yield translate(
                "billing.explain.usage",
                locale,
                when=_when(usage.interval, rules.zone, locale),
                kind=translate(f"billing.usage.{usage.kind}", locale),
                occupied=duration(usage.interval.seconds, locale),
                running=duration(usage.running_seconds, locale),
            )
    if said["billed_seconds"] != said["metered_seconds"]:
        yield translate(
            "billing.explain.rounded_up",
            locale,
            metered=duration(said["metered_seconds"], locale),
            billed=duration(said["billed_seconds"], locale),
            increment=duration(tariffs[said["parts"][-1]["tariff_id"]].increment_seconds, locale),
        )
    times = " + ".join(
        f"{duration(part['seconds'], locale)} × "
        + translate("billing.yen_per_hour", locale, yen=f"{part['yen_per_hour']:,}")
        for part in said["parts"]
    )
    assert line.interval is not None
    yield translate(
        "billing.explain.fee" if Fraction(said["exact_yen"]).denominator == 1 else "billing.explain.fee_rounded",
        locale,
        machine=machine,
        times=times,
        exact=_decimal(said["exact_yen"]),
        yen=f"{line.amount_yen:,}",
        when=_when(line.interval, rules.zone, locale),
    )


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
        quota=_decimal(said["quota_yen"]),
        yen=f"{line.amount_yen:,}",
    )


def duration(seconds: int, locale: str) -> str:
    """`2時間30分`, `2 h 30 min`; seconds only where there are any."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    units = {"hours": hours, "minutes": minutes, "seconds": rest}
    said = [translate(f"billing.{unit}", locale, n=n) for unit, n in units.items() if n]
    return ("" if locale == "ja" else " ").join(said) or translate("billing.minutes", locale, n=0)


def _decimal(exact: str) -> str:
    value = Fraction(exact)
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):,.3f}"


def _when(interval: Interval, zone: ZoneInfo, locale: str) -> str:
    start, end = interval.start.astimezone(zone), interval.end.astimezone(zone)
    until = "" if start.date() == end.date() else f"{_day(end, locale)} "
    return f"{_day(start, locale)} {start.hour}:{start:%M}–{until}{end.hour}:{end:%M}"


def _day(moment: datetime, locale: str) -> str:
    return format_skeleton("MMMd", moment, locale=locale)
