"""Whether a machine may be booked for a slot: every reason against it, at once, and what should be considered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from booking.model import Denial, Terms
from booking.rules.quota import Quota
from booking.training.qualification import INSTRUCTS_FROM, Qualification
from coop.errors import Invalid
from coop.interval import Interval, local_midnight

TEMPERATURE_COUNTS = timedelta(hours=2)
"""How long the last temperature of a room says something about slots to come."""

NEVER_CALIBRATED = datetime(2000, 1, 1, tzinfo=UTC)


class SlotDenied(Invalid):
    """The rules of the machine do not allow this slot; `reasons` of the problem document names each of them."""

    code = "booking.denied"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of whom a slot is for. `nonmember_use` is the gauge: percent now, to warn at, to deny at."""

    is_member: bool = True
    has_priority: bool = False
    nonmember_use: tuple[Decimal, Decimal, Decimal] | None = None
    quotas: tuple[Quota, ...] = ()
    qualification: Qualification | None = None
    instructor: Qualification | None = None
    instructor_is_free: bool = True
    instructors: tuple[str, ...] = ()
    soaks_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """May `wanted` be booked under `terms`? `held` is the slot a reservation is moved from.

    The office records afterwards what was agreed on the telephone: `records_past` lifts the rules about the past.
    `alone`: the person works by themselves, so that their qualification counts. `opened` is when the machine is open,
    where whoever asks about many slots knows it already.
    """

    wanted: Interval
    terms: Terms
    now: datetime
    held: Interval | None = None
    records_past: bool = False
    alone: bool = True
    facts: Facts = Facts()
    opened: Sequence[Interval] | None = None


Rule = Callable[[Question], Sequence[Denial]]


def consider(question: Question) -> list[Denial]:
    """All that the rules say about the slot, in their order: what denies it and what only warns."""
    return [said for rule in RULES for said in rule(question)]


def judge(question: Question) -> list[Denial]:
    """All reasons against the slot, in the order of the rules; none means that the rules allow it."""
    return [said for said in consider(question) if not said.warns]


def earliest_start(terms: Terms, now: datetime) -> datetime:
    """The first start that can be booked: with notice, else the grid line at or before `now`, so that who comes in may
    begin; and not while the room is known to be too warm or too cold."""
    notice = terms.conditions.notice_minutes
    first = on_grid_after(terms, now + timedelta(minutes=notice)) if notice else on_grid_before(terms, now)
    fitness = terms.fitness
    if terms.conditions.temperature_denies and fitness.celsius_at and _outside_limits(terms):
        return max(first, on_grid_after(terms, fitness.celsius_at + TEMPERATURE_COUNTS))
    return first


def latest_end(terms: Terms, now: datetime) -> datetime:
    """Until when the machine can be booked: the end of the horizon, or of its calibration where one is asked for."""
    horizon = _horizon_end(terms, terms.horizon_days, now)
    return min(horizon, _calibration_end(terms)) if terms.conditions.calibration_required else horizon


def fit(terms: Terms) -> bool:
    """Whether the machine may be booked at all: in service, and no daily check failed."""
    return terms.in_service and terms.fitness.failed_at is None


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
    earliest = on_grid_before(question.terms, question.now)
    held, wanted = question.held, question.wanted
    if held is not None and held.start < earliest:
        if held.end <= question.now:
            return (Denial("booking.is_over"),)
        if wanted.start != held.start:
            return (Denial("booking.has_begun"),)
        return (Denial("booking.in_the_past"),) if wanted.end <= question.now else ()
    return (Denial("booking.in_the_past"),) if wanted.start < earliest else ()


def _with_notice(question: Question) -> Sequence[Denial]:
    notice = timedelta(minutes=question.terms.conditions.notice_minutes)
    past = question.wanted.start < on_grid_before(question.terms, question.now)
    kept = question.held is not None and question.held.start == question.wanted.start
    if not notice or past or kept or question.wanted.start >= question.now + notice:
        return ()
    return (Denial("booking.notice_too_short", {"minutes": question.terms.conditions.notice_minutes}),)


