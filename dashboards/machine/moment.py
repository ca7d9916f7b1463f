"""What somebody who stands before a machine can do now: one state, one main action, and what else makes sense."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from coop.interval import Interval
from dashboards.today.model import Card

EXTENDS = timedelta(minutes=30)
LATE_MINUTES = (10, 20, 30)

Main: TypeAlias = Literal["leave", "begin", "take", "scan", "nothing"]


@dataclass(frozen=True, slots=True)
class Mine:
    """A reservation of the viewer (or of their member) that is in use, or may begin now."""

    id: UUID
    when: Interval
    in_use: bool
    could_end: datetime


@dataclass(frozen=True, slots=True)
class At:
    """The moment at a machine. `main` is the one big button; `extends` how much longer it could last (at most half an
    hour), and `late` the minutes that one may come late."""

    main: Main
    mine: Mine | None
    extends: timedelta
    late: Sequence[int]


def at(card: Card, mine: Mine | None, now: datetime, *, proven: bool, takes: bool) -> At:
    """What can be done now. `proven`: the viewer has the code at the machine, or needs none."""
    if mine is None:
        main: Main = "take" if takes and card.free_now(now) else "nothing"
        return At(main, None, timedelta(0), ())
    if mine.in_use:
        room = mine.could_end - mine.when.end
        return At("leave", mine, max(timedelta(0), min(EXTENDS, room)), ())
    begins = max(now, mine.when.start)
    late = [each for each in LATE_MINUTES if begins + timedelta(minutes=each) < mine.when.end]
    return At("begin" if proven else "scan", mine, timedelta(0), late)
