"""What a machine can do, asks and costs, in the words of the field. Pure: nouns in, sentences out."""

from collections.abc import Iterator
from decimal import Decimal

from billing.model import Basis, Tariff
from booking.model import Conditions, Terms
from booking.presence.rules import PresenceRule
from coop.machines import Machine
from dashboards.say import Say

MINUTE = 60


def specification(machine: Machine, say: Say) -> Iterator[tuple[str, str]]:
    """Label and value of all that is known, as a certificate prints it."""
    ranges = (machine.range_x_mm, machine.range_y_mm, machine.range_z_mm)
    if machine.model:
        yield say("spec.model"), machine.model
    if machine.site:
        yield say("spec.site"), machine.site
    if any(ranges):
        yield say("spec.range"), " × ".join(_plain(each) for each in ranges if each is not None) + " mm"
    if machine.table_load_kg is not None:
        yield say("spec.load"), f"{_plain(machine.table_load_kg)} kg"
    if machine.mpe_constant_um is not None:
        grows = f" + L/{_plain(machine.mpe_length_divisor)}" if machine.mpe_length_divisor else ""
        yield (
            say("spec.mpe"),
            f"{_plain(machine.mpe_constant_um)}{grows} µm" + (" (L: mm, ISO 10360-2)" if grows else ""),
        )
    if machine.resolution_um is not None:
        yield say("spec.resolution"), f"{_plain(machine.resolution_um)} µm"
    if machine.smallest_hole_mm is not None:
        yield say("spec.hole"), f"φ{_plain(machine.smallest_hole_mm)} mm"
    if machine.stylus_reach_mm is not None:
        yield say("spec.reach"), f"{_plain(machine.stylus_reach_mm)} mm"
    if machine.probe_types:
        yield say("spec.probes"), say("spec.and").join(machine.probe_types)
    if machine.software:
        yield say("spec.software"), machine.software
    if machine.program_formats:
        yield say("spec.formats"), say("spec.and").join(machine.program_formats)
    if machine.room_temperature_class:
        yield say("spec.room"), machine.room_temperature_class


def rules(terms: Terms, presence: PresenceRule, say: Say) -> Iterator[str]:
    """What is asked of everybody who reserves."""
    length = say.length
    asked = terms.conditions
    shortest, longest = length(terms.shortest_minutes * MINUTE), length(terms.longest_minutes * MINUTE)
    yield say("rule.length", shortest=shortest, longest=longest, grid=terms.granularity_minutes)
    yield say("rule.horizon", days=terms.horizon_days)
    if asked.notice_minutes:
        yield say("rule.notice", before=length(asked.notice_minutes * MINUTE))
    if asked.cancel_minutes:
        yield say("rule.cancel", before=length(asked.cancel_minutes * MINUTE))
    else:
        yield say("rule.cancel_any")
    around = int((terms.set_up + terms.tear_down).total_seconds())
    if around:
        yield say("rule.around", length=length(around))
    yield say("rule.early", length=length(int(presence.early.total_seconds())))
    if presence.releases:
        yield say("rule.released", length=length(int(presence.releases_after.total_seconds())))
    yield from _conditions(asked, say)


def _conditions(asked: Conditions, say: Say) -> Iterator[str]:
    if not asked.nonmembers_allowed:
        yield say("rule.members_only")
    if asked.calibration_required:
        yield say("rule.calibration")
    if asked.daily_check_required:
        yield say("rule.daily_check")
    if asked.coldest_celsius is not None and asked.warmest_celsius is not None:
        yield say("rule.temperature", coldest=_plain(asked.coldest_celsius), warmest=_plain(asked.warmest_celsius))
    if asked.soak_minutes:
        yield say("rule.soak", length=say.length(asked.soak_minutes * MINUTE))


def tariff(fee: Tariff, say: Say, *, is_member: bool) -> Iterator[str]:
    """What an hour costs whoever reads it, before tax, and what else counts."""
    hourly = fee.yen_per_hour if is_member or fee.nonmember_yen_per_hour is None else fee.nonmember_yen_per_hour
    yield say(f"fee.{fee.basis}", yen=say.yen(hourly))
    if fee.idle_yen_per_hour is not None and fee.basis is not Basis.RUNNING:
        yield say("fee.idle", yen=say.yen(fee.idle_yen_per_hour))
    for window in fee.windows:
        days = say("fee.days").join(say(f"weekday.{day}") for day in window.iso_weekdays)
        ends = "24:00" if window.ends.minute == MINUTE - 1 else f"{window.ends:%H:%M}"
        yield say("fee.window", days=days, starts=f"{window.starts:%H:%M}", ends=ends, yen=say.yen(window.yen_per_hour))
    if fee.overrun_yen_per_hour is not None:
        yield say("fee.overrun", yen=say.yen(fee.overrun_yen_per_hour))
    if fee.setup_yen:
        yield say("fee.setup", yen=say.yen(fee.setup_yen))
    if fee.operator_yen_per_hour is not None:
        yield say("fee.operator", yen=say.yen(fee.operator_yen_per_hour))
    if fee.minimum_seconds:
        yield say("fee.minimum", length=say.length(fee.minimum_seconds))
    if fee.increment_seconds >= MINUTE:
        yield say("fee.increment", length=say.length(fee.increment_seconds))
    if fee.no_show_percent:
        yield say("fee.no_show", percent=fee.no_show_percent)
    if fee.late_cancel_percent:
        yield say("fee.late_cancel", percent=fee.late_cancel_percent)


def _plain(number: Decimal | None) -> str:
    """`1,200`, `2.8`: no trailing zeros."""
    return f"{number.normalize():,f}" if number is not None else ""