def _gives_back_in_time(question: Question) -> Sequence[Denial]:
    """A move that gives up time obeys the deadline of a cancellation."""
    held = question.held
    if held is None or question.records_past or question.wanted.covers(held):
        return ()
    deadline = cancel_until(question.terms, held)
    if not question.terms.conditions.cancel_minutes or not deadline < question.now < held.start:
        return ()
    return (Denial("booking.gives_back_too_late", {"until": _local(question.terms, deadline)}),)


def cancel_until(terms: Terms, held: Interval) -> datetime:
    """Until when the slot `held` may be given back."""
    return held.start - timedelta(minutes=terms.conditions.cancel_minutes)


def _within_horizon(question: Question) -> Sequence[Denial]:
    days = horizon_days(question.terms, question.facts)
    if question.wanted.end <= _horizon_end(question.terms, days, question.now):
        return ()
    return (Denial("booking.beyond_horizon", {"days": days}),)


def horizon_days(terms: Terms, facts: Facts) -> int:
    """How many days ahead this holder may book: owners and committed members earlier, non-members later."""
    conditions = terms.conditions
    if not facts.is_member:
        return conditions.nonmember_horizon_days or terms.horizon_days
    if facts.has_priority:
        return max(terms.horizon_days, conditions.priority_horizon_days or 0)
    return terms.horizon_days


def _horizon_end(terms: Terms, days: int, now: datetime) -> datetime:
    last_day = now.astimezone(terms.zone).date() + timedelta(days=days)
    return local_midnight(last_day + timedelta(days=1), terms.zone)


def _open(question: Question) -> Sequence[Denial]:
    terms, wanted, opened = question.terms, question.wanted, question.opened
    if opened is None:
        opened = terms.calendar.open_intervals(wanted)
    if any(each.covers(wanted) for each in opened):
        return ()
    return (Denial("booking.outside_opening_hours", {"open": _open_that_day(terms, wanted.start)}),)


def _open_that_day(terms: Terms, moment: datetime) -> str:
    """`08:30–12:00, 13:00–17:15` in local time, or `-`."""
    day = terms.calendar.day(moment.astimezone(terms.zone).date())
    opened = terms.calendar.open_intervals(day)
    return ", ".join(f"{_clock(terms, each.start)}–{_closing(terms, each.end, day)}" for each in opened) or "-"


def _closing(terms: Terms, moment: datetime, day: Interval) -> str:
    return "24:00" if moment == day.end else _clock(terms, moment)


def _clock(terms: Terms, moment: datetime) -> str:
    return f"{moment.astimezone(terms.zone):%H:%M}"


def _local(terms: Terms, moment: datetime) -> str:
    return f"{moment.astimezone(terms.zone):%Y-%m-%d %H:%M}"


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


def _within_quotas(question: Question) -> Sequence[Denial]:
    return [
        Denial(f"booking.{each.counted}_quota_{each.span}", {"most": each.most, "left": max(0, each.most - each.used)})
        for each in question.facts.quotas
        if each.left_after(question.wanted, question.now) < 0
    ]


def _members_first(question: Question) -> Sequence[Denial]:
    if question.facts.is_member:
        return ()
    if not question.terms.conditions.nonmembers_allowed:
        return (Denial("booking.members_only"),)
    if question.facts.nonmember_use is None:
        return ()
    percent, warn, deny = question.facts.nonmember_use
    said: dict[str, int | str] = {"percent": str(percent), "limit": str(deny)}
    if percent >= deny:
        return (Denial("booking.nonmember_limit_reached", said),)
    return (Denial("booking.nonmember_limit_near", said, warns=True),) if percent >= warn else ()


def _calibrated(question: Question) -> Sequence[Denial]:
    terms = question.terms
    if not terms.conditions.calibration_required or question.wanted.end <= _calibration_end(terms):
        return ()
    return (Denial("booking.calibration_ends", {"until": str(terms.fitness.calibrated_until or "-")}),)


