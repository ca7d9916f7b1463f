"""The readings that speak for a machine, read from the database in the order and form in which they are folded."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from coop.database import Connection
from coop.queries import load
from telemetry.states.fold import SECOND, Run, number_runs, with_ends
from telemetry.states.model import StateRule
from telemetry.states.rule_row import rule_of
from telemetry.states.segments import EARLIEST, LATEST, Bound, Segment, Source, Speaker, segments
from telemetry.states.signals import OFFLINE

SQL = load("telemetry.states")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSTGRES_EPOCH = 946_684_800 * SECOND  # 2000-01-01
# An array as PostgreSQL sends it (array_send): five integers, then each element's length and bytes, big-endian.
_ARRAY_HEADER_BYTES = 20
_TIMES = np.dtype([("length", ">i4"), ("element", ">i8")])  # microseconds since 2000
_NUMBERS = np.dtype([("length", ">i4"), ("element", ">f8")])


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The time that many microseconds after 1970 UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def bounds_of(conn: Connection, machine_id: str | None = None) -> defaultdict[str, list[Bound]]:
    """Which channels spoke for each machine, or for one, and when."""
    found: defaultdict[str, dict[tuple[int, int], Bound]] = defaultdict(dict)
    rows = conn.execute(SQL["bounds"], {"machine_id": machine_id})
    for machine, binding, device, channel, name, since, until, *corrected, offset in rows:
        bound = found[machine].get((binding, channel)) or Bound(device, channel, name, *_span(since, until))
        if offset is not None:
            correction = (*_span(*corrected), offset * SECOND)
            bound = replace(bound, corrections=(*bound.corrections, correction))
        found[machine][binding, channel] = bound
    return defaultdict(list, {machine: list(bounds.values()) for machine, bounds in found.items()})


def numbers(
    conn: Connection, sources: Iterable[Source], since: int, until: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """True times and values of the numbers from `sources` in true time `[since, until)`, in order."""
    parts = []
    for source in sources:
        if values := _stretch(source, since, until):
            times, said = _packed(conn, values)
            parts.append((times + (_POSTGRES_EPOCH + source.offset), said))
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    at = np.concatenate([times for times, _ in parts])
    value = np.concatenate([said for _, said in parts])
    order = np.argsort(at, kind="stable") if len(parts) > 1 else slice(None)
    return at[order], value[order]


def number_before(conn: Connection, sources: Iterable[Source], since: int, until: int) -> tuple[int, float] | None:
    """True time and value of the last number from `sources` in true time `[since, until)`."""
    found: list[tuple[int, float]] = []
    for source in sources:
        values = _stretch(source, since, until)
        row = conn.execute(SQL["number_before"], values).fetchone() if values else None
        if row is not None:
            found.append((micros(row[0]) + source.offset, row[1]))
    return max(found, default=None)


def number_after(conn: Connection, sources: Iterable[Source], since: int, until: int) -> int | None:
    """True time of the first number from `sources` in true time `[since, until)`."""
    found: list[int] = []
    for source in sources:
        values = _stretch(source, since, until)
        row = conn.execute(SQL["number_after"], values).fetchone() if values else None
        if row is not None:
            found.append(micros(row[0]) + source.offset)
    return min(found, default=None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which readings speak for a machine, and by which rule they are read."""

    segments: list[Segment]

    @classmethod
    def of(cls, conn: Connection, machine_id: str) -> "Evidence":
        """The evidence of a machine as rules, bindings and clock corrections now say."""
        return cls.of_all(conn, machine_id)[machine_id]

    @classmethod
    def of_all(cls, conn: Connection, machine_id: str | None = None) -> "defaultdict[str, Evidence]":
        """The evidence of every machine, or of one."""
        rules: defaultdict[str, list[tuple[int, int, StateRule]]] = defaultdict(list)
        for machine, since, until, *rest in conn.execute(SQL["state_rules"], {"machine_id": machine_id}):
            rules[machine].append((*_span(since, until), rule_of(*rest)))
        bounds = bounds_of(conn, machine_id)
        found = defaultdict(lambda: cls(segments([], [])))
        for machine in {*rules, *bounds}:
            found[machine] = cls(segments(rules[machine], bounds[machine]))
        return found

    def segment_at(self, at: int) -> int:
        """The number of the segment in which a time lies."""
        return bisect_right(self.segments, at, key=lambda each: each.since) - 1

    def extent(self, conn: Connection, since: int) -> tuple[int, int] | None:
        """The true times of the first and last reading at or after `since`."""
        times: list[int] = []
        for segment in self.segments:
            heard = {(each, None) for speaker in segment.speakers for each in speaker.sources}
            ends = {(each, OFFLINE) for speaker in segment.speakers for each in speaker.ends}
            for source, text in heard | ends:
                values = _stretch(source, max(since, segment.since), segment.until)
                row = (
                    conn.execute(SQL["first_and_last_reading"], values | {"text": text}).fetchone() if values else None
                )
                times += [micros(at) + source.offset for at in row or () if at is not None]
        return (min(times), max(times)) if times else None

    def runs(self, conn: Connection, since: int, until: int) -> Iterator[tuple[int, list[list[Run]]]]:
        """The runs of readings in true time `[since, until)`: segment by segment, with its number, those of each of its
        signals in order."""
        for number, segment in enumerate(self.segments):
            if segment.since < until and since < segment.until:
                look = _Look(conn, max(since, segment.since), min(until, segment.until))
                yield number, [look.runs(speaker) for speaker in segment.speakers]


