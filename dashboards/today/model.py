"""The board: which machine can be used now, and when the others are free. What a viewer may not know is not in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from coop.interval import Interval

USUAL = timedelta(hours=1)

BoardState: TypeAlias = Literal["running", "idle", "reserved", "closed", "fault", "unknown"]
SpanKind: TypeAlias = Literal["open", "booked", "mine", "outage", "used", "unknown"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the day's picture: booked is an outline, use is filled, unknown is hatched."""

    kind: SpanKind
    interval: Interval


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose reservation is under way. `name` is None when the viewer may not know; then the board says "taken"."""

    name: str | None
    mine: bool
    until: datetime


@dataclass(frozen=True, slots=True)
class Signal:
    """What the machine itself says now: `running`, `idle`, `fault` or `unknown`, and since when (None: never heard)."""

    state: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A stretch for which the machine is taken, as far as the viewer may know. `outage` is nobody's reservation; `name`
    is then why."""

    interval: Interval
    name: str | None
    mine: bool
    outage: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One machine on the board; `free` is its next free slot, `window` the stretch that its picture shows. `ours`: the
    viewer's member has it today, or will."""

    machine_id: str
    name: str
    kind: str
    site: str
    state: BoardState
    since: datetime | None
    holder: Holder | None
    free: Interval | None
    window: Interval
    spans: Sequence[Span]
    ours: bool = False
    stopped: Claimed | None = None

    def free_now(self, now: datetime) -> bool:
        """Whether somebody could start now: the slot is free and the machine does not run for anybody."""
        return self.free is not None and self.free.contains(now) and self.state in {"idle", "unknown"}

    @property
    def offered(self) -> Interval | None:
        """The slot that one tap takes."""
        return None if self.free is None else usual(self.free)

    @property
    def reserve_href(self) -> str:
        """Where the next free slot can be booked."""
        address = f"/machines/{self.machine_id}/reserve"
        if self.offered is None:
            return address
        return f"{address}?{urlencode({'start': self.offered.start.isoformat(), 'end': self.offered.end.isoformat()})}"

    def place(self, now: datetime) -> tuple[int, datetime | None, str]:
        """Where it stands on the board: ours, then what can be used now, then what is free first."""
        if self.ours:
            return 0, None, self.machine_id
        if self.free_now(now):
            return (1 if self.state == "idle" else 2), None, self.machine_id
        return (3, self.free.start, self.machine_id) if self.free else (4, None, self.machine_id)


@dataclass(frozen=True, slots=True)
class Shown:
    """Which machines somebody wants to see; empty words are all."""

    free_only: bool = False
    kind: str = ""
    site: str = ""

    def has(self, card: Card, now: datetime) -> bool:
        """Whether the machine is one of them."""
        if self.free_only and not card.free_now(now):
            return False
        return self.kind in {"", card.kind} and self.site in {"", card.site}

    @property
    def query(self) -> str:
        """The same as it stands in an address."""
        said = {"show": "free" if self.free_only else "", "kind": self.kind, "site": self.site}
        return urlencode({name: value for name, value in said.items() if value})


@dataclass(frozen=True, slots=True)
class Board:
    """All machines at one moment: ours first, then those that can be used now."""

    now: datetime
    cards: Sequence[Card]

    @property
    def kinds(self) -> list[str]:
        """The kinds of machines there are."""
        return sorted({card.kind for card in self.cards})

    @property
    def sites(self) -> list[str]:
        """The places where they stand."""
        return sorted({card.site for card in self.cards if card.site})

    @property
    def usable_now(self) -> int:
        """Machines that are free now and known to stand still."""
        return sum(card.state == "idle" and card.free_now(self.now) for card in self.cards)

    @property
    def silent(self) -> int:
        """Machines that are free in the book but do not report: perhaps usable, which nobody can promise."""
        return sum(card.state == "unknown" and card.free_now(self.now) for card in self.cards)


def board_state(signal: Signal, under_way: Claimed | None, *, opened: bool) -> BoardState:
    """What the board calls a machine. Running and silence are said first: a reservation does not explain them away.

    A machine that stands still outside its opening hours is closed, not free.
    """
    if under_way is not None and under_way.outage:
        return "fault"
    if signal.state == "fault":
        return "fault"
    if signal.state == "running":
        return "running"
    if signal.state not in {"idle", "off"}:
        return "unknown"
    if under_way is not None:
        return "reserved"
    return "idle" if opened else "closed"


def spans_of(
    window: Interval,
    opened: Iterable[Interval],
    claims: Iterable[Claimed],
    states: Iterable[tuple[str, Interval]],
    now: datetime,
) -> list[Span]:
    """The picture of `window`; what the machine did is only drawn up to `now`."""
    drawn: list[tuple[SpanKind, Interval]] = [("open", each) for each in opened]
    past = Interval(window.start, now) if now > window.start else None
    for state, interval in states:
        seen = interval.intersect(past) if past else None
        if seen and state in {"running", "unknown"}:
            drawn.append(("used" if state == "running" else "unknown", seen))
    drawn += [("outage" if each.outage else "mine" if each.mine else "booked", each.interval) for each in claims]
    return [Span(kind, shown) for kind, interval in drawn if (shown := interval.intersect(window))]


def card(
    machine_id: str,
    name: str,
    *,
    kind: str = "",
    site: str = "",
    now: datetime,
    window: Interval,
    opened: Sequence[Interval],
    claims: Sequence[Claimed],
    signal: Signal,
    states: Sequence[tuple[str, Interval]],
    free: Interval | None,
) -> Card:
    """The card of one machine from what is known of it."""
    under_way = next((each for each in claims if each.interval.contains(now)), None)
    holder = None
    if under_way is not None and not under_way.outage:
        holder = Holder(under_way.name, under_way.mine, under_way.interval.end)
    return Card(
        machine_id=machine_id,
        name=name,
        kind=kind,
        site=site,
        state=board_state(signal, under_way, opened=any(each.contains(now) for each in opened)),
        since=signal.since,
        holder=holder,
        free=free,
        window=window,
        spans=spans_of(window, opened, claims, [*states, *since_then(states, signal, window, now)], now),
        ours=any(each.mine and each.interval.end > now for each in claims),
        stopped=under_way if under_way is not None and under_way.outage else None,
    )


def since_then(
    states: Sequence[tuple[str, Interval]], signal: Signal, window: Interval, now: datetime
) -> Sequence[tuple[str, Interval]]:
    """What the signal says of the time since the last stored evidence; of a machine never heard, since the morning."""
    start = states[-1][1].end if states else signal.since or window.start
    return [(signal.state, Interval(start, now))] if start < now else []


def usual(stretch: Interval) -> Interval:
    """What the pages offer of a longer free stretch; the reader changes it."""
    return Interval(stretch.start, min(stretch.end, stretch.start + USUAL))