def _calibration_end(terms: Terms) -> datetime:
    last = terms.fitness.calibrated_until
    return local_midnight(last + timedelta(days=1), terms.zone) if last else NEVER_CALIBRATED


def _checked(question: Question) -> Sequence[Denial]:
    terms, failed = question.terms, question.terms.fitness.failed_at
    if failed is not None:
        return (Denial("booking.check_failed", {"at": _local(terms, failed)}),)
    if not terms.conditions.daily_check_required:
        return ()
    today = terms.calendar.day(question.now.astimezone(terms.zone).date())
    passed = terms.fitness.passed_at
    if not question.wanted.overlaps(today) or (passed is not None and passed >= today.start):
        return ()
    return (Denial("booking.check_missing", warns=True),)


def _room(question: Question) -> Sequence[Denial]:
    terms = question.terms
    conditions, fitness = terms.conditions, terms.fitness
    if fitness.celsius_at is None or not _outside_limits(terms):
        return ()
    if question.wanted.start >= fitness.celsius_at + TEMPERATURE_COUNTS or question.wanted.end <= question.now:
        return ()
    said: dict[str, int | str] = {
        "celsius": str(fitness.celsius),
        "coldest": str(conditions.coldest_celsius if conditions.coldest_celsius is not None else "-"),
        "warmest": str(conditions.warmest_celsius if conditions.warmest_celsius is not None else "-"),
    }
    return (Denial("booking.room_temperature", said, warns=not conditions.temperature_denies),)


def _outside_limits(terms: Terms) -> bool:
    celsius, coldest, warmest = (
        terms.fitness.celsius,
        terms.conditions.coldest_celsius,
        terms.conditions.warmest_celsius,
    )
    if celsius is None:
        return False
    return (coldest is not None and celsius < coldest) or (warmest is not None and celsius > warmest)


def _soaked(question: Question) -> Sequence[Denial]:
    conditions, soaks_from = question.terms.conditions, question.facts.soaks_from
    bring_by = question.wanted.start - timedelta(minutes=conditions.soak_minutes)
    if not conditions.soak_minutes or (soaks_from is not None and soaks_from <= bring_by):
        return ()
    said: dict[str, int | str] = {"minutes": conditions.soak_minutes, "bring_by": _local(question.terms, bring_by)}
    return (Denial("booking.soak_too_short", said, warns=not conditions.soak_denies),)


def _qualified(question: Question) -> Sequence[Denial]:
    terms, facts, wanted = question.terms, question.facts, question.wanted
    needed, supervised = terms.conditions.required_level, terms.conditions.supervised_level
    if not question.alone or not needed:
        return ()
    own = facts.qualification
    level = own.level_during(wanted) if own else 0
    if level >= needed:
        return ()
    said: dict[str, int | str] = {"kind": terms.kind, "level": needed}
    if supervised is not None and level >= supervised:
        return _instructed(question, said)
    if own is not None and own.level >= needed:
        ends_at = own.ends_at()
        code = "booking.qualification_lapsed" if own.lapsed(wanted) else "booking.qualification_expires"
        return (Denial(code, said | {"until": _local(terms, ends_at) if ends_at else "-"}),)
    return (Denial("booking.qualification_missing", said),)


def _instructed(question: Question, said: dict[str, int | str]) -> Sequence[Denial]:
    """A trainee needs an instructor who is qualified for all of the slot and instructs nobody else then."""
    facts = question.facts
    said = said | {"instructors": ", ".join(facts.instructors) or "-"}
    if facts.instructor is None or facts.instructor.level_during(question.wanted) < INSTRUCTS_FROM:
        return (Denial("booking.instructor_needed", said),)
    return () if facts.instructor_is_free else (Denial("booking.instructor_taken", said),)


RULES: tuple[Rule, ...] = (
    _in_service,
    _not_in_the_past,
    _with_notice,
    _gives_back_in_time,
    _within_horizon,
    _open,
    _on_grid,
    _long_enough,
    _short_enough,
    _within_quotas,
    _members_first,
    _qualified,
    _calibrated,
    _checked,
    _room,
    _soaked,
)
