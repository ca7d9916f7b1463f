"""A small picture of what a machine reported during one use: drawn from frozen readings, as SVG."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from billing.model import StateInterval
from coop.interval import Interval, merge

WIDTH, HEIGHT = 132.0, 26.0
MOST_POINTS = 66  # one in half a millimetre of paper
SHORTEST_AXIS = timedelta(hours=4)
_TOP, _FLOOR, _BAR = 2.0, 21.0, 3.0
_MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Trace:
    """The highest value of each minute with a reading, in order: minutes since 1970, and values."""

    minutes: NDArray[np.int64]
    values: NDArray[np.float64]

    def within(self, interval: Interval) -> list[tuple[float, float]]:
        """Minutes and values that lie in a time."""
        start, end = (moment.timestamp() / 60 for moment in (interval.start, interval.end))
        first, last = np.searchsorted(self.minutes, [start, end])
        return list(zip(self.minutes[first:last].tolist(), self.values[first:last].tolist(), strict=True))


def trace_of(series: Sequence[Mapping[str, Any]]) -> Trace | None:
    """The trace of a machine's frozen readings: its power, or else the first channel that says numbers."""
    numeric = [each for each in series if any(isinstance(value, int | float) for value in each["value"])]
    if not numeric:
        return None
    shown = next((each for each in numeric if "power" in each["channel"]), numeric[0])
    known = [index for index, value in enumerate(shown["value"]) if isinstance(value, int | float)]
    true_us = np.array(shown["at_us"], dtype=np.int64) + np.array(shown["offset_seconds"], dtype=np.int64) * 1_000_000
    minutes, values = true_us[known] // _MINUTE_US, np.array([shown["value"][index] for index in known], dtype=float)
    order = np.lexsort((values, minutes))
    minutes, values = minutes[order], values[order]
    last = np.append(minutes[1:] != minutes[:-1], [True])
    return Trace(minutes[last], values[last])


def axis(times: Iterable[Interval], zone: ZoneInfo) -> Interval:
    """The whole local hours around all of `times`, four at least."""
    whole = merge(times, gap=timedelta.max)[0]
    local = whole.start.astimezone(zone)
    start = whole.start - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    hours = -(-(whole.end - start) // timedelta(hours=1))
    return Interval.of(start, max(timedelta(hours=hours), SHORTEST_AXIS))


def picture(
    shown: Interval,
    slot: Interval | None,
    used: Sequence[Interval],
    states: Iterable[StateInterval],
    trace: Trace | None,
) -> str:
    """The use on the axis `shown`: the slot as a band, readings as a line, running (dark) and idle (pale) below.

    Nothing outside `used` is drawn: what the machine did then is others' business.
    """
    scale = WIDTH / (shown.end - shown.start).total_seconds()

    def place(moment: datetime) -> float:
        return round((moment - shown.start).total_seconds() * scale, 2)

    def bar(interval: Interval, top: float, height: float, colour: str) -> str:
        left = place(interval.start)
        width = max(round(place(interval.end) - left, 2), 0.3)
        return f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{colour}"/>'

    drawn = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#f6f8fa"/>']
    if slot is not None:
        drawn.append(bar(slot, 0, HEIGHT, "#dfe9f3"))
    highest = max((value for each in used for _, value in (trace.within(each) if trace else ())), default=0.0)
    for each in used:
        points = trace.within(each) if trace else []
        if points and highest > 0:
            drawn.append(_line(points, highest, place, each))
        drawn.append(bar(each, _FLOOR + 1, _BAR, "#a9b8c6"))
        for state in states:
            seen = state.interval.intersect(each)
            if state.state == "running" and seen:
                drawn.append(bar(seen, _FLOOR + 1, _BAR, "#1f4e79"))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}">{"".join(drawn)}</svg>'


def _line(points: Sequence[tuple[float, float]], highest: float, place: Any, within: Interval) -> str:
    """A value holds until the next one; of values that would be drawn on each other the highest is."""
    path = ""
    together = -(-len(points) // MOST_POINTS)
    for first in range(0, len(points), together):
        minute, value = points[first][0], max(each for _, each in points[first : first + together])
        x = place(max(datetime.fromtimestamp(minute * 60, UTC), within.start))
        y = round(_FLOOR - (_FLOOR - _TOP) * max(value, 0.0) / highest, 2)
        path += f"H{x}V{y}" if path else f"M{x} {y}"
    path += f"H{place(within.end)}"
    return f'<path d="{path}" fill="none" stroke="#2c6ea6" stroke-width="0.8"/>'
