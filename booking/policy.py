"""Whether a machine may be booked for a slot: every reason against it, at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from booking.model import Terms
from coop.errors import Invalid
from coop.interval import Interval, local_midnight
from coop.machines import OpeningHours, open_intervals


class SlotDenied(Invalid):
    """The rules of the machine do not allow this slot; `reasons` of the problem document names each of them."""

    code = "booking.denied"


@dataclass(frozen=True, slots=True)
class Denial:
    """One reason against a slot: a stable code and what would be allowed."""

    code: str
    params: dict[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """May `wanted` be booked under `terms`? `held` is the slot a reservation is moved from.

    The office records afterwards what was agreed on the telephone: `records_past` lifts the rules about the past.
    """

    wanted: Interval
    terms: Terms
    now: datetime
    held: Interval | None = None
    records_past: bool = False


def judge(question: Question) -> list[Denial]:
    """All reasons against the slot, in the order of the rules; none means that the rules allow it."""
    return [denial for rule in RULES for denial in rule(question)]


def earliest_start(terms: Terms, now: datetime) -> datetime:
    """The first start that is not in the past: the grid line at or before `now`, so that who comes in may begin."""
    return on_grid_before(terms, now)


def latest_end(terms: Terms, now: datetime) -> datetime:
    """Until when the machine can be booked: the end of the local day `horizon_days` ahead."""
    last_day = now.astimezone(terms.zone).date() + timedelta(days=terms.horizon_days)
    return local_midnight(last_day + timedelta(days=1), terms.zone)


def on_grid_before(terms: Terms, moment: datetime) -> datetime:
    """The grid line at or before `moment`: whole granules from the local full hour."""
    return moment - _past_grid(terms, moment)


def on_grid_after(terms: Terms, moment: datetime) -> datetime:
    """The grid line at or after `moment`."""
    past = _past_grid(terms, moment)
    return moment + timedelta(minutes=terms.granularity_minutes) - past if past else moment


def _past_grid(terms: Terms, moment: datetime) -> timedelta:
    local = moment.astimezone(terms.zone)
    return timedelta(
        minutes=local.minute % terms.granularity_minutes, seconds=local.second, microseconds=local.microsecond
    )


def _in_service(question: Question) -> Sequence[Denial]:
    return () if question.terms.in_service else (Denial("booking.out_of_service"),)


def _not_in_the_past(question: Question) -> Sequence[Denial]:
    if question.records_past:
        return ()
    earliest = earliest_start(question.terms, question.now)
    held, wanted = question.held, question.wanted
    if held is not None and held.start < earliest:
        if held.end <= question.now:
            return (Denial("booking.is_over"),)
        if wanted.start != held.start:
            return (Denial("booking.has_begun"),)
        return (Denial("booking.in_the_past"),) if wanted.end <= question.now else ()
    return (Denial("booking.in_the_past"),) if wanted.start < earliest else ()


def _within_horizon(question: Question) -> Sequence[Denial]:
    terms = question.terms
    if question.wanted.end <= latest_end(terms, question.now):
        return ()
    return (Denial("booking.beyond_horizon", {"days": terms.horizon_days}),)


def _open(question: Question) -> Sequence[Denial]:
    terms, wanted = question.terms, question.wanted
    if wanted in open_intervals(terms.hours, wanted, terms.zone):
        return ()
    return (Denial("booking.outside_opening_hours", {"open": _open_that_day(terms, wanted.start)}),)


def _open_that_day(terms: Terms, moment: datetime) -> str:
    """`08:30–12:00, 13:00–17:15` in local time, or `-`."""
    day = moment.astimezone(terms.zone).date()
    weekly = [
        each
        for each in terms.hours
        if each.iso_weekday == day.isoweekday()
        and each.valid_from <= day
        and (each.valid_until is None or day < each.valid_until)
    ]
    return ", ".join(f"{each.opens:%H:%M}–{_closing(each)}" for each in weekly) or "-"


def _closing(hours: OpeningHours) -> str:
    return "24:00" if hours.closes == time.max else f"{hours.closes:%H:%M}"


def _on_grid(question: Question) -> Sequence[Denial]:
    terms, wanted = question.terms, question.wanted
    if not _past_grid(terms, wanted.start) and not _past_grid(terms, wanted.end):
        return ()
    return (Denial("booking.off_grid", {"minutes": terms.granularity_minutes}),)


def _long_enough(question: Question) -> Sequence[Denial]:
    shortest = question.terms.shortest_minutes
    return (Denial("booking.too_short", {"minutes": shortest}),) if question.wanted.seconds < shortest * 60 else ()


def _short_enough(question: Question) -> Sequence[Denial]:
    longest = question.terms.longest_minutes
    return (Denial("booking.too_long", {"minutes": longest}),) if question.wanted.seconds > longest * 60 else ()


RULES: tuple[Callable[[Question], Sequence[Denial]], ...] = (
    _in_service,
    _not_in_the_past,
    _within_horizon,
    _open,
    _on_grid,
    _long_enough,
    _short_enough,
)
