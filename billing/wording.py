"""The explanation of a line in words: sentences of the catalogue, filled with the numbers that the calculation left."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from billing.model import Explanation, Line
from coop.messages import translate


def describe(line: Line, locale: str) -> str:
    """What a line is for, as statements say it."""
    return translate(line.description_code, locale, name=line.description[locale])


def render(explanation: Explanation, locale: str) -> list[str]:
    """The explanation of a line as sentences in `locale`, drawn from its codes and numbers alone."""
    if explanation["code"] == "billing.fee":
        return list(_fee(explanation, locale))
    return list(_share(explanation, locale))


def _fee(said: Explanation, locale: str) -> Iterator[str]:
    zone = ZoneInfo(said["time_zone"])
    machine = said["machine"][locale]
    for part in said["parts"]:
        rule = part["rule"]
        yield translate(
            "billing.explain.rule",
            locale,
            machine=machine,
            valid_from=rule["valid_from"],
            yen_per_hour=f"{rule['yen_per_hour']:,}",
            basis=translate(f"billing.basis.{rule['basis']}", locale),
            increment=duration(rule["increment_seconds"], locale),
            resolution=rule["resolution"] or "—",
        )
    if said["reservation"]:
        yield translate(
            "billing.explain.reservation",
            locale,
            when=_when(said["reservation"], zone, locale),
            id=said["reservation"]["id"][:8],
        )
    for usage in said["usages"]:
        yield translate(
            "billing.explain.usage",
            locale,
            when=_when(usage, zone, locale),
            kind=translate(f"billing.usage.{usage['kind']}", locale),
            occupied=duration(usage["seconds"], locale),
            running=duration(usage["running_seconds"], locale),
        )
    if said["billed_seconds"] != said["metered_seconds"]:
        yield translate(
            "billing.explain.rounded_up",
            locale,
            metered=duration(said["metered_seconds"], locale),
            billed=duration(said["billed_seconds"], locale),
            increment=duration(said["increment_seconds"], locale),
        )
    times = " + ".join(
        f"{duration(part['seconds'], locale)} × {translate('billing.yen_per_hour', locale, yen=f'{yen:,}')}"
        for part in said["parts"]
        for yen in [part["rule"]["yen_per_hour"]]
    )
    key = "billing.explain.fee" if Fraction(said["exact_yen"]).denominator == 1 else "billing.explain.fee_rounded"
    yield translate(
        key,
        locale,
        machine=machine,
        times=times,
        exact=_decimal(said["exact_yen"]),
        yen=f"{said['amount_yen']:,}",
        when=_when(said, zone, locale),
    )


def _share(said: Explanation, locale: str) -> Iterator[str]:
    pool = said["pool"][locale]
    for cost in said["costs"]:
        yield translate(
            "billing.explain.cost", locale, what=cost["note"] or cost["kind"], yen=f"{cost['amount_yen']:,}"
        )
    if said["pool_kind"] == "mixed":
        yield translate(
            "billing.explain.income",
            locale,
            cost=f"{said['cost_yen']:,}",
            income=f"{said['income_yen']:,}",
            rest=f"{said['divided_yen']:,}",
        )
    for machine in said["machines"]:
        yield translate(
            "billing.explain.weight", locale, machine=machine[locale], used=duration(machine["seconds"], locale)
        )
    yield translate(
        "billing.explain.share_leftover" if said["leftover"] else "billing.explain.share",
        locale,
        pool=pool,
        divided=f"{said['divided_yen']:,}",
        used=duration(said["weight_seconds"], locale),
        total=duration(said["total_seconds"], locale),
        quota=_decimal(said["quota_yen"]),
        yen=f"{said['amount_yen']:,}",
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


def _when(ends: Mapping[str, Any], zone: ZoneInfo, locale: str) -> str:
    start, end = (datetime.fromisoformat(ends[key]).astimezone(zone) for key in ("start", "end"))
    until = "" if start.date() == end.date() else f"{_day(end, locale)} "
    return f"{_day(start, locale)} {start.hour}:{start:%M}–{until}{end.hour}:{end:%M}"


def _day(moment: datetime, locale: str) -> str:
    return format_skeleton("MMMd", moment, locale=locale)
