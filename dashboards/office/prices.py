"""A tariff in words: what somebody pays, in the order in which they ask."""

from collections.abc import Iterator

from billing.model import PriceWindow, Tariff
from coop.weekly import Week
from dashboards.say import Say


def in_words(tariff: Tariff, say: Say) -> Iterator[str]:
    """Each thing that the version says, what is usual left out; the first is the price."""
    yield say(
        "tariff.says.price",
        yen=say.yen(tariff.yen_per_hour),
        basis=say(f"tariff.basis.{tariff.basis}"),
        step=say.length(tariff.increment_seconds) if tariff.increment_seconds >= 60 else say("tariff.to_the_second"),
    )
    if tariff.minimum_seconds:
        yield say("tariff.says.minimum", length=say.length(tariff.minimum_seconds))
    if tariff.setup_yen:
        yield say("tariff.says.setup", yen=say.yen(tariff.setup_yen))
    for name in ("idle", "overrun", "nonmember", "operator"):
        yen = getattr(tariff, f"{name}_yen_per_hour")
        if yen is not None:
            yield say(f"tariff.says.{name}", yen=say.yen(yen))
    for window in tariff.windows:
        yield say("tariff.says.window", name=window.name, hours=_hours(window, say), yen=say.yen(window.yen_per_hour))
    if tariff.no_show_percent:
        yield say("tariff.says.no_show", percent=tariff.no_show_percent)
    if tariff.late_cancel_percent:
        yield say("tariff.says.late_cancel", percent=tariff.late_cancel_percent)
    if tariff.cap_yen_per_hour is not None:
        yield say("tariff.says.cap", yen=say.yen(tariff.cap_yen_per_hour))
    if tariff.tax.rate is None:
        yield say("tariff.says.untaxed")


def _hours(window: PriceWindow, say: Say) -> str:
    return Week(tuple((day, window.starts, window.ends) for day in window.iso_weekdays)).written(say.locale)
