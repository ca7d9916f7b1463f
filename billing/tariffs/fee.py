"""What one use costs: metered by the tariff's basis, rounded up to its increment once, priced, rounded once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from billing.model import Basis, Reservation, Tariff
from billing.tariffs.metering import Running, Use, elapsed, occupied, ran
from billing.tariffs.versions import Rate, Reason, Version
from coop.interval import Interval, subtract
from coop.money import Yen, round_half_up


@dataclass(frozen=True, slots=True)
class Part:
    """Seconds of a use at one price of one version of the tariff."""

    tariff: Tariff
    rate: Rate
    seconds: int


@dataclass(frozen=True, slots=True)
class Fee:
    """The price of one use. `billed_seconds` is `metered_seconds` raised to the minimum and rounded up; `exact` is the
    fee, set-up included, before rounding."""

    parts: tuple[Part, ...]
    metered_seconds: int
    billed_seconds: int
    exact: Fraction
    yen: Yen
    setup_yen: Yen = 0


def fee_of(
    use: Use, in_force: Sequence[Version], running: Running, window: Interval, *, is_member: bool = True
) -> Fee | None:
    """The fee of `use` under the versions of its machine, counting what lies in `window` (the month).

    A use across a change of price is metered under each; it is raised to the minimum and rounded up once, and what
    that adds is priced as its last moment is. Set-up is paid, and the minimum reached, in the month in which the
    reservation begins. None when some of it lies under no version.
    """
    stretches = use.stretches
    booked = None
    if use.reservation is not None and any(version.tariff.basis.bills_slots for version in in_force):
        booked = use.reservation.interval.intersect(window)
    spans = [*stretches, booked] if booked else stretches
    if not spans or not in_force:
        return None
    whole = spans[0] if len(spans) == 1 else Interval(min(spans).start, max(each.end for each in spans))
    touched = in_force
    if len(in_force) > 1 or not in_force[0].valid.covers(whole):  # nearly never
        touched = [version for version in in_force if any(version.valid.overlaps(each) for each in spans)]
        if not touched or any(subtract(each, (version.valid for version in touched)) for each in spans):
            return None
    parts, end = _metered(use, booked, touched, running, whole, is_member=is_member)
    metered = sum(part.seconds for part in parts)
    first, last = parts[0].tariff, end.tariff
    begins = metered > 0 and (use.reservation is None or use.reservation.interval.start >= window.start)
    setup = first.setup_yen if begins and stretches else 0
    least = max(metered, last.minimum_seconds) if begins else metered
    billed = -(-least // last.increment_seconds) * last.increment_seconds
    if billed > metered:
        parts = _added(parts, Part(last, end.rate, billed - metered))
    exact = Fraction(sum(part.seconds * part.rate.yen_per_hour for part in parts) + 3600 * setup, 3600)
    return Fee(tuple(parts), metered, billed, exact, round_half_up(exact), setup)


def operator_fee(use: Use, in_force: Sequence[Version], window: Interval) -> Fee | None:
    """What the time of who operated or instructed costs; None where it costs nothing of its own."""
    claims = [] if use.reservation is None else use.reservation.operators
    if not claims or all(version.tariff.operator_yen_per_hour is None for version in in_force):
        return None
    within = [each for each in (claim.intersect(window) for claim in claims) if each is not None]
    parts = tuple(
        Part(version.tariff, Rate(version.tariff.operator_yen_per_hour), seconds)
        for version in in_force
        if version.tariff.operator_yen_per_hour is not None
        and (seconds := sum(elapsed(each, version.valid) for each in within)) > 0
    )
    seconds = sum(part.seconds for part in parts)
    exact = Fraction(sum(part.seconds * part.rate.yen_per_hour for part in parts), 3600)
    return Fee(parts, seconds, seconds, exact, round_half_up(exact)) if parts else None


def booked_fee(slot: Reservation, in_force: Sequence[Version], *, is_member: bool) -> Fee | None:
    """What a slot would have cost as booked, whatever the basis, without set-up; None under no version."""
    booked = [
        replace(each, tariff=replace(each.tariff, basis=Basis.BOOKED, idle_yen_per_hour=None)) for each in in_force
    ]
    return fee_of(Use.of(slot.member_id, (), slot), booked, Running(()), slot.interval, is_member=is_member)


def _metered(
    use: Use, booked: Interval | None, touched: Sequence[Version], running: Running, whole: Interval, *, is_member: bool
) -> tuple[list[Part], Part]:
    """The seconds of a use at each price, in order of time, and the last of them that tells how rounding is priced."""
    version = touched[0]
    if version.uniform and len(touched) == 1:  # nearly always
        only = Part(version.tariff, version.rate, _seconds(use, booked, version, version.valid, running))
        return [only], only
    slot_end = use.reservation.interval.end if use.reservation is not None else None
    by_slot = _by_slot(use, booked, touched, slot_end)
    parts: list[Part] = []
    end = None
    for version in touched:
        for within, rate in version.priced(whole, slot_end, is_member=is_member):
            for part in _of(use, booked, version, within, rate, running, by_slot=by_slot):
                if part.seconds > 0:
                    parts = _added(parts, part)
                    end = part if part.rate is rate else Part(part.tariff, rate, part.seconds)
    if end is None:
        version = touched[-1]
        *_, (_, rate) = version.priced(whole, slot_end, is_member=is_member)
        end = Part(version.tariff, rate, 0)
    return parts or [end], end


def _of(
    use: Use,
    booked: Interval | None,
    version: Version,
    within: Interval,
    rate: Rate,
    running: Running,
    *,
    by_slot: bool,
) -> Iterator[Part]:
    """The seconds of `use` in `within`, at its rate and at that of idle time."""
    tariff = version.tariff
    if version.idle is not None and rate.reason is not Reason.OVERRUN:
        busy = ran(use, within, running)
        yield Part(tariff, rate, busy)
        yield Part(tariff, version.idle, occupied(use, within) - busy)
    elif rate.reason is Reason.OVERRUN and (tariff.basis is not Basis.RUNNING or version.idle is not None):
        yield Part(tariff, rate, occupied(use, within))
    else:
        yield Part(tariff, rate, _seconds(use, booked, version, within, running, by_slot=by_slot))


def _seconds(
    use: Use, booked: Interval | None, version: Version, within: Interval, running: Running, *, by_slot: bool = False
) -> int:
    """Seconds of `use` in `within` by the basis of `version`; a use without a reservation is billed as occupied."""
    basis = version.tariff.basis
    if basis is Basis.RUNNING:
        return ran(use, within, running)
    if use.reservation is not None and (basis is Basis.BOOKED or (basis is Basis.LONGER and by_slot)):
        return elapsed(booked, within) if booked else 0
    return occupied(use, within)


def _by_slot(use: Use, booked: Interval | None, touched: Sequence[Version], slot_end: datetime | None) -> bool:
    """Whether the slot is what counts of it: for `LONGER` if it is at least as long as what was occupied.

    Decided once for the whole use, so that a change of tariff within it changes nothing but prices. Use past the slot
    that has a price of its own comes on top and is not counted here.
    """
    if booked is None or not any(version.tariff.basis is Basis.LONGER for version in touched):
        return False
    seconds = occupied(use, use.interval)
    if slot_end is not None and slot_end < use.interval.end:
        past = Interval(max(slot_end, use.interval.start), use.interval.end)
        seconds -= sum(
            occupied(use, over)
            for version in touched
            if version.tariff.overrun_yen_per_hour is not None and (over := version.valid.intersect(past))
        )
    return booked.seconds >= seconds


def _added(parts: list[Part], more: Part) -> list[Part]:
    """The parts with `more` in them: the seconds of one price of one version are one part."""
    for n, part in enumerate(parts):
        if part.rate == more.rate and part.tariff is more.tariff:
            return [*parts[:n], Part(part.tariff, part.rate, part.seconds + more.seconds), *parts[n + 1 :]]
    return [*parts, more]
