"""The lines of the timeline: what a viewer may know of each machine's time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from booking.search.timeline import Taken
from coop.identity import Role, Viewer
from coop.interval import Interval, merge, subtract
from coop.machines import Machine
from dashboards.timeline.axis import Scale

BarKind: TypeAlias = Literal["booked", "ours", "mine", "outage"]

GRAIN = {Scale.DAY: timedelta(minutes=1), Scale.WEEK: timedelta(minutes=6), Scale.MONTH: timedelta(minutes=30)}
"""What is shorter than this cannot be seen: use with shorter breaks is drawn as one."""

MAY_CHANGE_FOR_OTHERS = (Role.MEMBER_MANAGER, Role.OPERATOR, Role.OFFICE)


@dataclass(frozen=True, slots=True)
class Bar:
    """A time for which a machine is taken. Without `id` it is somebody else's, or an outage: taken, and that is all.

    `version` is what a change names; None where the viewer may not change it.
    """

    kind: BarKind
    when: Interval
    id: UUID | None = None
    version: int | None = None
    holder: str = ""
    outage: str = ""
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Did:
    """What the signal of a machine said: when it ran, and when nothing is known."""

    used: Sequence[Interval] = ()
    unknown: Sequence[Interval] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One machine: when it is open, what it did, what takes it; slots begin and end on its grid."""

    machine: Machine
    grid_minutes: int
    opened: Sequence[Interval]
    did: Did
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which machines are shown: of a kind, at a site, with a probe. Empty: whichever."""

    kind: str = ""
    site: str = ""
    can: str = ""

    def fits(self, machine: Machine) -> bool:
        """Whether this machine is shown."""
        return (
            machine.in_service
            and self.kind in {"", machine.kind}
            and self.site in {"", machine.site}
            and (not self.can or self.can in machine.probe_types)
        )


def bar(viewer: Viewer, taken: Taken, now: datetime) -> Bar:
    """`taken` as it is drawn; what is over is not changed by drawing."""
    if taken.outage:
        return Bar("outage", taken.when, outage=taken.outage)
    if taken.id is None:
        return Bar("booked", taken.when)
    own_member = taken.member_name is not None and viewer.member_id is not None and not _sees_all(viewer)
    kind: BarKind = "mine" if taken.mine else "ours" if own_member else "booked"
    changes = taken.mine or viewer.has(*MAY_CHANGE_FOR_OTHERS)
    return Bar(
        kind,
        taken.when,
        taken.id,
        taken.version if changes and taken.when.end > now else None,
        " · ".join(filter(None, (taken.person_name if own_member else taken.member_name, None))),
        asked=taken.status == "pending",
    )


def did(
    running: Iterable[Interval], heard: Iterable[Interval], window: Interval, now: datetime, grain: timedelta
) -> Did:
    """What is drawn of a signal until `now`: without word from the machine it is unknown what it did."""
    if now <= window.start:
        return Did()
    past = Interval(window.start, min(now, window.end))
    used = [seen for each in merge(running, grain) if (seen := each.intersect(past))]
    silent = [each for each in subtract(past, merge(heard, grain)) if each.end - each.start >= grain]
    return Did(used, silent)


def _sees_all(viewer: Viewer) -> bool:
    return viewer.has(Role.OFFICE, Role.OPERATOR, Role.DIRECTOR, Role.AUDITOR)