class _Look:
    """One look at a stretch of readings: a channel that two signals are heard from is read once."""

    def __init__(self, conn: Connection, since: int, until: int) -> None:
        self.conn, self.since, self.until = conn, since, until
        self._numbers: dict[tuple[Source, ...], tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = {}

    def runs(self, speaker: Speaker) -> list[Run]:
        """The runs of a speaker, with the ends of its signal among them."""
        ends = sorted(self._times_offline(speaker.ends))
        if speaker.signal.by_words:
            runs = self._words(speaker.sources)
        else:
            if speaker.sources not in self._numbers:
                self._numbers[speaker.sources] = numbers(self.conn, speaker.sources, self.since, self.until)
            runs = number_runs(speaker.signal, *self._numbers[speaker.sources], np.array(ends, np.int64))
        return with_ends(runs, ends) if ends else runs

    def _words(self, sources: tuple[Source, ...]) -> list[Run]:
        runs: list[Run] = []
        for source, values in self._stretches(sources):
            for at, text in self.conn.execute(SQL["words"], values):
                said = micros(at) + source.offset
                runs.append((said, said, text))
        return runs if len(sources) < 2 else sorted(runs, key=lambda run: run[0])

    def _times_offline(self, sources: tuple[Source, ...]) -> list[int]:
        return [
            micros(at) + source.offset
            for source, values in self._stretches(sources)
            for at, text in self.conn.execute(SQL["words"], values)
            if text == OFFLINE
        ]

    def _stretches(self, sources: tuple[Source, ...]) -> list[tuple[Source, dict[str, Any]]]:
        found = [(source, _stretch(source, self.since, self.until)) for source in sources]
        return [(source, values) for source, values in found if values]


def _packed(conn: Connection, values: dict[str, Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    with conn.cursor(binary=True) as cursor:
        times, numbers = cursor.execute(SQL["numbers"], values).fetchone() or (None, None)
    if times is None:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    return (
        np.frombuffer(times, _TIMES, offset=_ARRAY_HEADER_BYTES)["element"].astype(np.int64),
        np.frombuffer(numbers, _NUMBERS, offset=_ARRAY_HEADER_BYTES)["element"].astype(np.float64),
    )


def _span(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    return EARLIEST if since is None else micros(since), LATEST if until is None else micros(until)


def _stretch(source: Source, since: int, until: int) -> dict[str, Any] | None:
    a, b = source.within(since, until)
    if a >= b:
        return None
    return {"channel_id": source.channel_id, "since": moment(max(a, EARLIEST)), "until": moment(max(b, EARLIEST))}
