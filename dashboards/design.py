"""The page that documents the design, drawn with its own parts on invented machines, one for each state."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from coop import register
from coop.door import Entrance
from coop.interval import Interval, local_midnight
from dashboards.shell import page
from dashboards.today.model import Card, Claimed, Signal, card

router = APIRouter(include_in_schema=False)


@router.get("/design")
def design_page(door: Entrance) -> HTMLResponse:
    """The design system, drawn with its own parts."""
    zone = door.run(register.cooperative).time_zone
    now = sample_now(door.now, zone)
    return page(door, "design.html", zone=zone, cards=sample_cards(door.now, zone), now=now, books=True, takes=True)


def sample_cards(now: datetime, zone: ZoneInfo) -> list[Card]:
    """A card for each state, at 13:20 of `now`'s day."""
    midnight = local_midnight(now.astimezone(zone).date(), zone)

    def between(start: float, end: float) -> Interval:
        return Interval(midnight + timedelta(hours=start), midnight + timedelta(hours=end))

    at = sample_now(now, zone)
    opened = [between(8, 20)]
    running, idle, silent = Signal("running", at - timedelta(minutes=20)), Signal("idle", at), Signal("unknown", None)
    morning = [("running", between(9.2, 10.8)), ("running", between(11, 11.6))]
    rows: list[tuple[str, Signal, list[Claimed], list[tuple[str, Interval]], Interval | None]] = [
        (
            "CMM-1",
            running,
            [_taken(between(9, 12)), _taken(between(13, 15), mine=True)],
            [*morning, ("running", between(13, 14))],
            between(15, 17),
        ),
        ("CMM-2", idle, [_taken(between(9, 12))], morning, between(12, 20)),
        ("CT-1", idle, [_taken(between(13, 16))], [], between(16, 20)),
        ("RA-1", idle, [Claimed(between(8, 20), None, mine=False, outage=True)], [], between(32, 36)),
        ("HV-1", silent, [_taken(between(15, 17))], [("unknown", between(8, 14))], between(12, 15)),
    ]
    return [
        card(
            name.lower(),
            name,
            now=at,
            window=between(8, 20),
            opened=opened,
            claims=claims,
            signal=signal,
            states=states,
            free=free,
        )
        for name, signal, claims, states, free in rows
    ]


def sample_now(now: datetime, zone: ZoneInfo) -> datetime:
    """13:20 of `now`'s day."""
    return local_midnight(now.astimezone(zone).date(), zone) + timedelta(hours=13, minutes=20)


def _taken(interval: Interval, *, mine: bool = False) -> Claimed:
    return Claimed(interval, None, mine)
